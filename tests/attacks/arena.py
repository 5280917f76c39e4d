"""A server process to attack, and clients that do what no real client would."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict, TypeVar, Unpack

from msgspec import Struct

from benchmarks.server import ServerProcess, free_port
from chat.ids import LogId, MessageId
from chat.limits import Limits
from chat.wire import messages as m
from chat.wire.connection import (
    ClientConnection,
    Delivered,
    HostKeyOffered,
    PeerClosed,
    Received,
    Transmit,
)
from chat.wire.identity import Identity

__all__ = ["ATTACKS", "Arena", "Attack", "Fell", "RawClient", "attack", "until"]

T = TypeVar("T", bound=Struct)

PATIENCE: Final = 60.0
"""Seconds after which an answer that did not come never will."""


class Fell(AssertionError):
    """The server fell short; the text says of what."""


@dataclass(frozen=True, slots=True)
class Attack:
    """Something to try."""

    name: str
    tried: str
    """What it tries, in half a sentence."""
    before: str
    """What was seen before it was mended."""
    run: Callable[["Arena"], str]
    """Tries it. Returns what was seen now, and raises Fell if that is not good enough."""


ATTACKS: Final[list[Attack]] = []
"""All of them, once their modules are imported."""


def attack(
    tried: str, before: str
) -> Callable[[Callable[["Arena"], str]], Callable[["Arena"], str]]:
    """Make an attack of a function."""

    def register(run: Callable[["Arena"], str]) -> Callable[["Arena"], str]:
        ATTACKS.append(Attack(run.__name__, tried, before, run))
        return run

    return register


class Proofs(TypedDict, total=False):
    """What a login may contain besides the key."""

    code: str
    token: bytes
    password: str


class Options(Proofs, total=False):
    """How a client connects."""

    identity: Identity
    host: str
    source: str
    """The loopback address to come from."""
    receive_bytes: int
    """The kernel's buffer."""
    greeting: bytes
    """Sent before everything else."""


class RawClient:
    """A connection that sends what it is told to, and reads when it is told to."""

    def __init__(
        self,
        port: int,
        nick: str | None = None,
        *,
        identity: Identity | None = None,
        host: str = "127.0.0.1",
        source: str | None = None,
        receive_bytes: int | None = None,
        greeting: bytes = b"",
        **proofs: Unpack[Proofs],
    ) -> None:
        """Connect, and log in as `nick` if that is given. The options are those of `Options`."""
        self.identity = identity or Identity.generate()
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source is not None:
            self.socket.bind((source, 0))
        self.socket.connect((host, port))
        self.connection = ClientConnection(Limits())
        self.received: list[Struct] = []
        self.records: list[Delivered] = []
        self.closed: PeerClosed | None = None
        self.is_over = False
        self._buffer = b""
        self._last_id = 0
        self._is_offered = False
        self.socket.sendall(greeting + self.connection.start())
        self.wait(lambda: self._is_offered)
        self.answer: Struct | None = None
        if nick is not None and self._is_offered:
            self.answer = self.log_in(nick, **proofs)

    def next_id(self) -> int:
        """Return an id for a request."""
        self._last_id += 1
        return self._last_id

    def log_in(self, nick: str, **proofs: Unpack[Proofs]) -> Struct | None:
        """Log in, and return the answer."""
        signature = self.identity.sign_login(self.connection.binding)
        request = m.Login(self.next_id(), nick, self.identity.public, signature, **proofs)
        self.socket.sendall(self.connection.login(request))
        return self.answer_to(request.id)

    def send(self, message: Struct) -> None:
        """Send a message."""
        self.socket.sendall(self.connection.send(message))

    def ask(self, request: m.Request) -> Struct | None:
        """Send a request, and return its answer; None if the connection ended."""
        self.send(request)
        return self.answer_to(request.id)

    def join(self, room: str, create: str = "public") -> LogId:
        """Join a room, made if need be. Raises Fell if that is refused."""
        answer = self.ask(m.Join(self.next_id(), room, create))
        if not isinstance(answer, m.Joined):
            raise Fell(f"{room} could not be joined: {answer}")
        return answer.log

    def post(self, log: LogId, text: str) -> m.Post:
        """Post something, without waiting."""
        request = m.Post(self.next_id(), log, MessageId(os.urandom(16)), text)
        self.send(request)
        return request

    def say(self, log: LogId, text: str) -> Struct | None:
        """Post something, and return the answer."""
        return self.answer_to(self.post(log, text).id)

    def all(self, kind: type[T]) -> list[T]:
        """Return everything of a kind that came so far."""
        return [it for it in self.received if isinstance(it, kind)]

    def answer_to(self, number: int, seconds: float = PATIENCE) -> Struct | None:
        """Wait for the answer to a request, and return it."""

        def find() -> Struct | None:
            for message in reversed(self.received):
                acked = isinstance(message, m.Posted) and number in [it[0] for it in message.acks]
                if acked or getattr(message, "id", None) == number:
                    return message
            return None

        self.wait(lambda: find() is not None, seconds)
        return find()

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Read until something is so; return whether it is."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0 or self.is_over:
                return False
            self.read(left)
        return True

    def ends(self) -> bool:
        """Wait until the server ends the connection; return whether it does."""
        return self.wait(lambda: self.is_over) or self.is_over

    def read(self, seconds: float = 0) -> bool:
        """Read what is there, waiting so long for it. Return whether there was anything."""
        if self.is_over or not select.select([self.socket], [], [], seconds)[0]:
            return False
        try:
            chunk = self.socket.recv(1 << 20)
        except OSError:
            chunk = b""
        if not chunk:
            self.is_over = True
            return False
        *lines, self._buffer = (self._buffer + chunk).split(b"\r\n")
        for line in lines:
            for event in self.connection.receive_line(line):
                match event:
                    case Transmit(data):
                        self.socket.sendall(data)
                    case HostKeyOffered():
                        self._is_offered = True
                    case Received(message):
                        self.received.append(message)
                    case Delivered():
                        self.records.append(event)
                    case PeerClosed():
                        self.closed = event
        return True

    def close(self) -> None:
        """Cut the connection."""
        self.is_over = True
        self.socket.close()


def until(condition: Callable[[], bool]) -> bool:
    """Wait until something is so; return whether it is."""
    deadline = time.monotonic() + PATIENCE
    while not (is_so := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so


class Arena:
    """A server, and whoever attacks it. Everything is gone at the end of the attack."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._clients: list[RawClient] = []

    @contextmanager
    def server(self, *limits: str, options: tuple[str, ...] = ()) -> Iterator[ServerProcess]:
        """Start a server, with limits (NAME=VALUE) and other options of its command line."""
        as_users_start_it = ("messages_per_second=100", "bytes_per_second=262144")
        limits = (*as_users_start_it, "accounts_per_hour=1000", *limits)
        with ServerProcess(
            self.directory / "state", free_port(), limits, has_own_core=False, options=options
        ) as server:
            try:
                yield server
            finally:
                for client in self._clients:
                    client.close()

    def client(
        self, server: ServerProcess, nick: str | None = None, **options: Unpack[Options]
    ) -> RawClient:
        """Connect a client."""
        client = RawClient(server.port, nick, **options)
        self._clients.append(client)
        return client

    def script(
        self, server: ServerProcess, *arguments: str, lines: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the real client as a script does, and return what became of it."""
        return subprocess.run(
            [sys.executable, "-m", "chat.client", f"localhost:{server.port}", *arguments],
            input=lines,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "ENCCHAT_HOME": str(self.directory / "home")},
            check=False,
        )
