"""When to connect again, and the connections themselves."""

from random import Random

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from chat.client.core.reconnect import Backoff, is_final
from chat.client.network.dialer import Dialer
from chat.limits import ClientLimits
from chat.wire.errors import CloseCode

LIMITS = ClientLimits()


def test_attempts_come_ever_more_slowly_up_to_a_bound() -> None:
    backoff = Backoff(LIMITS, lambda: 0)
    delays = [backoff.delay() for _ in range(20)]
    assert delays[:3] == [1, 1.5, 2.25]
    assert delays == sorted(delays) and delays[-1] == LIMITS.last_retry
    backoff.reset()
    assert backoff.delay() == 1


def test_no_two_clients_come_at_the_same_time() -> None:
    one, two = (Backoff(LIMITS, Random(seed).random) for seed in (1, 2))
    assert one.delay() != two.delay()
    assert max(one.delay() for _ in range(50)) <= LIMITS.last_retry


@pytest.mark.parametrize(
    ("retry_after", "random", "delay"), [(20, 0, 20), (20, 1, 30), (0, 0, 1), (10**9, 0, 600)]
)
def test_the_servers_wish_is_granted_once(retry_after: int, random: float, delay: float) -> None:
    backoff = Backoff(LIMITS, lambda: random)
    backoff.obey(retry_after)
    assert backoff.delay() == delay
    assert backoff.delay() == 1.5 + random


def test_no_wish_is_none() -> None:
    backoff = Backoff(LIMITS, lambda: 0)
    backoff.obey(None)
    assert backoff.delay() == 1


def test_a_number_that_is_no_code_is_final() -> None:
    assert is_final(99) and is_final(CloseCode.VERSION) and not is_final(CloseCode.SHUTDOWN)


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
        self.transports.append(StringTransport())
        protocol.makeConnection(self.transports[-1])
        return succeed(protocol)

    def cut(self) -> None:
        self.protocols[-1].connectionLost(Failure(ConnectionDone()))


class DialerTests(SynchronousTestCase):
    """One connection after the other."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.endpoint = FakeEndpoint()
        self.failures: list[Failure] = []
        self.made: list[Protocol] = []
        self.dialer = Dialer(self.endpoint, self.make, self.clock, lambda: 7, self.failures.append)

    def tearDown(self) -> None:
        assert self.clock.getDelayedCalls() == []

    def make(self) -> Protocol:
        self.made.append(Protocol())
        return self.made[-1]

    def test_a_connection_that_is_lost_is_made_again_in_time(self) -> None:
        self.dialer.connect()
        self.endpoint.cut()
        self.clock.advance(6)
        assert len(self.made) == 1
        self.clock.advance(1)
        assert len(self.made) == 2 and self.failures == []
        self.dialer.stop()
        assert self.endpoint.transports[-1].disconnecting
        self.endpoint.cut()
        self.clock.advance(100)
        assert len(self.made) == 2

    def test_a_first_that_fails_is_told_once(self) -> None:
        self.endpoint.is_there = False
        self.dialer.connect()
        self.clock.advance(0)
        assert len(self.failures) == 1
        self.clock.advance(7)
        assert len(self.failures) == 1 and self.endpoint.attempts == 2
        self.dialer.stop()
        self.dialer.stop()

    def test_whoever_is_told_may_stop(self) -> None:
        self.endpoint.is_there = False
        dialer = Dialer(
            self.endpoint, self.make, self.clock, lambda: 7, lambda failure: dialer.stop()
        )
        dialer.connect()
        self.clock.advance(0)
        self.clock.advance(100)
        assert self.endpoint.attempts == 1

    def test_an_attempt_that_is_given_up_is_no_failure(self) -> None:
        self.endpoint.is_slow = True
        self.dialer.connect()
        self.dialer.stop()
        assert self.failures == []

    def test_after_a_stop_it_can_begin_anew(self) -> None:
        self.dialer.connect()
        self.dialer.stop()
        first = self.endpoint.protocols[-1]
        self.dialer.connect()
        assert len(self.made) == 2
        first.connectionLost(Failure(ConnectionDone()))
        self.clock.advance(100)
        assert len(self.made) == 2
        self.dialer.stop()
        self.endpoint.cut()
