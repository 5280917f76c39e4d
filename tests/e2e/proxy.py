"""A network that misbehaves: a TCP proxy that cuts, delays, hangs and drips, by a seed."""

from collections import Counter
from random import Random

from twisted.internet.address import IPv4Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from chat.receiver import IStreamTransport
from tests.e2e.support import the_reactor

__all__ = ["Proxy"]


class _Side(Protocol):
    """One end of a connection through the proxy."""

    transport: IStreamTransport

    def __init__(self, proxy: "Proxy") -> None:
        self._proxy = proxy
        self.other: _Side | None = None
        self.is_lost = False
        self.is_hung = False
        """Whether nothing of what it sends goes on, without anybody being told."""
        self.early = b""
        """What came before the other side was there."""

    def dataReceived(self, data: bytes) -> None:
        """Pass it on, or not."""
        if self.other is None:
            self.early += data
        else:
            self._proxy.pass_on(data, self, self.other)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other side is lost with it."""
        self.is_lost = True
        if self.other is not None and not self.other.is_lost:
            self.other.transport.abortConnection()


class _Front(_Side):
    def connectionMade(self) -> None:
        """Connect to the server, or let the client wait for nothing."""
        self._proxy.connected(self)


class Proxy(Factory[_Side]):
    """Listens for clients of a server. While `is_bad`, it does its worst."""

    noisy = False

    def __init__(self, port: int, seed: int) -> None:
        self._to = port
        self._random = Random(seed)
        self._calls: set[IDelayedCall] = set()
        self._fronts: list[_Front] = []
        self._listening: IListeningPort | None = None
        self.is_bad = False
        self.done: Counter[str] = Counter()
        """What it did to whom how often."""

    async def open(self) -> int:
        """Listen on the loopback address; return on which port."""
        endpoint = TCP4ServerEndpoint(the_reactor(), 0, interface="127.0.0.1")
        self._listening = await endpoint.listen(self)
        address = self._listening.getHost()
        assert isinstance(address, IPv4Address)
        return address.port

    async def close(self) -> None:
        """Listen no more, and cut all there is."""
        if self._listening is not None:
            await maybeDeferred(self._listening.stopListening)
        for call in list(self._calls):
            if call.active():
                call.cancel()
        for front in self._fronts:
            if not front.is_lost:
                front.transport.abortConnection()

    def buildProtocol(self, addr: IAddress | None) -> _Side:
        """Return the client's side of a new connection."""
        front = _Front(self)
        self._fronts.append(front)
        return front

    def connected(self, front: _Front) -> None:
        """Connect a client to the server; or not, for a while."""
        if self.is_bad and self._random.random() < 0.1:
            self.done["half-opened"] += 1
            self._later(0.3, front.transport.abortConnection)
            return
        endpoint = TCP4ClientEndpoint(the_reactor(), "127.0.0.1", self._to)
        connecting = connectProtocol(endpoint, _Side(self))
        connecting.addCallbacks(self._joined, self._refused, (front,), errbackArgs=(front,))

    def _joined(self, back: _Side, front: _Front) -> None:
        if front.is_lost:
            back.transport.abortConnection()
            return
        front.other, back.other = back, front
        if front.early:
            self.pass_on(front.early, front, back)

    def _refused(self, _: Failure, front: _Front) -> None:
        front.transport.abortConnection()

    def pass_on(self, data: bytes, side: _Side, other: _Side) -> None:
        """Do with what one side sent whatever comes to mind."""
        chance = self._random.random() if self.is_bad else 1.0
        if side.is_hung:
            return
        if chance < 0.01:
            self.done["hung"] += 1
            side.is_hung = other.is_hung = True
        elif chance < 0.04:
            self.done["cut"] += 1
            other.transport.write(data[: self._random.randrange(len(data) + 1)])
            self._later(0, side.transport.abortConnection)
        elif chance < 0.07:
            self.done["delayed"] += 1
            self._hold(side, other, [data], self._random.random() * 0.2)
        elif chance < 0.10:
            self.done["dripped"] += 1
            step = max(len(data) // 8, 1)
            drops = [data[start : start + step] for start in range(0, len(data), step)]
            self._hold(side, other, drops, 0.01)
        else:
            other.transport.write(data)

    def _hold(self, side: _Side, other: _Side, drops: list[bytes], seconds: float) -> None:
        """Read no more of a side until these drops have gone, one at a time."""
        side.transport.pauseProducing()

        def drop() -> None:
            if side.is_lost or other.is_lost:
                return
            other.transport.write(drops.pop(0))
            if drops:
                self._later(seconds, drop)
            else:
                side.transport.resumeProducing()

        self._later(seconds, drop)

    def _later(self, seconds: float, function: object) -> None:
        assert callable(function)
        clock: IReactorTime = the_reactor()

        def call() -> None:
            self._calls.discard(waiting)
            function()

        waiting = clock.callLater(seconds, call)
        self._calls.add(waiting)
