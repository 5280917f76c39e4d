"""Shared by the other servers and their clients: real TLS, and a temporary directory."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.peer import PeerError
from benchmarks.server import free_port
from benchmarks.texts import number_of

__all__ = ["PeerProcess", "TlsClient", "find_program", "version_of"]

_SECONDS = 10.0
"""Time limit for a start, a stop, and a login."""
_CHUNK = 262_144
_LOG_TAIL = 1_000
_HOST = "127.0.0.1"


def find_program(name: str) -> str | None:
    """Return a program's path: next to Python, or in the usual directories."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(name, path=os.pathsep.join((beside, os.environ["PATH"], "/usr/sbin")))


class PeerProcess:
    """A server program with a certificate, in its own directory; see `peer.Server`."""

    share = 1.0
    configuration = "conf"
    """Name of its configuration file: some servers derive the format from it."""

    def __init__(self) -> None:
        self.port = 0

    @property
    def command(self) -> list[str]:
        """Return the command that starts it, once its files exist."""
        raise NotImplementedError

    def configure(self) -> str:
        """Return the contents of its configuration file."""
        return ""

    def __enter__(self) -> Self:
        """Start it, and wait until it listens. Raises PeerError if it does not."""
        self._directory = tempfile.TemporaryDirectory()
        self.path = Path(self._directory.name)
        self.path.chmod(0o755)  # Some servers change to another user.
        self.port = free_port()
        _make_certificate(self.path)
        (self.path / self.configuration).write_text(self.configure())
        with (self.path / "log").open("wb") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                socket.create_connection((_HOST, self.port)).close()
            except OSError:
                if time.monotonic() < deadline and self._process.poll() is None:
                    time.sleep(0.05)
                    continue
                tail = (self.path / "log").read_text(errors="replace")[-_LOG_TAIL:]
                self.__exit__()
                raise PeerError(f"the server does not listen: {tail}") from None
            return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop it, and remove all its files."""
        self._process.terminate()
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._directory.cleanup()

    @property
    def pids(self) -> list[int]:
        """Its process and all descendants."""
        found = [self._process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        return found


def _make_certificate(path: Path) -> None:
    """Write a self-signed certificate for the loopback address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(_HOST))]), False)
        .sign(key, hashes.SHA256())
    )
    (path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (path / "key.pem").chmod(0o644)  # Not secret, and see above.


@cache
def _context(certificate: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


class TlsClient:
    """A client over TLS; see `peer.Client`. Subclasses know the format of messages."""

    head = b""
    """The beginning of each message, which occurs nowhere else."""
    own = b""
    """Occurs in the client's own messages, if they come back, and only there."""
    record_bytes = 16_384
    """Most bytes to send in one TLS record."""

    def __init__(self) -> None:
        self.delivered = self.opened = self.acknowledged = 0
        self.seen: list[tuple[int, float]] | None = None
        self._wanted = 0
        self._rest = self._unsent = b""

    def whole(self, data: bytes) -> int:
        """Return how many bytes of `data` are complete messages or lines."""
        raise NotImplementedError

    def bodies(self, data: bytes) -> Iterator[bytes]:
        """Yield the texts of others' messages in `data`. Raises PeerError if anything is wrong."""
        raise NotImplementedError

    def answer(self, data: bytes) -> None:
        """Answer the server's other messages. Raises PeerError if the server closes."""

    def connect(self, port: int) -> None:
        """Connect, without TLS yet."""
        self._socket = socket.create_connection((_HOST, port), _SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def encrypt(self, path: Path) -> None:
        """Start TLS; the certificate must be the server's own."""
        context = _context(str(path / "cert.pem"))
        self._socket = context.wrap_socket(self._socket, server_hostname=_HOST)

    def exchange(self, data: bytes, expected: bytes) -> bytes:
        """Send bytes, and wait for an answer that contains `expected`. Raises PeerError."""
        try:
            self._socket.sendall(data)
            answer = b""
            while expected not in answer:
                chunk = self._socket.recv(_CHUNK)
                if not chunk:
                    raise PeerError(f"the server has closed the connection: {answer!r}")
                answer += chunk
        except OSError as error:
            raise PeerError(str(error)) from None
        return answer

    def log_in(self) -> None:
        """Make the socket non-blocking from now on."""
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """Return the socket's descriptor, for epoll."""
        return self._socket.fileno()

    def write(self, data: bytes) -> None:
        """Buffer bytes for `flush`."""
        self._unsent += data

    def flush(self) -> bool:
        """Send buffered bytes; return whether all have been sent."""
        try:
            while self._unsent:
                sent = self._socket.send(self._unsent[: self.record_bytes])
                self._unsent = self._unsent[sent:]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return False
        except OSError as error:
            raise PeerError(str(error)) from None
        return True

    def receive(self) -> None:
        """Process whatever has arrived, without waiting. Raises PeerError at end of stream."""
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError as error:
                raise PeerError(str(error)) from None
            if not data:
                raise PeerError("the server has closed the connection")
            self.take(data)
            self.flush()  # Send the answers.

    def take(self, data: bytes) -> None:
        """Process what has arrived. Raises PeerError."""
        data = self._rest + data
        end = self.whole(data)
        data, self._rest = data[:end], data[end:]
        self.answer(data)
        if self._wanted <= 0 and self.seen is None:
            self.delivered += data.count(self.head)
            if self.own:
                self.delivered -= data.count(self.own)
            return
        for body in self.bodies(data):
            try:
                number = number_of(body.decode("ascii"))
            except ValueError as error:
                raise PeerError(str(error)) from None
            self.delivered += 1
            self.opened += 1
            self._wanted -= 1
            if self.seen is not None:
                self.seen.append((number, time.monotonic()))

    def sample(self, count: int) -> None:
        """Open, verify and compare the next `count` messages; only count the ones after them.

        It opens more if they arrive together.
        """
        self._wanted = count

    def close(self) -> None:
        """Cut the connection."""
        self._socket.close()


def version_of(command: Sequence[str]) -> str:
    """Return a program's version from its output: the first word with a digit and a dot."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).replace("-", " ").split()
    return next((word.strip("v,") for word in words if "." in word and word[-1].isdigit()), "")
