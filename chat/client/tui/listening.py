"""What the cores tell: events, on their way to the rows of rooms and to the stage."""

from chat.client.core import commands
from chat.client.core.commands import Join
from chat.client.core.events import (
    Arrival,
    Closing,
    ConnectionChanged,
    Ended,
    Ending,
    Event,
    HostKeyPinned,
    Invited,
    LatencyMeasured,
    LoggedIn,
    LoginRefused,
    MemberArrived,
    MemberLeft,
    MemberRanked,
    MemberRenamed,
    MessageArrived,
    MessageChanged,
    MessageDeleted,
    MessageEdited,
    MessageReacted,
    Noticed,
    ReadMarkerMoved,
    Ready,
    RequestArrived,
    RequestsWait,
    RoomClosed,
    RoomOpened,
    RoomsListed,
    TopicChanged,
    TrustAsked,
    TypingChanged,
    UnsentChanged,
    WindowMoved,
)
from chat.client.core.model import Message
from chat.client.core.resync import LOBBY
from chat.client.core.rooms import Room
from chat.client.tui.client import RoomsClient
from chat.client.tui.stage import Part, Stage
from chat.client.wording.display import ROLES, format_pinned
from chat.rooms.names import name_key

__all__ = ["Listener"]


class Listener:
    """Takes the events of one server.

    `room` is where to begin, and is joined if need be. `last` is where the user was: a room, or
    ``@`` and a nickname; one begins there if it is still there.
    """

    def __init__(
        self, client: RoomsClient, stage: Stage, room: str | None = None, last: str = ""
    ) -> None:
        self._client = client
        self._stage = stage
        self._wanted = room
        self._last = last
        self._first: str | None = None
        self._pinned = ""
        """What is to be said of the host key, once there is a room to say it in."""

    def event(self, event: Event) -> None:
        """Take an event of the core."""
        match event:
            case ConnectionChanged():
                self._stage.redraw(self._client, Part.STATUS, Part.HEAD)
            case LatencyMeasured() | UnsentChanged():
                self._stage.redraw(self._client, Part.STATUS)
            case WindowMoved(room):
                self._client.documents.moved(room)
            case TypingChanged(room):
                if room is self._client.room:
                    self._stage.redraw(self._client, Part.HINT)
            case TrustAsked():
                self._stage.ask_trust(self._client, event)
            case HostKeyPinned():
                self._pinned = format_pinned(event).removeprefix("* ")
            case LoginRefused(refusal):
                self._stage.login_refused(self._client, refusal)
            case LoggedIn(account, asked):
                if name_key(account.nick) not in (name_key(asked), name_key(self._client.nick)):
                    self._stage.tell(
                        self._client,
                        f"Your key for {asked} is that of {account.nick}, so that is what you are "
                        "called here.",
                    )
                self._client.nick = account.nick
                self._stage.logged_in(self._client)
            case RoomsListed(rooms):
                self._listed(list(rooms))
            case RoomOpened():
                self._opened(event)
            case RoomClosed():
                self._closed(event)
            case Ready():
                self._ready()
            case Invited(room, by):
                who = by or "the server's operator"
                self._stage.tell(self._client, f"{who} invites you to {room}; /join {room}")
                self._stage.redraw(self._client, Part.ROOMS)
            case RequestArrived(request, is_other):
                if is_other:
                    self._client.strangers.add(request.log)
                    self._stage.tell(
                        self._client,
                        f"The {request.nick} who asks to talk to you is another account than the "
                        "one you talked to by that name.",
                        is_trouble=True,
                    )
                self._stage.asked(self._client, request)
                self._stage.redraw(self._client, Part.ROOMS)
            case RequestsWait():
                self._client.ask(commands.ListRequests(), lambda _: self._redraw_rooms())
            case Noticed(text):
                self._stage.tell(self._client, text)
            case Ending():
                self._stage.ending(self._client, event)
            case Ended():
                self._stage.ended(self._client)
            case ReadMarkerMoved():
                self._redraw_rooms()
            case _:
                self._happened(event)

    def _redraw_rooms(self) -> None:
        self._stage.redraw(self._client, Part.ROOMS)

    def _listed(self, names: list[str]) -> None:
        """Choose where to begin, as soon as that is open."""
        if self._wanted is None and self._last.startswith("@"):
            return  # Conversations are not listed.
        wanted = name_key(self._wanted or self._last)
        names.sort(key=lambda name: (name_key(name) != wanted, name != LOBBY, name))
        if names and (self._wanted is None or name_key(names[0]) == wanted):
            self._first = names[0]

    def _opened(self, event: RoomOpened) -> None:
        room = event.room
        is_first = self._first is not None and name_key(room.name) == name_key(self._first)
        if self._client.room is None and is_first and not room.is_private:
            self._first = None
            self._begin_in(room)
        elif event.arrival is Arrival.ELSEWHERE and not room.is_private:
            self._stage.tell(self._client, f"Another device of yours joined {room.name}.")
        self._stage.redraw(self._client, Part.ROOMS)

    def _begin_in(self, room: Room) -> None:
        """Look at a room, unless the user looks at one of another server."""
        if self._stage.is_free(self._client):
            self._client.enter(room)

    def _closed(self, event: RoomClosed) -> None:
        room = event.room
        sentence_of = {
            Closing.LEFT: f"You left {room.name}.",
            Closing.LOST: f"You are no member of {room.name} any more.",
            Closing.UNREADABLE: f"{room.name}: {event.text}",
        }
        is_trouble = event.closing is not Closing.LEFT
        self._stage.tell(
            self._client, sentence_of.get(event.closing, event.text), is_trouble=is_trouble
        )
        self._client.lost(room)
        self._stage.redraw(self._client, Part.ROOMS)

    def _ready(self) -> None:
        if self._wanted is not None:
            name, self._wanted = self._wanted, None
            room = self._client.core.room(name)
            if room is None:
                self._client.do(Join(name), f"/join {name}")
            elif self._client.room is None:
                self._begin_in(room)
        room = self._client.room
        if room is None:
            core = self._client.core
            last = core.private(self._last[1:]) if self._last.startswith("@") else None
            first = last or next(core.rooms, None)
            if first is not None:
                self._begin_in(first)
            elif self._stage.is_free(self._client):
                self._stage.entered(self._client, None)
        else:
            self._client.list_members(room)
        if self._pinned:
            self._client.show(self._pinned)
            self._pinned = ""
        self._stage.redraw(self._client, *Part)

    # --- What happens in rooms ---

    def _happened(self, event: Event) -> None:
        match event:
            case MessageArrived(room, _, _, message):
                self._arrived(room, message)
            case MessageChanged(room, message):
                self._client.documents.message_changed(room, message)
            case MessageEdited(room, target=target) | MessageDeleted(room, target=target):
                self._client.documents.change(room, lambda it: it.touch_quoted(target))
            case MessageReacted(room, target=target):
                self._client.documents.change(room, lambda it: it.touch(target))
            case TopicChanged(room, _, author, topic):
                self._client.documents.happens(room, f"{author.nick} set the topic: {topic}")
                self._stage.redraw(self._client, Part.HEAD)
            case MemberArrived(room, _, author) | MemberLeft(room, _, author):
                is_here = isinstance(event, MemberArrived)
                self._client.documents.presence(room, author.nick, is_here=is_here)
                self._stage.redraw(self._client, Part.MEMBERS, Part.ROOMS, Part.HEAD)
            case MemberRanked(room, _, author, role):
                called = ROLES.get(role, "no operator any more")
                self._client.documents.happens(room, f"{author.nick} is now {called}")
                self._stage.redraw(self._client, Part.MEMBERS)
            case MemberRenamed(room, _, author, was):
                self._client.documents.happens(room, f"{was} is now known as {author.nick}")
                self._stage.redraw(self._client, Part.MEMBERS, Part.ROOMS)

    def _arrived(self, room: Room, message: Message) -> None:
        is_watched = self._stage.is_watched(self._client, room)
        self._client.documents.change(room, lambda it: it.add([message]))
        if is_watched:
            self._client.core.mark_read(room)
        elif room.unread == 1 and room is self._client.room:
            before = message.handle.seq - 1
            self._client.documents.change(room, lambda it: it.mark(before, 1))
        self._stage.redraw(self._client, Part.ROOMS, Part.HINT)
        if not message.is_own:
            is_mention = self._client.is_mention(message)
            self._stage.arrived(self._client, room, message, is_mention=is_mention)
