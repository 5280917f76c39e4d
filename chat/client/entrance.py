"""From the nickname over the host key to the login, on every connection anew.

Only the first may ask anything. Nothing is said to a server whose host key is not trusted.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from chat.client.core.interfaces import ExitStatus, Link, Network
from chat.client.core.trust import HostKeyCheck, TrustError, Verdict
from chat.client.login import LoginError, LoginRequests
from chat.client.visit import Visit
from chat.wire.messages import Refused, Welcome

__all__ = ["Entrance", "Question"]

_NOT_ACCEPTED: Final = "The host key was not accepted."

_ADVICE: Final = {
    "nick_taken": (
        "If it is yours, type /link on a device that has it, and start here with --link CODE."
    ),
    "bad_code": "A device that is linked already shows a new one when you type /link there.",
}
"""What can be done here about the refusal of a login, by its code."""


class Question(Enum):
    """What the next typed line answers."""

    NONE = auto()
    NICK = auto()
    TRUST = auto()


class Entrance:
    """Brings one in. `arrive` is called when a login was accepted, `fail` where there is no way.

    `hang_up` gives up the connection without an end of the visit: no server waits for a person.
    """

    def __init__(
        self,
        visit: Visit,
        login: LoginRequests,
        check: HostKeyCheck,
        network: Network,
        *,
        nick: str | None,
        arrive: Callable[[], None],
        fail: Callable[[list[str], ExitStatus], None],
        hang_up: Callable[[], None],
    ) -> None:
        self._visit = visit
        self._login = login
        self._check = check
        self._network = network
        self._nick = nick
        self._arrive = arrive
        self._fail = fail
        self._hang_up = hang_up
        self._link: Link | None = None
        self._has_entered = False
        self._is_deserted = False
        self.question = Question.NONE
        """What is being asked."""

    def start(self) -> None:
        """Begin: with a question, if there is no nickname yet."""
        if self._nick is None:
            self._ask_nick()
        else:
            self._take_nick(self._nick)

    def answer(self, line: str | None) -> None:
        """Take a typed line as the answer to the question."""
        question, self.question = self.question, Question.NONE
        if question is Question.TRUST:
            self._take_trust((line or "").strip().lower())
        elif not self._visit.is_terminal and not (line or "").strip():
            self._fail(["The first line is not a nickname."], ExitStatus.REFUSED)
        elif line is None:
            self._not_this_nick(
                ["That was not a nickname, because it is not UTF-8 or far too long."]
            )
        else:
            self._take_nick(line)

    def end_of_input(self) -> None:
        """Nobody answers any more."""
        self._is_deserted = True
        if self.question is Question.NICK:
            self._fail(["No nickname was given."], ExitStatus.REFUSED)
        elif self.question is Question.TRUST:
            self._fail([_NOT_ACCEPTED], ExitStatus.HOST_KEY)

    def connected(self, link: Link) -> None:
        """Take a new connection."""
        self._link = link

    def lost(self) -> None:
        """Forget the connection."""
        self._link = None

    def offered(self, host_key: bytes, successions: bytes, *, is_loopback: bool) -> None:
        """Decide about the host key that the server has proved to hold."""
        try:
            verdict = self._check.examine(host_key, successions, is_loopback=is_loopback)
        except TrustError as error:
            self._fail(error.lines, ExitStatus.HOST_KEY)
            return
        if verdict is Verdict.ASK:
            self._ask_trust()
        elif verdict is Verdict.KNOWN or self._pin():
            self._log_in()

    # --- The nickname ---

    def _ask_nick(self) -> None:
        self.question = Question.NICK
        if self._is_deserted:
            self.end_of_input()
        elif self._visit.is_terminal:
            self._visit.screen.prompt("Nickname: ")

    def _take_nick(self, nick: str) -> None:
        try:
            self._login.choose(nick)
        except LoginError as error:
            self._not_this_nick([str(error)])
            return
        if self._link is None:
            self._network.connect()
        else:
            self._log_in(is_again=True)

    def _not_this_nick(self, lines: list[str]) -> None:
        if self._visit.is_terminal and not self._has_entered:
            for line in lines:
                self._visit.note(line)
            self._ask_nick()
        else:
            self._fail(lines, ExitStatus.REFUSED)

    # --- The host key ---

    def _ask_trust(self) -> None:
        self._hang_up()
        self.question = Question.TRUST
        if self._is_deserted:
            self.end_of_input()
            return
        for line in self._check.question():
            self._visit.note(line)
        self._visit.screen.prompt("Trust it from now on? (yes/no) ")

    def _take_trust(self, answer: str) -> None:
        if answer in ("yes", "y"):
            if self._pin():
                self._network.connect()
        elif answer in ("no", "n"):
            self._fail([_NOT_ACCEPTED], ExitStatus.HOST_KEY)
        else:
            self.question = Question.TRUST
            self._visit.screen.prompt("Please type yes or no: ")

    def _pin(self) -> bool:
        try:
            self._visit.note(self._check.pin())
        except TrustError as error:
            self._fail(error.lines, ExitStatus.HOST_KEY)
            return False
        return True

    # --- The login ---

    def _log_in(self, *, is_again: bool = False) -> None:
        assert self._link is not None
        try:
            request = self._login.request(self._link.binding)
        except LoginError as error:
            self._fail([str(error)], ExitStatus.REFUSED)
            return
        self._visit.asking.expect(request.id, Welcome, self._accepted, self._refused)
        if is_again:
            self._link.send(request)
        else:
            self._link.login(request)

    def _accepted(self, welcome: Welcome) -> None:
        self._has_entered = True
        self._login.accepted(welcome)
        self._arrive()

    def _refused(self, refused: Refused) -> None:
        self._login.refused(refused)
        advice = _ADVICE.get(refused.code)
        self._not_this_nick([refused.text] if advice is None else [refused.text, advice])
