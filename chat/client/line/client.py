"""The line client: typed lines in, printed lines out. The first face of the core.

No reactor and no terminal: those are `Screen`, `finish` and callables, so that all of it can be
tested by calling methods. Here is which line is taken when, and when the client may leave.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from chat.client.commands import CommandError, Face, parse_line, parse_text
from chat.client.core.commands import Command, Join, PageBack, Posting, SendPrivate
from chat.client.core.core import Core
from chat.client.core.events import (
    ConnectionChanged,
    Ended,
    Ending,
    Event,
    HostKeyPinned,
    Invited,
    LoggedIn,
    LoginRefused,
    Noticed,
    Ready,
    RequestArrived,
    RequestsWait,
    RoomClosed,
    RoomOpened,
    RoomsListed,
    TrustAsked,
)
from chat.client.core.model import End, Phase, Refusal
from chat.client.core.rooms import Room
from chat.client.line.interfaces import BadLine, ExitStatus, Screen, TypedLine
from chat.client.line.outage import Outage
from chat.client.line.outcomes import Outcomes
from chat.client.line.output import Output
from chat.client.line.view import View
from chat.client.wording.advice import NICK_CODES, PASSWORD_CODES, advise, advise_login
from chat.client.wording.display import Shown, format_pinned, format_question
from chat.client.wording.outcomes import place_of
from chat.limits import ClientLimits
from chat.rooms.names import name_key

__all__ = ["LineClient"]

_STATUS: Final = {
    End.CLOSED: ExitStatus.OK,
    End.REFUSED: ExitStatus.REFUSED,
    End.CONNECTION: ExitStatus.CONNECTION,
    End.HOST_KEY: ExitStatus.HOST_KEY,
}

_NOT_ACCEPTED: Final = "The host key was not accepted."


class _Question(Enum):
    """What the next typed line answers."""

    NONE = auto()
    NICK = auto()
    PASSWORD = auto()
    TRUST = auto()


class LineClient(Face):
    """A user at a `Screen`. `finish` is called once, with the status, when it is over.

    `line_done` is called once for every typed line, when nothing is to be done for it any more.
    With `room`, where a link leads, it begins by joining that. If lines are `literal`, none is a
    command; quietly, nothing is shown of what is said. `tick` is to be called about once a second,
    whatever happens. `seconds` is a monotonic clock.

    A script ends with the first command that fails: what follows may have been meant for the room
    that could not be joined.
    """

    def __init__(
        self,
        nick: str | None,
        *,
        is_terminal: bool,
        history: int,
        room: str | None = None,
        is_literal: bool = False,
        is_quiet: bool = False,
        has_password: bool = False,
        screen: Screen,
        finish: Callable[[ExitStatus], None],
        line_done: Callable[[], None],
        seconds: Callable[[], float],
        limits: ClientLimits,
    ) -> None:
        self._nick = nick
        self._linked_room = room
        self._parse = parse_text if is_literal else parse_line
        self._has_password = has_password
        self._finish = finish
        self._line_done = line_done
        self._seconds = seconds
        self._limits = limits
        self._output = Output(screen, is_terminal=is_terminal)
        self._view = View(
            *(self._output, history, limits, self._proceed), room=room, is_quiet=is_quiet
        )
        self._outage = Outage(self._output, limits, seconds)
        self._outcomes: Outcomes
        self._core: Core
        self._question = _Question.NONE
        self._lines: deque[TypedLine] = deque()
        """Typed lines that cannot be taken yet, in order."""
        self._running: dict[TypedLine, bool] = {}
        """Lines that wait for an outcome, and whether those behind them wait, too: they may be
        meant for the room that is being joined."""
        self._typed = 0
        self._has_started = False
        self._is_ready = False
        self._is_over = False
        self._has_failed = False
        """Whether a command of a script has failed."""
        self._has_ended = False
        self._has_quit = False
        self._alone_since: float | None = None

    def start(self, core: Core) -> None:
        """Begin, on a core that has `event` as its listener."""
        self._has_started = True
        self._core = self._view.core = core
        self._outcomes = Outcomes(core, self._view, self._output)
        if self._nick is None:
            self._ask_nick()
        else:
            core.log_in_as(self._nick)

    # --- The face that commands see ---

    @property
    def core(self) -> Core:
        """The core."""
        return self._core

    @property
    def room(self) -> Room | None:
        """The room that typed lines go to."""
        return self._view.room

    def enter(self, room: Room) -> None:
        """Let typed lines go to another room."""
        self._view.enter(room)

    def show(self, text: str) -> None:
        """Print one or more lines."""
        for line in text.split("\n"):
            self._output.show(line)

    def quit(self) -> None:
        """Leave, once everything typed before is done."""
        self._has_quit = True

    # --- What the user types ---

    def line(self, text: str | BadLine) -> None:
        """Take a typed line."""
        self._typed += 1
        line = TypedLine("" if isinstance(text, BadLine) else text, self._typed)
        if self._is_over or self._has_failed:
            self._line_done()
        elif self._question is not _Question.NONE:
            self._line_done()
            self._answer(text)
        elif isinstance(text, BadLine):
            self._output.complain(text.value, line)
            self._line_done()
        elif text.strip() == "/quit" and self._core.connection.phase is not Phase.ONLINE:
            # Not after the connection has come back: nobody wants to wait for that.
            self._line_done()
            self.end_of_input()
        else:
            self._lines.append(line)
            self._proceed()

    def end_of_input(self) -> None:
        """Leave when everything that was typed has been answered."""
        self._has_ended = True
        if self._question is _Question.NICK:
            self._fail("No nickname was given.", ExitStatus.REFUSED)
        elif self._question is _Question.PASSWORD:
            self._fail("No password was given.", ExitStatus.REFUSED)
        elif self._question is _Question.TRUST:
            self._fail(_NOT_ACCEPTED, ExitStatus.HOST_KEY)
        self._proceed()

    def interrupt(self) -> None:
        """Leave at once. What is not answered yet is lost, so that is said."""
        loss = self._loss()
        if loss:
            self._fail(loss, ExitStatus.CONNECTION)
        else:
            self._over(self._output.status)

    def tick(self) -> None:
        """See to what is done from time to time."""
        self._view.mark_read()
        self._core.tick()
        if not self._is_ending:  # Else it ends soon, with a sentence.
            self._outage.tick()
        is_online = self._core.connection.phase is Phase.ONLINE
        may_come_back = self._core.has_been_online or self._outage
        if not may_come_back or not self._is_ending or (is_online and not self._is_settled):
            self._alone_since = None
            return
        now = self._seconds()
        if self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since < self._limits.unanswered:
            return
        elif is_online:  # What was missed does not come.
            self._over(self._output.status)
        else:
            sentence = f"{self._outage.explain()} {self._loss()}".rstrip()
            self._fail(sentence, ExitStatus.CONNECTION)

    # --- Questions ---

    def _ask_nick(self) -> None:
        self._question = _Question.NICK
        if self._has_ended:
            self.end_of_input()
        elif self._output.is_terminal:
            self._output.screen.prompt("Nickname: ")

    def _ask_password(self) -> None:
        self._question = _Question.PASSWORD
        if self._has_ended:
            self.end_of_input()
        else:
            self._output.screen.prompt("Password: ", is_secret=True)

    def _ask_trust(self, asked: TrustAsked) -> None:
        self._question = _Question.TRUST
        if self._has_ended:
            self.end_of_input()
            return
        for line in format_question(asked):
            self._output.note(line)
        self._output.screen.prompt("Trust it from now on? (yes/no) ")

    def _answer(self, answer: str | BadLine) -> None:
        text = None if isinstance(answer, BadLine) else answer
        question, self._question = self._question, _Question.NONE
        self._output.screen.answered()
        if question is _Question.PASSWORD:
            self._has_password = True
            self._core.log_in_as(self._nick or "", text or "")
        elif question is _Question.TRUST:
            self._answer_trust((text or "").strip().lower())
        elif not self._output.is_terminal and not (text or "").strip():
            self._fail("The first line is not a nickname.", ExitStatus.REFUSED)
        elif text is None:
            sentence = "That was not a nickname, because it is not UTF-8 or far too long."
            self._not_this_nick([sentence])
        else:
            self._nick = text
            self._core.log_in_as(text)

    def _answer_trust(self, answer: str) -> None:
        if answer in ("yes", "y"):
            self._core.answer_trust(True)
        elif answer in ("no", "n"):
            self._core.answer_trust(False)
        else:
            self._question = _Question.TRUST
            self._output.screen.prompt("Please type yes or no: ")

    def _not_this_nick(self, sentences: list[str]) -> None:
        if self._output.is_terminal:
            for sentence in sentences:
                self._output.note(sentence)
            self._ask_nick()
        else:
            self._fail("\n".join(sentences), ExitStatus.REFUSED)

    # --- What the core tells ---

    def event(self, event: Event) -> None:
        """Take an event of the core."""
        if isinstance(event, Ended):
            self._finish(self._output.status)
        elif not self._is_over:
            self._take(event)
            self._proceed()

    def _take(self, event: Event) -> None:
        match event:
            case ConnectionChanged(connection):
                if connection.phase is Phase.WAITING:
                    self._outage.begin(connection.reason)
            case TrustAsked():
                self._ask_trust(event)
            case HostKeyPinned():
                self._output.note(format_pinned(event))
            case LoginRefused(refusal):
                self._login_refused(refusal)
            case LoggedIn(account, asked):
                self._logged_in(account.nick, asked)
            case RoomsListed(rooms):
                self._view.listed(rooms)
            case RoomOpened():
                self._view.opened(event)
            case RoomClosed():
                self._view.closed(event)
            case Ready():
                self._ready()
            case Invited(room, by):
                who = f"by {by}" if by else "by the server's operator"
                self._output.show(f'* You are invited {who} to the room "{room}"; /join {room}')
            case RequestArrived(request, is_other):
                nick = request.nick
                if is_other:
                    warning = "another account than the one you talked to by that name"
                    self._output.note(f"* Another account: the {nick} who asks is {warning}!")
                answers = f"/accept {nick}, /decline {nick} or /block {nick}"
                self._output.show(f"* You are asked by {nick} to talk alone; {answers}")
            case RequestsWait(count):
                are = "is 1 request" if count == 1 else f"are {count} requests"
                self._output.tell(f"* There {are} to talk to you alone; /requests lists them.")
            case Noticed(text):
                self._output.note(f"* {text}")
            case Ending():
                self._ending(event)
            case _ if isinstance(event, Shown):
                self._view.take(event)

    def _login_refused(self, refusal: Refusal) -> None:
        sentences = advise_login(refusal)
        is_about_password = refusal.code in PASSWORD_CODES or (
            refusal.code == "too_many_attempts" and self._has_password
        )
        if is_about_password and self._output.is_terminal:
            self._output.note(
                refusal.text if self._has_password else "This server asks for your password."
            )
            self._ask_password()
        elif refusal.code in NICK_CODES:
            self._not_this_nick(sentences)
        else:
            self._fail("\n".join(sentences), ExitStatus.REFUSED)

    def _logged_in(self, nick: str, asked: str) -> None:
        known = {name_key(asked), name_key(self._nick or "")}
        if name_key(nick) not in known:
            self._output.tell(
                f"* Your key for {asked} is that of {nick}, so that is what you are called here."
            )
        self._nick = nick

    def _ready(self) -> None:
        self._view.ready()
        if self._linked_room is not None:
            name, self._linked_room = self._linked_room, None
            if self._core.room(name) is None:
                self._do(Join(name), TypedLine(f"/join {name}", 0))
        self._is_ready = True
        self._outage.end()

    def _ending(self, ending: Ending) -> None:
        status = _STATUS[ending.end]
        sentences = list(ending.sentences)
        if ending.end is End.CONNECTION:
            sentences = [f"{' '.join(sentences)} {self._loss()}".rstrip()]
        for sentence in sentences:
            self._output.note(sentence)
        self._is_over = True
        self._output.screen.answered()
        self._output.status = status

    # --- Which line is taken when ---

    @property
    def _is_ending(self) -> bool:
        return self._has_ended or self._has_quit

    @property
    def _is_settled(self) -> bool:
        """Whether everything that was typed, and asked, has been answered."""
        return not self._lines and not self._running and self._core.is_idle

    def _proceed(self) -> None:
        """Take the lines that can be taken, and leave if nothing is left to wait for."""
        if not self._has_started:
            return
        while self._is_ready and not self._is_over and self._lines:
            line = self._lines.popleft()
            if any(self._running.values()) or not self._run(line):
                self._lines.appendleft(line)
                break
        if self._is_over or not self._is_ending or not self._is_settled:
            return
        is_online = self._core.connection.phase is Phase.ONLINE
        # A script also prints what was missed; a person who quits does not wait for that.
        is_behind = any(room.is_behind for room in self._core.rooms)
        if is_online and is_behind and not self._has_quit:
            return
        # One that has never been there still has to show what was said.
        can_leave = self._core.has_been_online or self._output.is_terminal
        if is_online or (self._outage and can_leave):
            self._over(self._output.status)

    def _run(self, line: TypedLine) -> bool:
        """Do what a line asks for. Return False, with nothing done, if it has to wait."""
        try:
            parsed = self._parse(line.text)
            if parsed is None:
                self._settle(line)
                return True
            entry, argument = parsed
            entry.check(self)
            command = entry.run(self, argument)
        except CommandError as error:
            self._came_to_nothing(str(error), line, is_command=self._is_command(line.text))
            return True
        if command is None:
            self._settle(line)
            return True
        # What is asked for may be about what was said before: let that be stored first.
        if self._running and not self._is_said(command):
            return False
        if isinstance(command, PageBack) and self._view.is_waiting(command.log):
            return False
        self._do(command, line)
        return True

    def _is_command(self, text: str) -> bool:
        is_slashed = text.startswith("/") and not text.startswith("//")
        return is_slashed and self._parse is parse_line

    def _settle(self, line: TypedLine) -> None:
        """Nothing is to be done for a line any more."""
        if line.number:  # Else nobody typed it.
            self._line_done()

    def _came_to_nothing(self, sentence: str, line: TypedLine, *, is_command: bool) -> None:
        """A line failed. A script ends with the first command that does."""
        self._output.complain(sentence, line)
        self._settle(line)
        if not is_command or self._output.is_terminal or self._has_failed:
            return
        self._has_failed = self._has_ended = True
        where = f"after line {line.number} " if line.number else ""
        self._output.note(f"Nothing {where}was sent.")
        while self._lines:
            self._settle(self._lines.popleft())

    def _is_said(self, command: Command) -> bool:
        """Tell whether a command says something where that can be said at once."""
        if isinstance(command, SendPrivate):
            return self._core.private(command.nick) is not None
        return isinstance(command, Posting)

    def _do(self, command: Command, line: TypedLine) -> None:
        where = place_of(self._core, command)
        self._running[line] = not self._is_said(command)

        def done(outcome: object) -> None:
            if self._is_over:
                return
            del self._running[line]
            if isinstance(outcome, Refusal):
                is_command = not isinstance(command, Posting)
                self._came_to_nothing(advise(outcome), line, is_command=is_command)
            else:
                self._outcomes.show(command, where, outcome, line)
                self._settle(line)
            self._proceed()

        self._core.do(command, done)

    # --- Ends ---

    def _loss(self) -> str:
        """Return the sentence about the lines that come to nothing; empty if there are none."""
        unanswered = sum(line.number > 0 for line in (*self._lines, *self._running))
        lines = "1 line was" if unanswered == 1 else f"{unanswered} lines were"
        return f"{lines} not acknowledged." if unanswered else ""

    def _fail(self, sentences: str, status: ExitStatus) -> None:
        if not self._is_over:
            for sentence in sentences.split("\n"):
                self._output.note(sentence)
            self._over(status)

    def _over(self, status: ExitStatus) -> None:
        if self._is_over:
            return
        self._output.screen.answered()
        self._is_over = True
        self._output.status = status
        self._view.mark_read()
        self._core.close()
