"""A stretch of a log of which everything was fetched."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final

__all__ = ["Segment"]

_STEP: Final = 64
"""Messages that are dropped at once, because to drop one moves the numbers of all others: 40 µs
at 100,000 messages."""


class Segment:
    """The numbers of the messages in a stretch of a log, ascending, at both ends of which it grows.

    `begin`: every record from this number on is in it, up to its end; `is_whole`: there is none
    before.
    """

    def __init__(self, begin: int, *, is_whole: bool, numbers: Sequence[int] = ()) -> None:
        self.begin = begin
        self.end = begin - 1
        """Every record up to this number is in it; of no meaning for the stretch that new records
        come to."""
        self.is_whole = is_whole
        self.numbers = list(numbers)

    def __len__(self) -> int:
        """Return how many messages it has."""
        return len(self.numbers)

    def __contains__(self, seq: int) -> bool:
        """Return whether it has the message with this number."""
        at = bisect_left(self.numbers, seq)
        return at < len(self.numbers) and self.numbers[at] == seq

    def add(self, seq: int) -> None:
        """Add a message, mostly at the end."""
        if self.numbers and seq <= self.numbers[-1]:
            if seq not in self:
                insort(self.numbers, seq)
        else:
            self.numbers.append(seq)

    def prepend(self, numbers: Sequence[int]) -> None:
        """Add messages, all before those that it has."""
        self.numbers[0:0] = numbers

    def since(self, seq: int) -> Sequence[int]:
        """Return the messages from a number on."""
        return self.numbers[bisect_left(self.numbers, seq) :]

    def drop_first(self, most: int) -> Sequence[int]:
        """Drop the first messages if there are more than `most`, by some; return which."""
        if len(self.numbers) <= most:
            return ()
        count = len(self.numbers) - most
        count += min(_STEP, most // 8)
        dropped = self.numbers[:count]
        del self.numbers[:count]
        self.begin = dropped[-1] + 1
        self.is_whole = False
        return dropped

    def drop_last(self, most: int) -> Sequence[int]:
        """Drop the last messages if there are more than `most`; return which."""
        if len(self.numbers) <= most:
            return ()
        dropped = self.numbers[most:]
        del self.numbers[most:]
        self.end = dropped[0] - 1
        return dropped

    def split(self, keep: int) -> "Segment":
        """Take the last `keep` messages into a segment of their own, and return it."""
        last = self.numbers[len(self.numbers) - keep :] if keep else []
        del self.numbers[len(self.numbers) - len(last) :]
        begin = last[0] if last else self.begin
        other = Segment(begin, is_whole=False, numbers=last)
        self.end = begin - 1
        return other
