"""This server as a benchmark sees it: `Encchat`, started as users start it, and its clients."""

import socket
from importlib.metadata import PackageNotFoundError, version
from select import POLLIN, POLLOUT, poll
from typing import Final

from benchmarks.encchat_client import EncchatClient
from benchmarks.peer import PeerError
from benchmarks.server import ServerProcess
from chat.wire.identity import Identity

__all__ = ["Encchat", "EncchatClient"]

_SECONDS: Final = 20.0
"""For a connection, until it is logged in and in its room."""
_LIMITS: Final = (
    "connections_total=20000",
    "waiting_total=20000",
    "waiting_per_address=20000",
)
"""All clients of a benchmark come at once, and from one address."""


class Encchat:
    """``twistd encchat`` with its SQLite file on the disk; see `benchmarks.peer.Server`."""

    def __init__(self) -> None:
        self.name = f"encchat {_version()}"
        self._process = ServerProcess(limits=_LIMITS, has_own_core=False)

    def __enter__(self) -> "Encchat":
        """Start it, and wait until it listens. Raises PeerError if it does not."""
        try:
            self._process.__enter__()
        except RuntimeError as error:
            raise PeerError(str(error)) from None
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop it, and remove all its files."""
        self._process.__exit__(None, None, None)

    @staticmethod
    def found() -> str | None:
        """Return its version: it is always there."""
        return _version()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._process.port

    @property
    def pids(self) -> list[int]:
        """Its one process."""
        return [self._process.pid]

    def connect(
        self, nick: str, room: str | None, identity: Identity | None = None
    ) -> EncchatClient:
        """Return a new client, logged in and, where a room is given, in it. Blocks.

        With an identity, as the account that has this key.
        """
        client = EncchatClient(nick, room, identity)
        self.open(client)
        self.admit(client)
        return client

    def open(self, client: EncchatClient) -> None:
        """Connect a client's socket, without waiting; the handshake has yet to be driven."""
        connecting = socket.socket()
        connecting.setblocking(False)
        connecting.connect_ex(("127.0.0.1", self.port))
        client.start(connecting)

    def admit(self, client: EncchatClient) -> None:
        """Drive a client's handshake until it is logged in. Raises PeerError if it is not."""
        waiting = poll()
        waiting.register(client.fileno(), POLLIN | POLLOUT)
        while not client.is_ready:
            if not waiting.poll(_SECONDS * 1_000):
                raise PeerError("no answer to a login")
            client.receive()
            waiting.modify(client.fileno(), POLLIN if client.flush() else POLLIN | POLLOUT)


def _version() -> str:
    try:
        return version("encchat")
    except PackageNotFoundError:
        return "from a checkout"
