"""Connections one after the other, and why there is none in a sentence."""

import errno
import os

import pytest
from twisted.internet.error import (
    ConnectError,
    ConnectionDone,
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
    TCPTimedOutError,
    TimeoutError,
    getConnectError,
)
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chat.client.core.address import Address
from chat.client.network.dialer import Dialer, explain_failure
from tests.client.network.support import FakeEndpoint


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


ADDRESS = Address("chat.example.org", 5999)


def error(number: int) -> ConnectError:
    """Return what the operating system's error is to Twisted."""
    failure = getConnectError((number, os.strerror(number)))
    assert isinstance(failure, ConnectError)
    return failure


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (
            ConnectionRefusedError("Connection refused"),
            "Nothing listens at chat.example.org:5999; is the server running?",
        ),
        (
            DNSLookupError("no results for hostname lookup: chat.example.org"),
            "There is no host chat.example.org, or its address cannot be found out just now.",
        ),
        (ValueError("invalid hostname: x"), "chat.example.org is not the name of a host."),
        (TimeoutError(), "There was no answer from chat.example.org:5999 in time."),
        (TCPTimedOutError(), "There was no answer from chat.example.org:5999 in time."),
        (NoRouteError(), "There is no way to chat.example.org:5999; is the network there?"),
        (
            error(errno.EHOSTUNREACH),
            "There is no way to chat.example.org:5999; is the network there?",
        ),
        (
            error(errno.EACCES),
            "No connection to chat.example.org:5999 could be made: permission denied.",
        ),
        (OSError(), "No connection to chat.example.org:5999 could be made."),
    ],
)
def test_why_there_is_no_connection_is_a_sentence(failure: Exception, sentence: str) -> None:
    assert explain_failure(ADDRESS, failure) == sentence


def test_an_address_in_brackets_is_named_as_it_was_typed() -> None:
    sentence = explain_failure(Address("::1"), ConnectionRefusedError())
    assert sentence.startswith("Nothing listens at [::1]:5555;")
