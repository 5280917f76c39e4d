"""Addresses of peers, and the groups that limits count.

Anybody with one IPv6 address has all 2^64 of its network (RFC 4291 section 2.5.4), so a limit per
address would be no limit.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, NewType

__all__ = [
    "LOCAL",
    "Address",
    "AddressGroup",
    "address_group",
    "is_loopback",
    "is_this_machine",
    "peer_address",
]

Address = NewType("Address", str)
"""A peer's IP address, or other text for a peer that has none."""

AddressGroup = NewType("AddressGroup", str)
"""Addresses that are counted together: one IPv4 address, one IPv6 /64, or `LOCAL`."""

LOCAL: Final = AddressGroup("local")
"""The group of peers without an IP address: Unix sockets."""

_LOCAL_SOCKET: Final = Address("a local socket")
_NETWORK_BITS: Final = 64


def peer_address(peer: object) -> Address:
    """Return the address in the object with which an endpoint describes a peer.

    Endpoints are plugins with their own address classes; those that have a host call it `host`.
    """
    host = getattr(peer, "host", None)
    return Address(host) if isinstance(host, str) else _LOCAL_SOCKET


def address_group(host: str) -> AddressGroup:
    """Return the group of a peer's address. The group of a group is that group.

    An IPv4 address is its own group, even if written as an IPv6 address (``::ffff:192.0.2.1``); an
    IPv6 address belongs to its /64, whatever its scope (``%eth0``).
    """
    address = _parse(host)
    match address:
        case IPv4Address():
            return AddressGroup(str(address))
        case IPv6Address():
            return AddressGroup(str(IPv6Network((int(address), _NETWORK_BITS), strict=False)))
        case _:
            return AddressGroup(host) if host.endswith(f"/{_NETWORK_BITS}") else LOCAL


def is_loopback(host: str) -> bool:
    """Return whether a peer is on this machine. It may be a reverse proxy, and so anybody."""
    address = _parse(host)
    return address is None or address.is_loopback


def is_this_machine(group: AddressGroup) -> bool:
    """Return whether a group of addresses is this machine's own."""
    return group in (LOCAL, address_group("::1")) or is_loopback(group.partition("/")[0])


def _parse(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.version == 6 and address.ipv4_mapped) or address
