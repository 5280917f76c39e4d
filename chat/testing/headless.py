"""The terminal client without its terminal: all of it, over a real connection, driven by calls."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from chat.client.conversation import Conversation
from chat.client.core.address import Address
from chat.client.core.backoff import Backoff
from chat.client.core.interfaces import ExitStatus
from chat.client.core.trust import HostKeyCheck
from chat.client.network.dialer import Dialer
from chat.client.network.protocol import ChatClientProtocol
from chat.client.storage.identities import Identities
from chat.client.storage.known_hosts import KnownHosts
from chat.limits import ClientLimits, Limits
from chat.wire.messages import Post, Posted

__all__ = ["HeadlessClient", "KeptScreen", "RealReactor"]

_TICK_SECONDS: Final = 0.25
_SAID: Final = re.compile(r"([^*\s]\S*): (.*)")


class RealReactor(IReactorTime, IReactorTCP):
    """What is needed of the reactor."""


class KeptScreen:
    """A `chat.client.core.interfaces.Screen` that keeps what is shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def show(self, line: str) -> None:
        """Keep a line of the conversation."""
        self.lines.append(line)

    def note(self, line: str) -> None:
        """Keep a note."""
        self.notes.append(line)

    def remark(self, line: str) -> None:
        """Keep it as a note."""
        self.notes.append(line)

    def prompt(self, text: str) -> None:
        """Keep a question."""
        self.notes.append(text)

    @property
    def said(self) -> list[tuple[str, str]]:
        """What others were shown to have said: nickname and text."""
        found = map(_SAID.fullmatch, self.lines)
        return [(match[1], match[2]) for match in found if match]


class HeadlessClient:
    """A user's client of a server on a port of the loopback address.

    It pins the server's key on first use, and keeps that and its account in `home`.
    """

    def __init__(
        self,
        reactor: RealReactor,
        nick: str,
        port: int,
        home: Path,
        limits: Limits | None = None,
        client_limits: ClientLimits | None = None,
        history: int = 0,
    ) -> None:
        limits, client_limits = limits or Limits(), client_limits or ClientLimits()
        address = Address("localhost", port)
        backoff = Backoff(client_limits)
        self.nick = nick
        self.screen = KeptScreen()
        self.status: ExitStatus | None = None
        self.typed = 0
        """Lines that were given to `type`."""
        self.answered = 0
        """Of those, the ones that nothing is left to wait for."""
        self.sent = 0
        """Posts that were written to a connection; one that is sent again counts again."""
        self.acknowledged: list[tuple[int, str]] = []
        """Sequence number and text of each post, when the server said that it is stored."""
        self._texts: dict[int, str] = {}
        self._conversation = _Conversation(
            nick,
            is_terminal=False,
            history=history,
            check=HostKeyCheck(
                address, KnownHosts(home / "known_hosts"), is_terminal=False, trust_new=False
            ),
            identities=Identities(home),
            screen=self.screen,
            network=Dialer(
                TCP4ClientEndpoint(reactor, "127.0.0.1", port, timeout=limits.connect_seconds),
                lambda: _Protocol(self._sent, self._conversation, reactor, limits),
                reactor,
                backoff.delay,
                self._not_connected,
            ),
            backoff=backoff,
            finish=self._finish,
            line_done=self._line_done,
            seconds=reactor.seconds,
            limits=client_limits,
        )
        self._conversation.posted = self._posted
        self._ticker = LoopingCall(self._conversation.tick)
        self._ticker.clock = reactor

    @property
    def cuts(self) -> int:
        """How often it said that its connection was lost."""
        return sum(note.startswith("* The connection was lost") for note in self.screen.notes)

    @property
    def returns(self) -> int:
        """How often it said that it is connected again."""
        return sum("Connected again" in note for note in self.screen.notes)

    @property
    def sent_again(self) -> int:
        """How often it sent a text that it had sent before."""
        return self.sent - len(set(self._texts.values()))

    def start(self) -> None:
        """Connect."""
        self._ticker.start(_TICK_SECONDS)
        self._conversation.start()

    def type(self, line: str) -> None:
        """Type a line."""
        self.typed += 1
        self._conversation.line(line)

    def end_input(self) -> None:
        """Let it leave when everything is answered."""
        self._conversation.end_of_input()

    def interrupt(self) -> None:
        """Let it leave at once, if it has not left."""
        self._conversation.interrupt()

    def _line_done(self) -> None:
        self.answered += 1

    def _sent(self, post: Post) -> None:
        self.sent += 1
        self._texts[post.id] = post.text

    def _posted(self, posted: Posted) -> None:
        self.acknowledged += [(seq, self._texts[number]) for number, seq, _ in posted.acks]

    def _not_connected(self, failure: Failure) -> None:
        self._conversation.disconnected(None, failure.getErrorMessage())

    def _finish(self, status: ExitStatus) -> None:
        self.status = status
        self._ticker.stop()


class _Conversation(Conversation):
    """Tells of acknowledgements."""

    posted: Callable[[Posted], None]

    def received(self, message: Struct) -> None:
        if isinstance(message, Posted):
            self.posted(message)
        super().received(message)


class _Protocol(ChatClientProtocol):
    """Tells of posts."""

    def __init__(
        self,
        sent: Callable[[Post], None],
        conversation: Conversation,
        clock: IReactorTime,
        limits: Limits,
    ) -> None:
        super().__init__(conversation, clock, limits)
        self._sent = sent

    def send(self, message: Struct) -> None:
        if isinstance(message, Post):
            self._sent(message)
        super().send(message)
