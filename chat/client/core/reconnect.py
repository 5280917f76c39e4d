"""When to connect again after a connection was lost, and when not to."""

from collections.abc import Callable
from random import random
from typing import Final

from chat.limits import ClientLimits
from chat.wire.errors import CloseCode

__all__ = ["LOST", "Backoff", "explain_close", "is_final"]

LOST: Final = "The connection to the server was lost."
"""Why a connection ended that ended without a reason."""

_PASSING: Final = frozenset(
    {CloseCode.SHUTDOWN, CloseCode.TIMEOUT, CloseCode.BUSY, CloseCode.SLOW_CONSUMER}
)
"""What the next connection may be spared. Everything else would only happen again."""

_CLOSED: Final = {
    CloseCode.NORMAL: "The server ended the connection.",
    CloseCode.SHUTDOWN: "The server is stopping.",
    CloseCode.VERSION: "The server speaks another version of the protocol.",
    CloseCode.TIMEOUT: "The server heard nothing from here for too long.",
    CloseCode.BUSY: "The server has too many connections; try again in a moment.",
    CloseCode.SLOW_CONSUMER: "The server gave up: what it sent was not read for too long.",
    CloseCode.REMOVED: "You may not be on this server any more.",
}


def is_final(code: int) -> bool:
    """Return whether a server that closed with `code` is not to be troubled again."""
    return code not in _PASSING


def explain_close(code: int, retry_after: int | None) -> str:
    """Return the sentence for a close code of the server."""
    try:
        sentence = _CLOSED[CloseCode(code)]
    except (ValueError, KeyError):
        sentence = f"The server ended the connection because of an error (code {code})."
    if retry_after is not None:
        sentence += f" It says to come back in {retry_after} seconds."
    return sentence


class Backoff:
    """The time between two attempts. Growing, and random, because all clients of a server lose it
    at once."""

    def __init__(self, limits: ClientLimits, random: Callable[[], float] = random) -> None:
        self._limits = limits
        self._random = random
        self._attempts = 0
        self._retry_after = 0

    def obey(self, retry_after: int | None) -> None:
        """Wait at least this long before the next attempt, as the server asks."""
        self._retry_after = min(retry_after or 0, self._limits.retry_after)

    def reset(self) -> None:
        """Begin anew: the connection is good."""
        self._attempts = 0

    def delay(self) -> float:
        """Return how many seconds to wait now."""
        limits = self._limits
        asked = self._retry_after * (1 + self._random() / 2)
        # The exponent is bounded because a float is.
        growing = limits.first_retry * limits.retry_factor ** min(self._attempts, 100)
        delay = max(asked, min(growing + self._random(), limits.last_retry))
        self._attempts += 1
        self._retry_after = 0
        return delay
