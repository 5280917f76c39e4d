"""Shared by several of these tests: modified bytes, and pairs in a given state."""

import hashlib
from contextlib import suppress
from typing import Final

from chat.limits import Limits
from chat.testing import FakeLog, Pair, split_lines
from chat.testing.ids import ANY_ACCOUNT, ANY_DEVICE
from chat.wire.connection import Connection, State, Transmit
from chat.wire.errors import CloseCode, MalformedLineError
from chat.wire.frames import SERVER_TO_CLIENT, FrameOpener
from chat.wire.lines import RecordLine, decode_line
from chat.wire.messages import Login, Page, TextBody
from chat.wire.records import Delivered, RecordReader

LOGIN: Final = Login(1, "alice", ANY_DEVICE, bytes(64))

_SECRET: Final = bytes(64)

CLIENT_STATES: Final = (
    State.AWAIT_HELLO,
    State.AWAIT_AUTH,
    State.AWAIT_TRUST,
    State.AWAIT_ANSWER,
    State.ESTABLISHED,
    State.FAILED,
    State.CLOSED,
)
SERVER_STATES: Final = (
    State.AWAIT_HELLO,
    State.AWAIT_FINISH,
    State.ESTABLISHED,
    State.FAILED,
    State.CLOSED,
)


def flip(data: bytes, bit: int) -> bytes:
    """Return `data` with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def text(said: str = "hello") -> TextBody:
    """Return the body of a record."""
    return TextBody(time=0, account=ANY_ACCOUNT, nick="bob", text=said)


def answer(pair: Pair) -> tuple[bytes, bytes]:
    """Start the handshake; return the server's two lines, without CR LF, not yet delivered."""
    [transmit] = pair.to_server(pair.client.start())
    assert isinstance(transmit, Transmit)
    hello, auth = split_lines(transmit.data)
    return hello, auth


def established(limits: Limits | None = None, *, seed: int = 0) -> Pair:
    """Return a pair whose client has logged in."""
    pair = Pair(limits=limits, seed=seed)
    pair.log_in(LOGIN)
    return pair


def member(limits: Limits | None = None, *, seed: int = 0) -> tuple[Pair, FakeLog]:
    """Return a pair whose client has joined a room, and the room's log."""
    pair = established(limits, seed=seed)
    log = FakeLog()
    pair.server_sends(log.keys())
    pair.server_sends(log.joined(2))
    return pair, log


class Reader:
    """A record reader that has joined `log`, and the end that issues vouchers."""

    def __init__(self) -> None:
        self.reader = RecordReader()
        self.log = self.joins(FakeLog())
        self.issuer = FrameOpener(_SECRET, SERVER_TO_CLIENT)
        self.opener = FrameOpener(_SECRET, SERVER_TO_CLIENT)

    def joins(self, log: FakeLog) -> FakeLog:
        """Make the reader read `log` from its end on."""
        self.reader.add_key(log.keys())
        self.reader.start(log.joined(1))
        return log

    def next_epoch(self) -> None:
        """Start an epoch in `log`, and give its key to the reader."""
        self.log.epoch += 1
        self.log.key = bytes([self.log.epoch] * 64)
        self.reader.add_key(self.log.keys())

    def add(self, *lines: bytes) -> bytes:
        """Give record lines to the reader; return the voucher for them."""
        run = b"".join(lines)
        for line in split_lines(run):
            typed = decode_line(line)
            assert isinstance(typed, RecordLine)
            self.reader.add(typed)
        return self.issuer.voucher(hashlib.sha512(run).digest())

    def redeem(self, voucher: bytes) -> list[Delivered]:
        """Make the reader check a voucher."""
        return list(self.reader.redeem(voucher, self.opener))

    def take(self, *lines: bytes) -> list[Delivered]:
        """Give record lines and a valid voucher to the reader."""
        return self.redeem(self.add(*lines))

    def take_page(self, page: Page, *lines: bytes) -> list[Delivered]:
        """Give a page, these record lines and a valid voucher to the reader."""
        self.reader.expect(page)
        return self.take(*lines)


def client_at(state: State) -> Pair:
    """Return a pair whose client is in `state`."""
    pair = Pair()
    match state:
        case State.AWAIT_AUTH:
            hello, _ = answer(pair)
            pair.client.receive_line(hello)
        case State.AWAIT_TRUST:
            pair.offer_host_key()
        case State.AWAIT_ANSWER:
            pair.shake_hands(LOGIN)
        case State.ESTABLISHED:
            pair.log_in(LOGIN)
        case State.FAILED | State.CLOSED:
            end(pair.client, state)
    assert pair.client.state is state
    return pair


def server_at(state: State) -> Pair:
    """Return a pair whose server is in `state`."""
    pair = Pair()
    match state:
        case State.AWAIT_FINISH:
            answer(pair)
        case State.ESTABLISHED:
            pair.log_in(LOGIN)
        case State.FAILED | State.CLOSED:
            end(pair.server, state)
    assert pair.server.state is state
    return pair


def end(connection: Connection, state: State) -> None:
    """Bring a connection to FAILED or CLOSED, from any state."""
    if state is State.CLOSED:
        connection.alert(CloseCode.NORMAL)
    else:
        with suppress(MalformedLineError):
            connection.receive_line(b"F")
    assert connection.state is state
