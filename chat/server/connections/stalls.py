"""Detects peers that do not take what is written to them.

A full transport says little: the kernel takes more only once much of its own buffer is free, and a
peer on a slow line may need minutes for that. So this asks the transport whether the peer has taken
anything since the last check.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chat.limits import Limits
from chat.wire.errors import CloseCode

__all__ = ["Consumer", "Stalls"]


class Consumer(Protocol):
    """A connection whose peer may be slow."""

    number: int

    def untaken(self) -> int:
        """Return how many sent bytes the peer has not taken."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the connection; `reason` is for the log."""
        ...


@dataclass(slots=True)
class _Stall:
    consumer: Consumer
    since: float
    """When its transport became full, in monotonic seconds."""
    taken: float
    """When the peer was last seen to take something."""
    untaken: int
    """Untaken bytes at that time."""


class Stalls:
    """Connections whose transport is full."""

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._limits = limits
        self._seconds = seconds
        self._stalls: dict[int, _Stall] = {}

    def begin(self, consumer: Consumer) -> None:
        """Start watching a connection: its transport is full."""
        now = self._seconds()
        self._stalls[consumer.number] = _Stall(consumer, now, now, consumer.untaken())

    def end(self, number: int) -> None:
        """Stop watching a connection: its transport has drained, or is gone."""
        self._stalls.pop(number, None)

    def close_overdue(self) -> None:
        """Close connections that have taken nothing, or not everything, for too long."""
        now, limits = self._seconds(), self._limits
        for stall in list(self._stalls.values()):
            untaken = stall.consumer.untaken()
            # Fewer, or more: the transport can only get more after passing something on.
            if untaken != stall.untaken:
                stall.untaken, stall.taken = untaken, now
            if now - stall.taken > limits.stall_seconds:
                stall.consumer.close(CloseCode.SLOW_CONSUMER, "it does not read")
            elif now - stall.since > limits.drain_seconds:
                stall.consumer.close(CloseCode.SLOW_CONSUMER, "it reads too slowly")
