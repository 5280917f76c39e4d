"""Shared by these tests: a store on demand, and sessions that record everything."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha512
from math import inf
from typing import Final, NamedTuple

from msgspec import Struct
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from chat.content import Content
from chat.ids import NOBODY, AccountId, DeviceKey, LogId, MessageId
from chat.limits import Limits
from chat.rooms.addresses import Address, AddressGroup
from chat.rooms.changes import Change, changed, put
from chat.rooms.happenings import Arrived, Departed, Kept, Renamed, Said
from chat.rooms.hub import Hub
from chat.rooms.roles import Sanction
from chat.rooms.values import (
    AccountKey,
    Kind,
    Membership,
    MembershipKey,
    MuteKey,
    Profile,
    RoomKey,
    RoomProfile,
)
from chat.server.fanout.drafts import Acknowledge, Draft
from chat.server.fanout.feeds import Feeds
from chat.server.state.catalog import load_hub
from chat.server.state.commits import COMMIT_SECONDS, Commits
from chat.server.state.sources import Applied
from chat.store.interface import (
    Commit,
    Epoch,
    Found,
    Head,
    Outcome,
    Place,
    Record,
    Stored,
    StoreError,
    Trim,
)
from chat.store.memory import MemoryStore
from chat.testing import seeded_bytes, split_lines
from chat.testing.server import STORAGE_KEY
from chat.wire.errors import CloseCode
from chat.wire.lines import RecordLine, decode_line
from chat.wire.messages import Body, Keys, Posted, TextBody, Unknown, decode_body
from chat.wire.records import open_record, record_epoch, record_id
from chat.wire.runs import Run
from chat.wire.sealing import BoxKey
from tests.server.cases import ServerCase, SlowPasswords, chat_lines, refused
from tests.store.commits import fired

__all__ = [
    "LOG",
    "FakeSession",
    "Held",
    "HeldStore",
    "Room",
    "ServerCase",
    "SlowPasswords",
    "account",
    "acks",
    "chat_lines",
    "lines",
    "message_id",
    "refused",
    "texts",
]


class Held(NamedTuple):
    """A commit that waits for `release` or `refuse`."""

    done: Deferred[Outcome]
    commit: Commit


class HeldStore(MemoryStore):
    """A store that commits on demand. All else happens at once, unless reads are held too."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: dict[LogId, dict[int, Record]] = {}
        """All records that were ever committed, by log and sequence number."""
        self.held: list[Held] = []
        """Commits that wait for `release` or `refuse`."""
        self.reads: list[tuple[Deferred[list[Stored]], Deferred[list[Stored]]]] = []
        """Reads that wait for `answer`."""
        self.is_holding = True
        self.is_holding_reads = False
        self.is_broken = False
        """Whether all commits and reads fail."""
        self.is_closed = False

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """Hold it until `release` or `refuse`."""
        if self.is_broken:
            return fail(StoreError("a broken disk"))
        if not self.is_holding:
            return self._apply(commit)
        done: Deferred[Outcome] = Deferred()
        self.held.append(Held(done, commit))
        return done

    def release(self) -> None:
        """Carry out the oldest commit."""
        self.apply()()

    def apply(self) -> Callable[[], None]:
        """Carry out the oldest commit; return the callable that reports it."""
        done, commit = self.held.pop(0)
        applied = self._apply(commit)
        return lambda: done.callback(fired(applied))

    def _apply(self, commit: Commit) -> Deferred[Outcome]:
        applied = super().commit(commit)
        outcome = fired(applied)
        records = [*commit.records]
        places = [*outcome.places]
        if commit.change is not None and outcome.change is not None:
            records += commit.change.records
            places += outcome.change
        for record, place in zip(records, places, strict=True):
            if isinstance(place, Place) and place.is_new:
                self.ever.setdefault(record.log, {})[place.seq] = record
        return succeed(outcome)

    def trim(self, log: LogId, keep: int) -> None:
        """Remove all but the last records of a log now, whatever else waits."""
        self._apply(Commit(0, trims=[Trim(log, None, keep)]))

    def refuse(self) -> None:
        """Make the oldest commit fail."""
        self.held.pop(0).done.errback(StoreError("the disk is full"))

    def read(
        self,
        log: LogId,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """Read now; if held, deliver the result after `answer`."""
        if self.is_broken:
            return fail(StoreError("a broken disk"))
        reading = super().read(log, after, limit_bytes, backward, limit)
        if not self.is_holding_reads:
            return reading
        held: Deferred[list[Stored]] = Deferred()
        self.reads.append((held, reading))
        return held

    def answer(self) -> None:
        """Answer the oldest read."""
        held, reading = self.reads.pop(0)
        reading.chainDeferred(held)

    def head(self, log: LogId) -> Deferred[Head]:
        """As in memory, unless the store is broken."""
        return fail(StoreError("a broken disk")) if self.is_broken else super().head(log)

    def epochs(self, log: LogId, numbers: Collection[int]) -> Deferred[list[Epoch]]:
        """As in memory, unless the store is broken."""
        if self.is_broken:
            return fail(StoreError("a broken disk"))
        return super().epochs(log, numbers)

    def search(
        self, words: str, logs: Collection[LogId], limit: int, seconds: float = inf
    ) -> Deferred[list[Found]]:
        """As in memory, unless the store is broken."""
        if self.is_broken:
            return fail(StoreError("a broken disk"))
        return super().search(words, logs, limit, seconds)

    def close(self) -> Deferred[None]:
        """Record the call, and stay open: another server may use the store."""
        self.is_closed = True
        return succeed(None)


class FakeSession:
    """A session that records what it receives, and opens records with the keys it has received."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.address, self.group = Address("192.0.2.1"), AddressGroup("192.0.2.1")
        self.binding, self.account, self.device = b"", NOBODY, DeviceKey(b"")
        self.reading: set[LogId] = set()
        self.is_gone = False
        self.is_full = False
        self.is_goodbye = False
        self.holds = 0
        self.charged = 0
        self.sent: list[Struct] = []
        """Messages."""
        self.runs: list[bytes] = []
        """Record lines, joined as they were delivered."""
        self.heard: list[tuple[int, Body | Unknown]] = []
        """Records: (sequence number, body)."""
        self.closed: CloseCode | None = None
        self.before_delivery: Callable[[], None] = lambda: None
        self.on_deliver: Callable[[], None] = lambda: None
        """Called after a delivery."""
        self.on_send: Callable[[Struct], None] = lambda _: None
        """Called before a message is recorded."""
        self.on_close: Callable[[], None] = lambda: None
        self.keys: dict[int, bytes] = {}

    def send(self, message: Struct) -> None:
        """Record a message, while the connection is open."""
        if self.is_gone:
            return
        self.on_send(message)
        self.sent.append(message)
        if isinstance(message, Keys):
            assert message.epoch not in self.keys
            self.keys[message.epoch] = message.key

    def tell(self, message: Struct) -> None:
        """Keep an event."""
        self.send(message)

    def deliver(self, run: Run) -> None:
        """Open records. A KeyError means that the key did not arrive before them."""
        assert not self.is_full
        if self.is_gone:
            return
        self.before_delivery()
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

    def charge(self, cost: int) -> None:
        """Count the call."""
        self.charged += cost

    @property
    def is_held(self) -> bool:
        """Whether the server does not read from the session."""
        return self.holds > 0

    def hold(self) -> None:
        """Count the call."""
        self.holds += 1

    def release(self) -> None:
        """Count the call."""
        assert self.holds
        self.holds -= 1

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """Record the reason; the test decides when the connection is lost."""
        self.closed = code
        self.is_gone = True
        self.on_close()


@dataclass
class _Counted:
    """A source of randomness that counts its calls."""

    sizes: list[int]

    def __call__(self, size: int) -> bytes:
        """Return `size` bytes."""
        self.sizes.append(size)
        return _random(size)


_random = seeded_bytes(7)

LOG: Final = LogId(b"the log of tests")


class Room:
    """A room's feed with fake sessions, each named after its number.

    Every session is a member and may post; changes go to the store too.
    """

    def __init__(
        self,
        store: HeldStore | None = None,
        limits: Limits | None = None,
        storage_key: bytes = STORAGE_KEY,
    ) -> None:
        self.clock = Clock()
        self.store = HeldStore() if store is None else store
        self.now = 0
        """The time, in milliseconds since 1970 UTC."""
        self.random_sizes: list[int] = []
        random_bytes = _Counted(self.random_sizes)
        limits = Limits() if limits is None else limits
        self.hub = Hub()
        self.commits = Commits(self.store, self.hub, self.clock, limits, random_bytes)
        self._limits, self._storage_key, self._random_bytes = limits, storage_key, random_bytes
        self.applied: list[Applied] = []
        """All changes that have taken effect."""
        self.on_effects: Callable[[Applied], None] = lambda _: None
        self.sessions: dict[AccountId, FakeSession] = {}
        self.unload()
        fired(Deferred.fromCoroutine(load_hub(self.store, self.hub)))
        is_holding, self.store.is_holding = self.store.is_holding, False
        if self.hub.known_room(LOG) is None:
            profile = RoomProfile(Kind.PUBLIC, "room", NOBODY)
            made = self.commits.change(lambda: changed([put(RoomKey(LOG), profile)]))
            self.turn()
            fired(made)
        loading = Deferred.fromCoroutine(self.feeds.get(LOG))
        self.turn()
        self.feed = fired(loading)
        self.store.is_holding = is_holding
        self.readers = self.feed.readers

    def unload(self) -> None:
        """Unload all feeds."""
        self.feeds = Feeds(
            *(self.store, self._storage_key, self.commits, self.hub),
            *(self.clock, self._limits, lambda: self.now, self._random_bytes),
        )
        fired(Deferred.fromCoroutine(self.commits.start(self.feeds, self._effects)))

    def _effects(self, applied: Applied) -> None:
        self.applied.append(applied)
        self.on_effects(applied)
        for key, value in applied.change.puts:
            if isinstance(key, MembershipKey) and value is None:
                self.feed.readers.drop(self.sessions[key.account].number)
                self.feed.announce(Departed(LOG, key.account), None)

    # --- Sessions ---

    def new(self, number: int) -> FakeSession:
        """Return a new session of a member."""
        session = FakeSession(number)
        session.account = account(number)
        self.sessions[session.account] = session
        self.hub.put(AccountKey(session.account), Profile(str(number)))
        self.hub.put(MembershipKey(LOG, session.account), Membership())
        return session

    def join(self, *numbers: int) -> list[FakeSession]:
        """Return new sessions that read the log; the others will be told."""
        sessions = [self.new(number) for number in numbers]
        for session in sessions:
            self.readers.start(session, None)
            self.feed.announce(Arrived(LOG, session.account), session)
        return sessions

    def enter(self, *numbers: int) -> list[FakeSession]:
        """Return new sessions that are in the room, and drop what they were told about others."""
        sessions = self.join(*numbers)
        self.settle()
        for session in sessions:
            session.heard.clear()
            session.runs.clear()
        return sessions

    # --- Their requests ---

    def add(
        self,
        happening: Kept,
        session: FakeSession,
        message: MessageId | None = None,
        request: int = 1,
    ) -> None:
        """Add a happening to the log, as a request from a session."""
        message = MessageId(_random(16)) if message is None else message
        identity = record_id(happening.account, message)
        self.check(happening.account)
        self.feed.add(
            Draft(
                happening,
                identity,
                Acknowledge(session, request, lambda _: None),
                lambda: self.check(happening.account),
                self.commits.base,
            )
        )

    def check(self, account: AccountId) -> None:
        """Raise RequestError unless an account may post."""
        known = self.hub.people.get(account)
        assert known is not None
        self.hub.check_may_speak(account, self.hub.room(known, LOG), self.now)

    def say(
        self,
        session: FakeSession,
        text: str,
        message: MessageId | None = None,
        request: int = 1,
    ) -> None:
        """Make a session post."""
        self.add(Said(LOG, session.account, Content(text), 0), session, message, request)

    def rename(self, session: FakeSession, nick: str) -> None:
        """Make a session announce a new nickname."""
        self.feed.announce(Renamed(LOG, session.account, str(session.number), nick), session)

    def change(self, change: Change, session: FakeSession | None = None) -> Deferred[None]:
        """Submit a change, which is always allowed."""
        return self.commits.change(lambda: change, session)

    def leave(self, session: FakeSession) -> Deferred[None]:
        """End a session, and its account's membership with the next commit."""
        session.is_gone = True
        return self.kick(session)

    def kick(self, session: FakeSession) -> Deferred[None]:
        """End an account's membership with the next commit."""
        return self.change(changed([put(MembershipKey(LOG, session.account), None)]))

    def mute(self, session: FakeSession) -> Deferred[None]:
        """Mute an account with the next commit."""
        return self.change(changed([put(MuteKey(LOG, session.account), Sanction())]))

    # --- Time ---

    def turn(self) -> None:
        """Run everything that is due, and start the next commit."""
        self.clock.advance(2 * COMMIT_SECONDS)

    def settle(self) -> None:
        """Run everything, with all commits carried out at once."""
        while self.store.held or self.clock.getDelayedCalls():
            self.turn()
            while self.store.held:
                self.store.release()


def account(number: int) -> AccountId:
    """Return the account of the session with this number."""
    return AccountId(number.to_bytes(16, "big"))


def message_id(number: int) -> MessageId:
    """Return one message id for each number."""
    return MessageId(number.to_bytes(16, "big"))


def texts(session: FakeSession) -> list[str]:
    """Return the texts that a session received."""
    return [body.text for _, body in session.heard if isinstance(body, TextBody)]


def acks(session: FakeSession) -> list[tuple[int, int, int]]:
    """Return all acknowledgements that a session received."""
    return [ack for message in session.sent if isinstance(message, Posted) for ack in message.acks]


def lines(session: FakeSession) -> list[RecordLine]:
    """Return all record lines that a session received."""
    decoded = [decode_line(line) for run in session.runs for line in split_lines(run)]
    return [line for line in decoded if isinstance(line, RecordLine)]
