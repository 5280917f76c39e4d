"""One client's connection: bytes to `ServerConnection` and back, and its back-pressure.

While the transport is full, the server does not read from the client either (so that a client that
does not take its answers causes no more of them), and code that writes records checks `is_full`
first. A client that sends too fast is throttled: its further input waits at its own end.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.ids import NOBODY, DeviceKey, LogId
from chat.limits import Limits
from chat.receiver import ConnectionProtocol
from chat.rooms.addresses import Address, AddressGroup, address_group
from chat.server.connections.rates import TokenBucket
from chat.server.connections.transport import LineTransport, MakeTransport
from chat.server.oplog import OperatorLog, budget_of
from chat.server.session import Requests
from chat.wire.connection import Established, Event, PeerClosed, Received, ServerConnection
from chat.wire.errors import CloseCode, LocalProtocolError, RemoteProtocolError
from chat.wire.runs import Run

__all__ = ["ChatProtocol", "Registry"]

_log = Logger()


class Registry(Protocol):
    """The registry of all connections. Each connection calls these during its life."""

    clock: IReactorTime
    seconds: Callable[[], float]
    limits: Limits
    dispatcher: Requests
    log: OperatorLog

    def connected(self, protocol: "ChatProtocol") -> None:
        """Admit a new connection."""
        ...

    def moved(self, protocol: "ChatProtocol", address: Address) -> None:
        """Count a connection under its peer's real address."""
        ...

    def established(self, protocol: "ChatProtocol") -> None:
        """Add a connection to the clients: its handshake is complete."""
        ...

    def logged_in(self, protocol: "ChatProtocol") -> None:
        """Make a connection's place permanent."""
        ...

    def stalled(self, protocol: "ChatProtocol") -> None:
        """Watch a connection whose transport is full."""
        ...

    def unstalled(self, protocol: "ChatProtocol") -> None:
        """Stop watching it."""
        ...

    def closing(self, protocol: "ChatProtocol") -> None:
        """Make sure that a closing connection does close."""
        ...

    def disconnected(self, protocol: "ChatProtocol") -> None:
        """Forget a connection."""
        ...


