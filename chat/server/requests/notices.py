"""How often accounts are told of actions against them: a bucket for each account and room.

The operator of a room decides how often to mute somebody and what to write, so the target hears of
it a few times and then not for a while. The action takes effect all the same, and refusals that
follow from it give the reason.
"""

from collections.abc import Callable

from chat.ids import AccountId, LogId
from chat.limits import Limits
from chat.server.requests.buckets import Buckets

__all__ = ["Notices"]


class Notices:
    """Counts notices. `seconds` is a monotonic clock."""

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._buckets = Buckets[tuple[AccountId, LogId]](
            lambda: limits.notices_seconds,
            lambda: limits.notices_per_room,
            lambda: limits.notices_kept,
            seconds,
        )

    def take(self, account: AccountId, log: LogId) -> bool:
        """Return whether an account may get one more notice about a room, and count it."""
        return self._buckets.take((account, log))
