"""Proxies trusted to say where a client is (the PROXY protocol, ``--listen haproxy:…``).

Anybody else who reaches such a port could claim any address and so evade limits and bans.
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.protocols.haproxy import proxyEndpoint
from zope.interface import implementer

from chat.rooms.addresses import AddressGroup, peer_address
from chat.server.oplog import OperatorLog

__all__ = ["NO_PROXIES", "Proxies", "parse_proxy", "through_proxies"]

_UNIX: Final = "unix"
"""Name for Unix sockets. Only the mode of their file says who may connect."""

_MAPPED_BITS: Final = 96
"""The prefix of IPv4 addresses that are written as IPv6 (RFC 4291 section 2.5.5.2)."""

_Proxy = IPv4Network | IPv6Network | str


def parse_proxy(text: str) -> _Proxy:
    """Parse the name of one or more proxies: an address, a network, or ``unix``. Raises
    ValueError."""
    return _UNIX if text == _UNIX else ip_network(text, strict=False)


@dataclass(frozen=True)
class Proxies:
    """The proxies that the operator has listed."""

    named: Collection[_Proxy]

    def __contains__(self, peer: object) -> bool:
        """Return whether a peer, as described by the endpoint, is one of them."""
        try:
            address = ip_address(peer_address(peer))
        except ValueError:
            return _UNIX in self.named
        mapped = address.ipv4_mapped if address.version == 6 else None
        return any(
            not isinstance(it, str) and (address in it or (mapped is not None and mapped in it))
            for it in self.named
        )

    def are_in(self, group: AddressGroup) -> bool:
        """Return whether any of them is in a group of addresses."""
        try:
            network = ip_network(group)
        except ValueError:
            return _UNIX in self.named
        return any(
            not isinstance(it, str) and it.version == network.version and it.overlaps(network)
            for it in map(_unmapped, self.named)
        )


NO_PROXIES: Final = Proxies(())


def _unmapped(named: _Proxy) -> _Proxy:
    """Return IPv4 networks as such that are written as IPv6 (``::ffff:192.0.2.0/120``)."""
    if isinstance(named, IPv6Network) and named.prefixlen >= _MAPPED_BITS:
        mapped = named.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((int(mapped), named.prefixlen - _MAPPED_BITS))
    return named


def through_proxies(
    endpoint: IStreamServerEndpoint, proxies: Proxies, log: OperatorLog
) -> IStreamServerEndpoint:
    """Return an endpoint that lets only proxies connect, and believes their client addresses."""
    return proxyEndpoint(_Guarded(endpoint, proxies, log))


@implementer(IStreamServerEndpoint)
class _Guarded:
    def __init__(self, endpoint: IStreamServerEndpoint, proxies: Proxies, log: OperatorLog) -> None:
        self._endpoint = endpoint
        self._proxies = proxies
        self._log = log

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen for proxies."""
        return self._endpoint.listen(_Guard(protocolFactory, self._proxies, self._log))


@implementer(IProtocolFactory)
class _Guard:
    """Drops and logs connections that are not from a proxy."""

    def __init__(self, factory: IProtocolFactory, proxies: Proxies, log: OperatorLog) -> None:
        self._factory = factory
        self._proxies = proxies
        self._log = log

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """Return the protocol for a proxy's connection."""
        if addr in self._proxies:
            return self._factory.buildProtocol(addr)
        self._log.stranger(peer_address(addr))
        return None

    def doStart(self) -> None:
        """Start the factory."""
        self._factory.doStart()

    def doStop(self) -> None:
        """Stop it."""
        self._factory.doStop()
