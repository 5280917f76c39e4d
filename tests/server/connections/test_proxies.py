"""Who may say where a client is."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from zope.interface import implementer

from chat.rooms.addresses import address_group, peer_address
from chat.server.connections.proxies import Proxies, parse_proxy, through_proxies
from chat.server.oplog import OperatorLog
from tests.server.cases import chat_lines


def tcp(host: str) -> IAddress:
    """Return the transport address of a peer that connects from an address."""
    kind = IPv6Address if ":" in host else IPv4Address
    return kind("TCP", host, 40_000)


@pytest.mark.parametrize(
    ("named", "those", "others"),
    [
        (["127.0.0.1"], ["127.0.0.1", "::ffff:127.0.0.1"], ["127.0.0.2", "::1", "192.0.2.1"]),
        (["10.0.0.0/8"], ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["11.0.0.0"]),
        (["10.1.2.3/8"], ["10.9.9.9"], ["9.255.255.255"]),
        (["2001:db8::/32", "::1"], ["2001:db8::7", "::1"], ["2001:db9::", "127.0.0.1"]),
        (["fe80::/10"], ["fe80::1%eth0"], ["fec0::1"]),
        (["unix"], [], ["127.0.0.1", "::1"]),
        ([], [], ["127.0.0.1", "::1", "0.0.0.0"]),
    ],
)
def test_only_those_that_are_named_are(
    named: Sequence[str], those: Sequence[str], others: Sequence[str]
) -> None:
    proxies = Proxies([parse_proxy(it) for it in named])
    assert [tcp(it) in proxies for it in those] == [True] * len(those)
    assert [tcp(it) in proxies for it in others] == [False] * len(others)
    assert (UNIXAddress("/run/x") in proxies) is ("unix" in named)


@pytest.mark.parametrize(
    ("named", "groups", "others"),
    [
        (["192.0.2.7"], ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.8", "2001:db8::7"]),
        (["10.0.0.0/8"], ["10.0.0.0", "10.255.255.255"], ["11.0.0.0", "::1"]),
        (["::ffff:192.0.2.0/120"], ["192.0.2.0", "192.0.2.255"], ["192.0.3.0"]),
        (["2001:db8:0:1::7"], ["2001:db8:0:1::9"], ["2001:db8:0:2::7"]),
        (["2001:db8::/32"], ["2001:db8:ffff:1::9"], ["2001:db9::"]),
        (["2001:db8::7", "192.0.2.7"], ["2001:db8::", "192.0.2.7"], ["192.0.2.6"]),
        (["unix"], ["a local socket"], ["192.0.2.7", "::1"]),
        ([], [], ["192.0.2.7", "::1", "a local socket"]),
    ],
)
def test_which_groups_of_addresses_they_are_in(
    named: Sequence[str], groups: Sequence[str], others: Sequence[str]
) -> None:
    proxies = Proxies([parse_proxy(it) for it in named])
    assert [proxies.are_in(address_group(it)) for it in groups] == [True] * len(groups)
    assert [proxies.are_in(address_group(it)) for it in others] == [False] * len(others)


@pytest.mark.parametrize("text", ["", "example.org", "10.0.0.0/33", "1.2.3", "127.0.0.1:5555"])
def test_what_names_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_proxy(text)


@implementer(IStreamServerEndpoint)
class Endpoint:
    """An endpoint that records its factory."""

    factory: IProtocolFactory

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Record the factory."""
        self.factory = protocolFactory
        return succeed(cast(IListeningPort, None))


def test_nobody_else_is_heard_and_the_log_says_so() -> None:
    endpoint, inside = Endpoint(), Factory.forProtocol(Protocol)
    through_proxies(endpoint, Proxies([parse_proxy("192.0.2.0/24")]), OperatorLog()).listen(inside)
    endpoint.factory.doStart()
    with capturedLogs() as events:
        assert endpoint.factory.buildProtocol(tcp("198.51.100.7")) is None
    assert chat_lines(events) == ["not-a-proxy address=198.51.100.7"]
    made = endpoint.factory.buildProtocol(tcp("192.0.2.1"))
    assert made is not None
    transport = StringTransport(peerAddress=tcp("192.0.2.1"))
    made.makeConnection(transport)
    made.dataReceived(b"PROXY TCP4 203.0.113.9 192.0.2.254 40000 5555\r\n")
    assert peer_address(cast(Any, made).getPeer()) == "203.0.113.9"
    endpoint.factory.doStop()
