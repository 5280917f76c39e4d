"""Whole servers: the invariants I1 to I6 as clients see them."""

from typing import Final

from twisted.internet.defer import Deferred

from chat.ids import MessageId
from chat.limits import RUN_BYTES, Limits
from chat.testing import Client, Server
from chat.testing.ids import ANY_MESSAGE
from chat.wire.connection import PeerClosed
from chat.wire.errors import CloseCode
from chat.wire.lines import RecordLine, decode_line, encode_record
from chat.wire.messages import (
    History,
    JoinedBody,
    Keys,
    Leave,
    LeftBody,
    Moderate,
    Nick,
    Ok,
    Page,
    Post,
    Posted,
    Private,
    Read,
    Refused,
    RenamedBody,
    Search,
    TextBody,
    Who,
)
from tests.server.support import HeldStore, ServerCase
from tests.store.commits import fired

THREE: Final = ("alice", "bob", "carol")
MESSAGE: Final = MessageId(b"m" * 16)


def records(client: Client) -> list[bytes]:
    """Return the record lines that a client received, CR LF included."""
    return [line + b"\r\n" for line in client.lines if line.startswith(b"R ")]


class SharedTests(ServerCase):
    """I1, I2: each post is sealed once, and written once."""

    def test_i1_all_readers_and_the_store_have_the_same_bytes(self) -> None:
        server = Server()
        alice, bob, carol = server.enter(*THREE)
        for text in ("one", "two"):
            alice.say(text)
        log = bob.delivered[0].log
        stored = fired(server.store.read(log, 0, 10_000))
        kept = [encode_record(log, item.seq, item.data) for item in stored]
        assert records(bob)[-2:] == records(carol)[-2:] == kept
        assert bob.texts == carol.texts == [("alice", "one"), ("alice", "two")]

    def test_i2_a_flush_is_one_write_with_one_voucher(self) -> None:
        server = Server()
        alice, *readers = server.enter(*THREE)
        alice.say("now everybody has the key")
        for reader in readers:
            reader.transport.writes.clear()
        for number in range(20):
            alice.post(str(number))
        server.pump()
        for reader in readers:
            [written] = reader.transport.writes
            kinds = [line[:2] for line in written.split(b"\r\n")[:-1]]
            assert kinds == [b"R "] * 20 + [b"V "]

    def test_i2_what_readers_get_differs_in_nothing_but_the_voucher(self) -> None:
        server = Server()
        alice, bob, carol = server.enter(*THREE)
        alice.say("hi")
        ours, theirs = bob.transport.writes[-1], carol.transport.writes[-1]
        assert ours != theirs
        assert ours.partition(b"V ")[0] == theirs.partition(b"V ")[0]

    def test_the_author_gets_an_acknowledgement_and_no_record(self) -> None:
        server = Server()
        alice, bob, _ = server.enter(*THREE)
        server.clock.advance(1.5)
        before = len(records(alice))
        request = alice.post("hi")
        server.pump()
        assert alice.received[-1] == Posted(alice.log(), 1, [(request, 1, 1_500)])
        assert len(records(alice)) == before
        body = bob.delivered[-1].body
        assert isinstance(body, TextBody) and (body.nick, body.time) == ("alice", 1_500)

    def test_i2_acks_of_one_flush_travel_in_one_message(self) -> None:
        server = Server()
        [alice] = server.enter("alice")
        alice.transport.writes.clear()
        requests = [alice.post(str(number)) for number in range(64)]
        server.pump()
        assert len(alice.transport.writes) == 1
        assert list(alice.acks) == requests

    def test_big_batches_come_in_runs_that_a_client_accepts(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        bob.transport.writes.clear()
        for number in range(60):
            alice.post(str(number % 10) * 8_192)
        server.pump()
        assert [text[0] for _, text in bob.texts] == [str(number % 10) for number in range(60)]
        runs = [written.partition(b"V ")[0] for written in bob.transport.writes]
        assert len(runs) > 1
        assert all(len(run) <= RUN_BYTES for run in runs)


class BoundedTests(ServerCase):
    """I3: a reader that does not read costs a cursor."""

    def test_i3_thousands_of_records_pass_a_full_reader_and_none_is_lost(self) -> None:
        server = Server(limits=Limits(messages_per_second=0, bytes_per_second=0))
        alice, slow, quick = server.enter(*THREE)
        slow.transport.full = True
        size, count = slow.transport.size, len(slow.transport.writes)
        for flush in range(60):
            for number in range(50):
                alice.post(f"{flush}/{number}")
            server.pump()
        assert (slow.transport.size, len(slow.transport.writes)) == (size, count)
        assert slow.texts == [] and len(quick.texts) == 3_000
        slow.transport.full = False
        server.pump()
        assert slow.texts == quick.texts

    def test_i3_a_reader_catches_up_through_changes_of_keys(self) -> None:
        server = Server()
        slow, alice, *others = server.enter("slow", "alice", "bob", "carol", "dave")
        slow.post("mine, before")
        slow.post("mine too")
        server.pump()
        slow.transport.full = True
        for other in others:
            other.say("goodbye")
            assert isinstance(other.ask(Leave(other.next_id(), other.log())), Ok)
            alice.say("who was that?")
        before = len(slow.delivered)
        slow.transport.full = False
        server.pump()
        texts = [each.body for each in slow.delivered[before:]]
        assert [type(body) for body in texts] == [TextBody] * 6
        assert len([each for each in slow.received if isinstance(each, Keys)]) == 4
        assert ("slow", "mine, before") not in slow.texts
        # And the reader is at the tail again.
        alice.say("hello")
        assert slow.texts[-1] == ("alice", "hello")

    def test_i3_own_posts_that_are_committed_while_full_are_acknowledged_only(self) -> None:
        store = HeldStore()
        store.is_holding = False
        server = Server(store)
        alice, bob = server.enter("alice", "bob")
        store.is_holding = True
        request = alice.post("mine")
        bob.post("yours")
        server.pump()
        alice.transport.full = True
        store.release()
        server.pump()
        store.is_holding = False
        bob.say("more")
        assert alice.acks == {}
        alice.transport.full = False
        server.pump()
        assert list(alice.acks) == [request]
        assert alice.texts == [("bob", "yours"), ("bob", "more")]
        assert bob.texts == [("alice", "mine")]

    def test_i3_who_reads_nothing_for_too_long_is_aborted(self) -> None:
        server = Server(limits=Limits(stall_seconds=60))
        alice, slow = server.enter("alice", "bob")
        slow.transport.full = True
        server.advance(59)
        assert not slow.transport.is_lost
        server.advance(3)
        assert slow.transport.is_aborted and slow.transport.is_lost
        server.advance(server.limits.presence_seconds)
        assert [type(each.body) for each in alice.delivered] == [JoinedBody, LeftBody]
        assert not alice.transport.is_lost

    def test_i3_the_stall_begins_anew_with_each_breath(self) -> None:
        server = Server()
        _, slow = server.enter("alice", "bob")
        for _ in range(4):
            slow.transport.full = True
            server.advance(50)
            slow.transport.full = False
            server.pump()
        server.advance(2)
        assert not slow.protocol.is_gone

    def test_i3_a_page_that_fills_the_transport_is_followed_by_the_next(self) -> None:
        server = Server(limits=Limits(catch_up_bytes=100_000))
        alice, slow = server.enter("alice", "bob")
        slow.transport.full = True
        for number in range(100):
            alice.say(f"{number}".ljust(4_000))
        sizes = []
        slow.transport.full = False
        while len(slow.texts) < 100:
            slow.read()
            sizes.append(slow.transport.size)
            server.clock.advance(0)
        # At most one page waits.
        assert 65_536 < max(sizes) < 200_000
        assert [int(text) for _, text in slow.texts] == list(range(100))


class DurableTests(ServerCase):
    """I4: acknowledged means durable, and delivered means durable."""

    def setUp(self) -> None:
        """Log in alice and bob, and then hold all commits."""
        self.store = HeldStore()
        self.store.is_holding = False
        self.server = Server(self.store, Limits(batch_bytes=100_000))
        self.alice, self.bob = self.server.enter("alice", "bob")
        self.store.is_holding = True

    def test_i4_neither_ack_nor_record_comes_before_the_commit(self) -> None:
        request = self.alice.post("hi")
        self.server.pump()
        assert (self.alice.acks, self.bob.texts) == ({}, [])
        self.store.release()
        self.server.pump()
        assert (list(self.alice.acks), self.bob.texts) == ([request], [("alice", "hi")])

    def hold(self, first: str, *others: str) -> None:
        """Make alice post so much during a commit that the server stops reading from her."""
        self.alice.post(first)
        self.server.pump()
        for text in others:
            self.alice.post(text)
        self.server.pump()
        assert self.alice.protocol.is_held

    def test_i3_senders_are_held_and_released_and_nothing_is_lost(self) -> None:
        posts = [f"{number}".ljust(8_000) for number in range(50)]
        self.hold(*posts)
        assert self.alice.protocol.is_held and not self.alice.transport.is_reading
        [(_, commit)] = self.store.held
        assert len(commit.records) == 1
        sizes = []
        while self.store.held:
            sizes.append(sum(len(record.data) for record in self.store.held[0].commit.records))
            self.store.release()
            self.server.pump()
        assert not self.alice.protocol.is_held
        assert max(sizes) < 1.2 * self.server.limits.batch_bytes
        assert [text for _, text in self.bob.texts] == posts
        assert len(self.alice.acks) == 50

    def test_i3_who_is_held_is_not_taken_for_dead(self) -> None:
        self.hold("first", *["x" * 8_000] * 13)
        self.server.advance(300)
        self.store.is_holding = False
        self.store.release()
        self.server.clock.advance(1)
        assert not self.alice.protocol.is_gone

    def test_i3_who_is_held_can_still_be_closed(self) -> None:
        self.hold("first", *["x" * 8_000] * 20)
        self.server.factory.close_all(5)
        self.server.pump()
        assert self.alice.closed == PeerClosed(CloseCode.SHUTDOWN, 5)
        assert self.alice.transport.is_lost and not self.alice.transport.is_aborted
        self.store.is_holding = False
        self.store.release()
        self.server.pump()


class OrderTests(ServerCase):
    """I5: one order for all."""

    def test_i5_readers_agree(self) -> None:
        server = Server()
        clients = server.enter("alice", "bob", "carol", "dave")
        for turn in range(20):
            for client in clients[: 1 + turn % 4]:
                client.post(f"{turn}")
            if turn % 3:
                server.pump()
        server.pump()
        seqs = {client: [it.seq for it in client.delivered if it.seq] for client in clients}
        *_, dave = clients
        everything = {(each.seq, each.record_id) for each in dave.delivered}
        for client in clients:
            assert seqs[client] == sorted(set(seqs[client]))
            own = {seq for seq, _ in client.acks.values()}
            assert not own & set(seqs[client])
            heard = {(it.seq, it.record_id) for it in client.delivered if it.seq}
            last = {pair for pair in heard if pair[0] > seqs[dave][0]}
            own_dave = {seq for seq, _ in dave.acks.values()}
            assert {pair for pair in last if pair[0] not in own_dave} <= everything


class OnceTests(ServerCase):
    """I6: visible exactly once."""

    def test_i6_a_repeated_post_is_acknowledged_with_its_first_place(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        first = alice.post("hi", MESSAGE)
        server.advance(2)
        again = alice.post("hi", MESSAGE)
        server.pump()
        assert alice.acks[first] == alice.acks[again]
        assert bob.texts == [("alice", "hi")]

    def test_i6_the_same_message_id_from_somebody_else_is_another_record(self) -> None:
        server = Server()
        alice, bob, carol = server.enter(*THREE)
        alice.post("hi", MESSAGE)
        bob.post("ho", MESSAGE)
        server.pump()
        assert carol.texts == [("alice", "hi"), ("bob", "ho")]
        assert len({each.record_id for each in carol.delivered}) == 2


class EntitlementTests(ServerCase):
    """After leaving, a client can open nothing new, even with all bytes and its old keys."""

    def setUp(self) -> None:
        """Log in three people; alice owns a room that all of them are in."""
        self.server = Server()
        self.alice, self.bob, self.carol = self.server.enter(*THREE)
        for client in (self.alice, self.bob, self.carol):
            client.join("den")
        self.alice.say("before", "den")

    def check(self) -> None:
        """Post something; check that bob, who taps carol's connection, cannot open it."""
        count = len(records(self.carol))
        self.alice.say("behind", "den")
        lines = records(self.carol)[count:]
        assert lines and not set(lines) & set(records(self.bob))
        keys = {(each.log, each.epoch) for each in self.bob.received if isinstance(each, Keys)}
        for line in lines:
            record = decode_line(line[:-2])
            assert isinstance(record, RecordLine)
            if record.log == self.alice.log("den"):
                assert (record.log, int.from_bytes(record.record[:4], "big")) not in keys
        assert self.carol.texts[-2:] == [("alice", "before"), ("alice", "behind")]
        assert self.bob.texts[-1] == ("alice", "before")

    def test_who_left(self) -> None:
        assert isinstance(self.bob.ask(Leave(self.bob.next_id(), self.bob.log("den"))), Ok)
        self.check()

    def test_who_was_kicked_or_banned(self) -> None:
        for ban in (False, True):
            self.setUp()
            action = "ban" if ban else "kick"
            log = self.alice.log("den")
            kick = Moderate(self.alice.next_id(), action, "bob", log)
            assert isinstance(self.alice.ask(kick), Ok)
            self.check()

    def test_nothing_else_gives_it_to_them_either(self) -> None:
        bob = self.bob
        log = bob.log("den")
        bob.ask(Leave(bob.next_id(), log))
        self.alice.say("behind", "den")
        for request in (
            Read(bob.next_id(), log, 0),
            History(bob.next_id(), log, 50),
            Who(bob.next_id(), log),
            Post(bob.next_id(), log, ANY_MESSAGE, "hi"),
        ):
            answer = bob.ask(request)
            assert isinstance(answer, Refused) and answer.code == "not_a_member"
        assert bob.ask(Search(99, "behind")) == Page(99, 0, False)

    def test_a_kick_takes_effect_before_what_waits_to_be_told(self) -> None:
        alice = self.alice
        alice.send(Moderate(alice.next_id(), "kick", "bob", alice.log("den")))
        alice.post("behind", room="den")
        self.server.pump()
        assert self.bob.texts[-1] == ("alice", "before")
        assert self.carol.texts[-1] == ("alice", "behind")

    def test_keys_come_before_the_records_that_need_them(self) -> None:
        # Work on the lines themselves; the client's connection would fail.
        self.bob.ask(Leave(self.bob.next_id(), self.bob.log("den")))
        start = len(self.carol.lines)
        self.alice.say("new epoch", "den")
        kinds = [line[:2] for line in self.carol.lines[start:]]
        assert kinds == [b"R ", b"V "]
        assert [line[:2] for line in self.carol.lines[start - 3 : start]] == [b"F ", b"R ", b"V "]


class PresenceTests(ServerCase):
    """Everybody is told who comes and goes, in any way; a brief disconnection does not count."""

    def bodies(self, client: Client) -> list[tuple[type, str]]:
        """Return the presence records a client received: kinds of bodies, and nicknames."""
        return [(type(it.body), getattr(it.body, "nick", "")) for it in client.delivered]

    def test_coming_and_going(self) -> None:
        server = Server()
        [alice] = server.enter("alice")
        [bob] = server.enter("bob")
        assert isinstance(bob.ask(Nick(bob.next_id(), "bobby")), Ok)
        bob.bye()
        assert self.bodies(alice) == [
            (JoinedBody, "bob"),
            (RenamedBody, "bobby"),
            (LeftBody, "bobby"),
        ]

    def test_who_is_cut_has_left_after_a_while(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        bob.vanish()
        server.advance(4)
        assert self.bodies(alice) == [(JoinedBody, "bob")]
        server.advance(2)
        assert self.bodies(alice) == [(JoinedBody, "bob"), (LeftBody, "bob")]

    def test_who_is_back_at_once_has_never_left(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        bob.vanish()
        server.advance(4)
        server.connect(identity=bob.identity).log_in("bob")
        server.advance(60)
        assert self.bodies(alice) == [(JoinedBody, "bob")]

    def test_presence_counts_accounts_and_not_connections(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        other = server.connect(identity=bob.identity)
        other.log_in("bob")
        bob.bye()
        server.advance(60)
        assert self.bodies(alice) == [(JoinedBody, "bob")]
        other.bye()
        assert self.bodies(alice) == [(JoinedBody, "bob"), (LeftBody, "bob")]
        back = server.connect(identity=bob.identity)
        back.log_in("bob")
        server.pump()
        assert self.bodies(alice)[2:] == [(JoinedBody, "bob")]

    def test_passing_records_are_not_kept(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        bob.bye()
        assert alice.ask(History(99, alice.log(), 50)) == Page(99, 0, False)

    def test_private_conversations_have_no_presence(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        bob.ask(Private(bob.next_id(), "alice"))
        alice.ask(Private(alice.next_id(), "bob"))
        before = len(alice.delivered)
        bob.bye()
        assert [it.log for it in alice.delivered[before:]] == [alice.log()]

    def test_a_server_that_stops_waits_for_nobody(self) -> None:
        server = Server()
        _, bob = server.enter("alice", "bob")
        bob.vanish()
        fired(Deferred.fromCoroutine(server.dispatcher.close()))
        server.factory.stop()
        assert server.clock.getDelayedCalls() == []
