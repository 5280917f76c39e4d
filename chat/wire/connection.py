"""One end of a connection, for both roles: lines in, events out; messages in, lines out.

Rules:

* Which input is legal when is in the two tables below and nowhere else. What a table lacks is an
  `UnexpectedInputError`.
* The state changes before the action runs; any exception leaves FAILED, and a failed or closed
  connection absorbs input silently (a transport may hand over a line that was already buffered).
* Actions compute and return events. Nothing here writes, waits or knows a transport: what is to be
  sent comes out as `Transmit`.
* Time and randomness are arguments.
"""

import os
from collections.abc import Callable, Sequence
from time import monotonic
from typing import ClassVar, Final

from msgspec import UNSET, Struct

from chat.ids import LogId
from chat.limits import HANDSHAKE_LINE_BYTES, LINE_BYTES, Limits
from chat.wire.errors import (
    CloseCode,
    LocalProtocolError,
    MalformedLineError,
    UnexpectedInputError,
    VersionError,
)
from chat.wire.events import (
    Delivered,
    Established,
    Event,
    HostKeyOffered,
    PeerClosed,
    Received,
    State,
    Transmit,
)
from chat.wire.frames import CLIENT_TO_SERVER, SERVER_TO_CLIENT, FrameOpener, FrameSealer
from chat.wire.handshake import ClientHandshake, ServerHandshake, SessionSecrets
from chat.wire.hostkey import HostKey
from chat.wire.lines import (
    CloseLine,
    FrameLine,
    HelloLine,
    Line,
    RecordLine,
    VoucherLine,
    decode_line,
    encode_close,
    encode_frame,
    encode_hello,
    encode_voucher,
)
from chat.wire.messages import (
    ClientMessage,
    Close,
    Keys,
    Leave,
    Login,
    Ok,
    Opened,
    Page,
    Ping,
    Pong,
    Refused,
    Removed,
    ServerMessage,
    Unknown,
    Update,
    decode_client_message,
    decode_server_message,
    encode,
)
from chat.wire.records import RecordReader
from chat.wire.sealing import RandomBytes

__all__ = [
    "CLIENT_TABLE",
    "SERVER_TABLE",
    "ClientConnection",
    "Connection",
    "Delivered",
    "Established",
    "Event",
    "HostKeyOffered",
    "PeerClosed",
    "Received",
    "ServerConnection",
    "State",
    "Transmit",
]


Table = dict[tuple[State, type[Line]], tuple[str, State]]

SERVER_TABLE: Final[Table] = {
    (State.AWAIT_HELLO, HelloLine): ("answer_hello", State.AWAIT_FINISH),
    (State.AWAIT_FINISH, FrameLine): ("check_finish", State.ESTABLISHED),
    (State.ESTABLISHED, FrameLine): ("open_frame", State.ESTABLISHED),
}
"""Server: state and input to action and next state."""

CLIENT_TABLE: Final[Table] = {
    (State.AWAIT_HELLO, HelloLine): ("take_hello", State.AWAIT_AUTH),
    (State.AWAIT_HELLO, CloseLine): ("take_close", State.CLOSED),
    (State.AWAIT_AUTH, FrameLine): ("check_auth", State.AWAIT_TRUST),
    (State.AWAIT_AUTH, CloseLine): ("take_close", State.CLOSED),
    (State.AWAIT_TRUST, CloseLine): ("take_close", State.CLOSED),
    (State.AWAIT_ANSWER, CloseLine): ("take_close", State.CLOSED),
    (State.AWAIT_ANSWER, FrameLine): ("open_frame", State.ESTABLISHED),
    (State.ESTABLISHED, FrameLine): ("open_frame", State.ESTABLISHED),
    (State.ESTABLISHED, RecordLine): ("keep_record", State.ESTABLISHED),
    (State.ESTABLISHED, VoucherLine): ("redeem_voucher", State.ESTABLISHED),
}
"""Client: state and input to action and next state."""


