"""Twisted clients, for benchmarks of a single question; `encchat_client` is the cheap client."""

import os
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IReactorTCP

from chat.ids import LogId, MessageId
from chat.limits import HISTORY_PAGE, Limits
from chat.receiver import ConnectionProtocol
from chat.wire import messages
from chat.wire.connection import (
    ClientConnection,
    Delivered,
    Event,
    HostKeyOffered,
    PeerClosed,
    Received,
)
from chat.wire.errors import RemoteProtocolError
from chat.wire.identity import Identity

__all__ = ["BenchClient", "connect_all"]

ROOM: Final = "lobby"

_CONCURRENT: Final = 16
"""Concurrent connection attempts."""


class BenchClient(ConnectionProtocol):
    """Connects, logs in and, given a room, joins it; then opens every record, or counts them."""

    connection: ClientConnection

    def __init__(self, nick: str, room: str | None) -> None:
        self.connection = ClientConnection(Limits())
        self._nick = nick
        self.identity = Identity.generate()
        self._room = room
        self.ready: Deferred[BenchClient] = Deferred()
        self.delivered = 0
        """Records that were vouched for and opened; when only counting, record lines."""
        self.is_in = False
        """Whether it is in a room."""
        self.pages = 0
        """Pages of history received."""
        self.acknowledged = 0
        """Its own durable posts."""
        self.on_progress: Callable[[], None] = lambda: None
        self._is_skipping = False
        self._last_id = 2
        self._unsent = 0
        self._text = ""
        self._random_size = 0
        self._log = LogId(b"")

    def connectionMade(self) -> None:
        """Send the client hello."""
        self.transport.setTcpNoDelay(True)
        self.transport.write(self.connection.start())

    def received(self, event: Event) -> None:
        """Log in, join, and keep posts in flight."""
        match event:
            case HostKeyOffered():
                signature = self.identity.sign_login(self.connection.binding)
                login = messages.Login(1, self._nick, self.identity.public, signature)
                self.transport.write(self.connection.login(login))
            case Received(messages.Welcome()) if self._room is not None:
                self._send(messages.Join(2, self._room, "public"))
            case Received(messages.Welcome()):
                self.ready.callback(self)
            case Received(messages.Joined(log=log)):
                self._log = log
                self.is_in = True
                if not self.ready.called:
                    self.ready.callback(self)
                self.on_progress()
            case Received(messages.Page()):
                self.pages += 1
                if self._is_skipping:
                    self.connection._reader._page = None  # Its records are only counted.
                self.on_progress()
            case Received(messages.Posted(acks=acks)):
                self.acknowledged += len(acks)
                self.on_progress()
                for _ in acks:
                    self._post()
            case Delivered(seq=seq) if seq:
                self.delivered += 1
                self.on_progress()
            case Received(messages.Refused(text=text)):
                raise RuntimeError(text)
            case PeerClosed(code):
                raise RuntimeError(f"the server closed with code {code}")

    def violated(self, error: RemoteProtocolError) -> None:
        """Fail loudly: a benchmark of a broken connection measures nothing."""
        raise error

    def count_records(self) -> None:
        """From now on, count records of the log without opening them."""
        self._is_skipping = True

    def lineReceived(self, line: bytes) -> None:
        """Process or count a line."""
        if not self._is_skipping or line.startswith(b"F"):
            super().lineReceived(line)
        elif line.startswith(b"V"):
            # The next frame's associated data counts the vouchers before it.
            self.connection._opener.voucher(bytes(64))
        elif line.split(b" ", 3)[2] != b"0":
            self.delivered += 1
            self.on_progress()

    def join(self, room: str) -> None:
        """Ask to join a room."""
        self._last_id += 1
        self._send(messages.Join(self._last_id, room))

    def ask_history(self, before: int) -> None:
        """Request the page of the room's history before a sequence number."""
        self._last_id += 1
        self._send(messages.History(self._last_id, self._log, HISTORY_PAGE, before))

    def post(self, count: int, in_flight: int, text: str) -> None:
        """Post `text` `count` times, `in_flight` of them unacknowledged at a time."""
        self._unsent = count
        self._text = text
        for _ in range(in_flight):
            self._post()

    def post_random(self, count: int, in_flight: int, size: int) -> None:
        """The same with texts of `size` random characters."""
        self._random_size = size
        self.post(count, in_flight, "")

    def _post(self) -> None:
        if self._unsent:
            self._unsent -= 1
            self._last_id += 1
            text = self._text or os.urandom(self._random_size // 2).hex()
            message = MessageId(os.urandom(16))
            self._send(messages.Post(self._last_id, self._log, message, text))

    def _send(self, request: messages.Request) -> None:
        self.transport.write(self.connection.send(request))


async def connect_all(
    reactor: IReactorTCP, port: int, nicks: list[str], room: str | None = ROOM
) -> list[BenchClient]:
    """Return a client for each nickname, logged in and, if a room is given, in it."""
    clients = [BenchClient(nick, room) for nick in nicks]
    semaphore = DeferredSemaphore(_CONCURRENT)

    def connect(client: BenchClient) -> Deferred[BenchClient]:
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        connectProtocol(endpoint, client).addErrback(client.ready.errback)
        return client.ready

    return await gatherResults(
        [semaphore.run(connect, client) for client in clients], consumeErrors=True
    )
