"""A client made of lists: no terminal, no network, no time but what a test lets pass.

`NetworkByHand` is what lies between a core and a `ModelServer`; a `Person` sits at a line client
before it. (`tests.client.core.support` has the core alone.)
"""

from pathlib import Path
from typing import TypeVar

from msgspec import UNSET, Struct

from chat.client.core.address import Address
from chat.client.core.core import Core
from chat.client.core.login import NO_CREDENTIALS, Credentials
from chat.client.core.reconnect import LOST, Backoff
from chat.client.core.resync import LOBBY
from chat.client.core.trust import HostKeyCheck
from chat.client.line.client import LineClient
from chat.client.line.interfaces import BadLine, ExitStatus
from chat.client.storage.identities import Identities
from chat.client.storage.known_accounts import KnownAccounts
from chat.client.storage.known_hosts import KnownHosts
from chat.limits import LOGIN_BYTES, ClientLimits
from chat.testing import FakeClock
from chat.wire import messages as m
from chat.wire.connection import Delivered
from chat.wire.errors import CloseCode, LocalProtocolError
from tests.client.model import ModelServer, Session

__all__ = ["ADDRESS", "KEY", "OTHER_KEY", "FakeLink", "FakeScreen", "NetworkByHand", "Person"]

T = TypeVar("T", bound=Struct)

KEY, OTHER_KEY = bytes(32), bytes(31) + b"\x01"
ADDRESS = Address("chat.example.org")


class FakeLink:
    """A connection: keeps what is sent, and what of it was carried.

    As a real one, it raises LocalProtocolError for what fits no message. What does fit must be
    something that a server can take, or a real one would end the connection.
    """

    binding = bytes(32)

    def __init__(self, session: Session | None) -> None:
        self.session = session
        self.logins: list[m.Login] = []
        self.sent: list[Struct] = []
        self.carried = 0
        self.closed: CloseCode | None = None

    def login(self, login: m.Login) -> None:
        assert not self.sent
        if len(m.encode(login)) > LOGIN_BYTES:
            raise LocalProtocolError("too long")
        self.logins.append(login)
        self._write(login)

    def send(self, message: Struct) -> None:
        assert self.logins and self.closed is None
        self._write(message)

    def _write(self, message: Struct) -> None:
        assert m.decode_client_message(m.encode(message)) == message
        self.sent.append(message)

    def close(self, code: CloseCode) -> None:
        assert self.closed is None
        self.closed = code

    def all(self, kind: type[T]) -> list[T]:
        """Return what was sent of a kind."""
        return [it for it in self.sent if isinstance(it, kind)]

    def last(self, kind: type[T]) -> T:
        """Return the last of a kind."""
        return self.all(kind)[-1]


class FakeScreen:
    """Keeps what is printed; `everything` in order, on either stream; `errors` even in a script."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.notes: list[str] = []
        self.errors: list[str] = []
        self.prompts: list[str] = []
        self.is_hiding = False
        self.everything: list[str] = []

    def show(self, line: str) -> None:
        self.shown.append(line)
        self.everything.append(line)

    def note(self, line: str) -> None:
        self.errors.append(line)
        self.remark(line)

    def remark(self, line: str) -> None:
        self.notes.append(line)
        self.everything.append(line)

    columns: int | None = None

    def prompt(self, text: str, *, is_secret: bool = False) -> None:
        self.prompts.append(text)
        self.is_hiding = is_secret

    def answered(self) -> None:
        self.is_hiding = False

    def clear(self) -> None:
        """Forget what was printed."""
        for kept in (self.shown, self.notes, self.errors, self.prompts, self.everything):
            kept.clear()


class NetworkByHand:
    """The network between a core and a `ModelServer`: a test carries each message, or loses it."""

    core: Core

    def __init__(self, server: ModelServer | None) -> None:
        self.server = ModelServer() if server is None else server
        self.links: list[FakeLink] = []
        self.is_dialing = False
        self.connects = 0

    # The network, as the core sees it.

    def connect(self) -> None:
        self.is_dialing = True
        self.connects += 1

    def stop(self) -> None:
        self.is_dialing = False

    # What a test does.

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    @property
    def session(self) -> Session:
        """The server's end of the connection."""
        session = self.link.session
        assert session is not None
        return session

    def connected(self) -> None:
        """Let the next connection be made."""
        assert self.is_dialing
        self.links.append(FakeLink(self.server.connect()))
        self.core.connected(self.link)

    def offer(
        self, key: bytes = KEY, successions: bytes = b"", *, is_loopback: bool = True
    ) -> None:
        """Let the server prove a host key."""
        self.core.offered(key, successions, is_loopback=is_loopback)

    def carry_up(self) -> bool:
        """Carry one message to the server, if there is one."""
        link = self.link
        if link.session is None or link.carried == len(link.sent):
            return False
        message = link.sent[link.carried]
        link.carried += 1
        link.session.server.handle(link.session, message)
        return True

    def carry_down(self) -> bool:
        """Carry what arrives next to the client, if there is anything."""
        session = self.link.session
        if session is None or not session.out:
            return False
        self.receive(*session.out.pop(0))
        return True

    def carry(self) -> None:
        """Carry everything both ways."""
        while self.carry_up() or self.carry_down():
            pass
        self._end_if_closed()

    def carry_until(self, kind: type[Struct]) -> None:
        """Carry until something of a kind has been sent, which is not carried yet."""
        while not self.link.all(kind):
            assert self.carry_up() or self.carry_down()

    def _end_if_closed(self) -> None:
        if self.link.closed is not None and self.link.session is not None:
            self.cut()

    def receive(self, *pieces: Struct | Delivered) -> None:
        """Let the client receive something."""
        for piece in pieces:
            if isinstance(piece, Delivered):
                self.core.delivered(piece)
            else:
                self.core.received(piece)

    def cut(self, reason: str = LOST, *, is_final: bool = False) -> None:
        """Cut the connection; what is on its way is lost."""
        link = self.link
        if link.session is not None:
            link.session.server.sessions.remove(link.session)
            link.session = None
        self.core.disconnected(link, reason, is_final=is_final)

    def come_back(self) -> None:
        """Let another connection be made, up to the login."""
        self.connected()
        self.offer()

    def closed(self, code: int, retry_after: int | None = None) -> None:
        """Let the server close the connection."""
        self.core.peer_closed(code, retry_after)
        self.cut()

    def refuse(self, request: m.Request, text: str = "No.", code: str = "code") -> None:
        """Let the server refuse a request."""
        self.receive(m.Refused(request.id, code, text))


