"""nats-server with JetStream: each room is a stream on disk, each reader a consumer of it."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from benchmarks.keeping import Keeper, KeepingClient
from benchmarks.nats import CONFIGURATION, CONNECT, Nats, whole_lines
from benchmarks.peer import PeerError
from benchmarks.tls import find_program

__all__ = ["JetStream", "JetStreamClient"]

_STREAMS = """\
jetstream {{
  store_dir: "{path}/streams"
  sync_interval: always
}}
"""


def _publication(subject: str, reply: str, content: str) -> bytes:
    return f"PUB {subject} {reply} {len(content)}\r\n{content}\r\n".encode("ascii")


class JetStreamClient(KeepingClient):
    """A client that publishes to a stream, under a subject of its own, and consumes all of it."""

    def __init__(self, nick: str, room: str | None) -> None:
        super().__init__(nick, room)
        self._inbox, self._deliveries = f"_INBOX.{nick}", f"_DELIVER.{nick}"
        self._subject = f"{self.room}.{nick}"
        self.head = f"MSG {self.room}.".encode("ascii")
        self.own = f"MSG {self._subject} ".encode("ascii")
        self._answered = f"MSG {self._inbox} ".encode("ascii")

    def post(self, text: str) -> None:
        """Publish, and ask for an acknowledgement once it is on disk."""
        self.posted += 1
        self.write(_publication(self._subject, self._inbox, text))

    def whole(self, data: bytes) -> int:
        """Return the length of the complete lines, without a header whose body is incomplete."""
        return whole_lines(data)

    def bodies(self, data: bytes) -> Iterator[bytes]:
        """Yield what others have published."""
        lines = iter(data.split(b"\r\n"))
        for line in lines:
            if line.startswith(b"MSG "):
                body = next(lines)
                if line.startswith(self.head) and not line.startswith(self.own):
                    yield body

    def answer(self, data: bytes) -> None:
        """Count acknowledgements, and answer a PING."""
        if b"PING\r\n" in data:
            self.write(b"PONG\r\n" * data.count(b"PING\r\n"))
        for failed in (b"-ERR", b'{"error":'):
            if failed in data:
                raise PeerError(data[data.index(failed) :][:200].decode("ascii", "replace"))
        self.acknowledged += data.count(self._answered)

    def introduce(self) -> None:
        """Log in, and subscribe to answers and deliveries."""
        said = f"CONNECT {json.dumps(CONNECT | {'name': self.nick})}\r\n"
        said += f"SUB {self._inbox} 1\r\nSUB {self._deliveries} 2\r\nPING\r\n"
        self.exchange(said.encode("ascii"), b"PONG\r\n")

    def join(self) -> None:
        """Create the room's stream if needed, and consume what arrives from now on."""
        stream = {"name": self.room, "subjects": [f"{self.room}.>"], "storage": "file"}
        self.ask(f"STREAM.CREATE.{self.room}", stream)
        consumer = {
            "name": self.nick,
            "deliver_subject": self._deliveries,
            "deliver_policy": "new",
            "ack_policy": "none",
            "mem_storage": True,
        }
        wish = {"stream_name": self.room, "config": consumer}
        self.ask(f"CONSUMER.CREATE.{self.room}.{self.nick}", wish)

    def ask(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Return the server's answer. Raises PeerError if it refuses."""
        request = _publication(f"$JS.API.{what}", self._inbox, json.dumps(wish))
        data = self.exchange(request, b"}\r\n")
        answer: dict[str, Any] = json.loads(data[data.index(b"{") :].split(b"\r\n")[0])
        if "error" in answer:
            raise PeerError(f"{what}: {answer['error']}")
        return answer


class JetStream(Keeper):
    """The server; every post is on disk before it is acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.name = f"jetstream {self.found()}"

    @staticmethod
    def found() -> str | None:
        """Return its version, or None if it is not installed."""
        return Nats.found()

    @property
    def command(self) -> list[str]:
        """Run it with its configuration."""
        return [find_program("nats-server") or "", "-c", str(self.path / "conf")]

    def configure(self) -> str:
        """Return a configuration with TLS and a file for each stream."""
        return (CONFIGURATION + _STREAMS).format(path=self.path, port=self.port)

    def enter(self, nick: str, room: str | None) -> JetStreamClient:
        """Return a new client, consuming the room's stream."""
        client = self._open(nick, room)
        if room is not None:
            client.join()
        client.log_in()
        return client

    def kept(self, room: str) -> tuple[int, str]:
        """Request the state of the room's stream, and the last message in it."""
        client = self._open("archivist", None)
        try:
            count = client.ask(f"STREAM.INFO.{room}", {})["state"]["messages"]
            wish = {"last_by_subj": f"{room}.>"}
            last = client.ask(f"STREAM.MSG.GET.{room}", wish)["message"]["data"]
            return count, b64decode(last).decode("ascii", "replace")
        finally:
            client.close()

    def _open(self, nick: str, room: str | None) -> JetStreamClient:
        client = JetStreamClient(nick, room)
        client.connect(self.port)
        client.exchange(b"", b"\r\n")  # INFO arrives without TLS; then TLS begins.
        client.encrypt(self.path)
        client.introduce()
        return client
