"""What the tests over sockets share: a server in this process, peers of it, and what was logged."""

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Final, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IReactorCore,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, LogLevel
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.ids import LogId, MessageId
from chat.limits import Limits
from chat.receiver import ConnectionProtocol
from chat.server.connections.factory import ChatFactory
from chat.server.connections.protocol import ChatProtocol
from chat.server.requests.dispatcher import Dispatcher
from chat.server.state.directory import store_url
from chat.store import engine
from chat.store.registry import open_store
from chat.testing import HOST_KEY
from chat.testing.headless import RealReactor
from chat.testing.server import STORAGE_KEY
from chat.wire.connection import (
    ClientConnection,
    Delivered,
    Event,
    HostKeyOffered,
    Received,
)
from chat.wire.errors import RemoteProtocolError
from chat.wire.identity import Identity
from chat.wire.messages import Join, Joined, Login, Post, Posted, TextBody, Welcome

PATIENCE: Final = 10.0
"""Seconds after which something that should have happened has not. Nothing waits so long unless
it fails."""

PLAINTEXT: Final = "Xyzzy, as nobody should ever read it in a log"
"""What somebody says who then turns hostile."""


def login_of(connection: ClientConnection, nick: str, number: int = 1) -> Login:
    """Return the login of whoever calls themselves so: one account, whenever they come."""
    seed = hashlib.sha256(nick.encode("utf-8", "backslashreplace")).digest()
    identity = Identity.from_seed(seed)
    return Login(number, nick, identity.public, identity.sign_login(connection.binding))


class Reactor(RealReactor, engine.Reactor, IReactorCore):
    """What is needed of the reactor."""


def the_reactor() -> Reactor:
    """Return the reactor that pytest-twisted runs."""
    from twisted.internet import reactor

    return cast(Reactor, reactor)


async def sleep(seconds: float) -> None:
    """Let time pass."""
    await deferLater(the_reactor(), seconds)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds. Raises AssertionError if it never does."""
    deadline = the_reactor().seconds() + PATIENCE
    while not condition():
        assert the_reactor().seconds() < deadline, "it never came about"
        await sleep(0.001)


class Stage(Enum):
    """How far a peer has come when it turns hostile."""

    FRESH = auto()
    """It is connected."""
    GREETED = auto()
    """It has the server's hello, and has not sent its finish."""
    LOGGED_IN = auto()
    JOINED = auto()

    @property
    def is_sealed(self) -> bool:
        """Whether the server seals what it says, the reason for a close included."""
        return self in (Stage.LOGGED_IN, Stage.JOINED)


