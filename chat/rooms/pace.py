"""Slow mode: how long a member has to wait between two posts in a room."""

from typing import Final, NamedTuple

from chat.ids import AccountId, LogId, RecordId
from chat.limits import SLOW_MOST
from chat.rooms.errors import SlowModeError

__all__ = ["Pace"]

_REMEMBERED: Final = 100_000
"""Posts to remember before dropping those that are more than a day old."""


class _Post(NamedTuple):
    time: int
    """Milliseconds since 1970 UTC."""
    record: RecordId


class Pace:
    """The last post of each member in rooms in slow mode, since the server started."""

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
        """Return whether a post is new, and not a repetition of the last one.

        `slow` is in seconds, `now` in milliseconds since 1970 UTC. `before` is a new post by the
        same author that goes first at the same moment. Raises SlowModeError for a post less than
        `slow` seconds after the last one.
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
