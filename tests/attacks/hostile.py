"""A server that does what no server does, and the real client that is connected to it."""

import hashlib
import os
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from chat.ids import AccountId
from chat.limits import RUN_BYTES, Limits
from chat.testing import FakeLog
from chat.wire import messages as m
from chat.wire.connection import Received, ServerConnection, Transmit
from chat.wire.hostkey import HostKey
from tests.attacks.arena import PATIENCE, Arena, Fell

__all__ = ["Hostile", "hostile"]

ME: Final = AccountId(b"M" * 16)
"""The account of the client."""
_CHUNK: Final = 1 << 16
_STUCK: Final = 5.0
"""Seconds after which a client that takes nothing will take nothing more."""


class Hostile:
    """A server for one client, which is started as users start it."""

    def __init__(self, home: Path) -> None:
        self.log = FakeLog(random_bytes=os.urandom)
        self.answer: Callable[[m.Request], Iterable[Struct]] = lambda _: ()
        """What answers the requests that a harmless server would answer differently."""
        self.is_deaf = False
        """Whether it reads nothing."""
        self.connections = 0
        self._pongs = 0
        self._asked: Counter[type[m.Request]] = Counter()
        self._host_key = HostKey.generate()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._is_reading = False
        self._memory = 0.0
        port = self._listener.getsockname()[1]
        self._client = subprocess.Popen(
            [sys.executable, "-m", "chat.client", f"localhost:{port}", "--nick", "me"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ENCCHAT_HOME": str(home)},
        )

    def enter(self, line: str) -> None:
        """Enter a line into the client."""
        assert self._client.stdin is not None
        self._client.stdin.write(line.encode() + b"\n")
        self._client.stdin.flush()

    def let_in(self) -> bool:
        """Wait until the client is connected and reads the log. Return False if it has exited.

        Raises Fell if it does neither.
        """
        deadline = time.monotonic() + PATIENCE
        while not select.select([self._listener], [], [], 0.2)[0]:
            if self.has_exited:
                return False
            if time.monotonic() > deadline:
                raise Fell("the client did not connect")
        self._socket, _ = self._listener.accept()
        self.connections += 1
        self._wire = ServerConnection(self._host_key, Limits())
        self._buffer, self._is_reading = b"", False
        self.serve(lambda: self._is_reading)
        if not self._is_reading:
            raise Fell("the client did not log in")
        return True

    def serve(self, is_done: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Answer the client until something is so, the time is over, or the connection."""
        deadline = time.monotonic() + seconds
        while not is_done() and self._socket is not None and time.monotonic() < deadline:
            self._turn(b"", 0.2)

    def serve_pages(self, kind: type[m.Request], most: int) -> int:
        """Answer requests of a kind until no more come; return how many came, at most `most`."""
        while (count := self._asked[kind]) < most:
            self.serve(partial(self._has_asked, kind, count + 1), _STUCK)
            if self._asked[kind] == count:
                break
        return count

    def _has_asked(self, kind: type[m.Request], count: int) -> bool:
        return self._asked[kind] >= count

    def send(self, *messages: Struct) -> bool:
        """Send messages. Return whether the client has taken them."""
        return self._write(b"".join(self._wire.send(it) for it in messages))

    def deliver(self, lines: bytes) -> bool:
        """Send records. Return whether the client has taken them."""
        assert len(lines) <= RUN_BYTES
        pieces = self._wire.deliver([(lines, hashlib.sha512(lines).digest())])
        return self._write(b"".join(bytes(it) for it in pieces))

    def _write(self, data: bytes) -> bool:
        since = time.monotonic()
        while data and self._socket is not None and time.monotonic() - since < _STUCK:
            sent = self._turn(data, 0.2)
            if sent:
                since = time.monotonic()
            data = data[sent:]
        return not data

    def _turn(self, data: bytes, seconds: float) -> int:
        """Read what has come, and write what can be written; return how much that was."""
        assert self._socket is not None
        self.memory()
        reading = [] if self.is_deaf else [self._socket]
        writing = [self._socket] if data else []
        readable, writable, _ = select.select(reading, writing, [], seconds)
        try:
            if readable:
                self._read(self._socket.recv(_CHUNK))
            if writable and self._socket is not None:
                return self._socket.send(data[:_CHUNK], socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()
        return 0

    def _read(self, chunk: bytes) -> None:
        if not chunk:
            self._hang_up()
            return
        *lines, self._buffer = (self._buffer + chunk).split(b"\r\n")
        for line in lines:
            for event in self._wire.receive_line(line):
                match event:
                    case Transmit(data):
                        self._write_all(data)
                    case Received(m.Pong()):
                        self._pongs += 1
                    case Received(message) if isinstance(message, m.Request):
                        self._answer(message)

    def _write_all(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.sendall(data)

    def _answer(self, request: m.Request) -> None:
        self._asked[type(request)] += 1
        answers = list(self.answer(request)) or self._harmless(request)
        self._write_all(b"".join(self._wire.send(it) for it in answers))

    def _harmless(self, request: m.Request) -> list[Struct]:
        match request:
            case m.Login(id=id):
                limits = {"text": 8192, "nick": 32, "payload": 16384}
                return [m.Welcome(id, ME, "me", "encchat", 0, "disk", limits, ["search"])]
            case m.Logs(id=id):
                return [m.LogList(id, [(self.log.log, "public", "lobby", self.log.seq, 0)], False)]
            case m.Read(id=id) | m.Join(id=id):
                self._is_reading = True
                return [self.log.keys(), self.log.joined(id)]
            case m.History(id=id):
                return [m.Page(id, 0, False)]
        return [m.Ok(request.id)]

    def cut(self) -> None:
        """End the connection, so that the client connects again."""
        self._hang_up()

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    @property
    def is_connected(self) -> bool:
        """Whether the client has not ended the connection."""
        return self._socket is not None

    @property
    def has_exited(self) -> bool:
        """Whether the client has exited, as it does after a violation that a retry cannot mend."""
        return self._client.poll() is not None

    def settle(self) -> None:
        """Wait until the client has taken everything in, or has ended the connection."""
        pongs = self._pongs
        if self.is_connected and self.send(m.Ping(1)):
            self.serve(lambda: self._pongs > pongs)
        self.serve(lambda: False, 1)

    def forget_peak(self) -> None:
        """Measure the memory from now on (proc(5), clear_refs)."""
        Path(f"/proc/{self._client.pid}/clear_refs").write_text("5")

    def memory(self) -> float:
        """Return the client's memory in MiB, the most that it had so far."""
        if self.has_exited:
            return self._memory
        status = Path(f"/proc/{self._client.pid}/status").read_text()
        for line in status.splitlines():
            if line.startswith("VmHWM:"):  # Not of a process that has exited.
                self._memory = int(line.split()[1]) / 1024
        return self._memory

    def stop(self) -> None:
        """End the client and the connection."""
        self._hang_up()
        self._listener.close()
        self._client.kill()
        self._client.communicate()


@contextmanager
def hostile(arena: Arena) -> Iterator[Hostile]:
    """Start a hostile server, and a client that has logged in to it and is idle."""
    server = Hostile(arena.directory / "home")
    try:
        server.let_in()
        server.settle()
        server.forget_peak()
        yield server
    finally:
        server.stop()
