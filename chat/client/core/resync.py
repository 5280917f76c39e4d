"""After each login: find out which logs there are, and read them all again.

The first login shows where one is and what was missed. A later one goes on behind what this core
had, and sends everything that waited; nobody notices.
"""

from collections.abc import Callable
from typing import Final

from msgspec import UNSET

from chat.client.core.events import (
    Arrival,
    Closing,
    ReadMarkerMoved,
    Ready,
    RoomClosed,
    RoomOpened,
    RoomsListed,
    WindowMoved,
)
from chat.client.core.model import Refusal
from chat.client.core.outbox import Outbox
from chat.client.core.rooms import Room
from chat.client.core.session import Session
from chat.ids import LogId
from chat.wire import messages

__all__ = ["LOBBY", "Resync", "close_room", "open_room"]

LOBBY: Final = "lobby"
"""The room of those who are in none."""

_Entry = tuple[LogId, str, str, int, int]
"""Log, kind, name, last number, read marker."""


def open_room(
    session: Session,
    outbox: Outbox,
    opened: messages.Opened,
    arrival: Arrival,
    seen: int | None = None,
) -> Room:
    """Begin to read a log that this connection has not read yet; return its room.

    `seen` is up to where it was read, where the server said so.
    """
    session.requests.pop(opened.log, None)
    room = session.rooms.get(opened.log)
    is_known = room is not None
    if room is None:
        room = Room(opened, session.account.account, session.limits)
        session.rooms.add(room)
        session.emit(RoomOpened(room, arrival))
    missed = room.refresh(opened) if is_known else 0
    if missed:
        session.emit(WindowMoved(room))
    elif seen is not None and arrival is Arrival.BACK and not is_known:
        missed = max(opened.seq - seen, 0)
    if seen is not None and room.told_read(seen):
        session.emit(ReadMarkerMoved(room))
    if missed:
        room.skip(missed)
        session.emit(ReadMarkerMoved(room))
    outbox.send_again(room)
    return room


def close_room(
    session: Session, outbox: Outbox, room: Room, closing: Closing, text: str = ""
) -> None:
    """Read a log no more."""
    session.rooms.remove(room.log)
    outbox.closed(room.log)
    session.emit(RoomClosed(room, closing, text))


class Resync:
    """Opens the account's rooms. `ready` is called when every one was opened.

    `failed` gets the sentence where there is no way to go on. Whoever is in no room joins `home`,
    if that is not None. Of what was missed in a log, the last `catch_up` records are read, or all.
    """

    def __init__(
        self,
        session: Session,
        outbox: Outbox,
        home: str | None,
        ready: Callable[[], None],
        failed: Callable[[str], None],
        catch_up: int | None = None,
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._home = home
        self._ready = ready
        self._failed = failed
        self._catch_up = catch_up
        self._is_first = True
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
        pending = self._session.pending
        pending.ask(
            messages.Logs(pending.next_id(), after),
            messages.LogList,
            self._take_logs,
            refused=lambda refusal: self._failed(refusal.text),
        )

    def _take_logs(self, answer: messages.LogList) -> None:
        self._entries += answer.logs
        if answer.more and answer.logs and len(self._entries) < self._session.limits.logs:
            self._ask_logs()
            return
        self._forget_lost()
        if not self._entries and not self._opened and self._home is not None:
            self._join_home(self._home)
            return
        if self._is_first:
            rooms = sorted(name for _, kind, name, *_ in self._entries if kind != "private")
            self._session.emit(RoomsListed(rooms))
        self._read_all()

    def _forget_lost(self) -> None:
        """Forget the logs that one was put out of, or left elsewhere, while away."""
        kept = {log for log, *_ in self._entries} | self._opened
        self._outbox.give_up(kept)
        for room in self._session.rooms:
            if room.log not in kept:
                close_room(self._session, self._outbox, room, Closing.LOST)

    def _join_home(self, home: str) -> None:
        if self._is_first:
            self._session.emit(RoomsListed([home]))

        def take(joined: messages.Joined) -> None:
            open_room(self._session, self._outbox, joined, Arrival.JOINED)
            self._finish()

        pending = self._session.pending
        pending.ask(
            messages.Join(pending.next_id(), home, "public"),
            messages.Joined,
            take,
            refused=lambda refusal: self._failed(refusal.text),
        )

    def _read_all(self) -> None:
        entries = [entry for entry in self._entries if entry[0] not in self._opened]
        # The lobby first, then rooms, then conversations: the order in which they are shown.
        entries.sort(key=lambda entry: (entry[1] == "private", entry[2] != LOBBY, entry[2]))
        self._unanswered = len(entries)
        for entry in entries:
            self._read(entry)
        if not entries:
            self._finish()

    def _read(self, entry: _Entry) -> None:
        log, _, name, tail, seen = entry
        known = self._session.rooms.get(log)
        after = seen if known is None else known.cursor
        if self._catch_up is not None:
            after = max(after, tail - self._catch_up)
        pending = self._session.pending

        def take(joined: messages.Joined) -> None:
            open_room(self._session, self._outbox, joined, Arrival.BACK, seen)
            self._answered()

        def refused(refusal: Refusal) -> None:
            if refusal.code != "already_reading":  # By an event that crossed the request.
                self._lose(log, name, refusal)
            self._answered()

        request = messages.Read(pending.next_id(), log, after)
        pending.ask(request, messages.Joined, take, refused=refused)

    def _lose(self, log: LogId, name: str, refusal: Refusal) -> None:
        """Leave out a room that cannot be read now; the next connection tries again."""
        room = self._session.rooms.get(log)
        if room is None:
            placeholder = messages.Opened(log, "public", name, 0, 0, 0, "")
            room = Room(placeholder, self._session.account.account, self._session.limits)
        self._outbox.give_up({it.log for it in self._session.rooms} - {log})
        close_room(self._session, self._outbox, room, Closing.UNREADABLE, refusal.text)

    def _answered(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._finish()

    def _finish(self) -> None:
        self._session.emit(Ready(self._is_first))
        self._is_first = False
        self._ready()
