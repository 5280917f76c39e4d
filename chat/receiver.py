"""The Twisted protocol that server and client build on: bytes to lines, lines to a `Connection`.

`LineReceiver` splits off one line at a time and copies the rest each time, which is quadratic in
the number of lines in a chunk. This class splits a chunk once.
"""

import socket
from collections.abc import Sequence

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IConsumer, IPushProducer, ITCPTransport
from twisted.protocols.basic import LineReceiver

from chat.limits import KEEP_ALIVE, LINE_BYTES
from chat.wire.connection import Connection, Event, Transmit
from chat.wire.errors import MalformedLineError, RemoteProtocolError
from chat.wire.lines import DELIMITER

__all__ = ["ConnectionProtocol", "IStreamTransport", "tune_tcp"]


class IStreamTransport(ITCPTransport, IConsumer, IPushProducer):
    """The interfaces that the reactor's stream transports all provide."""

    def getHandle() -> object:
        """Return the underlying socket, or a TLS object."""


def tune_tcp(transport: IStreamTransport) -> None:
    """Turn off Nagle's algorithm, and turn on keep-alive with `KEEP_ALIVE`."""
    if not isinstance(transport.getPeer(), IPv4Address | IPv6Address):
        return
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    handle = transport.getHandle()
    for name, value in KEEP_ALIVE.items():
        if isinstance(handle, socket.socket) and hasattr(socket, name):
            handle.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class ConnectionProtocol(LineReceiver):
    """Carries lines between a transport and a `Connection`. Subclasses handle events and errors."""

    delimiter = DELIMITER
    MAX_LENGTH = LINE_BYTES

    transport: IStreamTransport
    connection: Connection

    def connectionMade(self) -> None:
        """Prepare the transport."""
        tune_tcp(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Pass every complete line to `lineReceived`, in order, until paused or closed."""
        if self.connection.is_over:
            return
        if self._busyReceiving or self.paused:
            self._buffer += data
            return
        lines = (self._buffer + data).split(self.delimiter)
        self._buffer = b""
        rest = lines.pop()
        self._busyReceiving = True
        try:
            for done, line in enumerate(lines, 1):
                self.lineReceived(line)
                if self.connection.is_over:
                    return
                if self.paused:
                    self._buffer = self.delimiter.join([*lines[done:], rest]) + self._buffer
                    return
        finally:
            self._busyReceiving = False
        self._buffer = rest + self._buffer
        # A CR at the end may belong to the delimiter.
        if len(rest) - rest.endswith(b"\r") > self.connection.line_bytes:
            self.violated(MalformedLineError("a line that is too long"))

    def lineReceived(self, line: bytes) -> None:
        """Process a line; a violation of the protocol goes to `violated`."""
        try:
            events = self.connection.receive_line(line)
        except RemoteProtocolError as error:
            self.violated(error)
            return
        for event in events:
            if isinstance(event, Transmit):
                self.write_lines((event.data,))
            else:
                self.received(event)

    def pause_reading(self) -> None:
        """Stop processing input, including what is already buffered."""
        self.paused = True
        self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Process what is buffered, and continue reading."""
        self.paused = False
        self.transport.resumeProducing()
        self.dataReceived(b"")

    def write_lines(self, lines: Sequence[bytes | memoryview]) -> None:
        """Write all of `lines`."""
        self.transport.write(b"".join(lines))

    def received(self, event: Event) -> None:
        """Handle an event that is not a `Transmit`."""
        raise NotImplementedError

    def violated(self, error: RemoteProtocolError) -> None:
        """End the connection, because the peer broke the protocol."""
        raise NotImplementedError
