"""Once a minute instead of every time: for log lines about a failure that goes on."""

from collections.abc import Callable
from typing import Final

__all__ = ["SECONDS", "Seldom"]

SECONDS: Final = 60.0
"""Seconds from one line to the next."""


class Seldom:
    """Lets one event through, and counts those that follow within `SECONDS`."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """`seconds` is a monotonic clock."""
        self._seconds = seconds
        self._last: float | None = None
        self._held_back = 0

    def take(self) -> int | None:
        """Return how many events were held back before this one; None to hold back this one."""
        now = self._seconds()
        if self._last is not None and now - self._last < SECONDS:
            self._held_back += 1
            return None
        self._last = now
        held_back, self._held_back = self._held_back, 0
        return held_back

    def forget(self) -> None:
        """Let the next event through: what went on is over."""
        self._last = None
        self._held_back = 0
