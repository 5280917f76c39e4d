"""One room's fan-out: what is sealed, stored, delivered and answered, and when."""

from twisted.internet.defer import Deferred

from chat.limits import ACKS_PAGE, RUN_BYTES
from chat.rooms.hub import Renamed
from chat.store.interface import Appended
from chat.wire import messages
from chat.wire.lines import encode_record
from chat.wire.messages import JoinedBody, Keys, LeftBody, Ok, Posted, TextBody
from tests.server.support import (
    HeldStore,
    Room,
    ServerCase,
    account,
    acks,
    texts,
)
from tests.store.suite import fired


class SealingTests(ServerCase):
    """I1 sealed once, I2 one write: what readers share."""

    def test_i1_a_record_is_sealed_once_whatever_the_number_of_readers(self) -> None:
        for count in (1, 2, 30):
            room = Room()
            author, *_ = room.enter(*range(count))
            room.random_sizes.clear()
            for text in ("one", "two", "three"):
                room.say(author, text)
            room.settle()
            # An IV for each record, and no other randomness.
            assert room.random_sizes == [16, 16, 16]

    def test_i1_what_readers_get_is_what_is_stored(self) -> None:
        room = Room()
        author, *readers = room.enter(1, 2, 3)
        for text in ("one", "two"):
            room.say(author, text)
        room.settle()
        stored = fired(room.store.memory.read(room.feed.log, 3, 10_000))
        run = b"".join(encode_record(room.feed.log, item.seq, item.record) for item in stored)
        assert len(stored) == 2
        assert [reader.runs[-1] for reader in readers] == [run, run]

    def test_i2_readers_share_one_object_in_one_delivery(self) -> None:
        room = Room()
        author, *readers = room.enter(*range(5))
        before = [len(reader.runs) for reader in readers]
        for number in range(10):
            room.say(author, str(number))
        room.settle()
        assert [len(reader.runs) for reader in readers] == [count + 1 for count in before]
        assert all(reader.runs[-1] is readers[0].runs[-1] for reader in readers)

    def test_time_never_decreases(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        for now in (5, 3, 9, 8):
            room.now = now
            room.say(author, "hi")
            room.settle()
        assert [body.time for _, body in reader.heard if isinstance(body, TextBody)] == [5, 5, 9, 9]
        assert [time for *_, time in acks(author)] == [5, 5, 9, 9]

    def test_i2_big_batches_are_split_in_runs_that_a_client_takes(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        reader.runs.clear()
        for number in range(100):
            room.say(author, str(number % 10) * 8_192)
        room.settle()
        sizes = [len(run) for run in reader.runs]
        assert max(sizes) <= RUN_BYTES < 2 * min(sizes[:-1])
        assert [text[0] for text in texts(reader)] == [str(number % 10) for number in range(100)]


class AnswerTests(ServerCase):
    """Who asked gets an answer, and not its own record."""

    def test_a_joiner_gets_the_key_then_the_answer(self) -> None:
        room = Room()
        [session] = room.enter(1)
        keys, joined = session.sent
        assert isinstance(keys, Keys) and (keys.log, keys.epoch) == (room.feed.log, 1)
        assert joined == messages.Joined(1, "lobby", room.feed.log, 1, 1)
        assert session.heard == []

    def test_acks_of_one_flush_travel_together(self) -> None:
        room = Room()
        author, _ = room.enter(1, 2)
        author.sent.clear()
        for number in range(64):
            room.say(author, str(number))
        room.settle()
        [posted] = author.sent
        assert isinstance(posted, Posted)
        assert [seq for _, seq, _ in posted.acks] == list(range(3, 67))

    def test_acks_are_split_where_a_message_ends(self) -> None:
        room = Room()
        [author] = room.enter(1)
        author.sent.clear()
        for number in range(ACKS_PAGE + 1):
            room.say(author, str(number))
        room.settle()
        counts = [len(message.acks) for message in author.sent if isinstance(message, Posted)]
        assert counts == [ACKS_PAGE, 1]

    def test_i5_authors_of_one_batch_hear_each_other_in_order(self) -> None:
        room = Room()
        one, two, three = room.enter(1, 2, 3)
        for text in ("a", "b"):
            room.say(one, "1" + text)
            room.say(two, "2" + text)
        room.settle()
        assert texts(one) == ["2a", "2b"]
        assert texts(two) == ["1a", "1b"]
        assert texts(three) == ["1a", "2a", "1b", "2b"]

    def test_a_joiner_hears_what_comes_behind_its_join_in_the_same_batch(self) -> None:
        room = Room()
        [old] = room.enter(1)
        room.say(old, "before")
        [new] = room.join(2)
        room.say(new, "mine")
        room.say(old, "behind")
        room.settle()
        assert texts(new) == ["behind"]
        assert texts(old) == ["mine"]
        assert [type(message) for message in new.sent] == [Keys, messages.Joined, Posted]

    def test_joiners_of_one_batch_hear_of_each_other(self) -> None:
        room = Room()
        one, two = room.enter(1, 2)
        assert [type(body) for _, body in one.heard] == [JoinedBody]
        assert two.heard == []

    def test_a_new_name_is_answered_after_the_commit(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        author.sent.clear()
        room.add(Renamed("lobby", 1, account(1), "new", "1"), author)
        room.turn()
        assert author.sent == []
        room.settle()
        assert author.sent == [Ok(1)]
        assert [type(body).__name__ for _, body in reader.heard] == ["RenamedBody"]

    def test_a_joiner_that_is_gone_before_the_commit_is_no_reader(self) -> None:
        room = Room()
        [old] = room.enter(1)
        [new] = room.join(2)
        room.turn()
        room.leave(new)
        room.settle()
        assert new.sent == [] and new.runs == []
        assert [type(body) for _, body in old.heard] == [JoinedBody, LeftBody]


class CommitTests(ServerCase):
    """I4 acknowledged means durable."""

    def test_i4_nothing_is_delivered_or_acknowledged_before_the_commit(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        author.sent.clear()
        room.say(author, "hi")
        room.turn()
        assert len(room.store.appends) == 1
        assert (author.sent, texts(reader)) == ([], [])
        room.store.commit()
        assert [ack[1] for ack in acks(author)] == [3]
        assert texts(reader) == ["hi"]

    def test_i4_what_comes_meanwhile_is_committed_together(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        for text in ("one", "two", "three"):
            room.say(author, text)
            room.turn()
        [(_, _, entries)] = room.store.appends
        assert len(entries) == 1
        room.store.commit()
        [(_, _, entries)] = room.store.appends
        assert len(entries) == 2
        room.store.commit()
        assert texts(reader) == ["one", "two", "three"]

    def test_i4_what_could_not_be_stored_is_refused_and_seen_by_nobody(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        author.sent.clear()
        room.say(author, "one")
        room.say(author, "two")
        room.turn()
        room.store.refuse()
        assert [draft.session for draft in room.refused] == [author, author]
        assert (author.sent, texts(reader)) == ([], [])
        self.expect_error(OSError)
        room.say(author, "three")
        room.settle()
        assert texts(reader) == ["three"]
        assert [ack[1] for ack in acks(author)] == [3]

    def test_i4_the_last_is_undone_first(self) -> None:
        room = Room()
        [author] = room.enter(1)
        for text in ("one", "two"):
            room.say(author, text)
        room.turn()
        room.store.refuse()
        assert [getattr(draft.happening, "text", "") for draft in room.refused] == ["two", "one"]
        self.expect_error(OSError)

    def test_i4_a_store_that_raises_has_stored_nothing(self) -> None:
        class Broken(HeldStore):
            is_broken = False

            def append(self, log: bytes, entries: object) -> Deferred[list[Appended]]:
                if self.is_broken:
                    raise OSError("closed")
                assert isinstance(entries, list)
                return self.memory.append(log, entries)

        store = Broken()
        room = Room(store)
        author, reader = room.enter(1, 2)
        store.is_broken = True
        room.say(author, "one")
        room.settle()
        assert len(room.refused) == 1
        self.expect_error(OSError)
        store.is_broken = False
        room.say(author, "two")
        room.settle()
        assert texts(reader) == ["two"]

    def test_i4_a_join_that_could_not_be_stored_makes_no_reader(self) -> None:
        room = Room()
        [old] = room.enter(1)
        [new] = room.join(2)
        room.turn()
        room.store.refuse()
        self.expect_error(OSError)
        assert new.sent == []
        room.say(old, "hi")
        room.settle()
        assert new.runs == []

    def test_i4_a_post_behind_a_join_that_could_not_be_stored_is_answered_all_the_same(
        self,
    ) -> None:
        room = Room()
        [old] = room.enter(1)
        [new] = room.join(2)
        room.turn()
        room.say(new, "hi")
        room.store.refuse()
        self.expect_error(OSError)
        room.settle()
        assert acks(new) == [(1, 2, 0)]
        assert texts(old) == ["hi"]
        assert new.runs == []


class RepetitionTests(ServerCase):
    """I6 exactly once, visibly."""

    def test_i6_a_repeated_message_has_the_first_place_and_is_not_delivered_again(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        for now in (1, 2):
            room.now = now
            room.say(author, "hi", b"m" * 16)
            room.settle()
        assert acks(author) == [(1, 3, 1), (1, 3, 1)]
        assert texts(reader) == ["hi"]

    def test_i6_a_repetition_in_the_same_batch(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "hi", b"m" * 16)
        room.say(author, "hi", b"m" * 16)
        room.settle()
        assert acks(author) == [(1, 3, 0), (1, 3, 0)]
        assert texts(reader) == ["hi"]

    def test_i6_a_repetition_while_the_first_is_being_stored(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "hi", b"m" * 16)
        room.turn()
        room.say(author, "hi", b"m" * 16)
        room.settle()
        assert [seq for _, seq, _ in acks(author)] == [3, 3]
        assert texts(reader) == ["hi"]

    def test_i6_a_repetition_of_what_was_not_stored_is_stored(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "hi", b"m" * 16)
        room.turn()
        room.store.refuse()
        self.expect_error(OSError)
        room.say(author, "hi", b"m" * 16)
        room.settle()
        assert texts(reader) == ["hi"]

    def test_i6_the_same_message_id_of_another_account_is_another_record(self) -> None:
        room = Room()
        one, two, reader = room.enter(1, 2, 3)
        room.say(one, "from one", b"m" * 16)
        room.say(two, "from two", b"m" * 16)
        room.settle()
        assert texts(reader) == ["from one", "from two"]
        assert [acks(one)[0][1], acks(two)[0][1]] == [4, 5]

    def test_i6_the_author_does_not_hear_its_repetition_either(self) -> None:
        room = Room()
        author, other = room.enter(1, 2)
        room.say(author, "hi", b"m" * 16)
        room.settle()
        room.say(other, "between")
        room.say(author, "hi", b"m" * 16)
        room.settle()
        assert texts(author) == ["between"]
