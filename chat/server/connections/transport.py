"""Transports for a connection's lines: the only place in the server that knows sockets.

`ChatProtocol` writes, pauses and closes through a `LineTransport`. The code that makes the
connection chooses its kind by name (`ChatFactory.protocol_over`): a new kind is a class and a line
in `TRANSPORTS`. Incoming bytes go to the protocol's `dataReceived`, whatever unpacks them.

A `StreamTransport` writes directly to the socket, in one system call and without a turn of the
reactor, as long as the kernel takes it. The rest waits in the reactor's transport.
"""

import fcntl
import socket
import struct
import termios
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from chat.receiver import IStreamTransport, tune_tcp
from chat.rooms.addresses import Address, peer_address

__all__ = [
    "STREAM",
    "TRANSPORTS",
    "LineTransport",
    "LineWriter",
    "MakeTransport",
    "StreamTransport",
    "unacknowledged",
]


class LineWriter(Protocol):
    """The writer to a `LineTransport`, with the same callbacks as asyncio's protocols."""

    def pause_writing(self) -> None:
        """The transport is full: write nothing that can wait."""
        ...

    def resume_writing(self) -> None:
        """The transport has drained."""
        ...


class LineTransport(Protocol):
    """One connection's path to its peer."""

    is_full: bool
    """Whether the writer was told to pause, and not to resume yet."""

    @property
    def peer(self) -> Address:
        """The peer's address, as far as it is known."""
        ...

    def write(self, pieces: Sequence[bytes | memoryview], size: int) -> None:
        """Write all `pieces`, `size` bytes in total, in this order; buffer what the peer does not
        take now."""
        ...

    def pause_reading(self) -> None:
        """Stop delivering input to the protocol."""
        ...

    def resume_reading(self) -> None:
        """Deliver input again, including what has arrived meanwhile."""
        ...

    def untaken(self) -> int:
        """Return how many sent bytes the peer has not taken; 0 if unknown."""
        ...

    def finish(self) -> None:
        """End the stream after what was written, and keep reading so that the peer can see it.

        The writer gets no more callbacks.
        """
        ...

    def abort(self) -> None:
        """Abort the connection. The writer gets no more callbacks."""
        ...


MakeTransport = Callable[[Any, LineWriter], LineTransport]
"""Makes a writer's transport over the argument of `makeConnection`."""


@implementer(IPushProducer)
class StreamTransport:
    """A reactor's stream transport: TCP, a Unix socket, or TLS."""

    def __init__(self, stream: IStreamTransport, writer: LineWriter) -> None:
        self.is_full = False
        self._stream = stream
        self._writer = writer
        self._sendmsg: Callable[[Sequence[bytes | memoryview]], int] | None = None
        tune_tcp(stream)
        handle = stream.getHandle()
        if isinstance(handle, socket.socket):
            self._sendmsg = handle.sendmsg
            # A pull producer is called whenever the stream's buffer becomes empty.
            stream.registerProducer(self, False)
        else:  # TLS has to encrypt, so nothing may bypass it.
            stream.registerProducer(self, True)

    @property
    def peer(self) -> Address:
        """The peer's address. Behind some proxies it is known only after their header."""
        return peer_address(self._stream.getPeer())

    def write(self, pieces: Sequence[bytes | memoryview], size: int) -> None:
        """Write to the socket, and the rest to the stream."""
        sent = 0
        if self._sendmsg is not None and not self.is_full:
            try:
                sent = self._sendmsg(pieces)
            except OSError:
                sent = 0  # The kernel's buffer is full, or the reactor will see the end.
            if sent == size:
                return
            self.pauseProducing()
        self._stream.write(b"".join(pieces)[sent:])

    def pause_reading(self) -> None:
        """Leave input in the kernel."""
        self._stream.pauseProducing()

    def resume_reading(self) -> None:
        """Read from the socket."""
        self._stream.resumeProducing()

    def untaken(self) -> int:
        """Return the number of bytes that the kernel holds for the peer."""
        return unacknowledged(self._stream)

    def finish(self) -> None:
        """Close the sending half. Closing with input unread would reset the connection."""
        self._stream.unregisterProducer()
        self._stream.resumeProducing()
        self._stream.loseWriteConnection()

    def abort(self) -> None:
        """Reset the connection."""
        self._stream.unregisterProducer()
        self._stream.abortConnection()

    # --- Callbacks of the stream ---

    def pauseProducing(self) -> None:
        """The stream's buffer is full. Called repeatedly while it is."""
        if not self.is_full:
            self.is_full = True
            self._writer.pause_writing()

    def resumeProducing(self) -> None:
        """The stream's buffer is empty."""
        if self.is_full:
            self.is_full = False
            self._writer.resume_writing()

    def stopProducing(self) -> None:
        """The stream is gone; the protocol's `connectionLost` handles that."""


def unacknowledged(stream: Any) -> int:
    """Return how many bytes the kernel holds that the peer has not taken yet.

    0 if there is no kernel to ask, or it does not say.
    """
    try:
        # This is the number of Linux's SIOCOUTQ (tcp(7), unix(7)). A TLS stream passes the query on
        # to the stream below.
        answer: bytes = fcntl.ioctl(stream.fileno(), termios.TIOCOUTQ, bytes(4))
    except (AttributeError, OSError, ValueError):
        return 0
    return int(struct.unpack("i", answer)[0])


STREAM: Final = "stream"

TRANSPORTS: Final[dict[str, MakeTransport]] = {STREAM: StreamTransport}
"""The transport for each kind of connection."""
