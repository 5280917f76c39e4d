"""An index whose keys need not be unique."""

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Index"]

K = TypeVar("K")
T = TypeVar("T")


class Index(Generic[K, T]):
    """Things by key. If several share a key, as later data may cause, `get` finds the least id.

    So the result depends only on the contents, not on the order of additions and removals.
    """

    def __init__(self, identify: Callable[[T], bytes]) -> None:
        self._identify = identify
        self._found: dict[K, T] = {}
        self._behind: dict[K, list[T]] = {}

    def get(self, key: K) -> T | None:
        """Return the thing with the least id under a key, if there is one."""
        return self._found.get(key)

    def add(self, key: K, thing: T) -> None:
        """Add a thing under a key."""
        first = self._found.setdefault(key, thing)
        if first is not thing:
            self._found[key], behind = sorted((first, thing), key=self._identify)
            self._behind.setdefault(key, []).append(behind)

    def remove(self, key: K, thing: T) -> None:
        """Remove a thing, which must be there, from a key."""
        behind = self._behind.get(key)
        if behind is None:
            del self._found[key]
            return
        if self._found[key] is thing:
            self._found[key] = thing = min(behind, key=self._identify)
        behind.remove(thing)
        if not behind:
            del self._behind[key]