class Peer(ConnectionProtocol):
    """A real client of the wire protocol. It keeps what it reads, and writes what it is told to."""

    connection: ClientConnection
    port: int
    """This end's."""
    place = 0
    """How many peers had that port before."""

    def __init__(self, nick: str) -> None:
        self.connection = ClientConnection(Limits())
        self.nick = nick
        self.hello = self.connection.start()
        self.raw = bytearray()
        """All bytes that came."""
        self.lines: list[bytes] = []
        """All lines that came before the connection was over."""
        self.events: list[Event] = []
        self.error: RemoteProtocolError | None = None
        """What the server did wrong, if it did."""
        self.is_mute = False
        """Whether pings stay unanswered."""
        self.reason: Failure | None = None
        """How the connection ended, if it has."""
        self._last_id = 0
        self._log = LogId(b"")

    # --- Up ---

    def connectionMade(self) -> None:
        """Note which connection this is."""
        address = self.transport.getHost()
        assert isinstance(address, IPv4Address)
        self.port = address.port

    def dataReceived(self, data: bytes) -> None:
        """Keep the bytes, and take the lines in."""
        self.raw += data
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Keep the line, and take it in."""
        self.lines.append(line)
        if not self.is_mute:
            super().lineReceived(line)
            return
        for event in self.connection.receive_line(line):
            self.events.append(event)

    def received(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    def violated(self, error: RemoteProtocolError) -> None:
        """Keep the error, and read on: the caller decides what that means."""
        self.error = error

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Keep how it ended."""
        self.reason = reason

    def texts(self, nick: str) -> list[str]:
        """Return what `nick` was heard to say."""
        bodies = [event.body for event in self.events if isinstance(event, Delivered)]
        return [body.text for body in bodies if isinstance(body, TextBody) and body.nick == nick]

    def count(self, kind: type) -> int:
        """Return how many messages of a kind came."""
        return sum(
            isinstance(event, Received) and isinstance(event.message, kind) for event in self.events
        )

    def forget(self) -> None:
        """Keep nothing of what came, but for where the lobby is."""
        self._log = self.log
        self.raw.clear()
        self.lines.clear()
        self.events.clear()

    # --- Down ---

    def write(self, data: bytes) -> None:
        """Send bytes, whatever they are."""
        self.transport.write(data)

    async def reach(self, stage: Stage) -> None:
        """Go through the protocol, as far as `stage`."""
        if stage is Stage.FRESH:
            return
        self.write(self.hello)
        await eventually(lambda: any(isinstance(event, HostKeyOffered) for event in self.events))
        if stage is Stage.GREETED:
            return
        self.write(self.connection.login(login_of(self.connection, self.nick, self.next_id())))
        await eventually(lambda: self.count(Welcome) == 1)
        if stage is Stage.LOGGED_IN:
            return
        self.write(self.connection.send(Join(self.next_id(), "lobby", "public")))
        await eventually(lambda: self.count(Joined) == 1)

    @property
    def log(self) -> LogId:
        """The id of the lobby's log, once the peer has joined."""
        [log] = {
            it.message.log
            for it in self.events
            if isinstance(it, Received) and isinstance(it.message, Joined)
        } or {self._log}
        return log

    def next_id(self) -> int:
        """Return an id for a request."""
        self._last_id += 1
        return self._last_id

    def post(self, text: str) -> None:
        """Say something."""
        self.write(
            self.connection.send(Post(self.next_id(), self.log, MessageId(os.urandom(16)), text))
        )

    async def say(self, text: str) -> None:
        """Say something, and wait until the server has it."""
        acknowledged = self.count(Posted)
        self.post(text)
        await eventually(lambda: self.count(Posted) > acknowledged)

    async def hear(self, nick: str, text: str) -> None:
        """Wait until `nick` has said something."""
        await eventually(lambda: text in self.texts(nick))

    async def end(self) -> None:
        """Wait until the server has ended the connection."""
        await eventually(lambda: self.reason is not None)

    async def leave(self) -> None:
        """End the connection without a word."""
        self.transport.loseConnection()
        await self.end()


class PeerFactory(Factory[Peer]):
    """Makes the one peer it was given."""

    noisy = False

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def buildProtocol(self, addr: IAddress | None) -> Peer:
        """Return it."""
        return self._peer


class NumberingFactory(ChatFactory):
    """The server's factory, which also remembers which session is whose."""

    numbers: dict[int, list[int]]
    """From a port to the numbers of the sessions that came from it, one after the other."""

    def buildProtocol(self, addr: IAddress | None) -> ChatProtocol:
        """Note the number."""
        protocol = super().buildProtocol(addr)
        assert isinstance(addr, IPv4Address)
        self.numbers.setdefault(addr.port, []).append(protocol.number)
        return protocol


