"""Two ends of the protocol, joined by hand."""

import hashlib
from dataclasses import dataclass, field
from random import Random
from typing import Final

from chat.ids import AccountId, DeviceKey, LogId, RecordId
from chat.limits import Limits
from chat.wire.connection import (
    ClientConnection,
    Connection,
    Event,
    HostKeyOffered,
    ServerConnection,
    Transmit,
)
from chat.wire.hostkey import HostKey
from chat.wire.lines import DELIMITER, encode_record
from chat.wire.messages import (
    Body,
    ClientMessage,
    Joined,
    Keys,
    Login,
    Opened,
    Page,
    Removed,
    ServerMessage,
    Welcome,
    encode,
)
from chat.wire.records import seal_record
from chat.wire.sealing import KEY_BYTES, BoxKey, RandomBytes

__all__ = ["HOST_KEY", "FakeClock", "FakeLog", "Pair", "seeded_bytes", "split_lines"]

HOST_KEY: Final = HostKey.from_seed(bytes(range(32)))
"""A host key that everybody knows."""

_LOG: Final = LogId(bytes(range(16)))
_LOGIN: Final = Login(1, "alice", DeviceKey(bytes(32)), bytes(64))
"""The login of a client that was not given another."""


class FakeClock:
    """A clock that goes only when it is told to. Call it for the time in seconds."""

    def __init__(self, now: float = 0) -> None:
        self._now = now

    def __call__(self) -> float:
        """Return the time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


def seeded_bytes(seed: int) -> RandomBytes:
    """Return a source of "random" bytes that gives the same stream for the same seed."""
    return Random(seed).randbytes


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines in `data`, without CR LF. Raises ValueError if the last is not complete."""
    *lines, rest = data.split(DELIMITER)
    if rest:
        raise ValueError("data that does not end with a line")
    return lines


class Pair:
    """A client's and a server's end of one connection, and you are the network between them.

    Start with `log_in`, or `shake_hands` to answer the login yourself. Then `client_sends`,
    `server_sends` and `publish` carry what one end says to the other and return the events there;
    `to_server` and `to_client` carry any bytes you like. A `Transmit` among the events (the answer
    to a ping) is yours to carry on.

    Both ends live in the time of `clock` and, where there are no `client_limits`, have the same
    `limits`. Their randomness comes from `seed`, but for ML-KEM's, which cannot be chosen: two
    pairs with one seed have different keys.
    """

    client: ClientConnection
    server: ServerConnection
    clock: FakeClock
    client_events: list[Event]
    """Everything that happened at the client so far."""
    server_events: list[Event]
    """Everything that happened at the server so far."""

    def __init__(
        self,
        *,
        host_key: HostKey = HOST_KEY,
        limits: Limits | None = None,
        client_limits: Limits | None = None,
        clock: FakeClock | None = None,
        seed: int = 0,
    ) -> None:
        limits = Limits() if limits is None else limits
        client_limits = limits if client_limits is None else client_limits
        random_bytes = seeded_bytes(seed)
        self.clock = FakeClock() if clock is None else clock
        self.client = ClientConnection(client_limits, self.clock, random_bytes)
        self.server = ServerConnection(host_key, limits, self.clock, random_bytes)
        self.client_events = []
        self.server_events = []

    def to_server(self, data: bytes) -> list[Event]:
        """Hand the lines in `data` to the server; return the events there."""
        return _hand_over(self.server, data, self.server_events)

    def to_client(self, data: bytes) -> list[Event]:
        """Hand the lines in `data` to the client; return the events there."""
        return _hand_over(self.client, data, self.client_events)

    def client_sends(self, message: ClientMessage) -> list[Event]:
        """Carry a message to the server; return the events there."""
        return self.to_server(self.client.send(message))

    def server_sends(self, message: ServerMessage) -> list[Event]:
        """Carry a message to the client; return the events there."""
        return self.to_client(self.server.send(message))

    def publish(self, *lines: bytes) -> list[Event]:
        """Carry record lines and the server's voucher for them; return the events."""
        return self.to_client(self.vouched(*lines))

    def vouched(self, *lines: bytes) -> bytes:
        """Return record lines with the server's voucher behind them, without carrying them."""
        run = b"".join(lines)
        return b"".join(self.server.deliver([(run, hashlib.sha512(run).digest())]))

    def answer_page(self, page: Page, *lines: bytes) -> list[Event]:
        """Carry a page and its records, however many; return the events."""
        return self.server_sends(page) + self.publish(*lines)

    def offer_host_key(self) -> HostKeyOffered:
        """Begin the handshake, as far as the host key that the client has to decide about."""
        [answer] = self.to_server(self.client.start())
        assert isinstance(answer, Transmit)
        [offered] = self.to_client(answer.data)
        assert isinstance(offered, HostKeyOffered)
        return offered

    def shake_hands(self, login: Login = _LOGIN) -> list[Event]:
        """Complete the handshake, whatever the host key. Return the events at the server.

        The client keeps waiting for the answer to `login`: the server's first frame.
        """
        self.offer_host_key()
        return self.to_server(self.client.login(login))

    def log_in(self, login: Login = _LOGIN) -> Welcome:
        """Complete the handshake and welcome the client. Return what it was sent."""
        self.shake_hands(login)
        welcome = Welcome(
            id=login.id,
            account=AccountId(bytes(16)),
            nick=login.nick,
            server="encchat testing",
            time=0,
            keeps="disk",
            limits={},
            features=[],
        )
        self.server_sends(welcome)
        return welcome