class Connection:
    """What both roles share. Use `ClientConnection` or `ServerConnection`."""

    __slots__ = ("_clock", "_limits", "_opener", "_random_bytes", "_sealer", "_state")

    _table: ClassVar[Table] = {}
    _methods: dict[tuple[State, type[Line]], tuple[str, State]]
    """The table, with the names of the methods that do what its actions say."""
    _opener: FrameOpener
    _sealer: FrameSealer | None

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        random_bytes: RandomBytes,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._random_bytes = random_bytes
        self._sealer = None
        self._state = State.AWAIT_HELLO

    def __init_subclass__(cls) -> None:
        """Find the methods of a role's table."""
        cls._methods = {
            key: ("_" + action, following) for key, (action, following) in cls._table.items()
        }

    @property
    def state(self) -> State:
        """Where the connection is."""
        return self._state

    @property
    def is_over(self) -> bool:
        """Whether nothing is read any more."""
        return self._state >= State.FAILED

    @property
    def line_bytes(self) -> int:
        """The longest line that may come now, without CR LF."""
        return HANDSHAKE_LINE_BYTES if self._sealer is None else LINE_BYTES

    def receive_line(self, line: bytes) -> list[Event]:
        """Return what follows from a line (without CR LF).

        Raises RemoteProtocolError for a peer that broke the protocol; answer with `alert`. Any
        other exception is a bug.
        """
        if self._state >= State.FAILED:
            return []
        try:
            return self._receive(line)
        except BaseException:
            self._state = State.FAILED
            raise

    def send(self, message: Struct) -> bytes:
        """Return the line (or lines, when a generation ends) that carry `message`.

        Raises LocalProtocolError if it is too long, or if there are no session keys yet.
        """
        sealer = self._sealer
        if sealer is None:
            raise LocalProtocolError("no message can be sent before the handshake is complete")
        payload = encode(message)
        return self._update(sealer, len(payload)) + encode_frame(sealer.seal(payload))

    def _update(self, sealer: FrameSealer, size: int) -> bytes:
        """Return the line that ends a generation, if there is no place in it for `size` bytes."""
        now = self._clock()
        if not sealer.is_spent(size, now):
            return b""
        update = encode_frame(sealer.seal(encode(Update())))
        sealer.ratchet_at(now)
        return update

    def alert(self, code: CloseCode, retry_after: int | None = None) -> bytes:
        """Return what tells the peer why this side ends the connection; nothing more is read.

        Sealed where there are keys; else in clear from a server, and nothing from a client.
        """
        was_closed = self._state is State.CLOSED
        self._state = State.CLOSED
        if was_closed:
            return b""
        if self._sealer is None:
            return self._alert_in_clear(code)
        try:
            return self.send(Close(code, UNSET if retry_after is None else retry_after))
        except LocalProtocolError:
            return b""  # The generations are used up, or a page lacks its run: nothing fits here.

    def _receive(self, line: bytes) -> list[Event]:
        if len(line) > self.line_bytes:
            raise MalformedLineError("a line that is too long")
        try:
            typed = decode_line(line)
        except VersionError:
            if self._state is State.AWAIT_HELLO:
                raise
            raise MalformedLineError("a line of unknown kind") from None
        try:
            method, state = self._methods[self._state, type(typed)]
        except KeyError:
            raise UnexpectedInputError(f"{type(typed).__name__} in {self._state.name}") from None
        self._state = state
        events: list[Event] = getattr(self, method)(typed)
        return events

    def _open_message(self, box: bytes) -> tuple[bytes, bool]:
        """Return the payload of the next frame, and whether only an `update` is legal in it."""
        payload = self._opener.open(box)
        return payload, self._opener.is_last(self._limits)

    def _take_message(
        self, message: ClientMessage | ServerMessage | Unknown, is_last: bool
    ) -> list[Event]:
        """Handle what both roles handle alike; hand on the rest."""
        if is_last and not isinstance(message, Update):
            raise UnexpectedInputError("a generation with too many frames")
        match message:
            case Update():
                try:
                    self._opener.ratchet()
                except LocalProtocolError as error:
                    raise UnexpectedInputError(str(error)) from None
                return []
            case Ping(id=number):
                return [Transmit(self.send(Pong(number)))]
            case Close(code=code, retry_after=retry_after):
                self._state = State.CLOSED
                return [PeerClosed(code, None if retry_after is UNSET else retry_after)]
            case _:
                return [Received(message)]

    def _alert_in_clear(self, code: CloseCode) -> bytes:
        """Return what can be said before there are keys: nothing, unless a role has a line."""
        return b""


