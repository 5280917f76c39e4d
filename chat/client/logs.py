"""The logs this account reads, as the client keeps them over all connections of a process.

Nothing is shown or sent here. A `LogView` decides what of the records is new; a `LogBook` finds
logs by name and knows the current room.
"""

from chat.client.texts import Texts
from chat.ids import LogId
from chat.limits import ClientLimits
from chat.rooms.names import name_key
from chat.wire.messages import Opened
from chat.wire.records import Delivered

__all__ = ["LogBook", "LogView"]


class LogView:
    """One log: how far it has come, and what is known of it."""

    def __init__(self, opened: Opened, limits: ClientLimits) -> None:
        self.log = opened.log
        self._limits = limits
        self.texts = Texts(limits.texts)
        self.cursor = 0
        """Everything up to here was shown, is held, or came from here."""
        self.oldest = opened.seq + 1
        """What is on the screen begins here."""
        self.is_whole = opened.seq == 0
        """Whether there is nothing older than what is on the screen."""
        self.is_marked = False
        """Whether to say, before the next record, that it was missed."""
        self.wanted = 0
        """Older records that are being waited for, before anything new is shown."""
        self._page: list[Delivered] = []
        self._held: list[Delivered] = []
        self._own: set[int] = set()
        self._seen = 0
        self.refresh(opened)

    def refresh(self, opened: Opened) -> None:
        """Take what a server says on (again) opening it: records after `opened.seq` follow."""
        self.kind = opened.kind
        self.name = opened.room
        self.topic = opened.topic
        self.members = opened.members
        self._tail = opened.tail
        self.cursor = opened.seq
        self._own = {seq for seq in self._own if seq > opened.seq}

    @property
    def is_private(self) -> bool:
        """Whether it is a conversation of two; its name is the other's."""
        return self.kind == "private"

    @property
    def is_behind(self) -> bool:
        """Whether records that were there on opening it have yet to come."""
        return self.cursor < self._tail

    def advance(self, delivered: Delivered) -> bool:
        """Move on to a record; return whether it is new here: neither had nor said here."""
        seq = delivered.seq
        if seq == 0:
            return True
        is_own = seq in self._own
        is_new = seq > self.cursor
        self.reached(seq)
        return is_new and not is_own

    def reached(self, seq: int) -> None:
        """Note that everything up to `seq` is here, or came from here."""
        self.cursor = max(self.cursor, seq)
        if self._own:
            self._own = {own for own in self._own if own > self.cursor}

    def acknowledged(self, seq: int) -> None:
        """Note that the record `seq` came from here, and must not be shown when it comes."""
        if seq > self.cursor:
            self._own.add(seq)
            if len(self._own) > self._limits.own:
                self._own.remove(min(self._own))

    # --- Older records, which are shown first ---

    def want(self, count: int) -> None:
        """Hold what is new until `count` older records have come."""
        self.wanted = 0 if self.is_whole else count

    def hold(self, delivered: Delivered) -> bool:
        """Keep a new record back, if older ones are waited for. Return whether it is kept."""
        if self.wanted:
            self._held.append(delivered)
        return self.wanted > 0

    @property
    def is_overfull(self) -> bool:
        """Whether too much is held back to wait any longer."""
        return len(self._held) > self._limits.held

    def add_page(self, records: list[Delivered], *, more: bool) -> None:
        """Take a page of what is waited for: the records before the oldest."""
        self.wanted = max(0, self.wanted - len(records)) if more and records else 0
        self._page = records + self._page
        self.went_back(records, more=more)

    def went_back(self, records: list[Delivered], *, more: bool) -> None:
        """Note that these records before the oldest are on the screen now."""
        self.is_whole = not more or not records
        if records:
            self.oldest = min(self.oldest, records[0].seq)

    def release(self) -> tuple[list[Delivered], list[Delivered]]:
        """Wait no longer; return the older records that came, and what was held back."""
        page, held = self._page, self._held
        self.wanted, self._page, self._held = 0, [], []
        return page, held

    def told_seen(self, seq: int) -> None:
        """Note what the server knows to be seen."""
        self._seen = seq

    def newly_seen(self) -> int | None:
        """Return up to where the user has seen it, if that is further than at the last call."""
        if self.wanted or self.cursor <= self._seen:
            return None
        self._seen = self.cursor
        return self.cursor


class LogBook:
    """All logs that are read, and which of them is the current room."""

    def __init__(self) -> None:
        self._views: dict[LogId, LogView] = {}
        self._current: LogId | None = None

    def views(self) -> list[LogView]:
        """Return all logs, in the order they were opened."""
        return list(self._views.values())

    def get(self, log: LogId) -> LogView | None:
        """Return what is known of a log."""
        return self._views.get(log)

    def add(self, view: LogView) -> None:
        """Keep a log."""
        self._views[view.log] = view

    def remove(self, log: LogId) -> None:
        """Forget a log.

        If it was the current room there is none then, rather than another: what is typed for the
        one must not go to the other.
        """
        self._views.pop(log, None)
        if self._current == log:
            self._current = None

    @property
    def current(self) -> LogView | None:
        """The room that typed lines go to, None if there is none."""
        return None if self._current is None else self._views.get(self._current)

    def make_current(self, log: LogId) -> None:
        """Let typed lines go to a log."""
        self._current = log

    def is_current(self, view: LogView) -> bool:
        """Return whether typed lines go there."""
        return self.is_current_log(view.log)

    def is_current_log(self, log: LogId) -> bool:
        """The same by the log's id."""
        return log == self._current

    def room(self, name: str) -> LogView | None:
        """Return the room with this name."""
        return self._find(name, is_private=False)

    def private(self, nick: str) -> LogView | None:
        """Return the private conversation with this nickname."""
        return self._find(nick, is_private=True)

    def _find(self, name: str, *, is_private: bool) -> LogView | None:
        key = name_key(name)
        for view in self._views.values():
            if view.is_private == is_private and name_key(view.name) == key:
                return view
        return None
