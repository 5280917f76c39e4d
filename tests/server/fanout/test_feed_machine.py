"""A feed under every order of events, with a store that answers at any time.

The model is what the store was told to keep: every reader must have received all of it since it
joined, once and in order, except its own posts and whatever was gone when it got there.
"""

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chat.content import Content
from chat.ids import RecordId
from chat.limits import Limits
from chat.rooms.happenings import Deleted, Edited, Said
from chat.store.interface import Record, Stored
from chat.store.memory import MemoryStore
from chat.wire.messages import Posted, Refused
from chat.wire.records import record_epoch, record_id
from tests import machine
from tests.server.support import LOG, FakeSession, HeldStore, Room, message_id
from tests.store.commits import fired

GAPS = st.sampled_from([1, 20, 255, 256, 257, 300, 600])


class FeedMachine(RuleBasedStateMachine):
    """A room, its store, and everybody who was ever in it."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room(HeldStore(), Limits(batch_bytes=1_000, catch_up_bytes=600))
        self.sessions: list[FakeSession] = []
        self.starts: dict[int, int] = {}
        """By session number: the record after which it started reading."""
        self.authors: dict[RecordId, int] = {}
        """Session numbers by record id."""
        self.leaving: set[int] = set()
        """Sessions that were removed, or are about to be."""
        self.sealed_before: dict[int, set[RecordId]] = {}
        """By removed session: the ids of records sealed before the removal."""
        self.asked: dict[int, tuple[FakeSession, RecordId]] = {}
        """By request id: the session that waits for the answer, and the record's id."""
        self.requests = 1
        self.filler = self.room.new(1_000)
        """Posts a lot, and reads nothing."""

    # --- Events ---

    @initialize()
    def two_come(self) -> None:
        for _ in range(2):
            self.join()
        self.room.settle()

    @rule()
    def join(self) -> None:
        [session] = self.room.join(len(self.sessions) + 1)
        self.sessions.append(session)
        self.starts[session.number] = self.room.readers.tail

    @rule(after=st.integers(0, 700))
    def come_back(self, after: int) -> None:
        session = self.room.new(len(self.sessions) + 1)
        self.sessions.append(session)
        self.starts[session.number] = self.room.readers.start(session, after)
        self.room.readers.catch_up(session.number)

    def members(self) -> list[FakeSession]:
        """Return the sessions that are in the room."""
        return [it for it in self.sessions if not it.is_gone and it.number not in self.leaving]

    def able(self) -> list[FakeSession]:
        """Return the sessions that the server reads."""
        return [it for it in self.members() if not (it.is_held or it.is_full)]

    def ask(self, happening: Said | Edited | Deleted, session: FakeSession, message: int) -> None:
        """Make a session send the next request."""
        self.requests += 1
        record = record_id(session.account, message_id(message))
        self.authors[record] = session.number
        self.asked[self.requests] = (session, record)
        self.room.add(happening, session, message_id(message), self.requests)

    @precondition(lambda self: self.able())
    @rule(data=st.data(), message=st.integers(0, 30), size=st.sampled_from([1, 50, 400]))
    def post(self, data: st.DataObject, message: int, size: int) -> None:
        # Few message ids, so that many requests are repetitions.
        session = data.draw(st.sampled_from(self.able()))
        self.ask(Said(LOG, session.account, Content("x" * size), 0), session, message)

    @precondition(lambda self: self.able() and self.ever())
    @rule(data=st.data(), message=st.integers(0, 30), is_edit=st.booleans())
    def edit_or_delete(self, data: st.DataObject, message: int, is_edit: bool) -> None:
        session = data.draw(st.sampled_from(self.able()))
        seq = data.draw(st.sampled_from(sorted(self.ever())))
        happening = (
            Edited(LOG, session.account, seq, "changed")
            if is_edit
            else Deleted(LOG, session.account, seq)
        )
        self.ask(happening, session, 1_000 + message)

    @rule(gap=GAPS, keep=st.integers(0, 20))
    def much_is_said_and_removed(self, gap: int, keep: int) -> None:
        # While nobody reads, so that any number of records may be missing somewhere.
        for session in self.members():
            session.is_full = True
        self.room.settle()
        for _ in range(gap):
            self.room.say(self.filler, "much")
        self.room.settle()
        self.trim(keep)

    @rule(keep=st.integers(0, 20))
    def trim(self, keep: int) -> None:
        self.room.store.trim(LOG, keep)

    @precondition(lambda self: self.members())
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        self.room.rename(data.draw(st.sampled_from(self.members())), "new")

    @precondition(lambda self: self.members())
    @rule(data=st.data())
    def kick(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.members()))
        self.leaving.add(session.number)
        done = self.room.kick(session)
        done.addCallbacks(
            self.kicked, self.not_kicked, callbackArgs=(session,), errbackArgs=(session,)
        )

    def kicked(self, _: None, session: FakeSession) -> None:
        """Record what the session may know."""
        self.sealed_before[session.number] = {item.id for item in self.sealed()}

    def not_kicked(self, _: object, session: FakeSession) -> None:
        """The session stays."""
        self.leaving.discard(session.number)

    def sealed(self) -> list[Stored]:
        """Return all sealed records, stored or in flight."""
        waiting = [record for _, commit in self.room.store.held for record in commit.records]
        return [*self.stored(), *(Stored(0, record.id, record.data) for record in waiting)]

    def ever(self) -> dict[int, Record]:
        """Return all records ever stored, by sequence number."""
        return self.room.store.ever.get(LOG, {})

    def stored(self) -> list[Stored]:
        """Return all stored records."""
        return fired(MemoryStore.read(self.room.store, LOG, 0, 2**30))

    @precondition(lambda self: self.members())
    @rule(data=st.data(), now=st.booleans())
    def fill(self, data: st.DataObject, now: bool) -> None:
        session = data.draw(st.sampled_from(self.members()))

        def fill() -> None:
            session.is_full = True

        if now:
            fill()
        else:
            session.on_deliver = fill

    @precondition(lambda self: self.members())
    @rule(data=st.data())
    def drain(self, data: st.DataObject) -> None:
        self.empty(data.draw(st.sampled_from(self.members())))

    def empty(self, session: FakeSession) -> None:
        """Make a session read everything that was written to it."""
        session.on_deliver = lambda: None
        session.is_full = False
        self.room.readers.catch_up(session.number)

    @precondition(lambda self: self.members())
    @rule(data=st.data())
    def lag(self, data: st.DataObject) -> None:
        # All steps to being behind with a read in progress, which random steps seldom reach.
        session = data.draw(st.sampled_from(self.members()))
        session.is_full = True
        self.room.settle()
        self.room.say(self.filler, "missed")
        self.room.settle()
        self.room.store.is_holding_reads = True
        self.empty(session)

    @rule()
    def turn(self) -> None:
        self.room.turn()

    @precondition(lambda self: self.room.store.held)
    @rule()
    def release(self) -> None:
        self.room.store.release()

    @precondition(lambda self: self.room.store.held)
    @rule()
    def refuse(self) -> None:
        self.room.store.refuse()

    @rule(is_holding=st.booleans())
    def hold_reads(self, is_holding: bool) -> None:
        self.room.store.is_holding_reads = is_holding

    @precondition(lambda self: self.room.store.reads)
    @rule()
    def answer(self) -> None:
        self.room.store.answer()

    # --- Invariants ---

    def acks(self) -> dict[int, int]:
        """Return the acknowledged requests with their sequence numbers; each is answered once."""
        acks = [
            ack[:2]
            for session in self.sessions
            for message in session.sent
            if isinstance(message, Posted)
            for ack in message.acks
        ]
        assert len(acks) == len(dict(acks))
        return dict(acks)

    @invariant()
    def i4_whatever_was_heard_or_acknowledged_was_stored(self) -> None:
        ever = self.ever().keys()
        for session in self.sessions:
            assert {seq for seq, _ in session.heard if seq} <= ever
        assert set(self.acks().values()) <= ever

    @invariant()
    def i5_sequence_numbers_increase(self) -> None:
        for session in self.sessions:
            seqs = [seq for seq, _ in session.heard if seq]
            assert all(one < other for one, other in pairwise(seqs))

    @invariant()
    def who_may_not_read_any_more_has_no_newer_key(self) -> None:
        for number, before in self.sealed_before.items():
            keys = self.sessions[number - 1].keys
            for item in self.sealed():
                if item.id not in before:
                    assert record_epoch(item.data) not in keys

    def teardown(self) -> None:
        """Let everything settle, and check what everybody received."""
        self.room.store.is_holding_reads = False
        for _ in range(3):
            for session in self.sessions:
                self.empty(session)
            while self.room.store.reads:
                self.room.store.answer()
            self.room.settle()
        ever, kept = self.ever(), {item.seq for item in self.stored()}
        for session in self.members():
            assert not session.is_held
            heard = {seq for seq, _ in session.heard if seq}
            due = {
                seq
                for seq, record in ever.items()
                if seq > self.starts[session.number]
                and self.authors.get(record.id) != session.number
            }
            assert due & kept <= heard <= due
        seqs = {record.id: seq for seq, record in ever.items()}
        acks = self.acks()
        refused = [
            message.id
            for session in self.sessions
            for message in session.sent
            if isinstance(message, Refused)
        ]
        assert sorted([*acks, *refused]) == sorted(self.asked)
        for request, seq in acks.items():
            _, record = self.asked[request]
            # A trimmed record may have been posted again.
            assert seq <= seqs[record] and ever[seq].id == record


TestFeedMachine = FeedMachine.TestCase
TestFeedMachine.settings = machine(60, 40)
