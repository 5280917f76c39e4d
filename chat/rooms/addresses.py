"""Addresses of peers, and the groups that limits are counted in.

Whoever has one IPv6 address has the 2^64 of its network (RFC 4291 section 2.5.4), so a limit for
each of them would be no limit.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, NewType

__all__ = ["LOCAL", "Address", "AddressGroup", "address_group", "is_loopback", "peer_address"]

Address = NewType("Address", str)
"""Where a peer is: an IP address, or text that is none for everything else."""

AddressGroup = NewType("AddressGroup", str)
"""Addresses that are counted together: one of IPv4, a /64 of IPv6, or `LOCAL`."""

LOCAL: Final = AddressGroup("local")
"""The group of everything that has no IP address: sockets in the file system."""

_LOCAL_SOCKET: Final = Address("a local socket")
_NETWORK_BITS: Final = 64


def peer_address(peer: object) -> Address:
    """Return the address in the object that an endpoint gives for the peer.

    Endpoints are plugins and have classes of their own; all that name a host call it `host`.
    """
    host = getattr(peer, "host", None)
    return Address(host) if isinstance(host, str) else _LOCAL_SOCKET


def address_group(host: str) -> AddressGroup:
    """Return the group that a peer's address is counted in; of a group, that group.

    An IPv4 address is a group of its own, also where it is written as an IPv6 one
    (``::ffff:192.0.2.1``); an IPv6 address is in its /64, whatever its scope (``%eth0``).
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
    """Tell whether a peer is on this machine; as a reverse proxy it may be anybody."""
    address = _parse(host)
    return address is None or address.is_loopback


def _parse(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.version == 6 and address.ipv4_mapped) or address
