"""The registry of clients, and every deadline.

A connection is *waiting* from its making until somebody has logged in on it, and in `clients` from
the completed handshake on. Waiting ones, and all of them, are counted by groups of addresses; where
there are too many, one that waits has to go (`waiting.py`), never one that has logged in. One
timer looks at the deadlines; a connection has one of its own only while it sends too fast. Of the
clients, which may be ten thousand that say nothing, it looks at those alone whose time has come.
"""

import os
from collections import Counter
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from time import monotonic

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall

from chat.limits import Limits
from chat.server.connections.addresses import address_group, is_loopback
from chat.server.connections.admission import Waiting
from chat.server.connections.protocol import ChatProtocol
from chat.server.connections.stalls import Stalls, unacknowledged
from chat.server.requests.dispatcher import Desk
from chat.wire.errors import CloseCode
from chat.wire.hostkey import HostKey
from chat.wire.messages import Ping
from chat.wire.sealing import RandomBytes

__all__ = ["ChatFactory"]


class ChatFactory(Factory["ChatProtocol"]):
    """Makes a protocol per connection and keeps the registry of clients."""

    noisy = False

    host_key: HostKey
    """Who this server is; set before the first connection."""
    desk: Desk
    """Where requests go; set, if not yet loaded, before the first connection."""

    def __init__(
        self,
        clock: IReactorTime,
        limits: Limits,
        seconds: Callable[[], float] = monotonic,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self.clock = clock
        self.limits = limits
        self.seconds = seconds
        self.random_bytes = random_bytes
        self._is_open = False
        self.clients: dict[int, ChatProtocol] = {}
        """The registry: connections whose handshake is complete, by number."""
        self._waiting = Waiting()
        self._connected: set[int] = set()
        """Numbers of all connections that have a place, until they are gone."""
        self._connected_at: Counter[str] = Counter()
        self._due: list[tuple[float, int]] = []
        """A heap with one entry for each client: when to look at it next, and its number. Those of
        clients that are gone stay until they are the greater part."""
        self.stalls = Stalls(limits, seconds, unacknowledged)
        self._closing: dict[int, tuple[float, ChatProtocol]] = {}
        self._drained: list[Deferred[None]] = []
        self._numbers = count(1)
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = clock

    def start(self) -> None:
        """Start looking at deadlines."""
        self._sweeper.start(self.limits.sweep_seconds, now=False)

    def open(self) -> None:
        """The desk is loaded: listen to those who were faster."""
        self._is_open = True
        for protocol in self._waiting:
            protocol.release()

    def stop(self) -> None:
        """Stop looking at deadlines."""
        if self._sweeper.running:
            self._sweeper.stop()

    def buildProtocol(self, addr: IAddress | None) -> ChatProtocol:
        """Return the protocol for a new connection."""
        host = addr.host if isinstance(addr, IPv4Address | IPv6Address) else "a local socket"
        protocol = ChatProtocol(self, next(self._numbers), host, address_group(host))
        protocol.factory = self
        return protocol

    def connected(self, protocol: ChatProtocol) -> None:
        """Give a new connection a place among the waiting. If there is none, one of them goes."""
        self._connected.add(protocol.number)
        self._connected_at[protocol.group] += 1
        self._waiting.add(protocol)
        if not self._is_open:
            protocol.hold()
        reason, oldest = self._crowded_out(protocol)
        if oldest is not None:
            self._forget_place(oldest)
            oldest.close(CloseCode.BUSY, reason)
            if len(self._closing) > self.limits.waiting_total:
                oldest.transport.abortConnection()  # Politeness has its bound as well.

    def _crowded_out(self, protocol: ChatProtocol) -> tuple[str, ChatProtocol | None]:
        """Return who has to go, and why, now that a connection more waits.

        Only who waits ever has to. Where none but the new one does, it is that.
        """
        limits, group, waiting = self.limits, protocol.group, self._waiting
        if waiting.count(group) > limits.waiting_per_address:
            return "too many connections that have not logged in", waiting.oldest(group)
        if self._connected_at[group] > limits.connections_per_address and not is_loopback(
            protocol.address
        ):
            return "too many connections from its address", waiting.oldest(group)
        if len(waiting) > limits.waiting_total:
            return "too many connections that have not logged in", waiting.oldest_of_most()
        if len(self._connected) > limits.connections_total:
            return "too many connections", waiting.oldest_of_most()
        return "", None

    def established(self, protocol: ChatProtocol) -> None:
        """Enter a connection in the registry."""
        self.clients[protocol.number] = protocol
        heappush(self._due, (self.seconds() + self.limits.ping_seconds, protocol.number))

    def admitted(self, protocol: ChatProtocol) -> None:
        """Take a connection out of the waiting."""
        self._waiting.remove(protocol)

    def closing(self, protocol: ChatProtocol) -> None:
        """See to it that a connection that was told to close does."""
        self._closing[protocol.number] = (self.seconds(), protocol)

    def disconnected(self, protocol: ChatProtocol) -> None:
        """Forget a connection."""
        self._forget_place(protocol)
        self._closing.pop(protocol.number, None)
        self.stalls.end(protocol.number)
        if self.clients.pop(protocol.number, None) is not None:
            self.desk.forget(protocol)
            if len(self._due) > 2 * len(self.clients) + 8:
                self._due = [entry for entry in self._due if entry[1] in self.clients]
                heapify(self._due)
        self._check_drained()

    def _forget_place(self, protocol: ChatProtocol) -> None:
        self._waiting.remove(protocol)
        if protocol.number in self._connected:
            self._connected.remove(protocol.number)
            at, group = self._connected_at, protocol.group
            at[group] -= 1
            if not at[group]:
                del at[group]

    def _sweep(self) -> None:
        now = self.seconds()
        limits = self.limits
        for protocol in self._waiting:
            age = now - protocol.since
            if protocol.number not in self.clients:
                if age > limits.handshake_seconds:
                    protocol.close(CloseCode.TIMEOUT, "the handshake took too long")
            elif age > limits.login_seconds:
                protocol.close(CloseCode.TIMEOUT, "nobody logged in")
        while self._due and self._due[0][0] <= now:
            _, number = heappop(self._due)
            if number in self.clients:
                heappush(self._due, (self._check(self.clients[number], now), number))
        for protocol, reason in self.stalls.overdue():
            protocol.close(CloseCode.SLOW_CONSUMER, reason)
        for since, protocol in list(self._closing.values()):
            if now - since > limits.close_seconds:
                protocol.transport.abortConnection()

    def _check(self, protocol: ChatProtocol, now: float) -> float:
        """Do what a client's silence demands; return when to look again, which is later."""
        limits = self.limits
        silence = now - protocol.heard
        if protocol.is_full or protocol.is_held:
            return now + limits.ping_seconds  # We are the ones who do not listen.
        if silence < limits.ping_seconds:
            return protocol.heard + limits.ping_seconds
        if silence < limits.silence_seconds:
            if not protocol.is_pinged:
                protocol.is_pinged = True
                protocol.send(Ping(0))
            return protocol.heard + limits.silence_seconds
        protocol.close(CloseCode.TIMEOUT, "no sign of life")
        return now + limits.close_seconds

    def close_all(self, retry_after: int) -> None:
        """Tell everybody that the server stops, and when to come back (seconds)."""
        for protocol in [*self._waiting, *self.clients.values()]:
            protocol.close(CloseCode.SHUTDOWN, "the server stops", retry_after)

    def abort_all(self) -> None:
        """End what is left, at once."""
        for protocol in [*self._waiting, *self.clients.values()]:
            protocol.transport.abortConnection()
        for _, protocol in list(self._closing.values()):
            protocol.transport.abortConnection()

    def drained(self) -> Deferred[None]:
        """Return a Deferred that fires when no connection is left."""
        drained: Deferred[None] = Deferred()
        self._drained.append(drained)
        self._check_drained()
        return drained

    def _check_drained(self) -> None:
        if self._drained and not (self._waiting or self.clients or self._closing):
            for drained in self._drained:
                drained.callback(None)
            self._drained.clear()
