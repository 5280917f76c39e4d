"""What these tests share: an endpoint that does as it is told."""

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = ["FakeEndpoint"]


@implementer(IStreamClientEndpoint)
class FakeEndpoint:
    """Fails, or succeeds, as it is told."""

    def __init__(self) -> None:
        self.transports: list[StringTransport] = []
        self.protocols: list[IProtocol] = []
        self.attempts = 0
        self.is_there = True
        self.is_slow = False

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        self.attempts += 1
        if self.is_slow:
            return Deferred()
        if not self.is_there:
            return fail(ConnectionRefusedError())
        address: IAddress = IPv4Address("TCP", "127.0.0.1", 1)
        protocol = protocolFactory.buildProtocol(address)
        assert protocol is not None
        self.protocols.append(protocol)
        self.transports.append(StringTransport(peerAddress=UNIXAddress(b"/here")))
        protocol.makeConnection(self.transports[-1])
        return succeed(protocol)

    def cut(self) -> None:
        self.protocols[-1].connectionLost(Failure(ConnectionDone()))