class Server:
    """A server on a free port of the loopback address, with two who chat on it."""

    port: int
    alice: Peer
    bob: Peer

    def __init__(self, limits: Limits) -> None:
        reactor = the_reactor()
        self.limits = limits
        self._directory = tempfile.TemporaryDirectory()
        self.store = open_store(store_url(Path(self._directory.name)), reactor, True)
        self.factory = NumberingFactory(reactor, limits)
        self.factory.dispatcher = self.dispatcher = Dispatcher(
            self.store, STORAGE_KEY, reactor, limits
        )
        self.factory.numbers = {}
        self.factory.host_key = HOST_KEY
        self.factory.start()
        self._listening: IListeningPort | None = None
        self._peers: list[Peer] = []
        self._ports: Counter[int] = Counter()
        """How many peers each port had: the system gives one again when its connection is over."""
        self._said = 0

    async def open(self) -> None:
        """Listen, and let the two come in."""
        await self.dispatcher.load()
        self.factory.open()
        endpoint = TCP4ServerEndpoint(the_reactor(), 0, interface="127.0.0.1")
        self._listening = await endpoint.listen(self.factory)
        address = self._listening.getHost()
        assert isinstance(address, IPv4Address)
        self.port = address.port
        self.alice = await self.peer("alice", Stage.JOINED)
        self.bob = await self.peer("bob", Stage.JOINED)

    async def peer(self, nick: str, stage: Stage, address: str = "127.0.0.1") -> Peer:
        """Return a new peer that has come as far as `stage`, from a loopback address."""
        peer = await self.connect(nick, address)
        await peer.reach(stage)
        return peer

    async def connect(self, nick: str, address: str = "127.0.0.1") -> Peer:
        """Return a new peer that is connected."""
        reactor = the_reactor()
        endpoint = TCP4ClientEndpoint(
            reactor, "127.0.0.1", self.port, timeout=PATIENCE, bindAddress=(address, 0)
        )
        peer = Peer(nick)
        self._peers.append(peer)
        await endpoint.connect(PeerFactory(peer))
        peer.place = self._ports[peer.port]
        self._ports[peer.port] += 1
        return peer

    async def close(self) -> None:
        """Stop it, and end all connections, its own and its peers'."""
        self.factory.stop()
        if self._listening is not None:
            await maybeDeferred(self._listening.stopListening)
        await self.clear(everybody=True)
        self.factory.abort_all()
        await self.factory.drained().addTimeout(PATIENCE, the_reactor())
        await self.dispatcher.close()
        await self.store.close()
        self._directory.cleanup()

    async def clear(self, *, everybody: bool = False) -> None:
        """End the connections of all peers but alice and bob, or of them as well."""
        stay = [] if everybody else [self.alice, self.bob]
        for peer in self._peers:
            if peer.connected and peer.reason is None and peer not in stay:
                peer.transport.abortConnection()
                await peer.end()
        self._peers = stay

    def number(self, peer: Peer) -> int:
        """Return the number of a peer's session."""
        return self.factory.numbers[peer.port][peer.place]

    def forget_numbers(self) -> None:
        """Remember no session's number any more."""
        self.factory.numbers.clear()
        self._ports.clear()

    def size(self) -> tuple[int, ...]:
        """Return the size of everything the server keeps per connection."""
        factory = self.factory
        context = self.dispatcher.context
        feeds = [context.feeds.loaded(log) for log in context.hub.logs()]
        return (
            len(factory.clients),
            len(factory.admission.half_open),
            factory.admission.half_open.groups,
            len(factory._closing),
            len(context.sessions.all()),
            len(context.presence._leaving),
            *(len(feed.readers._readers) for feed in feeds if feed is not None),
        )

    async def done_with(self, peer: Peer) -> None:
        """Wait until the server has done with a peer whose connection has ended."""
        factory, number = self.factory, self.number(peer)
        sessions = (factory.clients, factory.admission._admitted, factory._closing)
        await eventually(lambda: not any(number in known for known in sessions))

    async def settle(self, size: tuple[int, ...]) -> None:
        """Wait until the server keeps no more than it did before."""
        await eventually(lambda: self.size() == size)

    async def chat(self) -> None:
        """Let the two who have nothing to do with it exchange a message."""
        self._said += 1
        for speaker, listener in ((self.alice, self.bob), (self.bob, self.alice)):
            text = f"message {self._said:06} of {speaker.nick}"
            await speaker.say(text)
            await listener.hear(speaker.nick, text)
        assert self.alice.error is self.bob.error is None


_ENDS = ("closed ", "gone ")


@implementer(ILogObserver)
class Log:
    """Everything that is logged while it observes."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        """Keep an event."""
        self.events.append(event)

    def of_session(self, number: int) -> list[LogEvent]:
        """Return what was logged about the end of one session, and about bugs in it."""
        return [
            event
            for event in self.events
            if event.get("number") == number
            or (event.get("session") == str(number) and event["log_format"].startswith(_ENDS))
        ]


def is_complaint(event: LogEvent) -> bool:
    """Tell whether an event says that something went wrong in the program itself."""
    return (
        bool(event.get("isError"))
        or "log_failure" in event
        or event["log_level"] not in (LogLevel.debug, LogLevel.info)
    )
