"""The fakes behave like the real thing. (`Pair` is tested with the connections it joins.)"""

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IProtocol, IPushProducer, ITransport
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from chat.receiver import ConnectionProtocol
from chat.testing import FakeTransport, Server, split_lines

PEER = IPv4Address("TCP", "192.0.2.1", 40_000)


class Listener(ConnectionProtocol):
    """Records what it receives."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.reasons: list[type[BaseException] | None] = []
        """Why the connection was lost; more than one would be an error."""

    def dataReceived(self, data: bytes) -> None:
        """Record a chunk."""
        self.chunks.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Record the reason."""
        self.reasons.append(reason.type)


@implementer(IPushProducer)
class Producer:
    """Counts its calls."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        """Count the call."""
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """Count the call."""
        self.told.append("resume")

    def stopProducing(self) -> None:
        """Count the call."""
        self.told.append("stop")


class FakeTransportTests(SynchronousTestCase):
    """Behaves as `twisted.internet.abstract.FileDescriptor`."""

    def setUp(self) -> None:
        """Connect."""
        self.clock = Clock()
        self.listener = Listener()
        self.transport = FakeTransport(self.listener, self.clock, PEER)
        self.producer = Producer()
        self.transport.registerProducer(self.producer, True)
        protocol: IProtocol = self.listener
        protocol.makeConnection(self.transport)

    def test_its_interfaces(self) -> None:
        for interface in (ITransport, IConsumer, IPushProducer):
            assert verifyObject(interface, self.transport)
        assert self.transport.getPeer() == PEER
        assert self.transport.getHost() != PEER

    def test_what_is_written_is_taken_once(self) -> None:
        self.transport.write(b"one")
        self.transport.writeSequence([b"t", b"wo"])
        assert self.transport.size == 6
        assert self.transport.take() == b"onetwo"
        assert (self.transport.size, self.transport.take()) == (0, b"")
        assert self.transport.writes == [b"one", b"two"]

    def test_the_producer_pauses_at_each_write_beyond_the_bound_and_resumes_once(self) -> None:
        self.transport.write(b"x" * self.transport.bufferSize)
        assert self.producer.told == []
        self.transport.write(b"x")
        self.transport.write(b"x")
        self.transport.take()
        self.transport.take()
        assert self.producer.told == ["pause", "pause", "resume"]

    def test_full_pauses_and_takes_nothing(self) -> None:
        self.transport.full = True
        self.transport.write(b"x")
        assert self.transport.full and self.transport.take() == b""
        assert self.producer.told == ["pause", "pause"]
        self.transport.full = False
        assert self.producer.told == ["pause", "pause"]
        assert self.transport.take() == b"x"
        assert self.producer.told[2:] == ["resume"]

    def test_reading_can_be_paused(self) -> None:
        self.transport.pauseProducing()
        assert not self.transport.receive(b"one")
        self.transport.resumeProducing()
        assert self.listener.chunks == []
        assert self.transport.receive(b"two")
        assert self.listener.chunks == [b"onetwo"]

    def test_data_comes_in_chunks(self) -> None:
        self.transport.chunk_bytes = 2
        for data in (b"abc", b"", b""):
            self.transport.receive(data)
        assert self.listener.chunks == [b"ab", b"c"]

    def test_lose_connection_writes_the_rest_first(self) -> None:
        self.transport.write(b"x")
        self.transport.unregisterProducer()
        self.transport.stopProducing()
        assert self.transport.disconnecting and self.listener.reasons == []
        assert self.transport.take() == b"x"
        assert self.listener.reasons == [ConnectionDone]
        assert self.producer.told == []

    def test_half_a_close_lets_nothing_more_out_and_everything_in(self) -> None:
        self.transport.write(b"x")
        self.transport.loseWriteConnection()
        assert not self.transport.is_write_closed
        assert self.transport.take() == b"x"
        assert self.transport.is_write_closed
        self.transport.write(b"y")
        assert self.transport.size == 0
        assert self.transport.receive(b"z")
        assert self.listener.reasons == []

    def test_abort_drops_everything_in_the_next_turn(self) -> None:
        self.transport.write(b"x")
        self.transport.abortConnection()
        self.transport.abortConnection()
        self.transport.write(b"y")
        assert not self.transport.receive(b"z")
        assert (self.transport.take(), self.listener.reasons) == (b"", [])
        self.clock.advance(0)
        self.transport.abortConnection()
        assert self.listener.reasons == [ConnectionAborted]
        assert self.producer.told == ["stop"]

    def test_a_connection_is_lost_once(self) -> None:
        self.transport.lose(ConnectionLost())
        self.transport.lose(ConnectionLost())
        self.transport.full = True
        assert self.listener.reasons == [ConnectionLost]
        assert self.producer.told == ["stop"]


class ServerTests(SynchronousTestCase):
    """The harness."""

    def test_what_was_said_first_is_heard_first(self) -> None:
        server = Server()
        alice, bob, carol = server.enter("alice", "bob", "carol")
        for client, text in ((bob, "one"), (alice, "two"), (bob, "three")):
            client.post(text)
        assert carol.texts == []
        server.pump()
        assert carol.texts == [("bob", "one"), ("alice", "two"), ("bob", "three")]

    def test_time_passes_as_it_is_told_to(self) -> None:
        server = Server()
        server.enter("alice")
        server.advance(2.5)
        assert server.clock.seconds() == 2.5

    def test_two_servers_from_one_seed_choose_alike(self) -> None:
        keys = {Server(seed=3).random_bytes(16) for _ in range(2)}
        assert len(keys) == 1

    def test_lines_are_whole(self) -> None:
        assert split_lines(b"a\r\n\r\n") == [b"a", b""]
        with pytest.raises(ValueError, match="does not end with a line"):
            split_lines(b"a\r\nb")
