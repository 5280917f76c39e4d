"""When to connect again after a connection was lost, and when not to."""

from collections.abc import Callable
from random import random
from typing import Final

from twisted.application.internet import backoffPolicy

from chat.limits import ClientLimits
from chat.wire.errors import CloseCode

__all__ = ["Backoff", "is_final"]

_PASSING: Final = frozenset(
    {CloseCode.SHUTDOWN, CloseCode.TIMEOUT, CloseCode.BUSY, CloseCode.SLOW_CONSUMER}
)
"""What the next connection may be spared. Everything else would only happen again."""


def is_final(code: int) -> bool:
    """Return whether a server that closed with `code` is not to be troubled again."""
    return code not in _PASSING


class Backoff:
    """The time between two attempts. Growing, and random, because all clients of a server lose it
    at once."""

    def __init__(self, limits: ClientLimits, random: Callable[[], float] = random) -> None:
        self._limits = limits
        self._random = random
        self._policy = backoffPolicy(
            limits.first_retry, limits.last_retry, limits.retry_factor, random
        )
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
        # Not ClientService's own count: that begins anew with every connection, even if the server
        # ends it at once because it is busy.
        asked = self._retry_after * (1 + self._random() / 2)
        delay = max(asked, min(self._policy(self._attempts), self._limits.last_retry))
        self._attempts += 1
        self._retry_after = 0
        return delay
