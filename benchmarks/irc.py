"""ngIRCd, an IRC server in C, over TLS (RFC 1459, RFC 2812)."""

from collections.abc import Iterator
from functools import cache

from benchmarks.peer import PeerError
from benchmarks.tls import PeerProcess, TlsClient, find_program, version_of

__all__ = ["IrcClient", "Ngircd"]

_CONFIGURATION = """\
[Global]
Name = irc.example
Info = benchmark
Listen = 127.0.0.1
Ports =
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 32
MaxPenaltyTime = 0
PingTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
[SSL]
CertFile = {path}/cert.pem
KeyFile = {path}/key.pem
Ports = {port}
"""


class IrcClient(TlsClient):
    """A client that talks in a channel, and reads the others."""

    head = b" PRIVMSG #"
    record_bytes = 2_048  # ngIRCd reads no more at a time; the rest of a record stays unread.

    def __init__(self, room: str | None) -> None:
        super().__init__()
        self._room = room or ""

    def post(self, text: str) -> None:
        """Post in the channel."""
        self.write(f"PRIVMSG #{self._room} :{text}\r\n".encode("ascii"))

    def whole(self, data: bytes) -> int:
        """Return the length of the complete lines."""
        return data.rfind(b"\n") + 1

    def bodies(self, data: bytes) -> Iterator[bytes]:
        """Yield the messages."""
        for line in data.split(b"\r\n"):
            if self.head in line:
                yield line[1:].partition(b" :")[2]

    def answer(self, data: bytes) -> None:
        """Answer a PING."""
        if b"PING :" in data or b"ERROR" in data:
            for line in data.split(b"\r\n"):
                if line.startswith(b"PING"):
                    self.write(b"PONG" + line[4:] + b"\r\n")
                elif line.startswith(b"ERROR"):
                    raise PeerError(line.decode("ascii", "replace"))


class Ngircd(PeerProcess):
    """The server."""

    def __init__(self) -> None:
        super().__init__()
        self.name = f"ngircd {self.found()}"

    @staticmethod
    @cache
    def found() -> str | None:
        """Return its version, or None if it is not installed."""
        program = find_program("ngircd")
        return version_of([program, "--version"]) if program else None

    @property
    def command(self) -> list[str]:
        """Run it in the foreground, with its configuration."""
        return [find_program("ngircd") or "", "-n", "-f", str(self.path / "conf")]

    def configure(self) -> str:
        """Return a configuration without flood limits."""
        return _CONFIGURATION.format(path=self.path, port=self.port)

    def connect(self, nick: str, room: str | None) -> IrcClient:
        """Return a new client, in the channel."""
        client = IrcClient(room)
        client.connect(self.port)
        client.encrypt(self.path)
        client.exchange(f"NICK {nick}\r\nUSER {nick} 0 * :it\r\n".encode("ascii"), b" 376 ")
        if room is not None:
            client.exchange(f"JOIN #{room}\r\n".encode("ascii"), b" 366 ")
        client.log_in()
        return client
