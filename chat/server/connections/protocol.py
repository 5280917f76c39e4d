"""One client's connection: bytes to `ServerConnection` and back, and the transport's back-pressure.

What is written goes straight to the socket, in one system call and without a turn of the reactor,
while the kernel takes it. What it does not take is left to the transport, which then counts as full
until that is written: the protocol is its producer. A full connection is not read either (a client
that does not take answers gets no more of them), and whoever writes records looks at `is_full`
first. A client that sends faster than it may is read as fast as it may: what it has sent meanwhile
waits at its own end.
"""

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.receiver import ConnectionProtocol
from chat.server.connections.rates import TokenBucket
from chat.server.fanout.runs import Run
from chat.wire.connection import Established, Event, PeerClosed, Received, ServerConnection
from chat.wire.errors import CloseCode, LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from chat.server.connections.factory import ChatFactory

__all__ = ["ChatProtocol"]

_log = Logger()


@implementer(IPushProducer)
class ChatProtocol(ConnectionProtocol):
    """The server's end of one connection. A `chat.server.session.Session`."""

    connection: ServerConnection
    is_gone = False
    is_full = False
    is_goodbye = False
    binding = device = b""
    _send_now: Callable[[Sequence[bytes | memoryview]], int] | None = None
    """The socket's `sendmsg`, where the transport is a plain one."""
    _holds = 0
    _is_reported = False
    _throttle: IDelayedCall | None = None
    """The end of the time for which it is not read, because it has sent too fast."""

    def __init__(self, factory: "ChatFactory", number: int, address: str, group: str) -> None:
        self.factory: ChatFactory = factory
        self.connection = ServerConnection(
            factory.host_key, factory.limits, factory.seconds, factory.random_bytes
        )
        self.number = number
        self.address = address
        self.group = group
        """What the connection is counted with, see `chat.server.connections.addresses`."""
        self.since = self.heard = now = factory.seconds()
        """When the connection was made, and when the last line came; monotonic seconds."""
        limits = factory.limits
        self._lines = TokenBucket(limits.messages_per_second, limits.messages_burst, now)
        self._bytes = TokenBucket(limits.bytes_per_second, limits.bytes_burst, now)
        self.is_pinged = False

    # --- Up ---

    def connectionMade(self) -> None:
        """Begin: the transport tells when it is full."""
        super().connectionMade()
        handle = self.transport.getHandle()
        if isinstance(handle, socket.socket):
            # As a pull producer it is told whenever the transport's buffer has become empty.
            self._send_now = handle.sendmsg
            self.transport.registerProducer(self, False)
        else:  # A TLS listener wraps the socket.
            self.transport.registerProducer(self, True)
        self.factory.connected(self)

    def lineReceived(self, line: bytes) -> None:
        """Note the sign of life, and take the line in. A bug ends this connection and no other."""
        self.heard = now = self.factory.seconds()
        self.is_pinged = False
        try:
            super().lineReceived(line)
        except Exception:
            # Not left to the reactor: what was held is read again on behalf of the store.
            _log.failure("session {number}: a bug", number=self.number)
            self.close(CloseCode.INTERNAL, "a bug in the server")
        # Every line, because what is no request costs something too.
        debt, more = self._lines.take(1, now), self._bytes.take(len(line), now)
        if debt or more:
            self._pay(max(debt, more))

    def received(self, event: Event) -> None:
        """Hand on what the connection made of a line."""
        match event:
            case Received(message):
                self.factory.desk.handle(self, message)
            case Established(binding):
                self.binding = binding
                self.factory.established(self)
            case PeerClosed(code):
                self.is_goodbye = code == CloseCode.NORMAL
                self._lose()
            case _:
                raise TypeError(f"a server has no {event!r}")

    def violated(self, error: RemoteProtocolError) -> None:
        """End a connection whose peer broke the protocol: a close code for it, a line for the
        log."""
        self.close(error.code, str(error))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the connection, however it ended; one line in the log says that it has."""
        if not self._is_reported:
            _log.info(
                "session {number} from {address} is gone", number=self.number, address=self.address
            )
        self.is_gone = True
        if self._throttle is not None:
            self._throttle.cancel()
            self._throttle = None
        self.factory.disconnected(self)

    # --- Down ---

    def send(self, message: Struct) -> None:
        """Seal and write one message."""
        if self.is_gone:
            return
        try:
            line = self.connection.send(message)
        except LocalProtocolError:
            self._cannot_send()
        else:
            self.write_lines((line,))

    def deliver(self, run: Run) -> None:
        """Write shared record lines and this connection's vouchers, in one write."""
        if self.is_gone:
            return
        try:
            lines = self.connection.deliver(run.parts)
        except LocalProtocolError:
            self._cannot_send()
        else:
            self.write_lines(lines)

    def write_lines(self, lines: Sequence[bytes | memoryview]) -> None:
        """Write all of `lines`: to the socket, and what it does not take to the transport."""
        sent = 0
        if self._send_now is not None and not self.is_full:
            try:
                sent = self._send_now(lines)
            except OSError:
                sent = 0  # The kernel's buffer is full; or there is an end, which the reactor sees.
            left = -sent
            for line in lines:
                left += len(line)
            if not left:
                return
            self.pauseProducing()
        self.transport.write(b"".join(lines)[sent:])

    def _cannot_send(self) -> None:
        _log.failure("session {number}: cannot send", number=self.number)
        self.close(CloseCode.INTERNAL, "something that cannot be sent")

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """Say why, write one line to the log, and end the connection; nothing more is read."""
        if self.is_gone:
            return
        self.is_gone = self._is_reported = True
        _log.info(
            "session {number} from {address} closed: {code}: {reason}",
            number=self.number,
            address=self.address,
            code=code.name,
            reason=reason,
        )
        try:
            self.write_lines((self.connection.alert(code, retry_after),))
        finally:
            self._lose()

    def admit(self) -> None:
        """Somebody has logged in: the deadline for that is met."""
        self.factory.admitted(self)

    def _lose(self) -> None:
        self.is_gone = True
        self.transport.unregisterProducer()
        if self.is_full:
            # What is buffered is not being read, so nothing more will be.
            self.transport.abortConnection()
            return
        # Half a close first: closing with input unread would reset the connection, and the peer
        # might never see why. Input is read and dropped from now on; the factory ends it if the
        # peer does not.
        if self.paused:
            self.transport.resumeProducing()
        self.transport.loseWriteConnection()
        self.factory.closing(self)

    # --- Back-pressure ---

    def pauseProducing(self) -> None:
        """The transport has more than the kernel takes now. May be called again while it has."""
        if not self.is_full:
            self.is_full = True
            self.factory.stalls.begin(self)
            self._update_reading()

    def resumeProducing(self) -> None:
        """The transport's buffer is empty again: records first, then what the client asked."""
        if not self.is_full:
            return
        self.is_full = False
        self.factory.stalls.end(self.number)
        self.heard = self.factory.seconds()
        self.factory.desk.catch_up(self)
        self._update_reading()

    def stopProducing(self) -> None:
        """The transport is gone; `connectionLost` follows."""

    @property
    def is_held(self) -> bool:
        """Whether the server does not listen, for reasons of its own."""
        return self._holds > 0

    def hold(self) -> None:
        """Stop reading until `release` was called as often."""
        self._holds += 1
        self._update_reading()

    def release(self) -> None:
        """Read on, unless something else holds, or the transport is full."""
        self._holds -= 1
        self.heard = self.factory.seconds()
        self._update_reading()

    def _pay(self, debt: float) -> None:
        """Read on in `debt` seconds."""
        # Nothing is read meanwhile, so there is never a second one.
        if not self.is_gone:
            self.hold()
            self._throttle = self.factory.clock.callLater(debt, self._paid)

    def _paid(self) -> None:
        self._throttle = None
        self.release()

    def _update_reading(self) -> None:
        should_pause = self.is_full or self.is_held
        if self.is_gone or should_pause == self.paused:
            return
        if should_pause:
            self.pause_reading()
        else:
            self.resume_reading()
