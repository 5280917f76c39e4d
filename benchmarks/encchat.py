"""This server in benchmarks: `Encchat`, started as users start it, and its clients."""

import select
import socket
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from time import monotonic
from typing import Final

from benchmarks.encchat_client import EncchatClient
from benchmarks.peer import PeerError
from benchmarks.server import ServerProcess
from chat.wire.identity import Identity

__all__ = ["GROUP", "Encchat", "EncchatClient"]

GROUP: Final = 40
"""Clients that connect at a time, except in the storm: fewer than the socket's backlog."""

_SECONDS: Final = 20.0
"""Seconds until a client must be logged in and in its room: longer than anybody would wait."""
_PINGS_EVERY: Final = 10
"""Groups that connect before clients that are in are read again."""
_LOG_TAIL: Final = 2_000
_LIMITS: Final = (
    "connections_total=20000",
    "waiting_total=20000",
    "waiting_per_address=20000",
)
"""All clients of a benchmark connect at once, and from one address."""


class Encchat:
    """``twistd encchat`` with its SQLite file on disk; see `benchmarks.peer.Server`."""

    share = 1.0

    def __init__(self, program: Sequence[str] = ()) -> None:
        self.name = f"encchat {_version()}"
        self.port = 0
        self._process = ServerProcess(limits=_LIMITS, has_own_core=False, program=program)

    def __enter__(self) -> "Encchat":
        """Start it, and wait until it listens. Raises PeerError if it does not."""
        try:
            self._process.__enter__()
        except RuntimeError as error:
            raise PeerError(str(error)) from None
        self.port = self._process.port
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop it, and remove all its files."""
        self._process.__exit__(None, None, None)

    @staticmethod
    def found() -> str | None:
        """Return its version; it is always installed."""
        return _version()

    @property
    def pids(self) -> list[int]:
        """Its only process."""
        return [self._process.pid]

    def connect(
        self, nick: str, room: str | None, identity: Identity | None = None
    ) -> EncchatClient:
        """Return a new client, logged in and, if a room is given, in it. Blocks.

        With an identity, it logs in to that key's account.
        """
        [client] = self.admit([EncchatClient(nick, room, identity)], 1)
        return client

    def admit(self, clients: list[EncchatClient], at_a_time: int) -> list[EncchatClient]:
        """Connect clients and log them in, a group at a time. Raises PeerError if one fails."""
        for index, start in enumerate(range(0, len(clients), at_a_time)):
            if self.storm(clients[start : start + at_a_time]):
                raise PeerError("a client was not let in: " + self._process.log()[-_LOG_TAIL:])
            if index % _PINGS_EVERY == 0:
                for client in clients[:start]:
                    client.receive()
                    client.flush()
        return clients

    def storm(self, clients: list[EncchatClient]) -> int:
        """Connect all clients at once; return how many are refused or not in at the end."""
        for client in clients:
            connecting = socket.socket()
            connecting.setblocking(False)
            connecting.connect_ex(("127.0.0.1", self.port))
            client.start(connecting)
        waiting = {client.fileno(): client for client in clients}
        refused = 0
        deadline = monotonic() + _SECONDS
        with select.epoll() as epoll:
            for fd in waiting:
                epoll.register(fd, select.EPOLLIN | select.EPOLLOUT)
            while waiting and monotonic() < deadline:
                for fd, kind in epoll.poll(1.0):
                    client = waiting[fd]
                    try:
                        if kind & ~select.EPOLLOUT:
                            client.receive()
                        if kind & select.EPOLLOUT and client.flush():
                            epoll.modify(fd, select.EPOLLIN)
                    except PeerError:
                        refused += 1
                    else:
                        if not client.is_ready:
                            continue
                    epoll.unregister(fd)
                    del waiting[fd]
        return refused + len(waiting)


def _version() -> str:
    try:
        return version("encchat")
    except PackageNotFoundError:
        return "from a checkout"