class ChatProtocol(ConnectionProtocol):
    """The server's end of one connection. A `chat.server.session.Session`."""

    connection: ServerConnection
    address: Address
    """The peer's address, which behind a proxy is known only with the first line; `group` depends
    on it."""
    group: AddressGroup
    account = NOBODY
    binding = b""
    device = DeviceKey(b"")
    is_full = False
    is_gone = False
    is_goodbye = False
    is_pinged = False
    """Whether a ping was sent and no line has arrived since."""
    _line_transport: LineTransport
    _has_spoken = False
    _holds = 0
    _unread_bytes = 0
    """Bytes written since the transport was last full."""
    _told_bytes = 0
    """How many of them were events."""
    _is_reported = False
    _throttle: IDelayedCall | None = None
    """The call that resumes reading, while the client is throttled."""

    def __init__(
        self,
        registry: Registry,
        number: int,
        connection: ServerConnection,
        make_transport: MakeTransport,
    ) -> None:
        self.number = number
        self.reading: set[LogId] = set()
        self.connection = connection
        self._registry = registry
        self._make_transport = make_transport
        self.since = self.heard = now = registry.seconds()
        """When the connection was made, and when the last line arrived, in monotonic seconds."""
        limits = registry.limits
        self._lines = TokenBucket(limits.messages_per_second, limits.messages_burst, now)
        self._bytes = TokenBucket(limits.bytes_per_second, limits.bytes_burst, now)

    # --- Up ---

    def connectionMade(self) -> None:
        """Register the connection."""
        # Not super(): the transport knows which socket options to set.
        self._line_transport = self._make_transport(self.transport, self)
        self.address = self._line_transport.peer
        self.group = address_group(self.address)
        self._registry.connected(self)

    def lineReceived(self, line: bytes) -> None:
        """Record the sign of life, and process the line. A bug ends only this connection."""
        self.heard = now = self._registry.seconds()
        self.is_pinged = False
        if not self._has_spoken:
            self._has_spoken = True
            self._ask_for_peer()
        try:
            super().lineReceived(line)
        except Exception:
            # Caught here, because held-back input is processed in a call from the store.
            _log.failure("session {number}: a bug", number=self.number)
            self.close(CloseCode.INTERNAL, "a bug in the server")
        # For every line, because lines that are not requests cost something too.
        debt, more = self._lines.take(1, now), self._bytes.take(len(line), now)
        if debt or more:
            self._throttle_for(max(debt, more))

    def _ask_for_peer(self) -> None:
        # A ``haproxy:`` endpoint knows the address once the proxy's header has arrived, which is
        # after `connectionMade` and before the first line.
        address = self._line_transport.peer
        if address != self.address:
            self._registry.moved(self, address)

    def received(self, event: Event) -> None:
        """Handle an event from the connection."""
        match event:
            case Received(message):
                self._registry.dispatcher.handle(self, message)
            case Established(binding):
                self.binding = binding
                self._registry.established(self)
            case PeerClosed(code):
                self.is_goodbye = code == CloseCode.NORMAL
                self._lose()
            case _:
                raise TypeError(f"a server has no {event!r}")

    def violated(self, error: RemoteProtocolError) -> None:
        """Close a connection whose peer broke the protocol, with a close code and a log line."""
        self.close(error.code, str(error))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the connection, however it ended, and log one line."""
        if not self._is_reported:
            self._note("gone")
        self.is_gone = True
        if self._throttle is not None:
            self._throttle.cancel()
            self._throttle = None
        self._registry.disconnected(self)
        # Break the reference cycle with the transport, so that both are freed at once.
        del self._line_transport

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
            self._write((line,), len(line))

    def tell(self, message: Struct) -> None:
        """Seal and write an event."""
        before = self._unread_bytes
        self.send(message)
        self._told_bytes += self._unread_bytes - before
        if self._told_bytes > self._registry.limits.told_bytes:
            self.close(CloseCode.SLOW_CONSUMER, "it does not read what it is told")

    def deliver(self, run: Run) -> None:
        """Write shared record lines and this connection's vouchers, in one write."""
        if self.is_gone:
            return
        now = run.written_at
        if not now:
            run.written_at = now = self._registry.seconds()
        try:
            lines = self.connection.deliver(run.parts, now)
        except LocalProtocolError:
            self._cannot_send()
        else:
            # A piece beyond two per part is an update of the connection's keys.
            is_plain = len(lines) == 2 * len(run.parts)
            self._write(lines, run.size if is_plain else _size(lines))

    def write_lines(self, lines: Sequence[bytes | memoryview]) -> None:
        """Write all of `lines`."""
        self._line_transport.write(lines, _size(lines))

    def _write(self, lines: Sequence[bytes | memoryview], size: int) -> None:
        """Write lines, unless too much already waits for the peer."""
        if self.is_full:
            self._unread_bytes += size
            if self._unread_bytes > self._registry.limits.unread_bytes:
                self.close(CloseCode.SLOW_CONSUMER, "it does not read what it asked for")
                return
        self._line_transport.write(lines, size)

    def _cannot_send(self) -> None:
        _log.failure("session {number}: cannot send", number=self.number)
        self.close(CloseCode.INTERNAL, "something that cannot be sent")

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """Tell the peer why, log one line, and close the connection; all further input is
        ignored."""
        if self.is_gone:
            return
        self.is_gone = self._is_reported = True
        self._note("closed", cause=code.name, reason=reason)
        try:
            self.write_lines((self.connection.alert(code, retry_after),))
        finally:
            self._lose()

    def _note(self, what: str, **fields: str) -> None:
        self._registry.log.client(
            *(what, budget_of(self.address, self.account), self.number, self.address),
            account=self.account,
            **fields,
        )

    def abort(self) -> None:
        """Abort the connection."""
        self._line_transport.abort()

    def admit(self) -> None:
        """Make the connection's place permanent: it has logged in."""
        self._registry.logged_in(self)

    def _lose(self) -> None:
        self.is_gone = True
        if self.is_full:
            # The peer is not reading what is buffered, so it would never read more.
            self._line_transport.abort()
        else:
            # Half-close first, or the peer might never see why. If the peer does not close, the
            # registry aborts the connection.
            self._line_transport.finish()
            self._registry.closing(self)

    # --- Back-pressure ---

    def untaken(self) -> int:
        """Return how many sent bytes the peer has not taken."""
        return self._line_transport.untaken()

    def pause_writing(self) -> None:
        """Stop reading until the transport drains."""
        self.is_full = True
        self._unread_bytes = self._told_bytes = 0
        self._registry.stalled(self)
        self._update_reading()

    def resume_writing(self) -> None:
        """Continue: records first, then the client's requests."""
        self.is_full = False
        self._registry.unstalled(self)
        self.heard = self._registry.seconds()
        self._registry.dispatcher.catch_up(self)
        self._update_reading()

    @property
    def is_held(self) -> bool:
        """Whether the server has stopped reading for reasons of its own."""
        return self._holds > 0

    def hold(self) -> None:
        """Stop reading until `release` has been called as often."""
        self._holds += 1
        self._update_reading()

    def release(self) -> None:
        """Continue reading, unless something else holds or the transport is full."""
        self._holds -= 1
        self.heard = self._registry.seconds()
        self._update_reading()

    def charge(self, cost: int) -> None:
        """Charge `cost` more lines to the client's rate."""
        debt = self._lines.take(cost, self._registry.seconds())
        if debt:
            self._throttle_for(debt)

    def _throttle_for(self, seconds: float) -> None:
        """Stop reading for at least this many seconds."""
        if self.is_gone:
            return
        if self._throttle is None:
            self.hold()
            self._throttle = self._registry.clock.callLater(seconds, self._end_throttle)
        else:
            left = self._throttle.getTime() - self._registry.clock.seconds()
            self._throttle.reset(max(seconds, left))

    def _end_throttle(self) -> None:
        self._throttle = None
        self.release()

    def pause_reading(self) -> None:
        """Stop processing input, including what is already buffered."""
        self.paused = True
        self._line_transport.pause_reading()

    def resume_reading(self) -> None:
        """Process what is buffered, and continue reading."""
        self.paused = False
        self._line_transport.resume_reading()
        self.dataReceived(b"")

    def _update_reading(self) -> None:
        should_pause = self.is_full or self.is_held
        if self.is_gone or should_pause == self.paused:
            return
        if should_pause:
            self.pause_reading()
        else:
            self.resume_reading()


def _size(lines: Sequence[bytes | memoryview]) -> int:
    return sum([len(line) for line in lines])