class Person(NetworkByHand):
    """Somebody with a line client, at a `ModelServer`."""

    def __init__(
        self,
        home: Path,
        server: ModelServer | None = None,
        nick: str | None = "ana",
        *,
        is_terminal: bool = False,
        trust_new: bool = False,
        history: int = 50,
        room: str | None = None,
        is_literal: bool = False,
        is_quiet: bool = False,
        credentials: Credentials = NO_CREDENTIALS,
        limits: ClientLimits | None = None,
    ) -> None:
        super().__init__(server)
        self.screen = FakeScreen()
        self.clock = FakeClock()
        self.statuses: list[ExitStatus] = []
        self.typed = 0
        self.lines_done = 0
        self.identities = Identities(home)
        limits = ClientLimits() if limits is None else limits
        self.backoff = Backoff(limits, lambda: 0.5)
        self.client = LineClient(
            nick,
            is_terminal=is_terminal,
            history=history,
            room=room,
            is_literal=is_literal,
            is_quiet=is_quiet,
            has_password=credentials.password is not UNSET,
            screen=self.screen,
            finish=self.statuses.append,
            line_done=self._line_done,
            seconds=self.clock,
            limits=limits,
        )
        self.core = Core(
            self.client.event,
            check=HostKeyCheck(
                ADDRESS,
                KnownHosts(home / "known_hosts"),
                can_ask=is_terminal,
                trust_new=trust_new,
            ),
            keys=self.identities,
            network=self,
            partners=KnownAccounts(home / "known_accounts", ADDRESS),
            credentials=credentials,
            home=LOBBY if room is None else None,
            limits=limits,
            backoff=self.backoff,
        )

    def _line_done(self) -> None:
        self.lines_done += 1

    def begin(self) -> None:
        """Begin, without a connection."""
        self.client.start(self.core)

    def start(self) -> "Person":
        """Come as far as a host key to decide about."""
        self.begin()
        self.connected()
        return self

    def enter(self) -> "Person":
        """Come as far as it goes without a question."""
        self.start()
        self.offer()
        self.carry()
        return self

    def type(self, *lines: str) -> None:
        """Type lines, and carry what follows."""
        for line in lines:
            self.enter_line(line)
        self.carry()

    def enter_line(self, line: str | None) -> None:
        """Type a line, and carry nothing."""
        self.typed += 1
        self.client.line(BadLine.NOT_UTF8 if line is None else line)

    def end(self) -> None:
        """End the input, and carry what follows."""
        self.client.end_of_input()
        if self.links:
            self.carry()

    def check_ended(self, status: ExitStatus) -> None:
        """Check that it is over, once, with this status."""
        if self.links:
            self._end_if_closed()
        assert self.statuses == [status]
        assert not self.is_dialing
