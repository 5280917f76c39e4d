"""One room's fan-out: sealing, storing, delivering and answering."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chat.limits import ACKS_PAGE, EDITS, RUN_BYTES
from chat.rooms.changes import changed, put
from chat.rooms.errors import NotStoredError, NotYoursError, TooManyEditsError
from chat.rooms.happenings import Deleted, Edited, Reacted, TopicSet
from chat.rooms.values import AccountKey, Profile
from chat.store.interface import Commit, Outcome, StoreError
from chat.store.memory import MemoryStore
from chat.wire.lines import encode_record
from chat.wire.messages import JoinedBody, Keys, LeftBody, Posted, TextBody
from chat.wire.records import seal_records
from tests.server.support import (
    LOG,
    HeldStore,
    Room,
    ServerCase,
    acks,
    message_id,
    refused,
    texts,
)
from tests.store.commits import fired

NOT_STORED = refused(1, NotStoredError())


class SealingTests(ServerCase):
    """I1 sealed once, I2 one write: what readers share."""

    def test_i1_a_record_is_sealed_once_whatever_the_number_of_readers(self) -> None:
        for count in (1, 2, 30):
            room = Room()
            author, *_ = room.enter(*range(count))
            sealed: list[bytes] = []

            def spy(*arguments: Any, sealed: list[bytes] = sealed) -> list[bytes]:
                records = seal_records(*arguments)
                sealed.extend(records)
                return records

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("chat.server.fanout.feed.seal_records", spy)
                for text in ("one", "two", "three"):
                    room.say(author, text)
                room.settle()
            assert len(sealed) == 3

    def test_i1_what_readers_get_is_what_is_stored(self) -> None:
        room = Room()
        author, *readers = room.enter(1, 2, 3)
        for text in ("one", "two"):
            room.say(author, text)
        room.settle()
        stored = fired(room.store.read(LOG, 0, 10_000))
        run = b"".join(encode_record(LOG, item.seq, item.data) for item in stored)
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
    """An author gets an answer, and not its own record."""

    def test_a_session_gets_the_key_when_it_needs_it(self) -> None:
        room = Room()
        author, reader = room.new(1), room.new(2)
        assert room.readers.start(reader, None) == 0
        assert reader.sent == []
        room.say(author, "hi")
        room.settle()
        [keys] = reader.sent
        assert isinstance(keys, Keys) and (keys.log, keys.epoch) == (LOG, 1)
        assert texts(reader) == ["hi"]

    def test_acks_of_one_flush_travel_together(self) -> None:
        room = Room()
        author, _ = room.enter(1, 2)
        author.sent.clear()
        for number in range(64):
            room.say(author, str(number))
        room.settle()
        [posted] = author.sent
        assert isinstance(posted, Posted)
        assert [seq for _, seq, _ in posted.acks] == list(range(1, 65))

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

    def test_a_reader_hears_what_is_not_yet_durable_when_it_starts(self) -> None:
        room = Room()
        [old] = room.enter(1)
        room.say(old, "before")
        room.turn()
        [new] = room.join(2)
        room.say(new, "mine")
        room.say(old, "behind")
        room.settle()
        assert texts(new) == ["before", "behind"]
        assert texts(old) == ["mine"]

    def test_those_who_come_in_one_batch_hear_of_each_other(self) -> None:
        room = Room()
        one, two = room.join(1, 2)
        room.settle()
        for session, other in ((one, two), (two, one)):
            [(seq, body)] = session.heard
            assert seq == 0
            assert isinstance(body, JoinedBody) and body.nick == str(other.number)

    def test_passing_records_keep_their_place_among_the_others(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "one")
        room.rename(author, "ana")
        room.say(author, "two")
        room.settle()
        heard = [(seq, type(body).__name__) for seq, body in reader.heard]
        assert heard == [(1, "TextBody"), (0, "RenamedBody"), (2, "TextBody")]
        assert author.heard == []

    def test_what_is_passing_needs_no_commit(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.rename(author, "ana")
        room.turn()
        assert room.store.held == []
        assert [type(body).__name__ for _, body in reader.heard] == ["RenamedBody"]
        room.say(author, "hi")
        room.settle()
        assert texts(reader) == ["hi"]

    def test_an_answer_of_another_kind_comes_after_the_commit(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        topic = TopicSet(LOG, author.account, "chess")
        asked = [room.change(changed([], happening=topic), it) for it in (author, None)]
        room.turn()
        assert not any(it.called for it in asked)
        room.settle()
        assert all(it.called for it in asked)
        assert [type(body).__name__ for _, body in reader.heard] == ["TopicBody"] * 2
        assert [type(body).__name__ for _, body in author.heard] == ["TopicBody"]

    def test_a_body_has_the_nickname_of_the_moment_in_which_it_is_sealed(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "one")
        room.turn()
        renamed = room.change(changed([put(AccountKey(author.account), Profile("ana"))]))
        room.say(author, "two")
        room.settle()
        fired(renamed)
        room.say(author, "three")
        room.settle()
        nicks = [body.nick for _, body in reader.heard if isinstance(body, TextBody)]
        # Records come before the change in their commit.
        assert nicks == ["1", "1", "ana"]

    def test_who_is_gone_before_the_commit_is_no_reader(self) -> None:
        room = Room()
        [old] = room.enter(1)
        [new] = room.join(2)
        room.say(old, "hi")
        room.turn()
        room.leave(new)
        room.settle()
        assert new.runs == []
        assert [type(body) for _, body in old.heard] == [JoinedBody, LeftBody]
        assert texts(old) == []

    def test_who_does_not_read_can_post_and_is_answered(self) -> None:
        room = Room()
        [reader] = room.enter(1)
        stranger = room.new(2)
        room.say(stranger, "hi")
        room.settle()
        assert stranger.sent == [Posted(LOG, 0, [(1, 1, 0)])]
        assert texts(reader) == ["hi"]

    def test_i6_acks_tell_up_to_where_the_author_has_everything(self) -> None:
        room = Room()
        one, two = room.enter(1, 2)
        room.say(one, "one")
        room.settle()
        two.is_full = True
        room.say(one, "two")
        room.say(two, "three")
        room.settle()
        cursors = [it.seq for it in one.sent if isinstance(it, Posted)]
        assert cursors == [1, 3]
        assert [it.seq for it in two.sent if isinstance(it, Posted)] == [1]


class CommitTests(ServerCase):
    """I4 acknowledged means durable."""

    def test_i4_nothing_is_delivered_or_acknowledged_before_the_commit(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        author.sent.clear()
        room.say(author, "hi")
        room.turn()
        assert len(room.store.held) == 1
        assert (author.sent, texts(reader)) == ([], [])
        room.turn()
        assert len(room.store.held) == 1
        room.store.release()
        assert [ack[1] for ack in acks(author)] == [1]
        assert texts(reader) == ["hi"]

    def test_i4_what_comes_meanwhile_is_committed_together(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        for text in ("one", "two", "three"):
            room.say(author, text)
            room.turn()
        [(_, commit)] = room.store.held
        assert len(commit.records) == 1
        room.store.release()
        room.turn()
        [(_, commit)] = room.store.held
        assert len(commit.records) == 2
        room.store.release()
        assert texts(reader) == ["one", "two", "three"]

    def test_i4_what_could_not_be_stored_is_refused_and_seen_by_nobody(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        author.sent.clear()
        room.say(author, "one")
        room.say(author, "two")
        room.turn()
        room.store.refuse()
        assert author.sent == [NOT_STORED, NOT_STORED]
        assert texts(reader) == []
        room.say(author, "three")
        room.settle()
        assert texts(reader) == ["three"]
        assert [ack[1] for ack in acks(author)] == [1]

    def test_i4_what_is_passing_is_told_although_nothing_can_be_stored(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "one")
        room.rename(author, "ana")
        room.turn()
        room.store.refuse()
        assert [type(body).__name__ for _, body in reader.heard] == ["RenamedBody"]

    def test_i4_that_somebody_left_is_told_although_nothing_more_can_be_stored(self) -> None:
        room = Room()
        author, reader, leaver = room.enter(1, 2, 3)
        room.leave(leaver)
        room.turn()
        room.store.release()
        room.store.is_broken = True
        room.say(author, "one")
        room.settle()
        assert NOT_STORED in author.sent
        assert [type(body).__name__ for _, body in reader.heard] == ["LeftBody"]
        room.store.is_broken = False
        room.say(author, "two")
        room.settle()
        assert texts(reader) == ["two"]
        assert reader.keys.keys() == {1, 2} and leaver.keys.keys() == {1}

    def test_i4_a_store_that_raises_has_stored_nothing(self) -> None:
        class Broken(HeldStore):
            raises = False

            def commit(self, commit: Commit) -> Deferred[Outcome]:
                if self.raises:
                    raise StoreError("closed")
                return MemoryStore.commit(self, commit)

        store = Broken()
        room = Room(store)
        author, reader = room.enter(1, 2)
        store.raises = True
        room.say(author, "one")
        room.settle()
        assert author.sent[-1] == NOT_STORED
        store.raises = False
        room.say(author, "two")
        room.settle()
        assert texts(reader) == ["two"]


class RepetitionTests(ServerCase):
    """I6 visible exactly once."""

    def test_i6_a_repeated_message_has_the_first_place_and_is_not_delivered_again(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        for now in (1, 2):
            room.now = now
            room.say(author, "hi", message_id(1))
            room.settle()
        assert acks(author) == [(1, 1, 1), (1, 1, 1)]
        assert texts(reader) == ["hi"]

    def test_i6_a_repetition_in_the_same_batch(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "hi", message_id(1))
        room.say(author, "hi", message_id(1))
        room.settle()
        assert acks(author) == [(1, 1, 0), (1, 1, 0)]
        assert texts(reader) == ["hi"]

    def test_i6_a_repetition_while_the_first_is_being_stored(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "hi", message_id(1))
        room.turn()
        room.say(author, "hi", message_id(1))
        room.settle()
        assert [seq for _, seq, _ in acks(author)] == [1, 1]
        assert texts(reader) == ["hi"]

    def test_i6_a_repetition_of_what_was_not_stored_is_stored(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.say(author, "hi", message_id(1))
        room.turn()
        room.store.refuse()
        room.say(author, "hi", message_id(1))
        room.settle()
        assert texts(reader) == ["hi"]

    def test_i6_the_same_message_id_of_another_account_is_another_record(self) -> None:
        room = Room()
        one, two, reader = room.enter(1, 2, 3)
        room.say(one, "from one", message_id(1))
        room.say(two, "from two", message_id(1))
        room.settle()
        assert texts(reader) == ["from one", "from two"]
        assert [acks(one)[0][1], acks(two)[0][1]] == [1, 2]

    def test_i6_the_author_does_not_hear_its_repetition_either(self) -> None:
        room = Room()
        author, other = room.enter(1, 2)
        room.say(author, "hi", message_id(1))
        room.settle()
        room.say(other, "between")
        room.say(author, "hi", message_id(1))
        room.settle()
        assert texts(author) == ["between"]

    def test_i6_what_was_edited_or_erased_since_is_not_said_again(self) -> None:
        for removal in (Edited, Deleted):
            room = Room()
            author, reader = room.enter(1, 2)
            room.say(author, "hi", message_id(1))
            room.settle()
            edit = Edited(LOG, author.account, 1, "ho")
            room.add(edit if removal is Edited else Deleted(LOG, author.account, 1), author)
            room.settle()
            heard = len(reader.heard)
            room.now += 7 * 86_400_000
            room.say(author, "hi", message_id(1), request=9)
            room.settle()
            assert acks(author)[-1] == (9, 1, 0)
            assert len(reader.heard) == heard


class OwnershipTests(ServerCase):
    """The commit decides whether a record exists, and whose it is."""

    def setUp(self) -> None:
        """Make session 1 post, which is record 1."""
        self.room = Room()
        self.author, self.other, self.reader = self.room.enter(1, 2, 3)
        self.room.say(self.author, "hi")
        self.room.settle()
        self.author.sent.clear()

    def test_one_changes_and_removes_what_is_one_s_own(self) -> None:
        for happening in (
            Edited(LOG, self.author.account, 1, "ho"),
            Reacted(LOG, self.author.account, 1, "+"),
            Deleted(LOG, self.author.account, 1),
        ):
            self.room.add(happening, self.author)
            self.room.settle()
        assert [seq for _, seq, _ in acks(self.author)] == [2, 3, 4]
        assert [seq for seq, _ in self.reader.heard] == [1, 2, 3, 4]

    def test_what_is_not_one_s_own_or_not_there_is_refused_and_told_to_nobody(self) -> None:
        for session, seq in ((self.other, 1), (self.author, 2), (self.author, 99)):
            for happening in (
                Edited(LOG, session.account, seq, "ho"),
                Deleted(LOG, session.account, seq),
            ):
                self.room.add(happening, session)
                self.room.settle()
                assert session.sent.pop() == refused(1, NotYoursError())
        assert [seq for seq, _ in self.reader.heard] == [1]

    def test_one_edit_too_many_is_refused_and_told_to_nobody(self) -> None:
        for _ in range(EDITS + 1):
            self.room.add(Edited(LOG, self.author.account, 1, "ho"), self.author)
        self.room.settle()
        assert refused(1, TooManyEditsError(EDITS)) in self.author.sent
        assert len(self.reader.heard) == 1 + EDITS

    def test_a_refusal_in_the_middle_of_a_batch_is_nobody_else_s(self) -> None:
        self.room.say(self.author, "one", request=2)
        self.room.add(Deleted(LOG, self.other.account, 1), self.other)
        self.room.say(self.other, "two", request=3)
        # A record erased in the same commit is gone.
        self.room.add(Deleted(LOG, self.author.account, 2), self.author, request=4)
        self.room.add(Edited(LOG, self.author.account, 2, "ho"), self.author, request=5)
        self.room.settle()
        assert texts(self.reader) == ["hi", "one", "two"]
        assert [seq for seq, _ in self.reader.heard] == [1, 2, 3, 4]
        assert [ack[:2] for ack in acks(self.other)] == [(3, 3)]
        assert [ack[:2] for ack in acks(self.author)] == [(2, 2), (4, 4)]
        assert refused(1, NotYoursError()) in self.other.sent
        assert refused(5, NotYoursError()) in self.author.sent
