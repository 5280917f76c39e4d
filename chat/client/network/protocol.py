"""The client's end of a connection: bytes to `ClientConnection` and back, and its deadlines."""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Final

from msgspec import Struct
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.client.core.core import Core
from chat.client.core.reconnect import LOST, explain_close
from chat.limits import Limits
from chat.receiver import ConnectionProtocol
from chat.wire.connection import (
    ClientConnection,
    Delivered,
    Event,
    HostKeyOffered,
    PeerClosed,
    Received,
    State,
    Transmit,
)
from chat.wire.errors import CloseCode, RemoteProtocolError
from chat.wire.lines import DELIMITER
from chat.wire.messages import Login, Ping, Pong
from chat.wire.schedule import VERSION

__all__ = ["UNREAD_BYTES", "ChatClientProtocol"]

UNREAD_BYTES: Final = 65_536
"""Answers to pings that may wait for a server that does not read: some 800 of them."""


class ChatClientProtocol(ConnectionProtocol):
    """A `chat.client.core.interfaces.Link`."""

    connection: ClientConnection

    def __init__(
        self,
        core: Core,
        clock: IReactorTime,
        limits: Limits,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self.connection = ClientConnection(limits, seconds)
        self._core = core
        self._clock = clock
        self._limits = limits
        self._seconds = seconds
        self._heard = seconds()
        self._since = self._heard
        self._asked: float | None = None
        """When something was sent, if nothing was heard since."""
        self._pings = 0
        self._measured: float | None = None
        """When the last ping was sent."""
        self._is_measuring = False
        """Whether it was not answered yet."""
        self._pinged: float | None = None
        self._first_line = b""
        self._reason = LOST
        self._is_full = False
        self._unread = 0
        """Bytes of answers that were written since the server stopped reading."""
        self._is_final = False
        self._events: Iterator[Event] = iter(())
        """What is left of the last line."""
        self._until = 0.0
        """When the current slice of work ends."""
        self._going_on: IDelayedCall | None = None
        """The call that begins the next one."""
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = clock

    def connectionMade(self) -> None:
        """Say hello."""
        super().connectionMade()
        self.transport.registerProducer(_Drain(self), True)
        self._sweeper.start(self._limits.sweep_seconds, now=False)
        self.transport.write(self.connection.start())
        self._core.connected(self)

    def lineReceived(self, line: bytes) -> None:
        """Note the sign of life, and take the line in."""
        self._heard = self._seconds()
        self._asked = self._pinged = None
        self._first_line = self._first_line or line + DELIMITER
        self._events = self.connection.receive_in_steps(line)
        self._proceed()

    # --- A slice at a time, so that a face can draw in between ---

    def dataReceived(self, data: bytes) -> None:
        """Take lines in, for a while; the rest waits for the reactor's next turn."""
        if not self.paused:
            self._until = self._seconds() + self._limits.slice_seconds
        super().dataReceived(data)

    def _proceed(self) -> None:
        """Hand on what a line is made of, as long as there is time."""
        try:
            for event in self._events:
                if isinstance(event, Transmit):
                    self.write_lines((event.data,))
                else:
                    self.received(event)
                if self._seconds() > self._until:
                    self._pause()
                    return
        except RemoteProtocolError as error:
            self.violated(error)
        self._events = iter(())

    def _pause(self) -> None:
        if self._going_on is None and not self.connection.is_over:
            self.pause_reading()
            self._going_on = self._clock.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._going_on = None
        self._until = self._seconds() + self._limits.slice_seconds
        self._proceed()
        if self._going_on is None and not self.connection.is_over:
            self.resume_reading()

    def backed_up(self, is_full: bool) -> None:
        """Note whether the server has stopped reading."""
        if not is_full:
            self._unread = 0
        self._is_full = is_full

    def write_lines(self, lines: Sequence[bytes | memoryview]) -> None:
        """Answer the server, unless it asks without end and reads nothing."""
        super().write_lines(lines)
        if self._is_full:
            self._unread += sum(map(len, lines))
            if self._unread > UNREAD_BYTES and not self.connection.is_over:
                self._reason = "The server asks, and does not read the answers."
                self._is_final = True
                self.close(CloseCode.SLOW_CONSUMER)

    def received(self, event: Event) -> None:
        """Hand on what the connection made of a line."""
        match event:
            case HostKeyOffered(host_key, successions):
                is_loopback = self._is_loopback()
                self._core.offered(host_key, successions, is_loopback=is_loopback)
            case Received(Pong(id=number)):
                if self._is_measuring and number == self._pings and self._measured is not None:
                    self._is_measuring = False
                    self._core.measured(self._seconds() - self._measured)
            case Received(message):
                self._core.received(message)
            case Delivered():
                self._core.delivered(event)
            case PeerClosed(code, retry_after):
                self._core.peer_closed(code, retry_after)
                self.transport.unregisterProducer()
                self.transport.loseConnection()
            case _:
                raise TypeError(f"a client has no {event!r}")

    def violated(self, error: RemoteProtocolError) -> None:
        """End it: this is no server to talk to."""
        self._reason = self._explain_stranger() or f"The server broke the protocol: {error}."
        self._is_final = True
        self.close(error.code)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the core, which knows whether that was to be expected."""
        self._sweeper.stop()
        if self._going_on is not None:
            self._going_on.cancel()
            self._going_on = None
        if self._reason == LOST:
            self._reason = self._explain_stranger() or LOST
        self._core.disconnected(self, self._reason, is_final=self._is_final)

    @property
    def binding(self) -> bytes:
        """What names the connection, for the login to sign."""
        return self.connection.binding

    def login(self, login: Login) -> None:
        """Accept the host key, and log in."""
        self.transport.write(self.connection.login(login))

    def send(self, message: Struct) -> None:
        """Send a message."""
        if not self.connection.is_over:
            now = self._seconds()
            if self._asked is None:
                self._asked = now
            # Before it, because the answer to a request waits for the server's disk.
            if self._measured is None or now - self._measured > self._limits.latency_seconds:
                self._ping(now)
            self.transport.write(self.connection.send(message))

    def _ping(self, now: float) -> None:
        """Ask for a sign of life, and measure how long it takes."""
        self._measured, self._is_measuring = now, True
        self._pings += 1
        self.transport.write(self.connection.send(Ping(self._pings)))

    def close(self, code: CloseCode) -> None:
        """Say why, and end the connection; at once if the server does not take it in time."""
        self.transport.write(self.connection.alert(code))
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        self._since = self._seconds()

    def _explain_stranger(self) -> str | None:
        return _explain_stranger(self._first_line or self._buffer)

    def _is_loopback(self) -> bool:
        peer = self.transport.getPeer()
        if not isinstance(peer, IPv4Address | IPv6Address):
            return True  # A local socket.
        return ipaddress.ip_address(peer.host.partition("%")[0]).is_loopback

    def _sweep(self) -> None:
        now, limits = self._seconds(), self._limits
        if self.connection.is_over:
            if now - self._since > limits.close_seconds:
                self.transport.abortConnection()
        elif self.connection.state is not State.ESTABLISHED:
            if now - self._since > limits.connect_seconds:
                stranger = self._explain_stranger() if self._buffer else None
                self._give_up(stranger or "The server did not answer in time.")
        elif self._pinged is not None:
            if now - self._pinged > limits.silence_seconds - limits.ping_seconds:
                self._give_up("The server has fallen silent.")
        elif now - self._heard > limits.ping_seconds or (
            self._asked is not None and now - self._asked > limits.answer_seconds
        ):
            self._pinged = now
            self._ping(now)

    def _give_up(self, reason: str) -> None:
        self._reason = reason
        self.close(CloseCode.TIMEOUT)


def _explain_stranger(heard: bytes) -> str | None:
    """Return the sentence for a server of which `heard` is the first line, or what there was of it.

    None for what this version's server may say, be it right or wrong.
    """
    name = VERSION[: VERSION.index(b"/") + 1]
    if not heard:
        return "The server hung up without a word; it may not speak encchat's protocol."
    if VERSION.startswith(heard[: len(VERSION)]):
        return None
    if heard.startswith(name):
        return explain_close(CloseCode.VERSION, None)
    return "The server does not speak encchat's protocol."


@implementer(IPushProducer)
class _Drain:
    """Tells a protocol whether its transport takes what is written."""

    def __init__(self, protocol: ChatClientProtocol) -> None:
        self._protocol = protocol

    def pauseProducing(self) -> None:
        """Bytes wait."""
        self._protocol.backed_up(True)

    def resumeProducing(self) -> None:
        """None wait."""
        self._protocol.backed_up(False)

    def stopProducing(self) -> None:
        """The connection is gone."""
