"""A TCP transport without a network."""

from collections.abc import Iterable
from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IProducer,
    IPushProducer,
    ITransport,
)
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = ["FakeTransport"]


@implementer(ITransport, IConsumer, IPushProducer)
class FakeTransport:
    """A protocol's end of a TCP connection, with you as the network and the peer.

    What the protocol writes waits until you `take` it. As with a real transport, the producer is
    paused while more than `bufferSize` bytes wait, and goes on when none are left.
    """

    bufferSize: int = 2**16
    chunk_bytes: int = 2**16
    """The most that the protocol gets in one `dataReceived`."""

    def __init__(self, protocol: Protocol, clock: Clock, address: IAddress) -> None:
        self.protocol = protocol
        self.writes: list[bytes] = []
        """What each call of `write` brought."""
        self.size = 0
        """How many bytes wait for the peer."""
        self.no_delay = self.keep_alive = False
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

    def getHandle(self) -> object:
        """There is no socket."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Note whether Nagle's algorithm is off."""
        self.no_delay = enabled

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Note whether TCP looks after a silent peer."""
        self.keep_alive = enabled

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
