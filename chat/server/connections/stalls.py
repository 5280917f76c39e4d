"""Who does not take what is written, and for how long.

That a transport is full says little: the kernel takes more only when much of its own buffer has
become free, and a peer on a slow line may need minutes for that. So the transport is asked whether
the peer has taken anything since it was asked last.
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
        """Return how many bytes were sent that the peer has not taken."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection; `reason` is for the log."""
        ...


@dataclass(slots=True)
class _Stall:
    consumer: Consumer
    since: float
    """When its transport became full; monotonic seconds."""
    taken: float
    """When its peer was last seen to have taken something."""
    untaken: int
    """What the peer had left then."""


class Stalls:
    """Connections whose transport is full."""

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._limits = limits
        self._seconds = seconds
        self._stalls: dict[int, _Stall] = {}

    def begin(self, consumer: Consumer) -> None:
        """Watch a connection: its transport is full."""
        now = self._seconds()
        self._stalls[consumer.number] = _Stall(consumer, now, now, consumer.untaken())

    def end(self, number: int) -> None:
        """Watch a connection no longer: its transport is empty again, or gone."""
        self._stalls.pop(number, None)

    def close_overdue(self) -> None:
        """Close those that have taken nothing, or have not taken everything, for too long."""
        now, limits = self._seconds(), self._limits
        for stall in list(self._stalls.values()):
            untaken = stall.consumer.untaken()
            # Less, or more: it cannot be given more without having passed something on.
            if untaken != stall.untaken:
                stall.untaken, stall.taken = untaken, now
            if now - stall.taken > limits.stall_seconds:
                stall.consumer.close(CloseCode.SLOW_CONSUMER, "it does not read")
            elif now - stall.since > limits.drain_seconds:
                stall.consumer.close(CloseCode.SLOW_CONSUMER, "it reads too slowly")
