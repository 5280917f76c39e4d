"""nats-server, a message broker in Go, over TLS (its client protocol)."""

import json
from collections.abc import Iterator
from functools import cache

from benchmarks.peer import PeerError
from benchmarks.tls import PeerProcess, TlsClient, find_program, version_of

__all__ = ["CONFIGURATION", "CONNECT", "Nats", "NatsClient", "whole_lines"]

CONFIGURATION = """\
listen: "127.0.0.1:{port}"
max_connections: 100000
write_deadline: "60s"
tls {{
  cert_file: "{path}/cert.pem"
  key_file: "{path}/key.pem"
}}
"""
CONNECT = {"verbose": False, "pedantic": False, "echo": False, "tls_required": True}


def whole_lines(data: bytes) -> int:
    """Return the length of the complete lines, without a header whose body is incomplete."""
    end = data.rfind(b"\n") + 1
    last = data.rfind(b"\n", 0, max(0, end - 1)) + 1
    return last if data.startswith(b"MSG ", last) and last < end else end


class NatsClient(TlsClient):
    """A client that publishes to a subject, and subscribes to it."""

    head = b"MSG "

    def __init__(self, room: str | None) -> None:
        super().__init__()
        self._room = room or ""

    def post(self, text: str) -> None:
        """Publish to the subject."""
        self.write(f"PUB {self._room} {len(text)}\r\n{text}\r\n".encode("ascii"))

    def whole(self, data: bytes) -> int:
        """Return the length of the complete lines, without a header whose body is incomplete."""
        return whole_lines(data)

    def bodies(self, data: bytes) -> Iterator[bytes]:
        """Yield what was published."""
        lines = iter(data.split(b"\r\n"))
        for line in lines:
            if line.startswith(self.head):
                yield next(lines)

    def answer(self, data: bytes) -> None:
        """Answer a PING."""
        if b"PING\r\n" in data:
            self.write(b"PONG\r\n" * data.count(b"PING\r\n"))
        if b"-ERR" in data:
            raise PeerError(data[data.index(b"-ERR") :][:100].decode("ascii", "replace"))


class Nats(PeerProcess):
    """The server."""

    def __init__(self) -> None:
        super().__init__()
        self.name = f"nats-server {self.found()}"

    @staticmethod
    @cache
    def found() -> str | None:
        """Return its version, or None if it is not installed."""
        program = find_program("nats-server")
        return version_of([program, "--version"]) if program else None

    @property
    def command(self) -> list[str]:
        """Run it with its configuration."""
        return [find_program("nats-server") or "", "-c", str(self.path / "conf")]

    def configure(self) -> str:
        """Return a configuration with TLS."""
        return CONFIGURATION.format(path=self.path, port=self.port)

    def connect(self, nick: str, room: str | None) -> NatsClient:
        """Return a new client, subscribed."""
        client = NatsClient(room)
        client.connect(self.port)
        client.exchange(b"", b"\r\n")  # INFO arrives without TLS; then TLS begins.
        client.encrypt(self.path)
        said = f"CONNECT {json.dumps(CONNECT | {'name': nick})}\r\n"
        if room is not None:
            said += f"SUB {room} 1\r\n"
        client.exchange(said.encode("ascii") + b"PING\r\n", b"PONG\r\n")
        client.log_in()
        return client
