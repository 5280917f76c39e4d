"""What happens in rooms, as lines: which room is the current one, and what is shown first.

A line that was printed stays where it is. So where older messages are wanted first, new ones are
held until the page has come, also over a reconnection.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chat.client.core.commands import PageBack
from chat.client.core.core import Core
from chat.client.core.events import (
    Arrival,
    Closing,
    Page,
    PageItem,
    RoomClosed,
    RoomOpened,
)
from chat.client.core.model import Phase, Refusal
from chat.client.core.resync import LOBBY
from chat.client.core.rooms import Room
from chat.client.line.output import Output
from chat.client.wording.display import Shown, format_event, format_page, format_prefix, name_of
from chat.ids import LogId
from chat.limits import HISTORY_PAGE, ClientLimits
from chat.rooms.names import name_key
from chat.rooms.texts import quote

__all__ = ["View"]


@dataclass(slots=True)
class _Backlog:
    """Older messages that are waited for, and what is held until they have come."""

    wanted: int
    items: list[PageItem] = field(default_factory=list)
    held: list[Shown] = field(default_factory=list)


class View:
    """Shows rooms. `history` is how many older messages a newcomer is shown.

    `released` is called when what was held of a room has been shown. `room` is where to begin, if
    the user is a member of it already; quietly, nothing is shown of what is said.
    """

    def __init__(
        self,
        output: Output,
        history: int,
        limits: ClientLimits,
        released: Callable[[], None],
        *,
        room: str | None = None,
        is_quiet: bool = False,
    ) -> None:
        self._output = output
        self._wanted = room
        self._is_quiet = is_quiet
        self._released = released
        self._history = history
        self._limits = limits
        self._focus: LogId | None = None
        self._first: str | None = None
        """The room to begin in, by name, until it is open."""
        self._others: Sequence[str] = ()
        self._backlogs: dict[LogId, _Backlog] = {}
        self._missed: dict[LogId, int] = {}
        """Rooms before whose next message is to be said that it was missed, if its number is not
        above this one."""
        self.core: Core

    # --- The current room ---

    @property
    def room(self) -> Room | None:
        """The room that typed lines go to.

        If that is lost there is none, rather than another: what is typed for the one must not go
        to the other.
        """
        for room in self.core.rooms:
            if room.log == self._focus:
                return room
        return None

    def enter(self, room: Room) -> None:
        """Let typed lines go to a room."""
        self._focus = room.log
        about = f"; its topic is {quote(room.topic)}" if room.topic else "."
        self._output.tell(f"* You are in {room.name} now{about}")

    def listed(self, names: Sequence[str]) -> None:
        """Choose where to begin: in the lobby, or else in the first room by name.

        Where a certain room is wanted, only there.
        """
        names = sorted(names, key=lambda name: (name != LOBBY, name))
        if self._wanted is not None:
            key = name_key(self._wanted)
            names.sort(key=lambda name: name_key(name) != key)
            if not names or name_key(names[0]) != key:
                return
        self._first = names[0] if names else ""
        self._others = sorted(names[1:])
        room = self.core.room(self._first)
        if room is not None:
            self._begin_in(room)

    def ready(self) -> None:
        """Say where one is, if that could not be said before: every room is open."""
        if self._first is not None:
            self._first = None
            nick = self.core.account.nick
            self._output.tell(f"* You are {nick}, in no room; /join ROOM enters one.")

    def _begin_in(self, room: Room) -> None:
        self._first = None
        self._focus = room.log
        nick = self.core.account.nick
        self._output.tell(f"* You are {nick} {_place(room)}. /help lists the commands.")
        if self._others:
            self._output.tell(f"* You read {', '.join(self._others)} as well.")

    # --- Coming and going ---

    def opened(self, event: RoomOpened) -> None:
        """Show where one is, or what is to be shown first."""
        room = event.room
        if event.arrival is Arrival.ELSEWHERE and not room.is_private:
            self._output.tell(f"* Another device of yours joined {room.name}.")
        is_first = bool(self._first) and not room.is_private
        if is_first and name_key(room.name) == name_key(self._first or ""):
            self._begin_in(room)
        if event.arrival is Arrival.JOINED:
            self._want(room, self._history)
        elif event.arrival is Arrival.BACK and room.is_behind:
            self._missed[room.log] = room.tail
        elif event.arrival is Arrival.BACK and self._output.is_terminal and room is self.room:
            self._want(room, min(self._history, self._limits.context))

    def closed(self, event: RoomClosed) -> None:
        """Say that a room is gone, and show what was held of it."""
        room = event.room
        was_current = room.log == self._focus
        match event.closing:
            case Closing.LEFT:
                self._release(room)
                self._output.tell(f"* You left {room.name}.")
            case Closing.REMOVED:
                self._output.note(f"* {event.text}")
                self._release(room)
            case Closing.LOST:
                self._output.note(f"* You are no member of {room.name} any more.")
                self._release(room)
            case Closing.UNREADABLE:
                self._output.note(f"* {room.name}: {event.text}")
                self._release(room)
        self._missed.pop(room.log, None)
        if was_current:
            self._focus = None
            say = self._output.tell if event.closing is Closing.LEFT else self._output.note
            say("* You are in no room now; /join ROOM enters one.")

    # --- What is said ---

    def take(self, event: Shown) -> None:
        """Show something that happened in a room, in its turn."""
        backlog = self._backlogs.get(event.room.log)
        if backlog is None:
            self._show(event)
            return
        backlog.held.append(event)
        if len(backlog.held) > self._limits.held:
            self._release(event.room)

    def _show(self, event: Shown) -> None:
        if self._is_quiet:
            return
        room = event.room
        missed = self._missed.get(room.log)
        if missed is not None and event.seq:
            del self._missed[room.log]
            if event.seq <= missed:
                self._output.tell(f"* --- new {name_of(room)} since you left ---")
        is_own = event.author.account == self.core.account.account
        self._output.show(self._prefix(room, is_own=is_own) + format_event(event))

    def show_page(self, room: Room, items: Sequence[PageItem], *, is_numbered: bool) -> None:
        """Show older messages of a room."""
        lines = format_page(items, lambda item: self.prefix(room, item), is_numbered=is_numbered)
        for line in lines:
            self._output.show(line)

    def say_if_whole(self, room: Room) -> None:
        """Say that nothing is older than what is on the screen, if that is so."""
        if room.is_whole:
            self._output.tell(f"* --- nothing was said {name_of(room)} before this ---")

    def prefix(self, room: Room, item: PageItem) -> str:
        """Return what tells where something older belongs."""
        return self._prefix(room, is_own=item.author.account == self.core.account.account)

    def _prefix(self, room: Room, *, is_own: bool) -> str:
        return format_prefix(room, is_current=room.log == self._focus, is_own=is_own)

    def mark_read(self) -> None:
        """Note that what is on the screen was read."""
        for room in self.core.rooms:
            if room.log not in self._backlogs:
                self.core.mark_read(room)

    # --- Older messages, before what is new ---

    def is_waiting(self, log: LogId) -> bool:
        """Return whether older messages of a room are waited for."""
        return log in self._backlogs

    def _want(self, room: Room, count: int) -> None:
        if count and not room.is_whole and not self._is_quiet:
            self._backlogs[room.log] = _Backlog(count)
            self._fetch(room)

    def _fetch(self, room: Room) -> None:
        backlog = self._backlogs[room.log]

        def take(outcome: object) -> None:
            if self._backlogs.get(room.log) is not backlog:
                return  # Too much had come meanwhile to wait any longer, or the room is gone.
            if isinstance(outcome, Page):
                backlog.items[:0] = outcome.items
                backlog.wanted -= outcome.count
                if backlog.wanted > 0 and not room.is_whole:
                    self._fetch(room)
                    return
            elif isinstance(outcome, Refusal) and self.core.connection.phase is not Phase.OVER:
                self._output.note(outcome.text)
            self._release(room)

        self.core.do(PageBack(room.log, min(backlog.wanted, HISTORY_PAGE)), take)

    def _release(self, room: Room) -> None:
        """Wait no longer: show the older messages that came, and what was held."""
        backlog = self._backlogs.pop(room.log, None)
        if backlog is None:
            return
        self.show_page(room, backlog.items, is_numbered=False)
        for event in backlog.held:
            self._show(event)
        self._released()


def _place(room: Room) -> str:
    number = room.member_count - 1
    others = {0: "nobody else is a member", 1: "one other is a member"}
    return f"in {room.name}; {others.get(number, f'{number} others are members')}"
