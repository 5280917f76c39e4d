"""Fakes for tests of what speaks this protocol: two real ends joined by hand, without sockets.

    pair = Pair()
    pair.log_in(Login(1, "alice"))
    log = FakeLog()
    pair.server_sends(log.keys())
    pair.server_sends(log.joined(2))
    [delivered] = pair.publish(log.line(TextBody(0, bytes(16), "bob", "hello")))

Nothing is replaced but time and randomness: both ends run the whole protocol. Whatever either of
them refuses comes out as the exception that `Connection.receive_line` raises.

And a whole server, with clients that are connected to it through fake transports:

    server = Server()
    alice, bob = server.enter("alice", "bob")
    alice.say("hello")
    assert bob.texts == [("alice", "hello")]
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final, cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IProducer,
    IProtocol,
    IPushProducer,
    ITransport,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.limits import Limits
from chat.receiver import ConnectionProtocol
from chat.server.factory import ChatFactory
from chat.store.interface import LogStore
from chat.store.memory import MemoryStore
from chat.wire.connection import (
    ClientConnection,
    Connection,
    Delivered,
    Event,
    HostKeyOffered,
    PeerClosed,
    Received,
    ServerConnection,
    Transmit,
)
from chat.wire.hostkey import HostKey
from chat.wire.lines import DELIMITER, encode_record
from chat.wire.messages import (
    Body,
    ClientMessage,
    Join,
    Joined,
    Keys,
    Login,
    Post,
    Posted,
    ServerMessage,
    TextBody,
    Unknown,
    Welcome,
    encode,
)
from chat.wire.records import seal_record
from chat.wire.sealing import KEY_BYTES, RandomBytes

__all__ = [
    "HOST_KEY",
    "Client",
    "FakeClock",
    "FakeLog",
    "FakeTransport",
    "Pair",
    "Server",
    "seeded_bytes",
    "split_lines",
]

HOST_KEY: Final = HostKey.from_seed(bytes(range(32)))
"""A host key that everybody knows."""


class FakeClock:
    """A clock that goes only when it is told to. Call it for the time in seconds."""

    def __init__(self, now: float = 0) -> None:
        self._now = now

    def __call__(self) -> float:
        """Return the time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


def seeded_bytes(seed: int) -> RandomBytes:
    """Return a source of "random" bytes that gives the same stream for the same seed."""
    return Random(seed).randbytes


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines in `data`, without CR LF. Raises ValueError if the last is not complete."""
    *lines, rest = data.split(DELIMITER)
    if rest:
        raise ValueError("data that does not end with a line")
    return lines


class Pair:
    """A client's and a server's end of one connection, and you are the network between them.

    Start with `log_in`, or `shake_hands` to answer the login yourself. Then `client_sends`,
    `server_sends` and `publish` carry what one end says to the other and return the events there;
    `to_server` and `to_client` carry any bytes you like. A `Transmit` among the events (the answer
    to a ping) is yours to carry on.

    Both ends live in the time of `clock` and, where there are no `client_limits`, have the same
    `limits`. Their randomness comes from `seed`, but for ML-KEM's, which cannot be chosen: two
    pairs with one seed have different keys.
    """

    client: ClientConnection
    server: ServerConnection
    clock: FakeClock
    client_events: list[Event]
    """Everything that happened at the client so far."""
    server_events: list[Event]
    """Everything that happened at the server so far."""

    def __init__(
        self,
        *,
        host_key: HostKey = HOST_KEY,
        limits: Limits | None = None,
        client_limits: Limits | None = None,
        clock: FakeClock | None = None,
        seed: int = 0,
    ) -> None:
        limits = Limits() if limits is None else limits
        client_limits = limits if client_limits is None else client_limits
        random_bytes = seeded_bytes(seed)
        self.clock = FakeClock() if clock is None else clock
        self.client = ClientConnection(client_limits, self.clock, random_bytes)
        self.server = ServerConnection(host_key, limits, self.clock, random_bytes)
        self.client_events = []
        self.server_events = []

    def to_server(self, data: bytes) -> list[Event]:
        """Hand the lines in `data` to the server; return the events there."""
        return _hand_over(self.server, data, self.server_events)

    def to_client(self, data: bytes) -> list[Event]:
        """Hand the lines in `data` to the client; return the events there."""
        return _hand_over(self.client, data, self.client_events)

    def client_sends(self, message: ClientMessage) -> list[Event]:
        """Carry a message to the server; return the events there."""
        return self.to_server(self.client.send(message))

    def server_sends(self, message: ServerMessage) -> list[Event]:
        """Carry a message to the client; return the events there."""
        return self.to_client(self.server.send(message))

    def publish(self, *lines: bytes) -> list[Event]:
        """Carry record lines and the server's voucher for them; return the events."""
        return self.to_client(self.vouched(*lines))

    def vouched(self, *lines: bytes) -> bytes:
        """Return record lines with the server's voucher behind them, without carrying them."""
        run = b"".join(lines)
        return self.server.deliver(run, hashlib.sha512(run).digest())

    def offer_host_key(self) -> HostKeyOffered:
        """Begin the handshake, as far as the host key that the client has to decide about."""
        [answer] = self.to_server(self.client.start())
        assert isinstance(answer, Transmit)
        [offered] = self.to_client(answer.data)
        assert isinstance(offered, HostKeyOffered)
        return offered

    def shake_hands(self, login: Login | None = None) -> list[Event]:
        """Complete the handshake, whatever the host key. Return the events at the server.

        The client keeps waiting for the answer to `login`: the server's first frame.
        """
        self.offer_host_key()
        return self.to_server(self.client.login(Login(1, "alice") if login is None else login))

    def log_in(self, login: Login | None = None) -> Welcome:
        """Complete the handshake and welcome the client. Return what it was sent."""
        login = Login(1, "alice") if login is None else login
        self.shake_hands(login)
        welcome = Welcome(
            id=login.id,
            account=bytes(16),
            nick=login.nick,
            server="encchat testing",
            time=0,
            keeps="memory",
            limits={},
            features=[],
        )
        self.server_sends(welcome)
        return welcome


