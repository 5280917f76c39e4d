"""The Twisted protocol both shells build on: bytes to lines, lines to the connection, and back.

`LineReceiver` splits off one line at a time and copies the rest each time, which is quadratic in
the lines of a chunk; here a chunk is split once.
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

__all__ = ["ConnectionProtocol"]


class IStreamTransport(ITCPTransport, IConsumer, IPushProducer):
    """What stream transports are: all of these."""

    def getHandle() -> object:
        """Return what the operating system knows it by: a socket."""


class ConnectionProtocol(LineReceiver):
    """Carries lines between a transport and a `Connection`. Subclasses handle events and errors."""

    delimiter = DELIMITER
    MAX_LENGTH = LINE_BYTES

    transport: IStreamTransport
    connection: Connection

    def connectionMade(self) -> None:
        """Let small writes go out at once, and TCP find out whether a silent peer is there."""
        if not isinstance(self.transport.getPeer(), IPv4Address | IPv6Address):
            return
        self.transport.setTcpNoDelay(True)
        self.transport.setTcpKeepAlive(True)
        handle = self.transport.getHandle()
        for name, value in KEEP_ALIVE.items():
            if isinstance(handle, socket.socket) and hasattr(socket, name):
                handle.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def dataReceived(self, data: bytes) -> None:
        """Hand every complete line to `lineReceived`, in order, until paused or at an end."""
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
        # One byte more than the bound may be the CR of the delimiter.
        if len(rest) > self.connection.line_bytes + 1:
            self.violated(MalformedLineError("a line that is too long"))

    def lineReceived(self, line: bytes) -> None:
        """Advance the connection; whatever the peer did wrong ends in `violated`."""
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
        """Take in nothing more for now, not even what has arrived."""
        self.paused = True
        self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Take in what has arrived meanwhile, and read on."""
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
