"""Addresses of servers: what people type, and links with a fingerprint (docs/protocol.md 4.3)."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from chat.limits import TOKEN_BYTES
from chat.rooms.errors import RequestError
from chat.rooms.names import prepare_room
from chat.wire.hostkey import is_fingerprint

__all__ = ["DEFAULT_PORT", "Address", "AddressError", "make_link", "parse_address"]

DEFAULT_PORT: Final = 5555

_LINK: Final = re.compile(
    r"encchat://(?P<where>[^/?#]*)(?:/(?P<room>[^/?#]*))?(?:\?token=(?P<token>[^#&]*))?"
    r"(?:#(?P<fingerprint>.*))?"
)
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
    room: str | None = None
    """Where the link leads."""
    token: bytes | None = None
    """What the invitation is worth, 16 bytes."""

    def __str__(self) -> str:
        """Return host and port, as `known_hosts` names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the address that `text` is: ``HOST``, ``HOST:PORT``, or a link ``encchat://…``.

    IPv6 addresses stand in brackets. Raises AddressError.
    """
    where, fingerprint, room, token = text, None, None, None
    if "://" in text:
        link = _LINK.fullmatch(text)
        if link is None:
            raise AddressError("a link has the form encchat://HOST:PORT/ROOM?token=…#SHA256:…")
        where, fingerprint = link["where"], link["fingerprint"]
        if fingerprint is not None and not is_fingerprint(fingerprint):
            raise AddressError("the fingerprint in the link is not a whole SHA256:… fingerprint")
        room = _room(link["room"]) if link["room"] else None
        token = None if link["token"] is None else _token(link["token"])
    match = _WHERE.fullmatch(where)
    if match is None:
        raise AddressError("an address has the form HOST:PORT, or [IPV6]:PORT")
    port = int(match["port"] or DEFAULT_PORT)
    if not 0 < port < 65_536:
        raise AddressError("a port is a number from 1 to 65535")
    # Names of hosts do not depend on case; the key they are pinned under must not either.
    host = (match["ip6"] or match["host"]).lower()
    return Address(host, port, fingerprint, room, token)


def make_link(
    address: Address, fingerprint: str, room: str | None, token: bytes | None = None
) -> str:
    """Return a link to a server, perhaps with an invitation. `parse_address` is the inverse."""
    path = quote(room or "", safe="")
    query = ""
    if token is not None:
        query = "?token=" + base64.urlsafe_b64encode(token).rstrip(b"=").decode("ascii")
    return f"encchat://{address}/{path}{query}#{fingerprint}"


def _room(text: str) -> str:
    try:
        return prepare_room(unquote(text, errors="strict"))
    except (UnicodeDecodeError, RequestError) as error:
        raise AddressError(f"the room in the link is none: {error}") from None


def _token(text: str) -> bytes:
    try:
        token = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        token = b""
    if len(token) != TOKEN_BYTES:
        raise AddressError("the token in the link is not whole")
    return token