def _hand_over(connection: Connection, data: bytes, happened: list[Event]) -> list[Event]:
    events: list[Event] = []
    for line in split_lines(data):
        new = connection.receive_line(line)
        happened += new
        events += new
    return events


@dataclass(slots=True)
class FakeLog:
    """A room's log, as a server keeps it, in one epoch: makes the record lines for `Pair.publish`.

    Change `epoch` and `key` to begin another epoch, and send `keys` again.
    """

    log: bytes = bytes(range(16))
    epoch: int = 1
    key: bytes = field(default=bytes(range(KEY_BYTES)), repr=False)
    seq: int = 0
    """Of the last record."""
    random_bytes: RandomBytes = field(default_factory=lambda: seeded_bytes(0), repr=False)

    def keys(self) -> Keys:
        """Return the event that gives a member the epoch's key."""
        return Keys(self.log, self.epoch, self.key)

    def joined(self, request: int, room: str = "lobby", members: int = 1) -> Joined:
        """Return the answer to a `join`, for the records that are made from now on."""
        return Joined(request, room, self.log, self.seq, members)

    def line(self, body: Body) -> bytes:
        """Return the line of the next record, under a random record id."""
        self.seq += 1
        record_id = self.random_bytes(16)
        record = seal_record(
            self.key, self.log, self.epoch, record_id, encode(body), self.random_bytes
        )
        return encode_record(self.log, self.seq, record)


# --- A whole server, and clients joined to it by fake transports ---

Message = ClientMessage | ServerMessage | Unknown


