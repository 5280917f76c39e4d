"""How often somebody is told what others do to them: a bucket for each account and room.

An operator of a room decides how often they mute somebody and what they write, so the one concerned
hears of it a few times, and then no more for a while. What was done holds all the same, and whoever
is refused something because of it reads why.
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
        """When each pair may be told as often as at first."""

    def take(self, account: AccountId, log: LogId) -> bool:
        """Return whether an account may be told once more about a room, and count that."""
        now, step = self._seconds(), self._limits.notices_seconds
        after = max(self._empty_at.pop((account, log), now), now) + step
        may = after - now <= step * self._limits.notices_per_room
        self._empty_at[account, log] = after if may else after - step
        if len(self._empty_at) > self._limits.notices_kept:
            self._empty_at.popitem(last=False)
        return may
