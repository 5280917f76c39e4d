"""A whole server, and clients joined to it by fake transports."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IProtocol,
)
from twisted.internet.task import Clock

from chat.ids import AccountId, LogId, MessageId
from chat.limits import Limits
from chat.rooms.addresses import AddressGroup
from chat.rooms.invitations import Registration
from chat.server.connections.factory import ChatFactory
from chat.server.oplog import LogAddresses, OperatorLog
from chat.server.requests.context import PasswordChecker
from chat.server.requests.dispatcher import Dispatcher
from chat.server.state.commits import COMMIT_SECONDS
from chat.store.interface import LogStore
from chat.store.memory import MemoryStore
from chat.testing.pair import HOST_KEY, seeded_bytes, split_lines
from chat.testing.transport import FakeTransport
from chat.wire.connection import (
    ClientConnection,
    Delivered,
    Event,
    PeerClosed,
    Received,
    Transmit,
)
from chat.wire.errors import CloseCode
from chat.wire.identity import Identity
from chat.wire.messages import (
    ClientMessage,
    Join,
    Login,
    Opened,
    Post,
    Posted,
    Request,
    ServerMessage,
    TextBody,
    Unknown,
    Welcome,
)

STORAGE_KEY: Final = bytes(range(64))
"""What wraps the keys of the logs."""

__all__ = ["STORAGE_KEY", "Client", "Message", "Peer", "Server"]

Message = ClientMessage | ServerMessage | Unknown


class Peer(Protocol):
    """What `Server.pump` carries bytes to and from."""

    @property
    def transport(self) -> FakeTransport:
        """The server's end of the connection."""
        ...

    def read(self) -> bool:
        """Take in what the server wrote. Return whether there was any."""
        ...


class Client:
    """A client of a `Server`. Whatever it is told to send, and whatever came of it."""

    def __init__(self, server: "Server", address: str, identity: Identity | None = None) -> None:
        self._server = server
        self.identity = identity or Identity.from_seed(server.random_bytes(32))
        """Whose connection this is."""
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

    @property
    def account(self) -> AccountId:
        """The id of the account, as the server told it."""
        return next(it.account for it in self.received if isinstance(it, Welcome))

    def log(self, room: str = "lobby") -> LogId:
        """Return the id of a log that this connection has ever read, by its name."""
        return {it.room: it.log for it in self.received if isinstance(it, Opened)}[room]

    def post(self, text: str, message: MessageId | None = None, room: str = "lobby") -> int:
        """Send a post, under a random message id if none is given; return the request's id."""
        message = MessageId(self._server.random_bytes(16)) if message is None else message
        request = self.next_id()
        self.send(Post(request, self.log(room), message, text))
        return request

    def say(self, text: str, room: str = "lobby") -> int:
        """Send a post, let everything happen, and return its sequence number."""
        request = self.post(text, room=room)
        self._server.pump()
        return self.acks[request][0]

    def ask(self, message: ClientMessage) -> Message:
        """Send a request, let everything happen, and return the answer."""
        self.send(message)
        self._server.pump()
        assert isinstance(message, Request)
        return self.answer(message.id)

    def answer(self, request: int) -> Message:
        """Return the answer to a request, from what has come."""
        for message in reversed(self.received):
            acked = isinstance(message, Posted) and request in [ack[0] for ack in message.acks]
            if acked or getattr(message, "id", None) == request:
                return message
        raise AssertionError("there is no answer")

    def log_in(self, nick: str, **changes: Any) -> Message:
        """Ask to be known as `nick`, after the handshake if need be; return the answer.

        `changes` are something else in the request of a fresh connection.
        """
        if self.received:
            return self.ask(self.login(nick))
        self.write(self.connection.start())
        self._server.pump()
        login = msgspec.structs.replace(self.login(nick), **changes)
        self.write(self.connection.login(login))
        self._server.pump()
        return self.answer(login.id)

    def login(self, nick: str) -> Login:
        """Return the request to be known as `nick` on this connection."""
        signature = self.identity.sign_login(self.connection.binding)
        return Login(self.next_id(), nick, self.identity.public, signature)

    def join(self, room: str = "lobby", create: str = "public") -> Message:
        """Ask to become a member of a room, made if need be; return the answer."""
        return self.ask(Join(self.next_id(), room, create))

    def bye(self) -> None:
        """Say that it leaves."""
        self.write(self.connection.alert(CloseCode.NORMAL))
        self._server.pump()

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

    def page(self, request: int) -> list[Delivered]:
        """Return the records of the page that answered a request."""
        return [record for record in self.delivered if record.page == request]

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
        self,
        store: LogStore | None = None,
        limits: Limits | None = None,
        seed: int = 0,
        registration: Registration = Registration.OPEN,
        authenticator: PasswordChecker | None = None,
        operators: Sequence[str] = (),
        is_proxy: Callable[[AddressGroup], bool] = lambda _: False,
        log: OperatorLog | None = None,
    ) -> None:
        self.limits = Limits() if limits is None else limits
        self.clock = Clock()
        self.random_bytes = seeded_bytes(seed)
        self.store = MemoryStore() if store is None else store
        log = OperatorLog(LogAddresses.FULL, self.clock.seconds) if log is None else log
        self.factory = ChatFactory(
            *(self.clock, self.limits, self.clock.seconds, self.random_bytes), log=log
        )
        self.factory.dispatcher = self.dispatcher = Dispatcher(
            *(self.store, STORAGE_KEY, self.clock, self.limits, self.milliseconds),
            self.random_bytes,
            registration=registration,
            authenticator=authenticator,
            operators=operators,
            is_proxy=is_proxy,
            log=log,
        )
        loading = Deferred.fromCoroutine(self.dispatcher.load())
        loading.addCallback(lambda _: self.factory.open())
        self.factory.host_key = HOST_KEY
        self.factory.start()
        self.clients: list[Client] = []
        """All that were ever connected."""
        self.peers: list[Peer] = []
        """The same, and whatever else has a connection."""
        self.outgoing: list[tuple[Client, bytes]] = []
        """What clients have sent since the last `pump`, in this order."""
        self.pump()

    def milliseconds(self) -> int:
        """Return the time of the server's clock."""
        return round(1000 * self.clock.seconds())

    def connect(self, address: str = "192.0.2.1", identity: Identity | None = None) -> Client:
        """Return a new client that has said nothing yet; of an account that is known, if given."""
        client = Client(self, address, identity)
        self.clients.append(client)
        self.peers.append(client)
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
        Time passes only where one commit follows another.
        """
        is_moving = True
        while is_moving:
            outgoing, self.outgoing = self.outgoing, []
            for client, data in outgoing:
                client.transport.receive(data)
            arrived = [peer.transport.receive() for peer in self.peers]
            due = self._is_due(0)
            self.clock.advance(0)
            read = [peer.read() for peer in self.peers]
            is_moving = any([outgoing, due, *arrived, *read])
            if not is_moving and self._is_due(COMMIT_SECONDS):
                self.clock.advance(COMMIT_SECONDS)
                is_moving = True

    def _is_due(self, seconds: float) -> bool:
        """Tell whether something is going to happen so soon."""
        end = self.clock.seconds() + seconds
        return any(call.getTime() <= end for call in self.clock.getDelayedCalls())

    def advance(self, seconds: float) -> None:
        """Let time pass, one look at the deadlines after the other."""
        end = self.clock.seconds() + seconds
        while self.clock.seconds() < end:
            self.clock.advance(min(self.limits.sweep_seconds, end - self.clock.seconds()))
            self.pump()
