"""Other kinds of connections: a toy transport, a dispatcher before a stream, and a proxy."""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IProtocol, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.haproxy._wrapper import HAProxyWrappingFactory

from chat.ids import MessageId
from chat.limits import Limits
from chat.rooms.addresses import Address
from chat.server.connections.factory import ChatFactory
from chat.server.connections.transport import STREAM, TRANSPORTS, LineWriter
from chat.testing import FakeTransport, Server, split_lines
from chat.wire.connection import (
    ClientConnection,
    Delivered,
    Event,
    HostKeyOffered,
    PeerClosed,
    Received,
    State,
)
from chat.wire.errors import CloseCode
from chat.wire.identity import Identity
from chat.wire.messages import Join, Login, Opened, Post, Posted, TextBody
from tests.server.cases import ServerCase

TOY: Final = "toy"
_MASK: Final = bytes(byte ^ 0xAA for byte in range(256))


def mask(data: bytes) -> bytes:
    """Return `data` masked for the toy transport, or unmasked."""
    return data.translate(_MASK)


class Mailboxes:
    """Two queues of frames; the test is the network."""

    def __init__(self) -> None:
        self.to_client: list[bytes] = []
        self.is_read = True
        self.is_finished = self.is_aborted = False
        self.transport: ToyTransport


class ToyTransport:
    """Carries lines in masked frames. Twelve frames fill it."""

    def __init__(self, mailboxes: Mailboxes, writer: LineWriter) -> None:
        self.is_full = False
        self.peer = Address("192.0.2.77")
        self._mailboxes = mailboxes
        self._writer = writer
        mailboxes.transport = self

    def write(self, pieces: Sequence[bytes | memoryview], size: int) -> None:
        """Put all `pieces` into one frame."""
        self._mailboxes.to_client.append(mask(b"".join(pieces)))
        if len(self._mailboxes.to_client) >= 12 and not self.is_full:
            self.is_full = True
            self._writer.pause_writing()

    def taken(self) -> None:
        """Continue: the client has emptied its mailbox."""
        if self.is_full:
            self.is_full = False
            self._writer.resume_writing()

    def pause_reading(self) -> None:
        """Stop delivering frames."""
        self._mailboxes.is_read = False

    def resume_reading(self) -> None:
        """Deliver frames."""
        self._mailboxes.is_read = True

    def untaken(self) -> int:
        """Return the bytes in the client's mailbox."""
        return sum(map(len, self._mailboxes.to_client))

    def finish(self) -> None:
        """Record the call."""
        self._mailboxes.is_finished = True

    def abort(self) -> None:
        """Record the call."""
        self._mailboxes.is_aborted = True


class Client:
    """A client behind mailboxes. It reads only on demand."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.mailboxes = Mailboxes()
        self.protocol = server.factory.protocol_over(TOY)
        self.connection = ClientConnection(server.limits, server.clock.seconds, server.random_bytes)
        self.events: list[Event] = []
        protocol: IProtocol = self.protocol
        protocol.makeConnection(cast(ITransport, self.mailboxes))

    def send(self, data: bytes) -> None:
        """Send `data` in frames, and read the response."""
        for start in range(0, len(data), 100):  # Frame boundaries have no meaning.
            frame = mask(data[start : start + 100])
            self.protocol.dataReceived(mask(frame))
        self._server.pump()
        self.read()

    def read(self) -> None:
        """Empty the mailbox."""
        while self.mailboxes.to_client:
            frames = self.mailboxes.to_client[:]
            self.mailboxes.to_client.clear()
            for line in split_lines(mask(b"".join(frames))):
                self.events += self.connection.receive_line(line)
            self.mailboxes.transport.taken()
            self._server.pump()

    def enter(self, nick: str) -> None:
        """Shake hands, log in and join the lobby."""
        self.send(self.connection.start())
        [offered] = self.events
        assert isinstance(offered, HostKeyOffered)
        identity = Identity.from_seed(self._server.random_bytes(32))
        signature = identity.sign_login(self.connection.binding)
        self.send(self.connection.login(Login(1, nick, identity.public, signature)))
        assert self.connection.state is State.ESTABLISHED
        self.send(self.connection.send(Join(2, "lobby", "public")))

    @property
    def messages(self) -> list[object]:
        """All messages received."""
        return [event.message for event in self.events if isinstance(event, Received)]

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The texts received."""
        bodies = [event.body for event in self.events if isinstance(event, Delivered)]
        return [(body.nick, body.text) for body in bodies if isinstance(body, TextBody)]