def _hand_over(connection: Connection, data: bytes, happened: list[Event]) -> list[Event]:
    events: list[Event] = []
    for line in split_lines(data):
        new = connection.receive_line(line)
        happened += new
        events += new
    return events


@dataclass(slots=True)
class FakeLog:
    """A room's log, as a server keeps it, in one epoch: makes the record lines for `Pair.publish`.

    Change `epoch` and `key` to begin another epoch, and send `keys` again.
    """

    log: LogId = _LOG
    epoch: int = 1
    key: bytes = field(default=bytes(range(KEY_BYTES)), repr=False)
    seq: int = 0
    """Of the last record."""
    random_bytes: RandomBytes = field(default_factory=lambda: seeded_bytes(0), repr=False)

    def keys(self) -> Keys:
        """Return the event that gives a member the epoch's key."""
        return Keys(self.log, self.epoch, self.key)

    def joined(
        self,
        request: int,
        room: str = "lobby",
        members: int = 1,
        *,
        after: int | None = None,
    ) -> Joined:
        """Return the answer to a `join`, for the records that are made from now on.

        With `after`, the answer to a `read`: for the records behind that one.
        """
        seq = self.seq if after is None else after
        return Joined(
            log=self.log,
            kind="public",
            room=room,
            seq=seq,
            tail=self.seq,
            members=members,
            topic="",
            id=request,
        )

    def opened(self, room: str = "lobby", members: int = 1) -> Opened:
        """Return the event with which reading begins without a request, from now on."""
        return Opened(self.log, "public", room, self.seq, self.seq, members, "")

    def removed(self, text: str = "You are no member any more.") -> Removed:
        """Return the event with which reading ends."""
        return Removed(self.log, text)

    def line(self, body: Body) -> bytes:
        """Return the line of the next record, under a random record id."""
        self.seq += 1
        return self._line(self.seq, body)

    def passing(self, body: Body) -> bytes:
        """Return the line of a passing record, which the log does not keep."""
        return self._line(0, body)

    def _line(self, seq: int, body: Body) -> bytes:
        record_id = RecordId(self.random_bytes(16))
        record = seal_record(
            BoxKey(self.key), self.log, self.epoch, record_id, encode(body), self.random_bytes
        )
        return encode_record(self.log, seq, record)
