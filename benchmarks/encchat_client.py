"""A client of this server for benchmarks: a real handshake, then it mostly counts record lines.

It does not use Twisted, because a load generator must be cheap. It always opens frames (they carry
keys, pings and acknowledgements), but records only for a sample.
"""

import os
import socket
from base64 import b64encode
from time import monotonic
from typing import Final

from benchmarks.peer import PeerError
from benchmarks.texts import number_of
from chat.ids import LogId, MessageId
from chat.limits import Limits
from chat.wire import messages
from chat.wire.bodies import TextBody
from chat.wire.connection import (
    ClientConnection,
    Delivered,
    Event,
    HostKeyOffered,
    PeerClosed,
    Received,
    Transmit,
)
from chat.wire.errors import RemoteProtocolError
from chat.wire.identity import Identity

__all__ = ["EncchatClient"]

_CHUNK: Final = 65_536
_RECORD, _VOUCHER = b"RV"
_VOUCHER_LINE: Final = 28
"""``V``, a space, 16 bytes in base64, CR LF: the length of every voucher line."""
_PASSING: Final = b"0 "
"""The sequence number in the line of a passing record."""
_SEQ: Final = 27
"""Offset of the sequence number in a record line."""


class EncchatClient:
    """One connection; see `benchmarks.peer.Client`.

    It either opens lines, as a client does, or counts them. It switches from counting to opening
    only after a voucher, so that no voucher covers records of which some were only counted.
    """

    def __init__(
        self,
        nick: str,
        room: str | None = None,
        identity: Identity | None = None,
        past: tuple[LogId, int] | None = None,
    ) -> None:
        """Make the keys; `start` sends the first bytes.

        With `past`, a log that it is already a member of and a sequence number, it continues to
        read there.
        """
        self.delivered = 0
        self.opened = 0
        self.acknowledged = 0
        """Its own durable posts."""
        self.seen: list[tuple[int, float]] | None = None
        self.is_ready = False
        """Whether it is logged in and, if a room is given, in it."""
        self.identity = identity or Identity.generate()
        self.connection = ClientConnection(Limits())
        self.log = LogId(b"")
        """The room's log, once it has joined."""
        self.tail = 0
        """The log's end at that time."""
        self._nick, self._room, self._past = nick, room, past
        self._head = b"\xff"
        """The beginning of its room's record lines."""
        self._last_id = 0
        self._rest = b""
        self._unsent = b""
        self._wanted = 0
        self._is_opening = True
        self._is_in_run = False
        """Whether it has counted records whose voucher has not arrived yet."""

    def start(self, connected: socket.socket) -> None:
        """Send the client hello on a non-blocking socket, which may still be connecting."""
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._write(self.connection.start())

    def fileno(self) -> int:
        """Return the socket's descriptor, for epoll."""
        return self._socket.fileno()

    def post(self, text: str) -> None:
        """Post in the room; `flush` sends it."""
        self._last_id += 1
        post = messages.Post(self._last_id, self.log, MessageId(os.urandom(16)), text)
        self._unsent += self.connection.send(post)

    def flush(self) -> bool:
        """Send buffered bytes; return whether all have been sent."""
        if self._unsent:
            unsent, self._unsent = self._unsent, b""
            self._write(unsent)
        return not self._unsent

    def receive(self) -> None:
        """Process whatever has arrived, without waiting. Raises PeerError at end of stream."""
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return
            except OSError as error:
                raise PeerError(str(error)) from None
            if not data:
                raise PeerError("the server has closed the connection")
            self.take(data)
            if len(data) < _CHUNK:
                return

    def sample(self, count: int) -> None:
        """Open, verify and compare the next `count` messages; only count the ones after them.

        It opens more if one voucher covers them.
        """
        self._wanted = count

    def close(self) -> None:
        """Cut the connection."""
        self._socket.close()

    def take(self, data: bytes) -> None:
        """Process what has arrived. Raises PeerError."""
        data = self._rest + data if self._rest else data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        start = 0
        while start < end:
            if not self._is_opening and self._wants_to_open and not self._is_in_run:
                self._is_opening = True
            start = (self._open if self._is_opening else self._count)(data, start, end)

    @property
    def _wants_to_open(self) -> bool:
        return self._wanted > 0 or self.seen is not None or not self.is_ready

    def _count(self, data: bytes, start: int, end: int) -> int:
        """Count the lines in `data[start:end]`; return the offset of the first one to open."""
        wants_to_open = self._wants_to_open
        if not wants_to_open and data.startswith(b"V ", end - _VOUCHER_LINE):
            # Fast path: only records and, at the end, their voucher.
            records = data.count(self._head, start, end)
            if data.count(b"\n", start, end) == records + 1:
                passing = data.count(self._head + _PASSING, start, end)
                self.delivered += records - passing
                self.connection._opener.vouchers += 1
                self._is_in_run = False
                return end
        while start < end:
            after = data.index(b"\n", start) + 1
            if data[start] == _RECORD:
                self.delivered += not data.startswith(_PASSING, start + _SEQ)
                self._is_in_run = True
            elif data[start] == _VOUCHER:
                # The next frame's associated data counts the vouchers before it.
                self.connection._opener.vouchers += 1
                self._is_in_run = False
                if wants_to_open:
                    return after
            else:
                self._line(data[start : after - 2])
            start = after
        return end

    def _open(self, data: bytes, start: int, end: int) -> int:
        """Open the lines in `data[start:end]`; return the offset of the first one to count."""
        while start < end:
            after = data.index(b"\n", start) + 1
            self._line(data[start : after - 2])
            if data[start] != _RECORD and not self._wants_to_open and not self._owes_run:
                self._is_opening = False
                return after
            start = after
        return end

    @property
    def _owes_run(self) -> bool:
        """Whether records or a voucher must come next."""
        reader = self.connection._reader
        return bool(reader._waiting) or reader._page is not None

    def _line(self, line: bytes) -> None:
        try:
            for event in self.connection.receive_line(line):
                self._handle(event)
        except RemoteProtocolError as error:
            raise PeerError(f"the server broke the protocol: {error!r}") from error

    def _handle(self, event: Event) -> None:
        match event:
            case Delivered(seq=seq, body=TextBody(text=text)) if seq:
                self._opened_one(text)
            case Transmit(data=data):
                self._write(data)
            case Received(messages.Posted(acks=acks)):
                self.acknowledged += len(acks)
            case HostKeyOffered():
                signed = self.identity.sign_login(self.connection.binding)
                login = messages.Login(1, self._nick, self.identity.public, signed)
                self._write(self.connection.login(login))
            case Received(messages.Welcome()):
                self._enter()
            case Received(messages.Joined(log=log, tail=tail)):
                self.log, self.tail, self.is_ready = log, tail, True
                self._head = b"R %s " % b64encode(log)
            case Received(messages.Refused(text=text)):
                raise PeerError(text)
            case PeerClosed(code=code):
                raise PeerError(f"the server closes with code {code}")

    def _opened_one(self, text: str) -> None:
        try:
            number = number_of(text)
        except ValueError as error:
            raise PeerError(str(error)) from None
        self.delivered += 1
        self.opened += 1
        self._wanted = max(0, self._wanted - 1)
        if self.seen is not None:
            self.seen.append((number, monotonic()))

    def _enter(self) -> None:
        self._last_id = 2
        if self._past is not None:
            self._write(self.connection.send(messages.Read(2, *self._past)))
        elif self._room is not None:
            self._write(self.connection.send(messages.Join(2, self._room, "public")))
        else:
            self.is_ready = True

    def _write(self, data: bytes) -> None:
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise PeerError(str(error)) from None
        self._unsent = data[sent:]
