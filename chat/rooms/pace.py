"""Slow mode: how long somebody has to wait between two posts in a room."""

from typing import Final, NamedTuple

from chat.ids import AccountId, LogId, RecordId
from chat.limits import SLOW_MOST
from chat.rooms.errors import SlowModeError

__all__ = ["Pace"]

_REMEMBERED: Final = 100_000
"""Posts in slow mode that are remembered before those of more than a day ago are forgotten."""


class _Post(NamedTuple):
    time: int
    """Milliseconds of UTC."""
    record: RecordId


class Pace:
    """Who posted last in which room that is in slow mode, since the server was started."""

    def __init__(self) -> None:
        self._last: dict[tuple[LogId, AccountId], _Post] = {}

    def check(
        self,
        log: LogId,
        account: AccountId,
        record: RecordId,
        slow: int,
        now: int,
        before: RecordId | None = None,
    ) -> bool:
        """Return whether a post is a new one, and not the last one again, whose answer was lost.

        Raise SlowModeError for one that comes less than `slow` seconds after the last one. `before`
        is a new one of the same moment that goes first.
        """
        last = self._last.get((log, account)) if before is None else _Post(now, before)
        if last is None:
            return True
        if last.record == record:
            return False
        left = last.time + slow * 1_000 - now
        if left > 0:
            raise SlowModeError(-(-left // 1_000))
        return True

    def note(self, log: LogId, account: AccountId, record: RecordId, now: int) -> None:
        """Remember a post."""
        if len(self._last) >= _REMEMBERED:
            oldest = now - SLOW_MOST * 1_000
            self._last = {key: post for key, post in self._last.items() if post.time > oldest}
        self._last[log, account] = _Post(now, record)
