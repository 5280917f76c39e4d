"""The phases of a visit to a server, from the nickname to the last line.

No reactor, no terminal, no socket, no clock: those are `Link`, `Network`, `Screen` and callables,
so that all of it can be tested by calling methods. What happens within the phases is decided by the
other modules; here is who gets what, which ends are final, and when one may leave.
"""

import os
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from chat.client.absence import Absence
from chat.client.actions import Actions
from chat.client.arrival import Arriving
from chat.client.core.backoff import Backoff, is_final
from chat.client.core.interfaces import ExitStatus, Link, Network, Screen, TypedLine
from chat.client.core.trust import HostKeyCheck
from chat.client.entrance import Entrance, Question
from chat.client.incoming import Incoming
from chat.client.line.display import explain_close
from chat.client.login import Credentials, LoginRequests
from chat.client.membership import Membership
from chat.client.moderating import Moderating
from chat.client.posts import Posts
from chat.client.reading import Reading
from chat.client.storage.identities import Identities
from chat.client.visit import Visit
from chat.limits import ClientLimits
from chat.wire.connection import Delivered
from chat.wire.errors import CloseCode
from chat.wire.sealing import RandomBytes

__all__ = ["NO_CREDENTIALS", "Conversation"]


NO_CREDENTIALS: Final = Credentials()


class _Phase(Enum):
    ENTERING = auto()
    """On the way to a login, the first or after a connection was lost."""
    ARRIVING = auto()
    """Logged in; the logs are being opened."""
    TALKING = auto()
    OVER = auto()


