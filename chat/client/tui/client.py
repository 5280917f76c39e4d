"""One server, as the application has it: its core, its rooms' rows, and which room one looks at.

Events of the core change rows here, and the stage is told which part of the screen that concerns.
Nothing here knows a widget.
"""

from collections.abc import Callable
from typing import Final

from chat.client.commands import CommandError, Face, help_on, parse_line, parse_text
from chat.client.core import commands
from chat.client.core.commands import Command, Join, ListMembers, PageBack, Posting
from chat.client.core.core import Core
from chat.client.core.events import (
    Arrival,
    Closing,
    ConnectionChanged,
    Ended,
    Ending,
    Event,
    HostKeyPinned,
    Invited,
    LoggedIn,
    LoginRefused,
    MemberArrived,
    MemberLeft,
    MemberRenamed,
    MessageArrived,
    MessageChanged,
    MessageDeleted,
    MessageEdited,
    MessageReacted,
    Noticed,
    Page,
    ReadMarkerMoved,
    Ready,
    RequestArrived,
    RequestsWait,
    RoomClosed,
    RoomOpened,
    RoomsListed,
    TopicChanged,
    TrustAsked,
)
from chat.client.core.model import (
    DeviceCode,
    Handle,
    Invitation,
    Message,
    MessageState,
    Phase,
    Refusal,
)
from chat.client.core.requests import Renaming
from chat.client.core.resync import LOBBY
from chat.client.core.rooms import Room, mentions
from chat.client.tui.document import Document, Note, NoteKind
from chat.client.tui.stage import Part, Stage
from chat.client.wording.advice import advise
from chat.client.wording.display import format_pinned
from chat.client.wording.outcomes import listing, place_of, sentence
from chat.durations import format_duration
from chat.ids import LogId
from chat.rooms.names import name_key

__all__ = ["RoomsClient"]

_FIRST_PAGE: Final = 50
"""Rows that a room has at least when it is looked at, if so much was said."""


