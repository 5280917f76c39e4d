"""Finding things by what several of them may have in common."""

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Index"]

K = TypeVar("K")
T = TypeVar("T")


class Index(Generic[K, T]):
    """Things by a key. Of several with one key, which later data may bring, the least id is found.

    So what is found follows from what there is, whoever came first, or has come and gone.
    """

    def __init__(self, identify: Callable[[T], bytes]) -> None:
        self._identify = identify
        self._found: dict[K, T] = {}
        self._behind: dict[K, list[T]] = {}

    def get(self, key: K) -> T | None:
        """Return what is found by a key, if anything is."""
        return self._found.get(key)

    def add(self, key: K, thing: T) -> None:
        """Let something have a key."""
        first = self._found.setdefault(key, thing)
        if first is not thing:
            self._found[key], behind = sorted((first, thing), key=self._identify)
            self._behind.setdefault(key, []).append(behind)

    def remove(self, key: K, thing: T) -> None:
        """Let something that has a key have it no longer."""
        behind = self._behind.get(key)
        if behind is None:
            del self._found[key]
            return
        if self._found[key] is thing:
            self._found[key] = thing = min(behind, key=self._identify)
        behind.remove(thing)
        if not behind:
            del self._behind[key]
