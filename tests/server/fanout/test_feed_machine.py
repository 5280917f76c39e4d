"""A feed under every order of events, with a store whose answers come when they like.

The model is what the store holds in the end: every reader must have heard all of it from its join
on, once and in order, but for what it said itself.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chat.limits import Limits
from chat.rooms.happenings import Renamed, Said
from chat.server.fanout.feed import Draft
from chat.store.interface import Stored
from chat.store.memory import MemoryStore
from chat.wire.messages import Posted, Refused
from chat.wire.records import record_epoch, record_id
from tests.server.support import LOG, FakeSession, HeldStore, Room, account
from tests.store.suite import fired


class FeedMachine(RuleBasedStateMachine):
    """A room, its store, and all who were ever in it."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room(HeldStore(), Limits(batch_bytes=1_000, catch_up_bytes=600))
        self.sessions: list[FakeSession] = []
        self.starts: dict[int, int] = {}
        """From the numbers of sessions to behind which record they started to read."""
        self.authors: dict[bytes, int] = {}
        """From record ids to the numbers of sessions."""
        self.sealed_before: dict[int, set[bytes]] = {}
        """For who has left, the ids of what had been sealed by then."""
        self.asked: dict[int, tuple[FakeSession, bytes]] = {}
        """From the ids of posts to who waits for the answer, and the record's id."""
        self.requests = 0

    # --- What happens ---

    @initialize()
    def two_come(self) -> None:
        for _ in range(2):
            self.join()
        self.room.settle()

    @rule()
    def join(self) -> None:
        [session] = self.room.join(len(self.sessions) + 1)
        self.sessions.append(session)
        self.starts[session.number] = self.room.feed.tail

    @rule(after=st.integers(0, 30))
    def come_back(self, after: int) -> None:
        session = FakeSession(len(self.sessions) + 1)
        self.sessions.append(session)
        self.starts[session.number] = self.room.feed.start(session, after)
        self.room.feed.catch_up(session.number)

    def id(self, number: int, message: bytes) -> bytes:
        """Return a record id, whose author is remembered."""
        record = record_id(account(number), message)
        self.authors[record] = number
        return record

    def readers(self) -> list[FakeSession]:
        """Return who has been let in and is here."""
        return [session for session in self.sessions if not session.is_gone]

    @precondition(lambda self: self.readers())
    @rule(data=st.data(), message=st.integers(0, 30), size=st.sampled_from([1, 50, 400]))
    def post(self, data: st.DataObject, message: int, size: int) -> None:
        # Few message ids, so that many are repetitions.
        able = [session for session in self.readers() if not (session.is_held or session.is_full)]
        if not able:
            return
        session = data.draw(st.sampled_from(able))
        self.requests += 1
        number = session.number
        happening = Said(LOG, account(number), str(number), "x" * size, 0)
        record = self.id(number, bytes([message]))
        self.asked[self.requests] = (session, record)
        self.room.feed.add(Draft(happening, record, session, request=self.requests))

    @precondition(lambda self: self.readers())
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.readers()))
        renamed = Renamed(LOG, account(session.number), "new", "old")
        self.room.add(renamed, session)

    @precondition(lambda self: self.readers())
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.readers()))
        self.sealed_before[session.number] = {item.record_id for item in self.sealed()}
        self.room.leave(session)

    def sealed(self) -> list[Stored]:
        """Return everything that has been sealed: what is stored, and what is on its way."""
        waiting = [entry for _, _, entries in self.room.store.appends for entry in entries]
        return [*self.stored(), *(Stored(0, entry.record_id, entry.record) for entry in waiting)]

    def stored(self) -> list[Stored]:
        """Return everything that is stored."""
        return fired(MemoryStore.read(self.room.store, self.room.feed.log, 0, 2**30))

    @precondition(lambda self: self.readers())
    @rule(data=st.data(), now=st.booleans())
    def fill(self, data: st.DataObject, now: bool) -> None:
        session = data.draw(st.sampled_from(self.readers()))

        def fill() -> None:
            session.is_full = True

        if now:
            fill()
        else:
            session.on_deliver = fill

    @precondition(lambda self: self.readers())
    @rule(data=st.data())
    def drain(self, data: st.DataObject) -> None:
        self.empty(data.draw(st.sampled_from(self.readers())))

    def empty(self, session: FakeSession) -> None:
        """Let a session read everything that was written to it."""
        session.on_deliver = lambda: None
        session.is_full = False
        self.room.feed.catch_up(session.number)

    @precondition(lambda self: self.readers())
    @rule(data=st.data())
    def lag(self, data: st.DataObject) -> None:
        # All that it takes to be behind, with a read under way; seldom found step by step.
        session = data.draw(st.sampled_from(self.readers()))
        session.is_full = True
        self.join()
        self.room.settle()
        self.room.store.is_holding_reads = True
        self.empty(session)

    @rule()
    def turn(self) -> None:
        self.room.turn()

    @precondition(lambda self: self.room.store.appends)
    @rule()
    def commit(self) -> None:
        self.room.store.commit()

    @precondition(lambda self: self.room.store.appends)
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

    # --- What must be so ---

    def acks(self) -> dict[int, int]:
        """Return the acknowledged posts: request to sequence number, each answered once."""
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
    def i4_whatever_was_heard_or_acknowledged_is_stored(self) -> None:
        stored = {item.seq for item in self.stored()}
        for session in self.sessions:
            assert {seq for seq, _ in session.heard if seq} <= stored
        assert set(self.acks().values()) <= stored

    @invariant()
    def i5_sequence_numbers_increase(self) -> None:
        for session in self.sessions:
            seqs = [seq for seq, _ in session.heard if seq]
            assert seqs == sorted(set(seqs))

    @invariant()
    def who_may_not_read_any_more_has_no_newer_key(self) -> None:
        for number, before in self.sealed_before.items():
            keys = self.sessions[number - 1].keys
            for item in self.sealed():
                if item.record_id not in before:
                    assert record_epoch(item.record) not in keys

    def teardown(self) -> None:
        """Let everything come to rest, and see who heard what."""
        self.room.store.is_holding_reads = False
        for _ in range(3):
            for session in self.readers():
                self.empty(session)
            while self.room.store.reads:
                self.room.store.answer()
            self.room.settle()
        stored = self.stored()
        for session in self.readers():
            assert not session.is_held
            assert [seq for seq, _ in session.heard if seq] == [
                item.seq
                for item in stored
                if item.seq > self.starts[session.number]
                and self.authors.get(item.record_id) != session.number
            ]
        seqs = {item.record_id: item.seq for item in stored}
        acks = self.acks()
        refused = {
            message.id
            for session in self.sessions
            for message in session.sent
            if isinstance(message, Refused)
        }
        assert not acks.keys() & refused
        for request, (session, record) in self.asked.items():
            if request in acks:
                assert acks[request] == seqs[record]
            else:
                assert session.is_gone or request in refused


TestFeedMachine = FeedMachine.TestCase
TestFeedMachine.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
