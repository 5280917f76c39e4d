"""Addresses of servers: what people type, and links with a fingerprint (docs/protocol.md 4.3)."""

import re
from dataclasses import dataclass
from typing import Final

from chat.wire.hostkey import is_fingerprint

__all__ = ["DEFAULT_PORT", "Address", "AddressError", "parse_address"]

DEFAULT_PORT: Final = 5555

_LINK: Final = re.compile(r"encchat://(?P<where>[^/?#]*)/?(?:#(?P<fingerprint>.*))?")
_WHERE: Final = re.compile(
    r"(?:\[(?P<ip6>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<host>[^\s:\[\]/?#@]+))(?::(?P<port>[0-9]+))?",
    re.ASCII,
)


class AddressError(ValueError):
    """What was given is no address; the text says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and, where that is known, what its host key's fingerprint is."""

    host: str
    port: int = DEFAULT_PORT
    fingerprint: str | None = None

    def __str__(self) -> str:
        """Return host and port, as `known_hosts` names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the address that `text` is: ``HOST``, ``HOST:PORT``, or a link ``encchat://…``.

    IPv6 addresses stand in brackets. Raises AddressError.
    """
    where, fingerprint = text, None
    if "://" in text:
        link = _LINK.fullmatch(text)
        if link is None:
            raise AddressError("a link has the form encchat://HOST:PORT/#SHA256:…")
        where, fingerprint = link["where"], link["fingerprint"]
        if fingerprint is not None and not is_fingerprint(fingerprint):
            raise AddressError("the fingerprint in the link is not a whole SHA256:… fingerprint")
    match = _WHERE.fullmatch(where)
    if match is None:
        raise AddressError("an address has the form HOST:PORT, or [IPV6]:PORT")
    port = int(match["port"] or DEFAULT_PORT)
    if not 0 < port < 65_536:
        raise AddressError("a port is a number from 1 to 65535")
    # Names of hosts do not depend on case; the key they are pinned under must not either.
    return Address((match["ip6"] or match["host"]).lower(), port, fingerprint)