class ToyTests(ServerCase):
    """Another kind of transport is a class, and one line in the registry."""

    def setUp(self) -> None:
        """Log in one client over TCP, and one over mailboxes."""
        patch = pytest.MonkeyPatch()
        self.addCleanup(patch.undo)
        patch.setitem(TRANSPORTS, TOY, ToyTransport)
        self.server = Server()
        [self.alice] = self.server.enter("alice")
        self.bob = Client(self.server)
        self.bob.enter("bob")
        self.log = next(it.log for it in self.bob.messages if isinstance(it, Opened))

    def test_records_go_both_ways(self) -> None:
        self.alice.say("by TCP")
        self.bob.read()
        self.bob.send(self.bob.connection.send(Post(3, self.log, MessageId(bytes(16)), "by mail")))
        assert self.bob.texts == [("alice", "by TCP")]
        assert self.alice.texts == [("bob", "by mail")]
        assert any(isinstance(message, Posted) for message in self.bob.messages)
        assert self.bob.protocol.address == "192.0.2.77"

    def test_a_full_one_reads_on_when_it_has_drained(self) -> None:
        for number in range(30):
            self.alice.say(str(number))
        assert self.bob.protocol.is_full and not self.bob.mailboxes.is_read
        assert len(self.bob.mailboxes.to_client) == 12
        self.bob.read()
        assert [text for _, text in self.bob.texts] == list(map(str, range(30)))
        assert not self.bob.protocol.is_full and self.bob.mailboxes.is_read

    def test_one_that_takes_nothing_is_dropped(self) -> None:
        for number in range(30):
            self.alice.say(str(number))
        self.server.advance(self.server.limits.stall_seconds + 2)
        assert self.bob.protocol.is_gone and self.bob.mailboxes.is_aborted

    def test_it_is_finished_with_a_word_and_aborted_in_time(self) -> None:
        self.bob.protocol.close(CloseCode.NORMAL, "a test")
        assert self.bob.mailboxes.is_finished and not self.bob.mailboxes.is_aborted
        self.bob.read()
        assert self.bob.events[-1] == PeerClosed(CloseCode.NORMAL)
        self.server.advance(self.server.limits.close_seconds + 2)
        assert self.bob.mailboxes.is_aborted
        self.bob.protocol.connectionLost(connectionDone)
        assert list(self.server.factory.clients.values()) == [self.alice.protocol]

    def test_no_other_is_known(self) -> None:
        with pytest.raises(KeyError):
            self.server.factory.protocol_over("pigeon")


class Door(Protocol):
    """Looks at the first five bytes, and hands over the connection."""

    transport: FakeTransport

    def __init__(self, factory: ChatFactory) -> None:
        self._factory = factory
        self._head = b""

    def dataReceived(self, data: bytes) -> None:
        """Wait for five bytes, and switch to the right protocol."""
        self._head += data
        if len(self._head) >= 5:
            self.transport.protocol = made = self._factory.protocol_over(STREAM)
            protocol: IProtocol = made
            protocol.makeConnection(self.transport)
            protocol.dataReceived(self._head)


class DoorTests(ServerCase):
    """Something else may read the first bytes."""

    def test_what_was_read_is_not_lost(self) -> None:
        server = Server()
        server.pump()
        client = ClientConnection(server.limits, server.clock.seconds, server.random_bytes)
        door = Door(server.factory)
        transport = FakeTransport(door, server.clock, IPv4Address("TCP", "192.0.2.1", 40_000))
        protocol: IProtocol = door
        protocol.makeConnection(transport)
        hello = client.start()
        transport.receive(hello[:3])
        assert transport.take() == b""
        transport.receive(hello[3:99])
        transport.receive(hello[99:])
        events = [
            event for it in split_lines(transport.take()) for event in client.receive_line(it)
        ]
        assert [type(event) for event in events] == [HostKeyOffered]
        transport.lose(ConnectionError())


class ProxyTests(ServerCase):
    """Behind ``haproxy:``, limits use the address from the proxy, from the first line on."""

    def connect(self, server: Server, address: str, *, says_hello: bool = True) -> FakeTransport:
        """Return the transport of a client behind the proxy."""
        proxy = IPv4Address("TCP", "127.0.0.1", 40_000)
        factory: Callable[[ChatFactory], Any] = HAProxyWrappingFactory
        wrapper = factory(server.factory).buildProtocol(proxy)
        transport = FakeTransport(wrapper, server.clock, proxy)
        wrapper.makeConnection(transport)
        transport.receive(b"PROXY TCP4 %s 192.0.2.254 40000 5555\r\n" % address.encode())
        if says_hello:
            connection = ClientConnection(server.limits, server.clock.seconds, server.random_bytes)
            transport.receive(connection.start())
        return transport

    def test_each_address_has_its_own_places(self) -> None:
        server = Server(limits=Limits(waiting_per_address=2))
        addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.2")
        transports = [self.connect(server, address) for address in addresses]
        heard = [transport.take() for transport in transports]
        assert [lines.endswith(b"close 9\r\n") for lines in heard] == [True] + [False] * 4
        half_open = server.factory.admission.half_open
        assert sorted(it.address for it in half_open) == ["192.0.2.1"] * 2 + ["192.0.2.2"] * 2
        for transport in transports:
            transport.lose(ConnectionError())
        assert len(half_open) == 0 and server.factory.admission._admitted_of.total() == 0

    def test_who_says_nothing_is_in_the_proxy_s_places(self) -> None:
        server = Server()
        transport = self.connect(server, "192.0.2.1", says_hello=False)
        assert [it.address for it in server.factory.admission.half_open] == ["127.0.0.1"]
        transport.lose(ConnectionError())

    def test_one_for_whom_there_is_no_place_is_told(self) -> None:
        server = Server(limits=Limits(connections_per_address=0))  # Not the proxy's.
        transport = self.connect(server, "192.0.2.1")
        assert transport.take() == b"encchat/1 close 9\r\n"
        transport.lose(ConnectionError())