@implementer(ITransport, IConsumer, IPushProducer)
class FakeTransport:
    """A protocol's end of a TCP connection, with you as the network and the peer.

    What the protocol writes waits until you `take` it. As with a real transport, the producer is
    paused while more than `bufferSize` bytes wait, and goes on when none are left.
    """

    bufferSize: int = 2**16
    chunk_bytes: int = 2**16
    """The most that the protocol gets in one `dataReceived`."""

    def __init__(self, protocol: ConnectionProtocol, clock: Clock, address: IAddress) -> None:
        self.protocol = protocol
        self.writes: list[bytes] = []
        """What each call of `write` brought."""
        self.size = 0
        """How many bytes wait for the peer."""
        self.no_delay = False
        self.is_reading = True
        """Whether the protocol takes in what the peer writes."""
        self.is_write_closed = False
        """Whether the peer has seen the end of the stream."""
        self.disconnecting = False
        self.is_aborted = False
        self.is_lost = False
        self._address = address
        self._clock = clock
        self._incoming = b""
        self._waiting: list[bytes] = []
        self._producer: IPushProducer | None = None
        self._is_producer_paused = False
        self._is_closing_write = False
        self._is_full = False

    @property
    def full(self) -> bool:
        """Whether the peer has stopped reading, for long enough to be noticed. Yours to set."""
        return self._is_full

    @full.setter
    def full(self, is_full: bool) -> None:
        self._is_full = is_full
        if is_full:
            self._pause_producer()

    # --- The protocol's side ---

    def write(self, data: bytes) -> None:
        """Keep `data` for the peer."""
        if self.is_lost or self.is_aborted or self.is_write_closed:
            return
        self.writes.append(data)
        self._waiting.append(data)
        self.size += len(data)
        if self._is_full or self.size > self.bufferSize:
            self._pause_producer()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Keep all of `data` for the peer."""
        self.write(b"".join(data))

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """Tell `producer`, which must be a push producer, when to pause and when to go on."""
        assert streaming and self._producer is None
        self._producer = cast(IPushProducer, producer)

    def unregisterProducer(self) -> None:
        """Tell the producer nothing any more."""
        self._producer = None

    def _pause_producer(self) -> None:
        if self._producer is not None:
            self._is_producer_paused = True
            self._producer.pauseProducing()

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Note whether Nagle's algorithm is off."""
        self.no_delay = enabled

    def getPeer(self) -> IAddress:
        """Return the peer's address."""
        return self._address

    def getHost(self) -> IPv4Address:
        """Return this end's address."""
        return IPv4Address("TCP", "192.0.2.254", 5555)

    def pauseProducing(self) -> None:
        """Read nothing."""
        self.is_reading = False

    def resumeProducing(self) -> None:
        """Read on, in a later turn."""
        self.is_reading = True

    def stopProducing(self) -> None:
        """End the connection, as `loseConnection`."""
        self.loseConnection()

    def loseConnection(self) -> None:
        """End the connection when the peer has taken everything."""
        self.disconnecting = True

    def loseWriteConnection(self) -> None:
        """Let the peer see the end of the stream behind what it has yet to take."""
        self._is_closing_write = True

    def abortConnection(self) -> None:
        """Drop everything; `connectionLost` follows in the next turn."""
        if not (self.is_lost or self.is_aborted):
            self.is_aborted = True
            self._drop()
            self._clock.callLater(0, self.lose, ConnectionAborted())

    # --- The peer's side ---

    def take(self) -> bytes:
        """Return what the peer reads now: all that waits, or nothing while `full`."""
        if self._is_full or self.is_lost or self.is_aborted:
            return b""
        data, self._waiting, self.size = b"".join(self._waiting), [], 0
        if self._producer is not None and self._is_producer_paused:
            self._is_producer_paused = False
            self._producer.resumeProducing()
        elif self.disconnecting:
            self.lose(ConnectionDone())
        elif self._is_closing_write:
            self.is_write_closed = True
        return data

    def receive(self, data: bytes = b"") -> bool:
        """Hand over what the peer has written so far and `data`, as far as the protocol reads.

        Return whether there was any.
        """
        self._incoming += data
        if self.is_lost or self.is_aborted:
            self._incoming = b""
        if not self._incoming or not self.is_reading:
            return False
        chunk = self._incoming[: self.chunk_bytes]
        self._incoming = self._incoming[self.chunk_bytes :]
        self.protocol.dataReceived(chunk)
        return True

    def lose(self, reason: Exception) -> None:
        """End the connection, now."""
        if not self.is_lost:
            self.is_lost = True
            self._drop()
            if self._producer is not None:
                self._producer.stopProducing()
                self._producer = None
            self.protocol.connectionLost(Failure(reason))

    def _drop(self) -> None:
        self._waiting, self.size = [], 0


