"""A user's visit to a server, from the nickname to the last line: every decision the client takes.

No reactor, no terminal, no socket: those are `Link`, `Screen` and two callables, so that all of it
can be tested by calling methods.
"""

import os
from collections.abc import Callable
from enum import Enum, auto

from msgspec import Struct

from chat.client.commands import HELP, CommandError, Help, Quit, Rename, Say, Who, parse_line
from chat.client.display import explain_close, format_delivered, make_visible
from chat.client.interfaces import ExitStatus, Link, Screen
from chat.client.trust import HostKeyCheck, TrustError, Verdict
from chat.limits import TEXT_BYTES
from chat.wire import messages
from chat.wire.connection import Delivered
from chat.wire.errors import CloseCode
from chat.wire.sealing import RandomBytes

__all__ = ["ROOM", "Conversation"]

ROOM = "lobby"


class _Phase(Enum):
    ASK_NICK = auto()
    CONNECTING = auto()
    ASK_TRUST = auto()
    LOGGING_IN = auto()
    TALKING = auto()
    OVER = auto()


class Conversation:
    """One visit. `connect` is called when a connection is wanted, `finish` once, with the
    status."""

    def __init__(
        self,
        nick: str | None,
        *,
        is_terminal: bool,
        check: HostKeyCheck,
        screen: Screen,
        connect: Callable[[], None],
        finish: Callable[[ExitStatus], None],
        line_done: Callable[[], None],
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._nick = nick
        self._is_terminal = is_terminal
        self._check = check
        self._screen = screen
        self._connect = connect
        self._finish = finish
        self._line_done = line_done
        self._random_bytes = random_bytes
        self._phase = _Phase.ASK_NICK
        self._link: Link | None = None
        self._backlog: list[str | None] = []
        self._has_ended = False
        self._status = ExitStatus.OK
        self._last_id = 0
        self._pending: dict[int, messages.Request] = {}
        self._members: list[str] = []

    def start(self) -> None:
        """Begin: with a question, if there is no nickname yet."""
        if self._nick is None:
            self._ask_nick()
        else:
            self._go_connect()

    # --- What the user types ---

    def line(self, line: str | None) -> None:
        """Take a typed line; None stands for one that is no text or far too long."""
        match self._phase:
            case _Phase.ASK_NICK:
                self._line_done()
                self._take_nick(line)
            case _Phase.ASK_TRUST:
                self._line_done()
                self._take_trust(line)
            case _Phase.TALKING:
                self._take_command(line)
            case _Phase.OVER:
                self._line_done()
            case _:
                self._backlog.append(line)

    def end_of_input(self) -> None:
        """Leave when everything that was typed has been answered."""
        self._has_ended = True
        match self._phase:
            case _Phase.ASK_NICK:
                self._fail("No nickname was given.", ExitStatus.REFUSED)
            case _Phase.ASK_TRUST:
                self._fail("The host key was not accepted.", ExitStatus.HOST_KEY)
            case _Phase.TALKING:
                self._leave_if_done()

    def interrupt(self) -> None:
        """Leave at once."""
        self._over(ExitStatus.OK)

    def _ask_nick(self) -> None:
        self._phase = _Phase.ASK_NICK
        if self._has_ended:
            self.end_of_input()
        elif self._is_terminal:
            self._screen.prompt("Nickname: ")

    def _take_nick(self, line: str | None) -> None:
        if line is None or not line.strip():
            if self._is_terminal:
                self._ask_nick()
            else:
                self._fail("The first line is not a nickname.", ExitStatus.REFUSED)
            return
        self._nick = line.strip()
        if self._link is None:
            self._go_connect()
        else:
            self._phase = _Phase.LOGGING_IN
            self._link.send(self._login_request())

    def _take_trust(self, line: str | None) -> None:
        answer = (line or "").strip().lower()
        if answer in ("yes", "y"):
            if self._pin():
                self._go_connect()
        elif answer in ("no", "n"):
            self._fail("The host key was not accepted.", ExitStatus.HOST_KEY)
        else:
            self._screen.prompt("Please type yes or no: ")

    def _take_command(self, line: str | None) -> None:
        try:
            if line is None:
                raise CommandError("A line was not sent, because it is not UTF-8 or far too long.")
            command = parse_line(line)
        except CommandError as error:
            self._complain(str(error))
            self._line_done()
            return
        match command:
            case Say(text):
                self._say(text)
            case Rename(nick):
                self._ask(messages.Nick(self._next_id(), nick))
            case Who():
                self._members = []
                self._ask(messages.Who(self._next_id(), ROOM))
            case Help():
                self._screen.show(HELP)
                self._line_done()
            case Quit():
                self._has_ended = True
                self._line_done()
                self._leave_if_done()
            case None:
                self._line_done()

    def _say(self, text: str) -> None:
        size = len(text.encode())
        if size > TEXT_BYTES:
            self._complain(f"A message has at most {TEXT_BYTES} bytes; this one has {size}.")
            self._line_done()
            return
        self._ask(messages.Post(self._next_id(), ROOM, self._random_bytes(16), text))

    def _ask(self, request: messages.Request) -> None:
        assert self._link is not None
        self._pending[request.id] = request
        self._link.send(request)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _login_request(self) -> messages.Login:
        assert self._nick is not None
        request = messages.Login(self._next_id(), self._nick)
        self._pending[request.id] = request
        return request

    # --- What the connection brings ---

    def connected(self, link: Link) -> None:
        """Take the connection that was asked for."""
        self._link = link

    def offered(self, host_key: bytes, *, is_loopback: bool) -> None:
        """Decide about the host key that the server has proved to hold."""
        try:
            verdict = self._check.examine(host_key, is_loopback=is_loopback)
        except TrustError as error:
            self._fail(str(error), ExitStatus.HOST_KEY)
            return
        if verdict is Verdict.ASK:
            self._ask_trust()
        elif verdict is Verdict.KNOWN or self._pin():
            self._log_in()

    def received(self, message: Struct) -> None:
        """Take an answer; whatever is none is skipped."""
        match message:
            case messages.Welcome(id=number, nick=nick):
                self._pending.pop(number, None)
                self._nick = nick
                self._ask(messages.Join(self._next_id(), ROOM))
            case messages.Joined(id=number, members=members):
                if isinstance(self._pending.pop(number, None), messages.Join):
                    self._begin(members)
            case messages.Posted(acks=acks):
                for number, _, _ in acks:
                    self._answered(number)
            case messages.Ok(id=number):
                self._answered(number)
            case messages.Members(id=number, nicks=nicks, more=more):
                self._take_members(number, nicks, more)
            case messages.Refused(id=number, text=text):
                self._refused(number, make_visible(text))

    def delivered(self, delivered: Delivered) -> None:
        """Show a record."""
        line = format_delivered(delivered)
        if line is not None and self._phase is not _Phase.OVER:
            self._screen.show(line)

    def peer_closed(self, code: int, retry_after: int | None) -> None:
        """The server ended it, and said why."""
        self._lost(explain_close(code, retry_after))

    def disconnected(self, link: Link | None, reason: str) -> None:
        """`link` ended, or never came to be (None); `reason` is a sentence."""
        if link is not self._link:
            return  # One that was given up before a question.
        self._link = None
        if self._phase is _Phase.OVER:
            self._finish(self._status)
        else:
            self._lost(reason)

    def _go_connect(self) -> None:
        self._phase = _Phase.CONNECTING
        self._connect()

    def _ask_trust(self) -> None:
        # The server does not wait for a person: the connection is made anew after the answer.
        assert self._link is not None
        self._phase = _Phase.ASK_TRUST
        link, self._link = self._link, None
        link.close(CloseCode.NORMAL)
        if self._has_ended:
            self.end_of_input()
            return
        for line in self._check.question():
            self._screen.note(line)
        self._screen.prompt("Trust it from now on? (yes/no) ")

    def _pin(self) -> bool:
        try:
            self._screen.note(self._check.pin())
        except TrustError as error:
            self._fail(str(error), ExitStatus.HOST_KEY)
            return False
        return True

    def _log_in(self) -> None:
        assert self._link is not None
        self._phase = _Phase.LOGGING_IN
        self._link.login(self._login_request())

    def _begin(self, members: int) -> None:
        self._phase = _Phase.TALKING
        others = {1: "nobody else is", 2: "one other is"}.get(members, f"{members - 1} others are")
        name = make_visible(self._nick or "")
        self._screen.note(f"* You are {name} in {ROOM}; {others} here. /help lists the commands.")
        backlog, self._backlog = self._backlog, []
        for line in backlog:
            self.line(line)
        self._leave_if_done()

    def _answered(self, number: int) -> None:
        request = self._pending.pop(number, None)
        if request is not None:
            if isinstance(request, messages.Nick):
                self._nick = request.nick
                self._screen.note(f"* You are now known as {make_visible(request.nick)}.")
            self._line_done()
            self._leave_if_done()

    def _take_members(self, number: int, nicks: list[str], more: bool) -> None:
        self._members += nicks
        if more and nicks:
            self._pending.pop(number, None)
            self._ask(messages.Who(self._next_id(), ROOM, self._members[-1]))
            return
        names = ", ".join(map(make_visible, self._members))
        self._screen.show(f"* {len(self._members)} here: {names}")
        self._answered(number)

    def _refused(self, number: int, text: str) -> None:
        request = self._pending.pop(number, None)
        match request:
            case None:
                return
            case messages.Login() if self._is_terminal:
                self._screen.note(text)
                self._ask_nick()
            case messages.Login() | messages.Join():
                self._fail(text, ExitStatus.REFUSED)
            case _:
                self._complain(text)
                self._line_done()
                self._leave_if_done()

    # --- Ends ---

    def _complain(self, sentence: str) -> None:
        """A line came to nothing. A person sees that; a script learns it from the status as
        well."""
        self._screen.note(sentence)
        if not self._is_terminal:
            self._status = ExitStatus.REFUSED

    def _leave_if_done(self) -> None:
        if self._has_ended and not self._pending and self._phase is _Phase.TALKING:
            self._over(self._status)

    def _lost(self, sentence: str) -> None:
        unanswered = sum(isinstance(it, messages.Post) for it in self._pending.values())
        unanswered += len(self._backlog)
        if unanswered:
            lines = "1 line was" if unanswered == 1 else f"{unanswered} lines were"
            sentence += f" {lines} not acknowledged."
        self._fail(sentence, ExitStatus.CONNECTION)

    def _fail(self, sentence: str, status: ExitStatus) -> None:
        if self._phase is not _Phase.OVER:
            self._screen.note(sentence)
            self._over(status)

    def _over(self, status: ExitStatus) -> None:
        if self._phase is _Phase.OVER:
            return
        self._phase = _Phase.OVER
        self._status = status
        if self._link is None:
            self._finish(status)
        else:
            self._link.close(CloseCode.NORMAL)
