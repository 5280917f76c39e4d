"""One server, as the application has it: its core, its rooms' rows, and which room one looks at.

Here is what the user does; what the core tells is in `listening`. Nothing here knows a widget.
"""

from collections.abc import Callable
from typing import Final

from chat.client.commands import CommandError, Face, help_on, parse_line, parse_text
from chat.client.core import commands
from chat.client.core.address import Address
from chat.client.core.commands import Command, ListMembers
from chat.client.core.core import Core
from chat.client.core.events import Page
from chat.client.core.model import DeviceCode, Handle, Invitation, Message, Phase, Refusal
from chat.client.core.requests import Renaming
from chat.client.core.rooms import Room, mentions
from chat.client.tui.document import Document
from chat.client.tui.documents import Documents
from chat.client.tui.rows import NoteKind
from chat.client.tui.stage import Part, Stage
from chat.client.wording.advice import advise
from chat.client.wording.outcomes import listing, place_of, sentence
from chat.durations import format_duration
from chat.ids import LogId

__all__ = ["RoomsClient"]

_FIRST_PAGE: Final = 50
"""Rows that a room has at least when it is looked at, if so much was said."""


class RoomsClient(Face):
    """A user's client of one server.

    `bridge` calls a function with an argument where the stage may be touched. `clock` says the
    time: milliseconds of UTC since 1970.
    """

    def __init__(
        self,
        stage: Stage,
        address: Address,
        bridge: Callable[[Callable[[object], None], object], None],
        clock: Callable[[], int],
    ) -> None:
        self.address = address
        self.name = str(address)
        """What the user calls the server."""
        self.nick = ""
        """Who the user wants to be there, or is."""
        self.is_verified = False
        """Whether the fingerprint of the host key was compared with what the operator says."""
        self.strangers: set[LogId] = set()
        """Requests of other accounts than those one has talked to by their names."""
        self._stage = stage
        self._bridge = bridge
        self._clock = clock
        self.is_started = False
        """Whether there is a core, connected or not."""
        self.documents: Documents
        """The rows of rooms."""
        self._core: Core
        self._focus: LogId | None = None
        self._listing: set[LogId] = set()

    def prepare(self, core: Core, nick: str) -> None:
        """Have a core, that is to log in with a nickname."""
        self._core = core
        self.documents = Documents(core, self.ask, self._clock, self._rows_changed)
        self.is_started = True
        self.nick = nick

    def start(self) -> None:
        """Log in."""
        self._core.log_in_as(self.nick)

    @property
    def is_in_trouble(self) -> bool:
        """Whether one cannot talk over it now, though one could."""
        phase = self._core.connection.phase
        return phase in (Phase.WAITING, Phase.OVER) or self._core.unsent > 0

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
            self.documents.load_older(room)
        self.list_members(room)
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
        return self.documents.of(room)

    def _rows_changed(self, room: Room) -> None:
        if room.log == self._focus:
            self._stage.redraw(self, Part.LOG, Part.HINT)

    def lost(self, room: Room) -> None:
        """A room is gone: look at none, if it was the one."""
        self.documents.forget(room)
        if room.log == self._focus:
            self._focus = None
            self._stage.entered(self, None)

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

    def list_members(self, room: Room) -> None:
        """Find out who is in a room, unless that is known."""
        if room.members is None and room.log not in self._listing:
            self._listing.add(room.log)

            def take(_: object) -> None:
                self._listing.discard(room.log)
                self._stage.redraw(self, Part.MEMBERS, Part.HEAD)

            self.ask(ListMembers(room.log), take)

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
        self,
        command: Command,
        text: str = "",
        refused: Callable[[str], None] | None = None,
        finished: Callable[[object], None] | None = None,
    ) -> None:
        """Carry out a command and tell what came of it.

        `text` is what was typed for it, and is given back if it is refused, unless `refused` takes
        the sentence. `finished` gets the outcome, also a refusal, which it then shows.
        """
        where = place_of(self._core, command)
        room = self.room

        def done(outcome: object) -> None:
            self._stage.redraw(self, Part.ROOMS)  # Who asks, or is invited, may have changed.
            if finished is not None:
                finished(outcome)
            if isinstance(outcome, Refusal):
                # A message that was refused says so itself, where it stands.
                if refused is not None:
                    refused(advise(outcome))
                elif finished is not None or isinstance(command, commands.Send):
                    return
                elif outcome.code != "over":
                    self._stage.refused(self, text, advise(outcome))
            elif not self._stage.outcome(self, command, outcome):
                self._tell(command, where, outcome, room)

        self.ask(command, done)

    def ask(self, command: Command, done: Callable[[object], None]) -> None:
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
                self.documents.take_page(outcome)
                if not outcome.count:
                    self._note(room, "Nothing was said here before this.")
            case _, tuple():
                self._note(room, "\n".join(listing(command, outcome)))
            case _:
                said = sentence(command, where, outcome)
                if said:
                    self._note(room, said)

    def _changed(self, target: Handle) -> None:
        room = self._find(target.log)
        if room is not None:
            seq = room.timeline.number(target)
            self.documents.change(room, lambda it: it.touch_quoted(seq))

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
        else:
            self.documents.note(room, text, kind)

    def _find(self, log: LogId) -> Room | None:
        return next((it for it in self._core.rooms if it.log == log), None)
