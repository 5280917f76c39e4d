"""How often accounts are told of actions against them: a bucket for each account and room.

The operator of a room decides how often to mute somebody and what to write, so the target hears of
it a few times and then not for a while. The action takes effect all the same, and refusals that
follow from it give the reason.
"""

from collections import OrderedDict
from collections.abc import Callable

from chat.ids import AccountId, LogId
from chat.limits import Limits

__all__ = ["Notices"]


class Notices:
    """Counts notices. `seconds` is a monotonic clock."""

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._limits = limits
        self._seconds = seconds
        self._empty_at: OrderedDict[tuple[AccountId, LogId], float] = OrderedDict()
        """When the bucket of each pair is full again."""

    def take(self, account: AccountId, log: LogId) -> bool:
        """Return whether an account may get one more notice about a room, and count it."""
        now, step = self._seconds(), self._limits.notices_seconds
        after = max(self._empty_at.pop((account, log), now), now) + step
        may = after - now <= step * self._limits.notices_per_room
        self._empty_at[account, log] = after if may else after - step
        if len(self._empty_at) > self._limits.notices_kept:
            self._empty_at.popitem(last=False)
        return may
