"""Where the server listens: endpoint strings, and the links with which clients get there."""

import base64
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger

from chat.server.connections.proxies import Proxies, through_proxies
from chat.server.oplog import OperatorLog
from chat.server.options import PROXIED

__all__ = ["announce", "connect_command", "links", "parse_endpoints"]

_log = Logger()

_BACKLOG: Final = 1_024
"""Connections that may wait to be accepted, unless the endpoint string sets another number."""


def parse_endpoints(
    reactor: Any, descriptions: Sequence[str], proxies: Proxies, log: OperatorLog
) -> list[tuple[str, IStreamServerEndpoint]]:
    """Return endpoint strings with their endpoints. Raises SystemExit for one that is invalid."""
    endpoints = []
    for description in descriptions:
        try:
            inner = description.removeprefix(PROXIED)
            endpoint = serverFromString(reactor, _with_backlog(inner))
            if inner != description:
                endpoint = through_proxies(endpoint, proxies, log)
            endpoints.append((description, endpoint))
        except Exception as error:  # Parsers are plugins, and may raise anything.
            raise SystemExit(
                f"encchat: {description!r} is not an endpoint to listen on: {error}"
            ) from None
    return endpoints


def _with_backlog(description: str) -> str:
    """Return an endpoint string with a backlog, the number of connections waiting for accept.

    Twisted's 50 are too few if everybody reconnects at once: the kernel drops the rest, and they
    try again a second later, then three.
    """
    kind = description.partition(":")[0]
    if kind not in ("tcp", "tcp6", "ssl", "unix") or ":backlog=" in description:
        return description
    return f"{description}:backlog={_BACKLOG}"


def announce(ports: Sequence[IListeningPort], fingerprint: str) -> None:
    """Log where the server listens, and how to connect."""
    for port in ports:
        where = port.getHost()
        if isinstance(where, UNIXAddress):
            _log.info("Listening on unix:{path}", path=os.fsdecode(where.name or b""))
        elif not isinstance(where, IPv4Address | IPv6Address):
            _log.info("Listening on {where}", where=where)
        else:
            host = f"[{where.host}]" if isinstance(where, IPv6Address) else where.host
            _log.info("Listening on {host}:{port}", host=host, port=where.port)
            command = connect_command(_link(where, fingerprint))
            _log.info("Connect with: {command}", command=command)


def links(ports: Sequence[IListeningPort], fingerprint: str, token: bytes) -> Iterator[str]:
    """Yield the links with an invitation's token, one for each port with an IP address."""
    for where in (port.getHost() for port in ports):
        if isinstance(where, IPv4Address | IPv6Address):
            yield _link(where, fingerprint, token)


def connect_command(link: str) -> str:
    """Return the command line of a client, with the shortest name of this Python from here."""
    python = Path(sys.executable)
    is_near = python.is_relative_to(Path.cwd())
    name = str(python.relative_to(Path.cwd())) if is_near else "python"
    return f'{name} -m chat.client "{link}"'


def _link(where: IPv4Address | IPv6Address, fingerprint: str, token: bytes | None = None) -> str:
    """Return the link with which a client reaches a port of this machine."""
    address = ipaddress.ip_address(where.host)
    if where.host == "127.0.0.1":  # localhost always resolves to this, but not always to ::1.
        host = "localhost"
    elif address.is_unspecified:
        host = socket.gethostname()
    else:
        host = f"[{where.host}]" if address.version == 6 else where.host
    query = ""
    if token is not None:
        query = "?token=" + base64.urlsafe_b64encode(token).rstrip(b"=").decode("ascii")
    return f"encchat://{host}:{where.port}/{query}#{fingerprint}"
