"""A whole server, and what its clients receive, through cuts, deletion, retention and paging.

The model is everything ever committed. A reader must have received, once and in order, everything
that others wrote since it came and that still exists; paging back finds everything that exists.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import UNSET

from chat.ids import AccountId, LogId, MessageId
from chat.limits import Limits
from chat.store.interface import Record, RecordKind, Trim
from chat.testing import Client, Server
from chat.wire.connection import Delivered, Received
from chat.wire.identity import Identity
from chat.wire.messages import Delete, Edit, History, Joined, Page, Posted, Read
from tests import machine
from tests.server.support import HeldStore, message_id
from tests.store.commits import fired

LIMITS = Limits(messages_per_second=0, bytes_per_second=0, catch_up_bytes=3_000)
"""So small that pages end in the middle of everything."""

COUNTS = st.sampled_from([1, 1, 2, 5, 20, 255, 256, 300])


@dataclass(eq=False)
class Person:
    """Somebody with one connection at a time."""

    identity: Identity
    account: AccountId
    start: int
    """The record after which they joined."""
    client: Client
    connections: list[Client] = field(default_factory=list)
    """All connections they have had."""

    @property
    def is_here(self) -> bool:
        """Whether they are connected, and read."""
        return not self.client.transport.is_lost and not self.client.transport.full

    def given(self) -> list[int]:
        """Return the sequence numbers of all records they have received."""
        return [
            it.seq
            for client in self.connections
            for it in client.delivered
            if it.seq and not it.page
        ]

    def cursor(self) -> int:
        """Return the sequence number up to which they have everything."""
        cursor = self.start
        for client in self.connections:
            for event in client.events:
                if isinstance(event, Delivered) and not event.page:
                    cursor = max(cursor, event.seq)
                elif isinstance(event, Received) and isinstance(event.message, Posted):
                    cursor = max(cursor, event.message.seq)
        return cursor


class ServerMachine(RuleBasedStateMachine):
    """A server on a store that outlives it, and four people in its lobby."""

    def __init__(self) -> None:
        super().__init__()
        self.store = HeldStore()
        self.store.is_holding = False
        self.server = Server(self.store, LIMITS)
        self.people: list[Person] = []
        self.log = LogId(b"")
        self.messages = 0
        self.servers = 1

    @initialize()
    def all_come(self) -> None:
        for client in self.server.enter("ana", "bob", "eva", "ian"):
            self.log = client.log()
            person = Person(client.identity, client.account, 0, client, [client])
            self.people.append(person)

    # --- The store's contents ---

    def ever(self) -> dict[int, Record]:
        """Return all records that were ever committed."""
        return self.store.ever.get(self.log, {})

    def kept(self) -> list[int]:
        """Return the sequence numbers of the records that still exist."""
        return [it.seq for it in fired(self.store.read(self.log, 0, 2**30))]

    def own(self, person: Person, kind: RecordKind) -> list[int]:
        """Return a person's records that still exist."""
        ever = self.ever()
        return [
            seq
            for seq in self.kept()
            if ever[seq].author == person.account and ever[seq].kind is kind
        ]

    def someone(self, data: st.DataObject) -> Person | None:
        """Draw a person who can send requests."""
        here = [it for it in self.people if it.is_here]
        return data.draw(st.sampled_from(here)) if here else None

    # --- Events ---

    @rule(data=st.data(), count=COUNTS, size=st.sampled_from([1, 100, 4_000]))
    def post(self, data: st.DataObject, count: int, size: int) -> None:
        person = self.someone(data)
        if person is not None:
            for _ in range(count):
                person.client.post("x" * (size if count < 20 else 1))
            self.server.pump()

    @rule(data=st.data(), count=COUNTS)
    def edit(self, data: st.DataObject, count: int) -> None:
        person = self.someone(data)
        own = [] if person is None else self.own(person, RecordKind.TEXT)
        if person is not None and own:
            seq = data.draw(st.sampled_from(own))
            for _ in range(count):
                request, message = person.client.next_id(), self.message()
                person.client.send(Edit(request, self.log, message, seq, "changed"))
            self.server.pump()

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        person = self.someone(data)
        own = [] if person is None else self.own(person, RecordKind.TEXT)
        if person is not None and own:
            seq = data.draw(st.sampled_from(own))
            request = person.client.next_id()
            person.client.send(Delete(request, self.log, self.message(), seq))
            self.server.pump()
            assert request in person.client.acks
            assert seq not in self.kept()

    def message(self) -> MessageId:
        """Return a new message id."""
        self.messages += 1
        return message_id(self.messages)

    @rule(keep=st.sampled_from([0, 1, 5, 20, 100]))
    def trim(self, keep: int) -> None:
        trimming = self.server.dispatcher.context.commits.trim(Trim(self.log, None, keep))
        self.server.pump()
        fired(trimming)
        assert len(self.kept()) <= keep

    @rule(data=st.data(), is_full=st.booleans())
    def stall(self, data: st.DataObject, is_full: bool) -> None:
        person = data.draw(st.sampled_from(self.people))
        if not person.client.transport.is_lost:
            person.client.transport.full = is_full
            self.server.pump()

    @rule(data=st.data())
    def cut(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.people))
        if not person.client.transport.is_lost:
            person.client.vanish()

    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.people))
        if person.client.transport.is_lost:
            self.connect(person)

    def connect(self, person: Person) -> None:
        """Reconnect a person, who reads on from their cursor."""
        cursor = person.cursor()
        person.client = client = self.server.connect(identity=person.identity)
        person.connections.append(client)
        client.log_in("")
        joined = client.ask(Read(client.next_id(), self.log, cursor))
        assert isinstance(joined, Joined) and joined.seq == cursor

    @rule(data=st.data(), count=COUNTS, keep=st.integers(0, 60), is_cut=st.booleans())
    def much_is_missed(self, data: st.DataObject, count: int, keep: int, is_cut: bool) -> None:
        # All steps to coming back to a gap, which random steps seldom reach.
        person, speaker = data.draw(st.permutations(self.people))[:2]
        if not speaker.is_here:
            return
        if not person.client.transport.is_lost:
            if is_cut:
                person.client.vanish()
            else:
                person.client.transport.full = True
        for _ in range(count + data.draw(st.integers(0, 30))):
            speaker.client.post("x")
        self.server.pump()
        self.trim(keep)
        if person.client.transport.is_lost:
            self.connect(person)
        person.client.transport.full = False
        self.server.pump()

    @precondition(lambda self: self.servers < 4)
    @rule()
    def restart(self) -> None:
        for person in self.people:
            if not person.client.transport.is_lost:
                person.client.vanish()
        self.server = Server(self.store, LIMITS, seed=self.servers)
        self.servers += 1

    @rule(data=st.data(), limit=st.integers(1, 50))
    def page_back(self, data: st.DataObject, limit: int) -> None:
        person = self.someone(data)
        if person is None:
            return
        found: list[int] = []
        more = True
        for _ in range(20):
            before = found[0] if found else UNSET
            request = person.client.next_id()
            page = person.client.ask(History(request, self.log, limit, before))
            assert isinstance(page, Page)
            seqs = [it.seq for it in person.client.page(request)]
            assert len(seqs) == page.count <= limit and (seqs or not page.more)
            found = seqs + found
            more = page.more
            if not more:
                break
        kept = self.kept()
        assert found == (kept[len(kept) - len(found) :] if more else kept)

    # --- Invariants ---

    @invariant()
    def everybody_has_everything_that_is_kept_once_and_in_order(self) -> None:
        ever, kept = self.ever(), set(self.kept())
        for person in self.people:
            given = person.given()
            assert all(one < other for one, other in pairwise(given))
            by_others = {
                seq
                for seq, it in ever.items()
                if it.author != person.account and seq > person.start
            }
            assert {seq for seq in given if ever[seq].author != person.account} <= by_others
            if person.is_here:
                assert by_others & kept <= set(given)

    def teardown(self) -> None:
        """Connect everybody at the end."""
        for person in self.people:
            if person.client.transport.is_lost:
                self.connect(person)
            person.client.transport.full = False
        self.server.pump()
        self.everybody_has_everything_that_is_kept_once_and_in_order()
        for person in self.people:
            assert person.client.closed is None
            own = {seq for seq, it in self.ever().items() if it.author == person.account}
            acked = {seq for client in person.connections for seq, _ in client.acks.values()}
            assert acked <= own <= acked | set(person.given())


TestServerMachine = ServerMachine.TestCase
TestServerMachine.settings = machine(20, 20)
