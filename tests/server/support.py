"""What these tests share: a store that waits to be told, and sessions that note everything."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import sha512
from typing import Final

from msgspec import Struct
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chat.limits import Limits
from chat.rooms.errors import RequestError
from chat.rooms.happenings import Happening, Joined, Left, Passing, Renamed, Said
from chat.server.fanout.epochs import Epochs
from chat.server.fanout.feed import Draft, Feed
from chat.server.fanout.pages import Pages
from chat.server.fanout.runs import Run
from chat.store.interface import Appended, Entry, Found, Stored, StoreError, Tail
from chat.store.memory import MemoryStore
from chat.testing import seeded_bytes, split_lines
from chat.testing.server import STORAGE_KEY
from chat.wire.errors import CloseCode
from chat.wire.lines import RecordLine, decode_line
from chat.wire.messages import Body, Keys, Posted, Refused, TextBody, Unknown, decode_body
from chat.wire.records import open_record, record_epoch, record_id
from chat.wire.sealing import BoxKey
from tests.store.suite import fired

__all__ = [
    "LOG",
    "FakeSession",
    "HeldStore",
    "Room",
    "ServerCase",
    "SlowPasswords",
    "account",
    "acks",
    "chat_lines",
    "lines",
    "texts",
]


def refused(request: int, error: RequestError) -> Refused:
    """Return the answer that an error becomes."""
    return Refused(request, error.code, str(error))


class SlowPasswords:
    """Takes its time, and then takes any."""

    def __init__(self) -> None:
        self.checks: list[Deferred[None]] = []
        """What waits: fire it, and the password was right."""

    async def check(self, nick: str, password: str) -> None:
        """Wait."""
        check: Deferred[None] = Deferred()
        self.checks.append(check)
        await check


class ServerCase(SynchronousTestCase):
    """A test that fails when an error was logged, unless it is one that it asks for."""

    def replace(self, target: object, name: str, value: object) -> None:
        """Replace an attribute until the end of the test."""
        patch: Callable[[object, str, object], None] = self.patch
        patch(target, name, value)

    def expect_error(self, kind: type[Exception], count: int = 1) -> None:
        """Check that errors of this kind, and so many, have been logged."""
        flush: Callable[..., list[Failure]] = self.flushLoggedErrors
        assert len(flush(kind)) == count


def chat_lines(events: Sequence[LogEvent]) -> list[str]:
    """Return the lines that encchat wrote to the log."""
    return [
        str(formatEvent(event)) for event in events if event["log_namespace"].startswith("chat.")
    ]


class HeldStore(MemoryStore):
    """A store that stores records when it is told to. All else is done at once, unless reads are
    held too."""

    def __init__(self) -> None:
        super().__init__()
        self.appends: list[tuple[Deferred[list[Appended]], bytes, Sequence[Entry]]] = []
        """What waits for `commit` or `refuse`, and what is in it."""
        self.reads: list[tuple[Deferred[list[Stored]], Deferred[list[Stored]]]] = []
        """What waits for `answer`."""
        self.is_holding = True
        self.is_holding_reads = False
        self.is_broken = False
        """Whether small values cannot be changed, and nothing can be read."""
        self.is_closed = False

    def append(self, log: bytes, entries: Sequence[Entry]) -> Deferred[list[Appended]]:
        """Keep `entries` until `commit` or `refuse`."""
        if not self.is_holding:
            return super().append(log, entries)
        appending: Deferred[list[Appended]] = Deferred()
        self.appends.append((appending, log, entries))
        return appending

    def commit(self) -> None:
        """Store what has waited longest."""
        appending, log, entries = self.appends.pop(0)
        super().append(log, entries).chainDeferred(appending)

    def refuse(self) -> None:
        """Let what has waited longest fail."""
        appending, _, _ = self.appends.pop(0)
        appending.errback(StoreError("the disk is full"))

    def read(
        self,
        log: bytes,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """Read, now or, with the answer of now, after `answer`."""
        if self.is_broken:
            return fail(StoreError("a broken disk"))
        reading = super().read(log, after, limit_bytes, backward, limit)
        if not self.is_holding_reads:
            return reading
        held: Deferred[list[Stored]] = Deferred()
        self.reads.append((held, reading))
        return held

    def answer(self) -> None:
        """Answer the read that has waited longest."""
        held, reading = self.reads.pop(0)
        reading.chainDeferred(held)

    def tail(self, log: bytes) -> Deferred[Tail]:
        """As in memory, unless the store is broken."""
        return fail(StoreError("a broken disk")) if self.is_broken else super().tail(log)

    def search(self, words: str, logs: Collection[bytes], limit: int) -> Deferred[list[Found]]:
        """As in memory, unless the store is broken."""
        if self.is_broken:
            return fail(StoreError("a broken disk"))
        return super().search(words, logs, limit)

    def compare_and_set(
        self, key: bytes, expected: bytes | None, value: bytes | None
    ) -> Deferred[bool]:
        """As in memory, unless the store is broken."""
        if self.is_broken:
            return fail(StoreError("a broken disk"))
        return super().compare_and_set(key, expected, value)

    def close(self) -> Deferred[None]:
        """Note it."""
        self.is_closed = True
        return succeed(None)


class FakeSession:
    """A session that keeps what it is given, and opens it with the keys it has been given."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.address = self.group = "192.0.2.1"
        self.binding = self.device = b""
        self.is_gone = False
        self.is_full = False
        self.is_goodbye = False
        self.holds = 0
        self.sent: list[Struct] = []
        """Messages."""
        self.runs: list[bytes] = []
        """Record lines, as they were delivered together."""
        self.heard: list[tuple[int, Body | Unknown]] = []
        """Records: (sequence number, body)."""
        self.closed: CloseCode | None = None
        self.on_deliver: Callable[[], None] = lambda: None
        """Called after a delivery."""
        self.keys: dict[int, bytes] = {}

    def send(self, message: Struct) -> None:
        """Keep a message, while there is anybody to take it."""
        if self.is_gone:
            return
        self.sent.append(message)
        if isinstance(message, Keys):
            assert message.epoch not in self.keys
            self.keys[message.epoch] = message.key

    def deliver(self, run: Run) -> None:
        """Open records. A KeyError means that the key was not there before them."""
        assert not self.is_full
        assert all(digest == sha512(lines).digest() for lines, digest in run.parts)
        data = b"".join([lines for lines, _ in run.parts])
        self.runs.append(data)
        for line in split_lines(data):
            record = decode_line(line)
            assert isinstance(record, RecordLine)
            self.heard.append((record.seq, self.open(record)))
        self.on_deliver()

    def open(self, line: RecordLine) -> Body | Unknown:
        """Return the body of a record. Raises KeyError without its key."""
        key = self.keys[record_epoch(line.record)]
        return decode_body(open_record(BoxKey(key), line.log, line.record)[1])

    def admit(self) -> None:
        """Do nothing."""

    @property
    def is_held(self) -> bool:
        """Whether the session is not read."""
        return self.holds > 0

    def hold(self) -> None:
        """Count it."""
        self.holds += 1

    def release(self) -> None:
        """Count it."""
        assert self.holds
        self.holds -= 1

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """Note why; the connection is gone only when somebody says so."""
        self.closed = code
        self.is_gone = True


