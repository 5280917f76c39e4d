"""What carries a connection's lines: the one place of the server that knows sockets.

`ChatProtocol` writes, pauses and ends through a `LineTransport`. Which one that is, is chosen by
name where the connection is made (`ChatFactory.protocol_over`): a new kind is a class and a line in
`TRANSPORTS`. Bytes that arrive go to the protocol's `dataReceived`, whoever unpacks them.

A `StreamTransport` writes straight to the socket, in one system call and without a turn of the
reactor, while the kernel takes it. What the kernel does not take waits in the reactor's transport.
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
    """Who writes to a `LineTransport`, as asyncio's protocols do."""

    def pause_writing(self) -> None:
        """More waits for the peer than it takes now: write nothing that can be put off."""
        ...

    def resume_writing(self) -> None:
        """The peer has taken everything."""
        ...


class LineTransport(Protocol):
    """One connection's way to its peer."""

    is_full: bool
    """Whether the writer was told to pause, and not yet to resume."""

    @property
    def peer(self) -> Address:
        """Where the peer is, as far as is known by now."""
        ...

    def write(self, pieces: Sequence[bytes | memoryview], size: int) -> None:
        """Write all of `pieces`, which are `size` bytes, in this order; what the peer does not take
        now, later."""
        ...

    def pause_reading(self) -> None:
        """Hand nothing to the protocol."""
        ...

    def resume_reading(self) -> None:
        """Hand on what arrives, and has arrived meanwhile."""
        ...

    def untaken(self) -> int:
        """Return how many bytes were sent that the peer has not taken; 0 if that is not known."""
        ...

    def finish(self) -> None:
        """End the stream behind what was written, and read on so that the peer can see it.

        The writer is told nothing any more.
        """
        ...

    def abort(self) -> None:
        """End the connection at once. The writer is told nothing any more."""
        ...


MakeTransport = Callable[[Any, LineWriter], LineTransport]
"""Makes the transport of a writer over what `makeConnection` was called with."""


@implementer(IPushProducer)
class StreamTransport:
    """A stream of the reactor: TCP, a UNIX socket, or TLS."""

    def __init__(self, stream: IStreamTransport, writer: LineWriter) -> None:
        self.is_full = False
        self._stream = stream
        self._writer = writer
        self._sendmsg: Callable[[Sequence[bytes | memoryview]], int] | None = None
        tune_tcp(stream)
        handle = stream.getHandle()
        if isinstance(handle, socket.socket):
            self._sendmsg = handle.sendmsg
            # A pull producer is told whenever the stream's buffer has become empty.
            stream.registerProducer(self, False)
        else:  # TLS has to encrypt, so nothing goes past it.
            stream.registerProducer(self, True)

    @property
    def peer(self) -> Address:
        """Where the peer is. Behind some proxies that is known once they have said it."""
        return peer_address(self._stream.getPeer())

    def write(self, pieces: Sequence[bytes | memoryview], size: int) -> None:
        """Write to the socket, and what it does not take to the stream."""
        sent = 0
        if self._sendmsg is not None and not self.is_full:
            try:
                sent = self._sendmsg(pieces)
            except OSError:
                sent = 0  # The kernel's buffer is full; or there is an end, which the reactor sees.
            if sent == size:
                return
            self.pauseProducing()
        self._stream.write(b"".join(pieces)[sent:])

    def pause_reading(self) -> None:
        """Leave what arrives in the kernel."""
        self._stream.pauseProducing()

    def resume_reading(self) -> None:
        """Read from the socket."""
        self._stream.resumeProducing()

    def untaken(self) -> int:
        """Return what the kernel holds for the peer."""
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

    # --- What the stream calls ---

    def pauseProducing(self) -> None:
        """The stream holds more than it wants to. Comes again and again while it does."""
        if not self.is_full:
            self.is_full = True
            self._writer.pause_writing()

    def resumeProducing(self) -> None:
        """The stream's buffer is empty."""
        if self.is_full:
            self.is_full = False
            self._writer.resume_writing()

    def stopProducing(self) -> None:
        """The stream is gone, of which the protocol's `connectionLost` tells."""


def unacknowledged(stream: Any) -> int:
    """Return how many bytes the kernel holds for a peer that has not taken them yet.

    0 where there is no kernel to ask, or it does not say.
    """
    try:
        # Linux's SIOCOUTQ (tcp(7), unix(7)) has this number. A stream of TLS hands the question
        # down to the one below.
        answer: bytes = fcntl.ioctl(stream.fileno(), termios.TIOCOUTQ, bytes(4))
    except (AttributeError, OSError, ValueError):
        return 0
    return int(struct.unpack("i", answer)[0])


STREAM: Final = "stream"

TRANSPORTS: Final[dict[str, MakeTransport]] = {STREAM: StreamTransport}
"""How a connection of each kind is carried."""
