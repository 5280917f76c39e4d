"""The registry of clients, and every deadline.

A connection is half-open until it has logged in (`admission.py`), and in `clients` once its
handshake is complete. One timer checks the deadlines; a connection has a timer of its own only
while it is throttled. Of possibly ten thousand idle clients, the timer looks only at those whose
deadline has come.
"""

import os
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from time import monotonic

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall

from chat.limits import Limits
from chat.rooms.addresses import Address, address_group
from chat.server.connections.admission import Admission
from chat.server.connections.protocol import ChatProtocol
from chat.server.connections.stalls import Stalls
from chat.server.connections.transport import STREAM, TRANSPORTS
from chat.server.oplog import OperatorLog
from chat.server.session import Requests
from chat.wire.connection import ServerConnection
from chat.wire.errors import CloseCode
from chat.wire.hostkey import HostKey
from chat.wire.messages import Ping
from chat.wire.sealing import RandomBytes

__all__ = ["ChatFactory"]


class ChatFactory(Factory[ChatProtocol]):
    """Makes a protocol per connection and keeps the registry of clients."""

    noisy = False

    host_key: HostKey
    """The server's identity; set before the first connection."""
    dispatcher: Requests
    """Handles requests; set before the first connection, though it may not be loaded yet."""

    def __init__(
        self,
        clock: IReactorTime,
        limits: Limits,
        seconds: Callable[[], float] = monotonic,
        random_bytes: RandomBytes = os.urandom,
        log: OperatorLog | None = None,
    ) -> None:
        self.log = OperatorLog() if log is None else log
        self.clock = clock
        self.limits = limits
        self.seconds = seconds
        self.random_bytes = random_bytes
        self._is_open = False
        self.clients: dict[int, ChatProtocol] = {}
        """The registry: connections whose handshake is complete, by number."""
        self.admission = Admission(limits)
        self._due: list[tuple[float, int]] = []
        """A heap with one entry per client: when to check it next, and its number. Entries of
        closed clients stay until they are the majority."""
        self._stalls = Stalls(limits, seconds)
        self._closing: dict[int, tuple[float, ChatProtocol]] = {}
        self._drained: list[Deferred[None]] = []
        self._numbers = count(1)
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = clock

    @property
    def count(self) -> int:
        """The number of connections, logged in or not."""
        return len({it.number for it in (*self.admission.half_open, *self.clients.values())})

    def start(self) -> None:
        """Start checking deadlines."""
        self._sweeper.start(self.limits.sweep_seconds, now=False)

    def open(self) -> None:
        """Start reading from clients: the dispatcher is loaded."""
        self._is_open = True
        for connection in self.admission.half_open:
            connection.release()

    def stop(self) -> None:
        """Stop checking deadlines."""
        if self._sweeper.running:
            self._sweeper.stop()

    # --- The life of a connection ---

    def buildProtocol(self, addr: IAddress | None) -> ChatProtocol:
        """Return the protocol for a new connection from the reactor."""
        return self.protocol_over(STREAM)

    def protocol_over(self, kind: str) -> ChatProtocol:
        """Return the protocol for a new connection over a kind of transport in `TRANSPORTS`."""
        connection = ServerConnection(self.host_key, self.limits, self.seconds, self.random_bytes)
        return ChatProtocol(self, next(self._numbers), connection, TRANSPORTS[kind])

    def connected(self, protocol: ChatProtocol) -> None:
        """Admit a new connection, and close the one that has to go for it."""
        if not self._is_open:
            protocol.hold()
        self._find_place(protocol)

    def moved(self, protocol: ChatProtocol, address: Address) -> None:
        """Admit a connection again, under its peer's real address, as if it were new."""
        self.admission.leave(protocol)
        protocol.address, protocol.group = address, address_group(address)
        self._find_place(protocol)

    def _find_place(self, protocol: ChatProtocol) -> None:
        crowded_out = self.admission.enter(protocol)
        if crowded_out is not None:
            oldest, reason = crowded_out
            oldest.close(CloseCode.BUSY, reason)
            if len(self._closing) > self.limits.waiting_total:
                oldest.abort()  # Even waiting for a clean close is bounded.

    def established(self, protocol: ChatProtocol) -> None:
        """Enter a connection in the registry."""
        self.clients[protocol.number] = protocol
        heappush(self._due, (self.seconds() + self.limits.ping_seconds, protocol.number))

    def logged_in(self, protocol: ChatProtocol) -> None:
        """Make a connection's place permanent."""
        self.admission.logged_in(protocol)

    def stalled(self, protocol: ChatProtocol) -> None:
        """Watch a connection whose transport is full."""
        self._stalls.begin(protocol)

    def unstalled(self, protocol: ChatProtocol) -> None:
        """Stop watching it."""
        self._stalls.end(protocol.number)

    def closing(self, protocol: ChatProtocol) -> None:
        """Abort a connection if it does not close in time."""
        self._closing[protocol.number] = (self.seconds(), protocol)

    def disconnected(self, protocol: ChatProtocol) -> None:
        """Forget a connection."""
        self.admission.leave(protocol)
        self._closing.pop(protocol.number, None)
        self._stalls.end(protocol.number)
        if self.clients.pop(protocol.number, None) is not None:
            self.dispatcher.forget(protocol)
            if len(self._due) > 2 * len(self.clients) + 8:
                self._due = [entry for entry in self._due if entry[1] in self.clients]
                heapify(self._due)
        self._check_drained()

    # --- Deadlines ---

    def _sweep(self) -> None:
        now = self.seconds()
        limits = self.limits
        for connection in self.admission.half_open:
            age = now - connection.since
            if connection.number not in self.clients:
                if age > limits.handshake_seconds:
                    connection.close(CloseCode.TIMEOUT, "the handshake took too long")
            elif age > limits.login_seconds:
                connection.close(CloseCode.TIMEOUT, "nobody logged in")
        while self._due and self._due[0][0] <= now:
            _, number = heappop(self._due)
            if number in self.clients:
                heappush(self._due, (self._check(self.clients[number], now), number))
        self._stalls.close_overdue()
        for since, protocol in list(self._closing.values()):
            if now - since > limits.close_seconds:
                protocol.abort()

    def _check(self, protocol: ChatProtocol, now: float) -> float:
        """Ping or close a silent client if it is due; return when to check it next."""
        limits = self.limits
        silence = now - protocol.heard
        if protocol.is_full or protocol.is_held:
            return now + limits.ping_seconds  # The server is not listening.
        if silence < limits.ping_seconds:
            return protocol.heard + limits.ping_seconds
        if silence < limits.silence_seconds:
            if not protocol.is_pinged:
                protocol.is_pinged = True
                protocol.send(Ping(0))
            return protocol.heard + limits.silence_seconds
        protocol.close(CloseCode.TIMEOUT, "no sign of life")
        return now + limits.close_seconds

    # --- The end ---

    def hold_all(self) -> None:
        """Stop reading from every client."""
        for connection in [*self.admission.half_open, *self.clients.values()]:
            connection.hold()

    def close_all(self, retry_after: int) -> None:
        """Tell every client that the server stops, and in how many seconds to come back."""
        for connection in [*self.admission.half_open, *self.clients.values()]:
            connection.close(CloseCode.SHUTDOWN, "the server stops", retry_after)

    def abort_all(self) -> None:
        """Abort all remaining connections."""
        for connection in [*self.admission.half_open, *self.clients.values()]:
            connection.abort()
        for _, protocol in list(self._closing.values()):
            protocol.abort()

    def drained(self) -> Deferred[None]:
        """Return a Deferred that fires when no connections are left."""
        drained: Deferred[None] = Deferred()
        self._drained.append(drained)
        self._check_drained()
        return drained

    def _check_drained(self) -> None:
        if self._drained and not (self.admission.half_open or self.clients or self._closing):
            for drained in self._drained:
                drained.callback(None)
            self._drained.clear()