class Client:
    """A client of a `Server`. Whatever it is told to send, and whatever came of it."""

    def __init__(self, server: "Server", address: str) -> None:
        self._server = server
        peer = IPv4Address("TCP", address, 40_000)
        self.protocol = server.factory.buildProtocol(peer)
        """The server's end."""
        self.transport = FakeTransport(self.protocol, server.clock, peer)
        self.connection = ClientConnection(server.limits, server.clock.seconds, server.random_bytes)
        self.lines: list[bytes] = []
        """All lines that came, without CR LF."""
        self.events: list[Event] = []
        """All that came of them, but for `Transmit`, which is sent."""
        self.is_stubborn = False
        """Whether it keeps the connection open when the server ends it."""
        self._requests = 0
        protocol: IProtocol = self.protocol
        protocol.makeConnection(self.transport)

    # --- To the server ---

    def write(self, data: bytes) -> None:
        """Write bytes, whatever they are. Like all that is sent, they go with the next `pump`."""
        self._server.outgoing.append((self, data))

    def send(self, message: ClientMessage) -> None:
        """Send a message."""
        self.write(self.connection.send(message))

    def next_id(self) -> int:
        """Return an id for a request."""
        self._requests += 1
        return self._requests

    def post(self, text: str, message: bytes | None = None) -> int:
        """Send a post, under a random message id if none is given; return the request's id."""
        message = self._server.random_bytes(16) if message is None else message
        request = self.next_id()
        self.send(Post(request, "lobby", message, text))
        return request

    def say(self, text: str) -> int:
        """Send a post, let everything happen, and return its sequence number."""
        request = self.post(text)
        self._server.pump()
        return self.acks[request][0]

    def ask(self, message: ClientMessage) -> Message:
        """Send a request, let everything happen, and return what came last: the answer."""
        self.send(message)
        self._server.pump()
        return self.received[-1]

    def log_in(self, nick: str) -> Message:
        """Ask to be known as `nick`, after the handshake if need be; return the answer."""
        login = Login(self.next_id(), nick)
        if self.received:
            return self.ask(login)
        self.write(self.connection.start())
        self._server.pump()
        self.write(self.connection.login(login))
        self._server.pump()
        return self.received[-1]

    def join(self) -> Message:
        """Ask to become a member of the lobby; return the answer."""
        return self.ask(Join(self.next_id(), "lobby"))

    def vanish(self) -> None:
        """Be cut off."""
        self.transport.lose(ConnectionLost())
        self._server.pump()

    # --- From the server ---

    def read(self) -> bool:
        """Take in what the server wrote. Return whether there was any."""
        data = self.transport.take()
        for line in split_lines(data):
            self.lines.append(line)
            for event in self.connection.receive_line(line):
                if isinstance(event, Transmit):
                    self.write(event.data)
                else:
                    self.events.append(event)
        if self.transport.is_write_closed and self.transport.is_reading and not self.is_stubborn:
            self.transport.lose(ConnectionDone())
        return bool(data) or (self.transport.size > 0 and not self.transport.full)

    @property
    def received(self) -> list[Message]:
        """All messages from the server."""
        return [event.message for event in self.events if isinstance(event, Received)]

    @property
    def delivered(self) -> list[Delivered]:
        """All records."""
        return [event for event in self.events if isinstance(event, Delivered)]

    @property
    def texts(self) -> list[tuple[str, str]]:
        """What was said: (nickname, text)."""
        bodies = [record.body for record in self.delivered]
        return [(body.nick, body.text) for body in bodies if isinstance(body, TextBody)]

    @property
    def acks(self) -> dict[int, tuple[int, int]]:
        """The answers to posts: (sequence number, time) by request."""
        posted = [message for message in self.received if isinstance(message, Posted)]
        return {ack[0]: ack[1:] for message in posted for ack in message.acks}

    @property
    def closed(self) -> PeerClosed | None:
        """Why the server has closed the connection, if it has."""
        closed = [event for event in self.events if isinstance(event, PeerClosed)]
        return closed[0] if closed else None


class Server:
    """A chat server without a network: you pump, and you wind the clock."""

    def __init__(
        self, store: LogStore | None = None, limits: Limits | None = None, seed: int = 0
    ) -> None:
        self.limits = Limits() if limits is None else limits
        self.clock = Clock()
        self.random_bytes = seeded_bytes(seed)
        self.store = MemoryStore(self.limits.memory_log_bytes) if store is None else store
        self.factory = ChatFactory(
            self.store,
            self.clock,
            self.limits,
            self.clock.seconds,
            lambda: round(1000 * self.clock.seconds()),
            self.random_bytes,
        )
        self.factory.host_key = HOST_KEY
        self.factory.start()
        self.clients: list[Client] = []
        """All that were ever connected."""
        self.outgoing: list[tuple[Client, bytes]] = []
        """What clients have sent since the last `pump`, in this order."""

    def connect(self, address: str = "192.0.2.1") -> Client:
        """Return a new client that has said nothing yet."""
        client = Client(self, address)
        self.clients.append(client)
        self.pump()
        return client

    def enter(self, *nicks: str) -> list[Client]:
        """Return new clients who are in the lobby."""
        clients = []
        for nick in nicks:
            client = self.connect()
            client.log_in(nick)
            client.join()
            clients.append(client)
        return clients

    def pump(self) -> None:
        """Carry everything to where it goes, until nothing moves any more.

        In a turn the server first gets what was sent; then what is due happens; then clients read.
        """
        is_moving = True
        while is_moving:
            outgoing, self.outgoing = self.outgoing, []
            for client, data in outgoing:
                client.transport.receive(data)
            arrived = [client.transport.receive() for client in self.clients]
            due = any(
                call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()
            )
            self.clock.advance(0)
            read = [client.read() for client in self.clients]
            is_moving = any([outgoing, due, *arrived, *read])

    def advance(self, seconds: float) -> None:
        """Let time pass, one look at the deadlines after the other."""
        end = self.clock.seconds() + seconds
        while self.clock.seconds() < end:
            self.clock.advance(min(self.limits.sweep_seconds, end - self.clock.seconds()))
            self.pump()
