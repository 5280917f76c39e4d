"""Mosquitto, an MQTT broker in C, over TLS (MQTT version 5.0)."""

from collections.abc import Iterator
from functools import cache

from benchmarks.texts import TEXT_BYTES
from benchmarks.tls import PeerProcess, TlsClient, find_program, version_of

__all__ = ["Mosquitto", "MqttClient"]

_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
certfile {path}/cert.pem
keyfile {path}/key.pem
persistence false
max_connections -1
max_queued_messages 0
set_tcp_nodelay true
log_type error
"""
_CONNECT, _PUBLISH, _SUBSCRIBE = b"\x10", b"\x30", b"\x82"
_CONNACK, _SUBACK = b"\x20", b"\x90"
_NO_LOCAL = b"\x04"
"""QoS 0, without the client's own publications (section 3.8.3.1)."""


def _packet(kind: bytes, content: bytes) -> bytes:
    """Return a control packet; its length is a variable byte integer (section 1.5.5)."""
    length, left = b"", len(content)
    while left > 0x7F:
        length += bytes([left & 0x7F | 0x80])
        left >>= 7
    return kind + length + bytes([left]) + content


def _string(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode("ascii")


class MqttClient(TlsClient):
    """A client that publishes to a topic, and subscribes to it."""

    def __init__(self, room: str | None) -> None:
        super().__init__()
        self._topic = _string(room or "-") + b"\0"  # And no properties.
        packet = _packet(_PUBLISH, self._topic + bytes(TEXT_BYTES))
        self._length = len(packet)
        self.head = packet[:-TEXT_BYTES]

    def post(self, text: str) -> None:
        """Publish to the topic."""
        self.write(_packet(_PUBLISH, self._topic + text.encode("ascii")))

    def whole(self, data: bytes) -> int:
        """Return the length of the complete packets, which all have the same length."""
        last = data.rfind(self.head)
        if last < 0:
            return 0
        return last + self._length if len(data) >= last + self._length else last

    def bodies(self, data: bytes) -> Iterator[bytes]:
        """Yield what was published."""
        for body in data.split(self.head)[1:]:
            yield body[:TEXT_BYTES]


class Mosquitto(PeerProcess):
    """The server."""

    def __init__(self) -> None:
        super().__init__()
        self.name = f"mosquitto {self.found()}"

    @staticmethod
    @cache
    def found() -> str | None:
        """Return its version, or None if it is not installed."""
        program = find_program("mosquitto")
        return version_of([program, "-h"]) if program else None

    @property
    def command(self) -> list[str]:
        """Run it with its configuration."""
        return [find_program("mosquitto") or "", "-c", str(self.path / "conf")]

    def configure(self) -> str:
        """Return a configuration with TLS and without limits."""
        return _CONFIGURATION.format(path=self.path, port=self.port)

    def connect(self, nick: str, room: str | None) -> MqttClient:
        """Return a new client, subscribed."""
        client = MqttClient(room)
        client.connect(self.port)
        client.encrypt(self.path)
        # Version 5, a clean start, no keep-alive, no properties.
        hello = _string("MQTT") + b"\x05\x02\0\0\0" + _string(nick)
        client.exchange(_packet(_CONNECT, hello), _CONNACK)
        if room is not None:
            wish = b"\0\x01\0" + _string(room) + _NO_LOCAL
            client.exchange(_packet(_SUBSCRIBE, wish), _SUBACK)
        client.log_in()
        return client
