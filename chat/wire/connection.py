"""One end of a connection, for both roles: lines in, events out; messages in, lines out.

Rules:

* The two tables below, and nothing else, say which input is legal when. Anything else is an
  `UnexpectedInputError`.
* The state changes before the action runs. Any exception leaves FAILED, and a failed or closed
  connection ignores input silently (a transport may hand over a line that was already buffered).
* Actions compute and return events. Nothing here writes, waits or knows a transport: bytes to send
  come out as `Transmit`.
* Time and randomness are arguments.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
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
"""Server: (state, input) to (action, next state)."""

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
"""Client: (state, input) to (action, next state)."""


class Connection:
    """The part both roles share. Use `ClientConnection` or `ServerConnection`."""

    __slots__ = ("_clock", "_limits", "_opener", "_random_bytes", "_sealer", "_state")

    _table: ClassVar[Table] = {}
    _methods: dict[tuple[State, type[Line]], tuple[str, State]]
    """The table, with method names in place of actions."""
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
        """Look up the method names for the role's table."""
        cls._methods = {
            key: ("_" + action, following) for key, (action, following) in cls._table.items()
        }

    @property
    def state(self) -> State:
        """The current state."""
        return self._state

    @property
    def is_over(self) -> bool:
        """Whether the connection ignores all input from now on."""
        return self._state >= State.FAILED

    @property
    def line_bytes(self) -> int:
        """The longest line that may arrive now, in bytes without CR LF."""
        return HANDSHAKE_LINE_BYTES if self._sealer is None else LINE_BYTES

    def receive_line(self, line: bytes) -> list[Event]:
        """Process a line (without CR LF) and return the resulting events.

        Raises RemoteProtocolError if the peer broke the protocol; answer with `alert`. Any other
        exception is a bug.
        """
        return list(self.receive_in_steps(line))

    def receive_in_steps(self, line: bytes) -> Iterator[Event]:
        """As `receive_line`, but records are opened one by one, when they are asked for.

        Nothing else may be received before the last one.
        """
        if self._state >= State.FAILED:
            return
        try:
            yield from self._receive(line)
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
        """Return the line that ends the generation, or b"" if it has room for `size` bytes."""
        now = self._clock()
        if not sealer.is_spent(size, now):
            return b""
        update = encode_frame(sealer.seal(encode(Update())))
        sealer.ratchet_at(now)
        return update

    def alert(self, code: CloseCode, retry_after: int | None = None) -> bytes:
        """Close this side, and return the bytes that tell the peer why.

        Sealed if there are keys; otherwise in the clear from a server, and empty from a client.
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
            return b""  # Out of generations, or between a page and its run: nothing fits here.

    def _receive(self, line: bytes) -> Iterable[Event]:
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
        events: Iterable[Event] = getattr(self, method)(typed)
        return events

    def _open_message(self, box: bytes) -> tuple[bytes, bool]:
        """Return the payload of the next frame, and whether it must be an `update`."""
        payload = self._opener.open(box)
        return payload, self._opener.is_last(self._limits)

    def _take_message(
        self, message: ClientMessage | ServerMessage | Unknown, is_last: bool
    ) -> list[Event]:
        """Handle the messages that both roles handle alike; pass on the rest."""
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
        """Return the alert to send before there are keys: empty unless the role has a line."""
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
        """As `Connection.send`. Only `deliver` may follow a `Page` that has records.

        Raises LocalProtocolError if anything else follows, too.
        """
        if self._owes_run:
            raise LocalProtocolError("only its records may follow a page")
        data = super().send(message)
        self._owes_run = isinstance(message, Page) and message.count > 0
        return data

    def deliver(
        self, parts: Sequence[tuple[bytes | memoryview, bytes]], now: float | None = None
    ) -> list[bytes | memoryview]:
        """Return the pieces that deliver record lines, to be written in this order.

        Each of `parts` is a pair of lines, shared by all readers, and their SHA-512 digest; a
        voucher for this connection follows each. `now` is the current time by the connection's
        clock, for callers that already know it. Raises LocalProtocolError if there are no session
        keys yet.
        """
        sealer = self._sealer
        if sealer is None:
            raise LocalProtocolError("nothing can be delivered before the handshake is complete")
        pieces: list[bytes | memoryview] = []
        # A generation ends before a page, never between the page and its run. Record lines are not
        # frames and do not count towards it, so only its age matters here.
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
            raise UnexpectedInputError("a client finish without a login")
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
    """Names the connection, for the login to sign; set once a host key has been offered."""
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
        """Logs that this client has asked to leave, by request id."""

    def start(self) -> bytes:
        """Return the client hello, the first thing to write."""
        assert self._handshake is not None
        return encode_hello(self._handshake.hello)

    def login(self, login: Login) -> bytes:
        """Accept the offered host key, and return the client finish that carries `login`.

        Raises LocalProtocolError if no host key was offered. Messages may follow at once.
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
            case Opened():  # Or its subclass `Joined`.
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

    def _redeem_voucher(self, line: VoucherLine) -> Iterable[Event]:
        return self._reader.redeem(line.voucher, self._opener)
