"""Slow mode: how long a member must wait before writing in a room again.

Everything that carries words to a room counts: a post, an edit, a reaction, a topic, a new
nickname. The time is monotonic, so setting the clock makes nobody wait.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from math import ceil
from typing import Final, NamedTuple

from chat.ids import AccountId, LogId, RecordId
from chat.limits import SLOW_MOST
from chat.rooms.errors import SlowModeError
from chat.rooms.hub import Hub
from chat.rooms.roles import Role
from chat.rooms.room import Room

__all__ = ["Pace", "Words"]

_FORGOTTEN: Final = 2
"""Entries examined for removal whenever one is added: they cannot pile up, and no post pays for
all."""


class Words(NamedTuple):
    """A member's last words in a room."""

    time: float
    """Monotonic seconds."""
    record: RecordId


class Pace:
    """The last words of each member in rooms in slow mode, since the server started."""

    def __init__(self, hub: Hub, seconds: Callable[[], float]) -> None:
        self._hub = hub
        self._seconds = seconds
        self._last: OrderedDict[tuple[LogId, AccountId], Words] = OrderedDict()
        """In the order in which they were noted, and so in which the longest wait would end."""

    def check(
        self, room: Room, account: AccountId, record: RecordId, before: RecordId | None = None
    ) -> bool:
        """Return whether slow mode counts these words: they are new and not an operator's.

        `before` are new words of the same author that precede these in the same commit. Raises
        SlowModeError for words that follow the last ones too soon.
        """
        if not room.slow or self._hub.role(account, room) > Role.MEMBER:
            return False
        now = self._seconds()
        last = self._last.get((room.log, account)) if before is None else Words(now, before)
        if last is None:
            return True
        if last.record == record:
            return False
        left = last.time + room.slow - now
        if left > 0:
            raise SlowModeError(room.name, ceil(left))
        return True

    def note(self, log: LogId, account: AccountId, record: RecordId) -> Words | None:
        """Remember words, and return the ones that were last until now."""
        now = self._seconds()
        before = self._last.get((log, account))
        for key, words in list(islice(self._last.items(), _FORGOTTEN)):
            if words.time <= now - SLOW_MOST:
                del self._last[key]
        self._last[log, account] = Words(now, record)
        self._last.move_to_end((log, account))
        return before

    def forget(
        self, log: LogId, account: AccountId, record: RecordId, before: Words | None
    ) -> None:
        """Take a `note` back: nobody has seen these words."""
        last = self._last.get((log, account))
        if last is None or last.record != record:
            return
        del self._last[log, account]
        if before is not None:
            self._last[log, account] = before  # At worst it is forgotten later than it could be.
