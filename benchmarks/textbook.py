"""The baseline: the chat server that textbooks show.

``python -m benchmarks.textbook PORT`` is its server: a thread per client, one key for all of them,
AES-256-CBC, and for each message one encryption and one `sendall` per recipient.
"""

import socket
import sys
import threading
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad, unpad

from benchmarks.tls import PeerProcess, TlsClient

__all__ = ["Textbook", "TextbookClient"]

_KEY = bytes(range(32))
_STACK_BYTES = 262_144
"""Stack size of a thread: there are many."""


def _sealed(content: bytes) -> bytes:
    cipher = AES.new(_KEY, AES.MODE_CBC)
    return b64encode(bytes(cipher.iv) + cipher.encrypt(pad(content, AES.block_size))) + b"\n"


def _opened(line: bytes) -> bytes:
    sealed = b64decode(line)
    return unpad(AES.new(_KEY, AES.MODE_CBC, sealed[:16]).decrypt(sealed[16:]), AES.block_size)


class _TextbookServer:
    def __init__(self) -> None:
        self._rooms: dict[bytes, list[socket.socket]] = defaultdict(list)
        self._lock = threading.Lock()

    def listen(self, port: int) -> None:
        threading.stack_size(_STACK_BYTES)
        with socket.create_server(("127.0.0.1", port), backlog=1_024) as listening:
            while True:
                client, _ = listening.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            room = _opened(next(lines, _sealed(b"")))
            with self._lock:
                self._rooms[room].append(client)
            client.sendall(_sealed(b"welcome"))
            try:
                for line in lines:
                    self._broadcast(client, room, _opened(line))
            except OSError:
                pass
            with self._lock:
                self._rooms[room].remove(client)

    def _broadcast(self, sender: socket.socket, room: bytes, content: bytes) -> None:
        with self._lock:
            for client in self._rooms[room]:
                if client is not sender:
                    # A recipient's own thread notices when it is gone.
                    with suppress(OSError):
                        client.sendall(_sealed(content))


class TextbookClient(TlsClient):
    """A client with the shared key; there is no TLS."""

    head = b"\n"

    def post(self, text: str) -> None:
        """Send a text, encrypted."""
        self.write(_sealed(text.encode("ascii")))

    def whole(self, data: bytes) -> int:
        """Return the length of the complete lines."""
        return data.rfind(b"\n") + 1

    def bodies(self, data: bytes) -> Iterator[bytes]:
        """Yield what was sent."""
        yield from map(_opened, data.splitlines())


class Textbook(PeerProcess):
    """The server."""

    name = "textbook"
    share = 0.1

    @staticmethod
    def found() -> str | None:
        """Return a version string; it is always available."""
        return "as it is"

    @property
    def command(self) -> list[str]:
        """Run this module."""
        return [sys.executable, "-m", "benchmarks.textbook", str(self.port)]

    def connect(self, nick: str, room: str | None) -> TextbookClient:
        """Return a new client."""
        client = TextbookClient()
        client.connect(self.port)
        client.exchange(_sealed((room or nick).encode("ascii")), b"\n")
        client.log_in()
        return client


if __name__ == "__main__":
    _TextbookServer().listen(int(sys.argv[1]))