class RoomsClient(Face):
    """A user's client of one server.

    `bridge` calls a function with an argument where the stage may be touched. `clock` says the
    time: milliseconds of UTC since 1970. `room` is where to begin.
    """

    def __init__(
        self,
        stage: Stage,
        name: str,
        bridge: Callable[[Callable[[object], None], object], None],
        clock: Callable[[], int],
        room: str | None = None,
    ) -> None:
        self.name = name
        """What the user calls the server: its address."""
        self.nick = ""
        """Who the user wants to be there, or is."""
        self.is_verified = False
        """Whether the fingerprint of the host key was compared with what the operator says."""
        self.unsettled = 0
        """How much was said and is neither stored nor refused."""
        self._stage = stage
        self._bridge = bridge
        self._clock = clock
        self.is_started = False
        """Whether there is a core, connected or not."""
        self._core: Core
        self._focus: LogId | None = None
        self._wanted = room
        self._first: str | None = None
        self._documents: dict[LogId, Document] = {}
        self._loading: set[LogId] = set()
        self._listing: set[LogId] = set()

    def start(self, core: Core, nick: str) -> None:
        """Log in."""
        self._core = core
        self.is_started = True
        self.nick = nick
        core.log_in_as(nick)

    @property
    def is_in_trouble(self) -> bool:
        """Whether one cannot talk over it now, though one could."""
        phase = self._core.connection.phase
        return phase in (Phase.WAITING, Phase.OVER) or self.unsettled > 0

    # --- The face that commands see ---

    @property
    def core(self) -> Core:
        """The core."""
        return self._core

    @property
    def room(self) -> Room | None:
        """The room one looks at. If that is lost there is none, rather than another: what is typed
        for the one must not go to the other."""
        if self._focus is None:
            return None
        return next((it for it in self._core.rooms if it.log == self._focus), None)

    def enter(self, room: Room) -> None:
        """Look at another room."""
        before = self.room
        if before is not None:
            self._stage.leaving(self, before)
            if before is not room:
                self.document(before).mark(None, 0)
        self._focus = room.log
        document = self.document(room)
        if room.unread:
            document.mark(room.read_marker, room.unread)
        if len(document) < _FIRST_PAGE:
            self.load_older(room)
        self._list_members(room)
        self._stage.entered(self, room)

    def show(self, text: str) -> None:
        """Show what a command has to say at once."""
        self._note(self.room, "\n".join(it.removeprefix("* ") for it in text.split("\n")))

    def quit(self) -> None:
        """Leave."""
        self._stage.quit()

    # --- Rooms ---

    def document(self, room: Room) -> Document:
        """Return the rows of a room."""
        document = self._documents.get(room.log)
        if document is None or document.room is not room:
            document = self._documents[room.log] = Document(room)
        return document

    def load_older(self, room: Room, done: Callable[[Page], None] = lambda _: None) -> None:
        """Fetch what was said before the oldest row, if there is anything."""
        if room.is_whole or room.log in self._loading or not self._core.has(room):
            return
        self._loading.add(room.log)

        def take(outcome: object) -> None:
            self._loading.discard(room.log)
            if isinstance(outcome, Page):
                self._take_page(outcome)
                done(outcome)

        self._ask(PageBack(room.log), take)

    def is_loading(self, room: Room) -> bool:
        """Whether older messages of a room are on their way."""
        return room.log in self._loading

    def _take_page(self, page: Page) -> None:
        if self._core.has(page.room):
            self.document(page.room).add(it for it in page.items if isinstance(it, Message))
            self._stage.redraw(self, Part.LOG)

    def mark_read(self, room: Room, seq: int | None = None) -> None:
        """Note that the user has seen what is in view."""
        if room.unread and (seq is None or seq > room.read_marker):
            self._core.mark_read(room, seq)

    def is_mention(self, message: Message) -> bool:
        """Whether a message names the user, or answers one of theirs."""
        reply = message.reply
        is_answer = (
            reply is not None
            and reply.author is not None
            and reply.author.account == self._core.account.account
        )
        return is_answer or mentions(message.text, self._core.account.nick)

    def _list_members(self, room: Room) -> None:
        if room.members is None and room.log not in self._listing:
            self._listing.add(room.log)

            def take(_: object) -> None:
                self._listing.discard(room.log)
                self._stage.redraw(self, Part.MEMBERS, Part.HEAD)

            self._ask(ListMembers(room.log), take)

    # --- What the user types ---

    def submit(
        self, text: str, *, is_literal: bool = False, reply_to: Handle | None = None
    ) -> str | None:
        """Do what was typed. Return why that means nothing, if it does not."""
        try:
            parsed = (parse_text if is_literal else parse_line)(text)
            if parsed is None:
                return None
            entry, argument = parsed
            entry.check(self)
            if entry.name == "help":
                self._help(argument)
                return None
            command = entry.run(self, argument)
        except CommandError as error:
            return str(error)
        if isinstance(command, commands.Send) and reply_to is not None:
            command = commands.Send(command.log, command.content, command.reply_to or reply_to)
        if command is not None:
            self.do(command, text)
        return None

    def _help(self, name: object) -> None:
        self._stage.show_help(help_on(str(name)) if name else "")

    def edit(self, target: Handle, text: str, refused: Callable[[str], None]) -> None:
        """Change a message of the user's own; `refused` gets the sentence if that cannot be."""
        self.do(commands.Edit(target, text), refused=refused)

    def try_again(self, message: Message) -> None:
        """Send a message anew that was refused."""
        reply = None
        room = self._find(message.handle.log)
        if room is None:
            return
        if message.reply is not None:
            reply = room.timeline.handle(message.reply.seq)
        self._core.discard(message.handle)
        self.do(commands.Send(room.log, message.content, reply))

    def discard(self, message: Message) -> None:
        """Give up a message that was refused."""
        self._core.discard(message.handle)

    def do(
        self, command: Command, text: str = "", refused: Callable[[str], None] | None = None
    ) -> None:
        """Carry out a command and tell what came of it.

        `text` is what was typed for it, and is given back if it is refused, unless `refused` takes
        the sentence.
        """
        where = place_of(self._core, command)
        room = self.room
        is_posting = isinstance(command, Posting | commands.SendPrivate)
        self.unsettled += is_posting

        def done(outcome: object) -> None:
            self.unsettled -= is_posting
            self._stage.redraw(self, Part.STATUS)
            if isinstance(outcome, Refusal):
                # A message that was refused says so itself, where it stands.
                if refused is not None:
                    refused(advise(outcome))
                elif not isinstance(command, commands.Send) and outcome.code != "over":
                    self._stage.refused(self, text, advise(outcome))
            elif not self._stage.outcome(self, command, outcome):
                self._tell(command, where, outcome, room)

        self._ask(command, done)
        self._stage.redraw(self, Part.STATUS)

    def _ask(self, command: Command, done: Callable[[object], None]) -> None:
        """Let the core do something. Outcomes come from wherever the connection is served."""
        self._core.do(command, lambda outcome: self._bridge(done, outcome))

    def _tell(self, command: Command, where: str, outcome: object, room: Room | None) -> None:
        match command, outcome:
            case (commands.Join() | commands.Create() | commands.OpenPrivate(), Room()):
                self.enter(outcome)
            case commands.AnswerRequest(), Room():
                self.enter(outcome)
            case commands.SendPrivate(nick=nick), Message():
                conversation = self._core.private(nick)
                if conversation is not None:
                    self.enter(conversation)
            case commands.Edit() | commands.Delete() | commands.React(), _:
                self._changed(command.target)
            case _, Renaming():
                self._renamed(outcome)
            case _, Invitation(link):
                self._note(room, f"Whoever opens this link may come in:\n{link}")
            case _, DeviceCode(code, seconds, link):
                how_long = format_duration(seconds)
                line = f'encchat "{link}" --nick {self._core.account.nick} --link {code}'
                self._note(room, f"On the other device, within {how_long}, start\n{line}")
            case _, Page():
                self._take_page(outcome)
            case _, tuple():
                self._note(room, "\n".join(listing(command, outcome)))
            case _:
                said = sentence(command, where, outcome)
                if said:
                    self._note(room, said)

    def _changed(self, target: Handle) -> None:
        room = self._find(target.log)
        if room is not None:
            document = self.document(room)
            document.touch_quoted(room.timeline.number(target))
            self._stage.redraw(self, Part.LOG)

    def _renamed(self, renaming: Renaming) -> None:
        self._note(self.room, f"You are now known as {renaming.nick}.")
        if renaming.problem is not None:
            self._note(self.room, f"{renaming.problem}.", NoteKind.TROUBLE)
        elif renaming.key is not None:
            how = f"--identity {renaming.key}"
            self._note(self.room, f"Log in as {renaming.nick} with {how} from now on.")
        self._stage.redraw(self, Part.STATUS)

    def _note(self, room: Room | None, text: str, kind: NoteKind = NoteKind.ANSWER) -> None:
        """Show lines in a room; anywhere, if there is none."""
        if room is None or not self._core.has(room):
            self._stage.tell(self, text, is_trouble=kind is NoteKind.TROUBLE)
            return
        self.document(room).note(Note(kind, text, self._clock()))
        self._stage.redraw(self, Part.LOG)

    def _find(self, log: LogId) -> Room | None:
        return next((it for it in self._core.rooms if it.log == log), None)

    # --- What the core tells ---

    def event(self, event: Event) -> None:
        """Take an event of the core."""
        match event:
            case ConnectionChanged():
                self._stage.redraw(self, Part.STATUS, Part.HEAD)
            case TrustAsked():
                self._stage.ask_trust(self, event)
            case HostKeyPinned():
                self._stage.tell(self, format_pinned(event).removeprefix("* "))
            case LoginRefused(refusal):
                self._stage.login_refused(self, refusal)
            case LoggedIn(account, asked):
                if name_key(account.nick) not in (name_key(asked), name_key(self.nick)):
                    self._stage.tell(
                        self,
                        f"Your key for {asked} is that of {account.nick}, so that is what you are "
                        "called here.",
                    )
                self.nick = account.nick
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
                self._stage.tell(self, f"{who} invites you to {room}; /join {room}")
                self._stage.redraw(self, Part.ROOMS)
            case RequestArrived(request, is_other):
                if is_other:
                    self._stage.tell(
                        self,
                        f"The {request.nick} who asks to talk to you is another account than the "
                        "one you talked to by that name.",
                        is_trouble=True,
                    )
                self._stage.asked(self, request)
                self._stage.redraw(self, Part.ROOMS)
            case RequestsWait():
                self._ask(commands.ListRequests(), lambda _: self._redraw_rooms())
            case Noticed(text):
                self._stage.tell(self, text)
            case Ending():
                self._stage.ending(self, event)
            case Ended():
                self._stage.ended(self)
            case ReadMarkerMoved():
                self._redraw_rooms()
            case _:
                self._happened(event)

    def _redraw_rooms(self) -> None:
        self._stage.redraw(self, Part.ROOMS)

    def _listed(self, names: list[str]) -> None:
        wanted = name_key(self._wanted) if self._wanted is not None else None
        names.sort(key=lambda name: (name_key(name) != wanted, name != LOBBY, name))
        if names and wanted in (None, name_key(names[0])):
            self._first = names[0]

    def _opened(self, event: RoomOpened) -> None:
        room = event.room
        is_first = self._first is not None and name_key(room.name) == name_key(self._first)
        if self.room is None and is_first and not room.is_private:
            self._first = None
            self.enter(room)
        elif event.arrival is Arrival.ELSEWHERE and not room.is_private:
            self._stage.tell(self, f"Another device of yours joined {room.name}.")
        self._stage.redraw(self, Part.ROOMS)

    def _closed(self, event: RoomClosed) -> None:
        room = event.room
        self._documents.pop(room.log, None)
        sentence_of = {
            Closing.LEFT: f"You left {room.name}.",
            Closing.LOST: f"You are no member of {room.name} any more.",
            Closing.UNREADABLE: f"{room.name}: {event.text}",
        }
        is_trouble = event.closing is not Closing.LEFT
        self._stage.tell(self, sentence_of.get(event.closing, event.text), is_trouble=is_trouble)
        if room.log == self._focus:
            self._focus = None
            self._stage.entered(self, None)
        self._stage.redraw(self, Part.ROOMS)

    def _ready(self) -> None:
        if self._wanted is not None:
            name, self._wanted = self._wanted, None
            room = self._core.room(name)
            if room is None:
                self.do(Join(name), f"/join {name}")
            elif self.room is None:
                self.enter(room)
        room = self.room
        if room is None:
            first = next(self._core.rooms, None)
            if first is not None:
                self.enter(first)
            else:
                self._stage.entered(self, None)
        else:
            self._list_members(room)
        self._stage.redraw(self, *Part)

    # --- What happens in rooms ---

    def _happened(self, event: Event) -> None:
        match event:
            case MessageArrived(room, _, _, message):
                self._arrived(room, message)
            case MessageChanged(room, message):
                self._message_changed(room, message)
            case MessageEdited(room, target=target) | MessageDeleted(room, target=target):
                self._with_document(room, lambda it: it.touch_quoted(target))
            case MessageReacted(room, target=target):
                self._with_document(room, lambda it: it.touch(target))
            case TopicChanged(room, _, author, topic):
                note = Note(NoteKind.EVENT, f"{author.nick} set the topic: {topic}", self._clock())
                self._with_document(room, lambda it: it.note(note))
                self._stage.redraw(self, Part.HEAD)
            case MemberArrived(room, _, author) | MemberLeft(room, _, author):
                is_here = isinstance(event, MemberArrived)
                self._with_document(
                    room, lambda it: it.presence(author.nick, self._clock(), is_here=is_here)
                )
                self._stage.redraw(self, Part.MEMBERS, Part.ROOMS, Part.HEAD)
            case MemberRenamed(room, _, author, was):
                note = Note(NoteKind.EVENT, f"{was} is now known as {author.nick}", self._clock())
                self._with_document(room, lambda it: it.note(note))
                self._stage.redraw(self, Part.MEMBERS, Part.ROOMS)

    def _with_document(self, room: Room, change: Callable[[Document], None]) -> None:
        document = self._documents.get(room.log)
        if document is not None and document.room is room:
            change(document)
            if room.log == self._focus:
                self._stage.redraw(self, Part.LOG)

    def _arrived(self, room: Room, message: Message) -> None:
        is_watched = self._stage.is_watched(self, room)
        self._with_document(room, lambda it: it.add([message]))
        if is_watched:
            self._core.mark_read(room)
        elif room.unread == 1 and room.log == self._focus:
            before = message.handle.seq - 1
            self._with_document(room, lambda it: it.mark(before, 1))
        self._redraw_rooms()
        if not message.is_own:
            is_mention = self.is_mention(message)
            self._stage.arrived(self, room, message, is_mention=is_mention)

    def _message_changed(self, room: Room, message: Message) -> None:
        def change(document: Document) -> None:
            record = message.handle.record
            if message.state is MessageState.STORED:
                document.settle(record, message.handle.seq)
                document.add([message])
            elif room.timeline.find(message.handle) is None:
                document.settle(record)  # It was given up.
            else:
                document.send(message)

        self._with_document(room, change)
        self._stage.redraw(self, Part.STATUS)
