"""After each login: find out which logs there are, and read them all again.

The first of a process shows where one is and what was missed. A later one goes on behind what this
process has shown, and everything that waited is sent; nobody notices but for a line.
"""

from collections.abc import Callable

from msgspec import UNSET

from chat.client.logs import LogView
from chat.client.posts import Posts
from chat.client.reading import Arrival, Reading
from chat.client.visit import Visit
from chat.ids import LogId
from chat.wire import messages

__all__ = ["LOBBY", "Arriving"]

LOBBY = "lobby"
"""The room of those who are in none."""

_Entry = tuple[LogId, str, str, int, int]


class Arriving:
    """Brings one into one's logs. `ready` is called when every log was opened.

    `failed` gets the sentence where there is no way to go on.
    """

    def __init__(
        self,
        visit: Visit,
        posts: Posts,
        reading: Reading,
        ready: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        self._visit = visit
        self._posts = posts
        self._reading = reading
        self._ready = ready
        self._failed = failed
        self._is_first = True
        self._has_said_where = False
        self._entries: list[_Entry] = []
        self._opened: set[LogId] = set()
        self._unanswered = 0

    def begin(self) -> None:
        """Ask for the logs; the login was accepted."""
        self._entries = []
        self._opened = set()
        self._ask_logs()

    def opened_meanwhile(self, log: LogId) -> None:
        """Note a log that this connection reads without having asked: not to be read again."""
        self._opened.add(log)

    def _ask_logs(self) -> None:
        after = self._entries[-1][0] if self._entries else UNSET
        request = messages.Logs(self._visit.asking.next_id(), after)
        self._visit.asking.ask(
            request, messages.LogList, self._take_logs, lambda refused: self._failed(refused.text)
        )

    def _take_logs(self, answer: messages.LogList) -> None:
        self._entries += answer.logs
        if answer.more and answer.logs and len(self._entries) < self._visit.limits.logs:
            self._ask_logs()
            return
        self._forget_lost()
        if self._entries or self._opened:
            self._read_all()
        else:
            self._join_lobby()

    def _forget_lost(self) -> None:
        """Forget the logs that one was put out of, or left elsewhere, while away."""
        kept = {log for log, *_ in self._entries} | self._opened
        for view in self._visit.book.views():
            if view.log not in kept:
                self._visit.note(f"* You are no member of {view.name} any more.")
                self._reading.forget(view)
                self._posts.give_up(view.log, view.name)

    def _join_lobby(self) -> None:
        asking = self._visit.asking

        def take(joined: messages.Joined) -> None:
            # Later, what was typed for a room that was lost must not go to another.
            if self._is_first:
                self._visit.book.make_current(joined.log)
            view = self._reading.start(joined, Arrival.JOINED)
            if self._is_first:
                self._say_where(view)
            self._arrived()

        asking.ask(
            messages.Join(asking.next_id(), LOBBY, "public"),
            messages.Joined,
            take,
            lambda refused: self._failed(refused.text),
        )

    def _read_all(self) -> None:
        entries = [entry for entry in self._entries if entry[0] not in self._opened]
        if self._is_first:
            self._choose_room()
        # The current room first: where one is stands above everything else.
        entries.sort(key=lambda entry: not self._visit.book.is_current_log(entry[0]))
        self._unanswered = len(entries)
        for entry in entries:
            self._read(entry)
        if not entries:
            self._arrived()

    def _choose_room(self) -> None:
        """Begin in the lobby, or else in the first room by name."""
        rooms = sorted(
            (name != LOBBY, name, log) for log, kind, name, *_ in self._entries if kind != "private"
        )
        if rooms:
            self._visit.book.make_current(rooms[0][2])

    def _read(self, entry: _Entry) -> None:
        log, _, name, _, seen = entry
        known = self._visit.book.get(log)
        after = seen if known is None else known.cursor
        asking = self._visit.asking

        def take(joined: messages.Joined) -> None:
            view = self._reading.start(joined, Arrival.BACK)
            view.told_seen(seen)
            if self._is_first and self._visit.book.is_current(view):
                self._say_where(view)
            self._answered()

        def refused(refused: messages.Refused) -> None:
            if refused.code != "already_reading":  # By an event that crossed the request.
                self._visit.note(f"* {name}: {refused.text}")
                if known is not None:
                    self._reading.forget(known)
                self._posts.give_up(log, name)
            self._answered()

        asking.ask(messages.Read(asking.next_id(), log, after), messages.Joined, take, refused)

    def _answered(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._arrived()

    def _arrived(self) -> None:
        if self._is_first and not self._has_said_where:
            self._say_where(self._visit.book.current)
        self._is_first = False
        self._ready()

    def _say_where(self, room: LogView | None) -> None:
        self._has_said_where = True
        if room is None:
            self._visit.tell(f"* You are {self._visit.nick}, in no room; /join ROOM enters one.")
            return
        self._visit.tell(f"* You are {self._visit.nick} {_place(room)}. /help lists the commands.")
        others = sorted(
            name for log, kind, name, *_ in self._entries if log != room.log and kind != "private"
        )
        if others:
            self._visit.tell(f"* You read {', '.join(others)} as well.")


def _place(room: LogView) -> str:
    number = room.members - 1
    others = {0: "nobody else is a member", 1: "one other is a member"}
    return f"in {room.name}; {others.get(number, f'{number} others are members')}"
