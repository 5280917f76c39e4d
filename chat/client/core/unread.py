"""Which messages are unread: their numbers, so that a marker can move to any of them."""

from array import array
from bisect import bisect_left, bisect_right
from typing import Final

__all__ = ["Unread"]

_KEPT: Final = 100_000
"""Numbers that are remembered; earlier ones are only counted. 8 bytes each."""


class Unread:
    """The messages of a log behind the read marker. All operations take O(log n) or O(1)."""

    def __init__(self) -> None:
        self._numbers = array("q")
        """Ascending."""
        self._mentions: list[int] = []
        """Those of them that are about the user; likewise."""
        self._earlier = 0
        """How many more there are, of which the numbers are not known."""
        self._border = 0
        """No number of those is higher."""

    @property
    def count(self) -> int:
        """How many messages are unread; about, where some were not fetched."""
        return self._earlier + len(self._numbers)

    @property
    def mentions(self) -> int:
        """How many of them are about the user, as far as that is known."""
        return len(self._mentions)

    def add(self, seq: int, *, is_mention: bool) -> None:
        """Add a message; its number is higher than all before."""
        self._numbers.append(seq)
        if is_mention:
            self._mentions.append(seq)
        if len(self._numbers) > 2 * _KEPT:
            self._count_only(_KEPT)

    def remove(self, seq: int) -> None:
        """Remove one message, if its number is remembered."""
        _remove(self._numbers, seq)
        _remove(self._mentions, seq)

    def skip(self, count: int, seq: int) -> None:
        """Add about so many messages that are not fetched, up to a number."""
        self._count_only(len(self._numbers))
        self._earlier += count
        self._border = seq

    def read(self, seq: int) -> None:
        """Remove everything up to a number."""
        self._earlier = min(self._earlier, max(self._border - seq, 0))
        del self._numbers[: bisect_right(self._numbers, seq)]
        del self._mentions[: bisect_right(self._mentions, seq)]

    def _count_only(self, count: int) -> None:
        """Forget the first numbers."""
        if count:
            self._earlier += count
            self._border = self._numbers[count - 1]
            del self._numbers[:count]


def _remove(numbers: "array[int] | list[int]", seq: int) -> None:
    at = bisect_left(numbers, seq)
    if at < len(numbers) and numbers[at] == seq:
        del numbers[at]