class ServerConnection(Connection):
    """The server's end."""

    __slots__ = ("_handshake", "_owes_run")

    _table = SERVER_TABLE
    _handshake: ServerHandshake | None

    def __init__(
        self,
        host_key: HostKey,
        limits: Limits,
        clock: Callable[[], float] = monotonic,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        super().__init__(limits, clock, random_bytes)
        self._handshake = ServerHandshake(host_key, random_bytes)
        self._owes_run = False

    def send(self, message: Struct) -> bytes:
        """As `Connection.send`. After a `Page` that has records, nothing but `deliver` may follow.

        Raises LocalProtocolError also where something else does.
        """
        if self._owes_run:
            raise LocalProtocolError("a page is followed by its records and nothing else")
        data = super().send(message)
        self._owes_run = isinstance(message, Page) and message.count > 0
        return data

    def deliver(
        self, parts: Sequence[tuple[bytes | memoryview, bytes]], now: float | None = None
    ) -> list[bytes | memoryview]:
        """Return what delivers record lines, in pieces to be written in this order.

        Each of `parts` is lines, shared by all readers, and their SHA-512; one voucher of this
        connection's own follows each. `now` is the time, for a caller that has just looked. Raises
        LocalProtocolError if there are no session keys yet.
        """
        sealer = self._sealer
        if sealer is None:
            raise LocalProtocolError("nothing is delivered before the handshake is complete")
        pieces: list[bytes | memoryview] = []
        # A generation does not end between a page and its run, only before both. What is no frame
        # takes no place in it, so only its age matters here.
        if not self._owes_run and (self._clock() if now is None else now) > sealer.ends_at:
            pieces.append(self._update(sealer, 0))
        self._owes_run = False
        for lines, digest in parts:
            pieces.append(lines)
            pieces.append(encode_voucher(sealer.voucher(digest)))
        return pieces

    def _answer_hello(self, line: HelloLine) -> list[Event]:
        assert self._handshake is not None
        server_hello, server_auth = self._handshake.answer(line.payload)
        return [Transmit(encode_hello(server_hello) + encode_frame(server_auth))]

    def _check_finish(self, line: FrameLine) -> list[Event]:
        assert self._handshake is not None
        payload, secrets = self._handshake.finish(line.box)
        self._handshake = None
        message = decode_client_message(payload)
        if not isinstance(message, Login):
            raise UnexpectedInputError("something else than a login in the client finish")
        self._opener = FrameOpener(secrets.client_to_server, CLIENT_TO_SERVER)
        self._sealer = FrameSealer(
            *(secrets.server_to_client, SERVER_TO_CLIENT, self._clock(), self._limits),
            self._random_bytes,
        )
        return [Established(secrets.binding), Received(message)]

    def _open_frame(self, line: FrameLine) -> list[Event]:
        payload, is_last = self._open_message(line.box)
        return self._take_message(decode_client_message(payload), is_last)

    def _alert_in_clear(self, code: CloseCode) -> bytes:
        return encode_close(code)


class ClientConnection(Connection):
    """The client's end. `start`, then `receive_line`; `login` when a host key is offered."""

    __slots__ = ("_handshake", "_leaving", "_reader", "binding")

    binding: bytes
    """What names the connection, for a login to sign; there once a host key was offered."""
    _table = CLIENT_TABLE
    _handshake: ClientHandshake | None

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = monotonic,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        super().__init__(limits, clock, random_bytes)
        self._handshake = ClientHandshake(random_bytes)
        self._reader = RecordReader()
        self._leaving: dict[int, LogId] = {}
        """Logs that it was asked to leave, by the id of the request."""

    def start(self) -> bytes:
        """Return the client hello, the first thing to write."""
        assert self._handshake is not None
        return encode_hello(self._handshake.hello)

    def login(self, login: Login) -> bytes:
        """Accept the host key that was offered, and return the client finish with `login` in it.

        Raises LocalProtocolError when no host key was offered. Messages may follow at once.
        """
        if self._state is not State.AWAIT_TRUST or self._handshake is None:
            raise LocalProtocolError("there is no host key to accept")
        box, secrets = self._handshake.finish(encode(login))
        self._state = State.AWAIT_ANSWER
        self._handshake = None
        self._start_session(secrets)
        return encode_frame(box)

    def send(self, message: Struct) -> bytes:
        """As `Connection.send`."""
        data = super().send(message)
        if isinstance(message, Leave):
            self._leaving[message.id] = message.log
        return data

    def _start_session(self, secrets: SessionSecrets) -> None:
        self._opener = FrameOpener(secrets.server_to_client, SERVER_TO_CLIENT)
        self._sealer = FrameSealer(
            *(secrets.client_to_server, CLIENT_TO_SERVER, self._clock(), self._limits),
            self._random_bytes,
        )

    def _take_hello(self, line: HelloLine) -> list[Event]:
        assert self._handshake is not None
        self._handshake.take_server_hello(line.payload)
        return []

    def _check_auth(self, line: FrameLine) -> list[Event]:
        assert self._handshake is not None
        identity = self._handshake.check_server_auth(line.box)
        self.binding = self._handshake.binding()
        return [HostKeyOffered(identity.host_key, identity.successions)]

    def _take_close(self, line: CloseLine) -> list[Event]:
        return [PeerClosed(line.code)]

    def _open_frame(self, line: FrameLine) -> list[Event]:
        self._reader.check_idle()
        payload, is_last = self._open_message(line.box)
        message = decode_server_message(payload)
        match message:
            case Keys():
                self._reader.add_key(message)
            case Opened():  # Or `Joined`, the same as an answer.
                self._reader.start(message)
            case Removed(log=log):
                self._reader.stop(log)
            case Ok(id=number) if number in self._leaving:
                self._reader.stop(self._leaving.pop(number))
            case Refused(id=number):
                self._leaving.pop(number, None)
            case Page():
                self._reader.expect(message)
        return self._take_message(message, is_last)

    def _keep_record(self, line: RecordLine) -> list[Event]:
        self._reader.add(line)
        return []

    def _redeem_voucher(self, line: VoucherLine) -> list[Event]:
        return [*self._reader.redeem(line.voucher, self._opener)]