@dataclass
class _Counted:
    """A source of randomness that counts what was asked of it."""

    sizes: list[int]

    def __call__(self, size: int) -> bytes:
        """Return `size` bytes."""
        self.sizes.append(size)
        return _random(size)


_random = seeded_bytes(7)

LOG: Final = b"the log of tests"


class Room:
    """A feed with fake sessions, of whom each has its number as its name."""

    def __init__(self, store: HeldStore | None = None, limits: Limits | None = None) -> None:
        self.clock = Clock()
        self.store = HeldStore() if store is None else store
        self.now = 0
        """The time of day."""
        self.random_sizes: list[int] = []
        random_bytes = _Counted(self.random_sizes)
        limits = Limits() if limits is None else limits
        self.feed = Feed(
            LOG,
            self.store,
            Epochs(LOG, self.store, STORAGE_KEY, random_bytes),
            Pages(self.store, limits.catch_up_bytes, self.clock.seconds),
            self.clock,
            limits,
            lambda: self.now,
            random_bytes,
        )
        fired(Deferred.fromCoroutine(self.feed.load()))

    def add(
        self, happening: Happening, session: FakeSession | None, message: bytes | None = None
    ) -> None:
        """Let something happen, as the answer to request 1."""
        message = _random(16) if message is None else message
        identity = record_id(happening.account, message)
        answer = _ignore if isinstance(happening, Passing) else None
        self.feed.add(Draft(happening, identity, session, answer, 1))

    def join(self, *numbers: int) -> list[FakeSession]:
        """Return new sessions that read the log, of whom the others will hear."""
        sessions = [FakeSession(number) for number in numbers]
        for session in sessions:
            self.feed.start(session, None)
            self.add(Joined(LOG, account(session.number), str(session.number)), session)
        return sessions

    def enter(self, *numbers: int) -> list[FakeSession]:
        """Return new sessions who are in the room, and have forgotten who else came."""
        sessions = self.join(*numbers)
        self.settle()
        for session in sessions:
            session.heard.clear()
            session.runs.clear()
        return sessions

    def say(self, session: FakeSession, text: str, message: bytes | None = None) -> None:
        """Let a session post something."""
        number = session.number
        self.add(Said(LOG, account(number), str(number), text, 0), session, message)

    def rename(self, session: FakeSession, nick: str) -> None:
        """Let a session tell that it has a new name."""
        number = session.number
        self.add(Renamed(LOG, account(number), nick, str(number)), session)

    def leave(self, session: FakeSession) -> None:
        """Let a session be gone, and read no more."""
        session.is_gone = True
        self.feed.drop(session.number)
        self.feed.renew()
        self.add(Left(LOG, account(session.number), str(session.number)), None)

    def turn(self) -> None:
        """Let everything happen that is due."""
        self.clock.advance(0)

    def settle(self) -> None:
        """Let everything happen, and be stored at once."""
        self.turn()
        while self.store.appends:
            self.store.commit()
            self.turn()


def _ignore(place: object) -> None:
    """Nobody waits for what is passing."""


def account(number: int) -> bytes:
    """Return the account of the session with this number."""
    return number.to_bytes(16, "big")


def texts(session: FakeSession) -> list[str]:
    """Return what a session heard said."""
    return [body.text for _, body in session.heard if isinstance(body, TextBody)]


def acks(session: FakeSession) -> list[tuple[int, int, int]]:
    """Return all acknowledgements that a session got."""
    return [ack for message in session.sent if isinstance(message, Posted) for ack in message.acks]


def lines(session: FakeSession) -> list[RecordLine]:
    """Return all record lines that a session got."""
    decoded = [decode_line(line) for run in session.runs for line in split_lines(run)]
    return [line for line in decoded if isinstance(line, RecordLine)]