class Conversation:
    """One visit. `finish` is called once, with the status, when it is over.

    With `room`, where a link leads, it begins by joining that. `tick` is to be called about once a
    second, whatever happens. `seconds` is a monotonic clock.
    """

    def __init__(
        self,
        nick: str | None,
        *,
        is_terminal: bool,
        history: int,
        room: str | None = None,
        check: HostKeyCheck,
        identities: Identities,
        credentials: Credentials = NO_CREDENTIALS,
        screen: Screen,
        network: Network,
        backoff: Backoff,
        finish: Callable[[ExitStatus], None],
        line_done: Callable[[], None],
        seconds: Callable[[], float],
        limits: ClientLimits,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._visit = visit = Visit(
            screen, line_done, limits, is_terminal=is_terminal, random_bytes=random_bytes
        )
        self._network = network
        self._backoff = backoff
        self._finish = finish
        self._seconds = seconds
        login = LoginRequests(visit, identities, credentials)
        self._entrance = Entrance(
            visit,
            login,
            check,
            network,
            nick=nick,
            arrive=self._arrive,
            fail=self._fail,
            hang_up=self._hang_up,
        )
        posts = Posts(visit)
        self._reading = Reading(visit, posts, history)
        membership = Membership(visit, self._reading)
        moderating = Moderating(visit, check.link)
        self._actions = Actions(visit, posts, self._reading, membership, login, moderating)
        self._arriving = Arriving(visit, posts, self._reading, self._talk, self._refused)
        self._incoming = Incoming(visit, posts, self._reading, self._arriving, membership)
        self._phase = _Phase.ENTERING
        self._link: Link | None = None
        self._room = room
        self._lines: deque[TypedLine] = deque()
        """Typed lines that cannot be taken yet, in order."""
        self._typed = 0
        self._has_ended = False
        self._may_come_back = False
        self._absence = Absence(visit, seconds)
        self._reason: str | None = None
        self._alone_since: float | None = None

    def start(self) -> None:
        """Begin."""
        self._entrance.start()

    # --- What the user types ---

    def line(self, line: str | None) -> None:
        """Take a typed line; None stands for one that is no text or far too long."""
        self._typed += 1
        if self._phase is _Phase.OVER:
            self._visit.line_done()
        elif self._entrance.question is not Question.NONE:
            self._visit.line_done()
            self._entrance.answer(line)
        elif line is None:
            sentence = "That is not UTF-8 or far too long, and was not sent."
            self._visit.reject(sentence, TypedLine("", self._typed))
        elif line.strip() == "/quit" and self._phase is not _Phase.TALKING:
            # Not after the connection has come back: nobody wants to wait for that.
            self._visit.line_done()
            self.end_of_input()
        else:
            self._lines.append(TypedLine(line, self._typed))
            self._proceed()

    def end_of_input(self) -> None:
        """Leave when everything that was typed has been answered."""
        self._has_ended = True
        self._entrance.end_of_input()
        self._proceed()

    def interrupt(self) -> None:
        """Leave at once. What is not answered yet is lost, so that is said."""
        loss = self._loss()
        if loss:
            self._fail([loss], ExitStatus.CONNECTION)
        else:
            self._over(self._visit.status)

    def tick(self) -> None:
        """See to what is done from time to time."""
        is_talking = self._phase is _Phase.TALKING
        if is_talking:
            self._reading.tell_seen()
        if not self._is_ending:  # Else it ends soon, with a sentence.
            self._absence.tick()
        if not self._may_come_back or not self._is_ending or (is_talking and not self._is_settled):
            self._alone_since = None
            return
        now = self._seconds()
        if self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since < self._visit.limits.unanswered:
            return
        elif is_talking:  # What was missed does not come.
            self._over(self._visit.status)
        else:
            self._lost(self._absence.explain())

    # --- What the connection brings ---

    def connected(self, link: Link) -> None:
        """Take a connection."""
        self._link = link
        self._visit.asking.attach(link)
        self._entrance.connected(link)

    def offered(self, host_key: bytes, successions: bytes, *, is_loopback: bool) -> None:
        """Decide about the host key that the server has proved to hold."""
        self._entrance.offered(host_key, successions, is_loopback=is_loopback)

    def received(self, message: Struct) -> None:
        """Take an answer or an event; whatever is neither is skipped."""
        if self._phase is _Phase.OVER:
            return
        self._incoming.received(message)
        self._proceed()

    def delivered(self, delivered: Delivered) -> None:
        """Take a record."""
        if self._phase is _Phase.OVER:
            return
        self._incoming.delivered(delivered)
        self._proceed()

    def peer_closed(self, code: int, retry_after: int | None) -> None:
        """The server ends the connection, and says why."""
        self._may_come_back = self._may_come_back or code == CloseCode.BUSY
        if not self._may_come_back or is_final(code):
            self._lost(explain_close(code, retry_after))
        else:
            self._backoff.obey(retry_after)
            self._reason = explain_close(code, None)

    def disconnected(self, link: Link | None, reason: str, *, is_final: bool = False) -> None:
        """`link` ended, or the first never came to be (None); `reason` is a sentence.

        With `is_final`, it is no use to come back.
        """
        if link is not self._link:
            return  # One that was given up before a question.
        self._link = None
        if self._phase is _Phase.OVER:
            if link is not None:
                self._finish(self._visit.status)
        elif is_final or not self._may_come_back:
            self._lost(reason)
        else:
            self._come_back(self._reason or reason)

    @property
    def _is_ending(self) -> bool:
        return self._has_ended or self._actions.has_quit

    # --- From phase to phase ---

    def _hang_up(self) -> None:
        assert self._link is not None
        link, self._link = self._link, None
        self._entrance.lost()
        self._visit.asking.detach()
        link.close(CloseCode.NORMAL)
        self._network.stop()

    def _arrive(self) -> None:
        self._phase = _Phase.ARRIVING
        self._arriving.begin()

    def _talk(self) -> None:
        self._phase = _Phase.TALKING
        if self._room is not None and not self._absence.has_been_there:
            view = self._visit.book.room(self._room)
            if view is None or not self._visit.book.is_current(view):
                self._lines.appendleft(TypedLine(f"/join {self._room}", 0))
        self._may_come_back = True
        self._absence.end()
        self._backoff.reset()

    def _come_back(self, reason: str) -> None:
        """The network makes another connection; see to it that nothing is missing then."""
        self._phase = _Phase.ENTERING
        self._reason = None
        self._entrance.lost()
        self._lines.extendleft(reversed(self._visit.asking.detach()))
        self._absence.begin(reason)
        self._proceed()

    def _proceed(self) -> None:
        """Take the lines that can be taken, and leave if nothing is left to wait for."""
        while self._phase is _Phase.TALKING and self._lines and self._actions.run(self._lines[0]):
            self._lines.popleft()
        if not self._is_ending or not self._is_settled:
            return
        # A script also prints what was missed; a person who quits does not wait for that.
        is_behind = any(view.is_behind for view in self._visit.book.views())
        if self._phase is _Phase.TALKING and is_behind and not self._actions.has_quit:
            return
        # One that has never been there still has to show what was said.
        can_leave = self._absence.has_been_there or self._visit.is_terminal
        if self._phase is _Phase.TALKING or (self._absence and can_leave):
            self._over(self._visit.status)

    @property
    def _is_settled(self) -> bool:
        """Whether everything that was typed, and asked, has been answered."""
        visit = self._visit
        return not self._lines and not visit.outbox and visit.asking.is_idle

    # --- Ends ---

    def _refused(self, sentence: str) -> None:
        self._fail([sentence], ExitStatus.REFUSED)

    def _lost(self, sentence: str) -> None:
        self._fail([f"{sentence} {self._loss()}".rstrip()], ExitStatus.CONNECTION)

    def _loss(self) -> str:
        """Return the sentence about the lines that come to nothing; empty if there are none."""
        visit = self._visit
        unanswered = sum(line.number > 0 for line in self._lines)
        unanswered += len(visit.outbox) + visit.asking.lines
        lines = "1 line was" if unanswered == 1 else f"{unanswered} lines were"
        return f"{lines} not acknowledged." if unanswered else ""

    def _fail(self, lines: list[str], status: ExitStatus) -> None:
        if self._phase is not _Phase.OVER:
            for line in lines:
                self._visit.note(line)
            self._over(status)

    def _over(self, status: ExitStatus) -> None:
        if self._phase is _Phase.OVER:
            return
        if self._phase is _Phase.TALKING:
            self._reading.tell_seen()
        self._phase = _Phase.OVER
        self._visit.status = status
        link = self._link
        if link is not None:
            link.close(CloseCode.NORMAL)
        self._network.stop()
        if link is None:
            self._finish(status)
