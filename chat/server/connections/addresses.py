"""Which connections are counted as one neighbour's: limits are per group of addresses.

Whoever has one IPv6 address has the 2^64 of its network (RFC 4291 section 2.5.4), so a limit for
each of them would be none.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

__all__ = ["LOCAL", "address_group", "is_loopback"]

LOCAL: Final = "local"
"""The group of everything that has no IP address: sockets in the file system."""

_NETWORK_BITS: Final = 64


def address_group(host: str) -> str:
    """Return the group that a peer's address is counted in; of a group, that group.

    An IPv4 address is a group of its own, also where it is written as an IPv6 one
    (``::ffff:192.0.2.1``); an IPv6 address is in its /64, whatever its scope (``%eth0``).
    """
    address = _parse(host)
    match address:
        case IPv4Address():
            return str(address)
        case IPv6Address():
            return str(IPv6Network((int(address), _NETWORK_BITS), strict=False))
        case _:
            return host if host.endswith(f"/{_NETWORK_BITS}") else LOCAL


def is_loopback(host: str) -> bool:
    """Tell whether a peer is on this machine: a reverse proxy perhaps, and so anybody."""
    address = _parse(host)
    return address is None or address.is_loopback


def _parse(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.version == 6 and address.ipv4_mapped) or address
