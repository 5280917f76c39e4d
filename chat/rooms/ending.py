"""Entries that end at some time, such as bans and invitations, in groups, ordered by their end.

So valid ones can be counted, and ended ones found, without looking at the rest.
"""

from bisect import bisect_left, bisect_right, insort
from typing import Any, Final, Generic, NamedTuple, TypeVar

from chat.limits import SEQ_MAX

__all__ = ["ENDED_AT_ONCE", "Ending"]

G = TypeVar("G")
K = TypeVar("K")

ENDED_AT_ONCE: Final = 4
"""Most that `Ending.ended` returns. Whoever adds one removes so many, so they cannot pile up."""


class _End(NamedTuple):
    until: int
    name: str
    fields: tuple[Any, ...]
    """With the name, a total order of keys with the same end."""
    key: Any


class Ending(Generic[G, K]):
    """Keys of entries that end, in groups. An end of 0 means never."""

    def __init__(self) -> None:
        self._ends: dict[G, list[_End]] = {}

    def add(self, group: G, key: K, until: int) -> None:
        """Add a key."""
        insort(self._ends.setdefault(group, []), _end(key, until))

    def remove(self, group: G, key: K, until: int) -> None:
        """Remove a key that was added with the same `until`."""
        ends = self._ends[group]
        del ends[bisect_left(ends, _end(key, until))]
        if not ends:
            del self._ends[group]

    def of(self, group: G, most: int | None = None) -> list[K]:
        """Return the keys in a group (at most `most`), in the order in which they end."""
        return [end.key for end in self._ends.get(group, [])[:most]]

    def count(self, group: G, now: int) -> int:
        """Return how many keys in a group have not ended at `now`."""
        ends = self._ends.get(group, [])
        return len(ends) - bisect_right(ends, now, key=_until)

    def ended(self, group: G, now: int) -> list[K]:
        """Return some keys in a group that have ended at `now`, the earliest first."""
        some = self._ends.get(group, [])[:ENDED_AT_ONCE]
        return [end.key for end in some if end.until <= now]


def _end(key: Any, until: int) -> _End:
    fields = tuple(getattr(key, name) for name in key.__slots__)
    return _End(until or SEQ_MAX, type(key).__name__, fields, key)


def _until(end: _End) -> int:
    return end.until
