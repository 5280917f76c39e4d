"""One room's fan-out: who may read what, who has to wait, and what accidents cost."""

import pytest

from chat.limits import Limits
from chat.rooms.changes import changed
from chat.rooms.happenings import TopicSet
from chat.store.interface import StoreError
from chat.wire.messages import Keys, LeftBody, TopicBody
from chat.wire.records import record_epoch
from chat.wire.sealing import KEY_BYTES
from tests.server.support import (
    LOG,
    FakeSession,
    HeldStore,
    Room,
    ServerCase,
    lines,
    texts,
)


class EpochTests(ServerCase):
    """Who may read what."""

    def test_who_left_gets_no_key_of_what_comes_behind(self) -> None:
        room = Room()
        author, leaver, reader = room.enter(1, 2, 3)
        room.say(author, "before")
        room.settle()
        room.leave(leaver)
        room.settle()
        room.say(author, "behind")
        room.settle()
        assert texts(leaver) == ["before"]
        assert texts(reader) == ["before", "behind"]
        behind = [line for line in lines(reader) if record_epoch(line.record) == 2]
        assert len(behind) == 2  # That somebody left, which is passing, and what was said.
        for line in behind:
            with pytest.raises(KeyError):
                leaver.open(line)

    def test_a_new_epoch_begins_with_a_record_and_not_with_a_leave(self) -> None:
        room = Room()
        author, *leavers = room.enter(1, 2, 3, 4)
        room.random_sizes.clear()
        for leaver in leavers:
            room.readers.drop(leaver.number)
        room.readers.drop(author.number)
        for leaver in leavers:
            room.leave(leaver)
            room.settle()
        assert KEY_BYTES not in room.random_sizes
        room.say(author, "hi")
        room.settle()
        assert room.random_sizes.count(KEY_BYTES) == 1

    def test_who_is_only_gone_changes_no_key(self) -> None:
        room = Room()
        author, _ = room.enter(1, 2)
        room.random_sizes.clear()
        for number in (2, 99):
            room.readers.drop(number)
        room.say(author, "hi")
        room.settle()
        assert KEY_BYTES not in room.random_sizes

    def test_who_leaves_while_an_epoch_begins_gets_no_key_of_what_comes_behind(self) -> None:
        room = Room()
        author, first, second = room.enter(1, 2, 3)
        room.leave(first)
        room.turn()
        room.store.release()
        room.say(author, "behind the first")
        room.turn()
        [(_, begins)] = room.store.held
        assert begins.change is not None and len(begins.change.epochs) == 1
        assert not begins.records
        room.kick(second)  # Decided when the next commit is made, which has the text too.
        room.settle()
        room.say(author, "behind both")
        room.settle()
        assert [record_epoch(line.record) for line in lines(second)][-1] == 2
        assert texts(second) == ["behind the first"]
        assert second.keys.keys() == {1, 2}
        assert room.feed.epochs.current == 3

    def test_an_epoch_and_somebody_s_leaving_may_be_one_change(self) -> None:
        room = Room()
        author, first, second = room.enter(1, 2, 3)
        room.leave(first)
        room.turn()
        room.store.release()
        room.leave(second)
        room.say(author, "behind both")
        room.turn()
        [(_, both)] = room.store.held
        assert both.change is not None and both.change.epochs and both.change.lost == {LOG}
        room.settle()
        # The one that began is not good enough.
        assert second.keys.keys() == {1}
        assert texts(second) == []
        assert room.feed.epochs.current == 3

    def test_what_a_change_leaves_in_the_log_waits_for_an_epoch_too(self) -> None:
        room = Room()
        author, leaver, reader = room.enter(1, 2, 3)
        room.leave(leaver)
        room.settle()
        topic = changed([], happening=TopicSet(LOG, author.account, "chess"))
        asked = room.change(topic, author)
        room.settle()
        assert asked.called
        assert leaver.keys.keys() == {1}
        assert [type(body) for _, body in reader.heard] == [LeftBody, TopicBody]
        assert [record_epoch(line.record) for line in lines(reader)] == [2, 2]

    def test_one_epoch_begins_whoever_needs_it(self) -> None:
        room = Room()
        author, other, leaver = room.enter(1, 2, 3)
        room.leave(leaver)
        room.turn()
        room.store.release()
        room.random_sizes.clear()
        topic = changed([], happening=TopicSet(LOG, author.account, "chess"))
        for _ in range(3):
            room.say(author, "hi")
            room.say(other, "ho")
            room.change(topic, author)
        room.turn()
        [(_, begins)] = room.store.held
        assert begins.change is not None and len(begins.change.epochs) == 1
        room.settle()
        assert room.random_sizes.count(KEY_BYTES) == 1
        assert room.feed.epochs.current == 2

    def test_a_newcomer_cannot_open_what_was_said_in_epochs_before(self) -> None:
        room = Room()
        author, leaver, reader = room.enter(1, 2, 3)
        room.say(author, "before")
        room.settle()
        room.leave(leaver)
        [newcomer] = room.enter(4)
        room.say(author, "behind")
        room.settle()
        assert texts(newcomer) == ["behind"]
        assert newcomer.keys.keys() == {2}
        with pytest.raises(KeyError):
            newcomer.open(lines(reader)[0])

    def test_each_key_is_sent_once(self) -> None:
        room = Room()
        author, reader, *leavers = room.enter(1, 2, 3, 4)
        for leaver in leavers:
            room.leave(leaver)
            for text in ("one", "two"):
                room.say(author, text)
                room.settle()
        epochs = [message.epoch for message in reader.sent if isinstance(message, Keys)]
        assert epochs == [1, 2, 3]

    def test_a_log_that_is_loaded_again_goes_on_in_its_epoch(self) -> None:
        store = HeldStore()
        for count in (1, 2, 3):
            room = Room(store)
            author, reader = room.enter(1, 2)
            room.say(author, "hi")
            room.settle()
            assert reader.keys.keys() == {1}
            assert room.readers.tail == count


class BatchTests(ServerCase):
    """I3 bounded: senders wait for a slow commit."""

    limits = Limits(batch_bytes=1_000)

    def test_i3_who_says_too_much_at_once_is_held_until_a_commit_takes_it(self) -> None:
        room = Room(limits=self.limits)
        [author] = room.enter(1)
        room.say(author, "x" * 1_000)
        assert author.is_held
        room.turn()
        assert len(room.store.held) == 1
        assert not author.is_held

    def test_i3_who_goes_on_during_a_commit_is_held_until_the_next_takes_it(self) -> None:
        room = Room(limits=self.limits)
        author, other, quiet = room.enter(1, 2, 3)
        room.say(author, "one")
        room.turn()
        room.say(author, "x" * 500)
        assert not author.is_held
        room.say(author, "x" * 500)
        room.say(other, "two")
        assert author.is_held and other.is_held and not quiet.is_held
        room.store.release()
        assert author.is_held and other.is_held
        room.turn()
        assert not author.is_held and not other.is_held
        room.settle()
        assert [len(text) for text in texts(quiet)] == [3, 500, 500, 3]

    def test_i3_who_is_held_is_released_by_a_refusal_too(self) -> None:
        room = Room(limits=self.limits)
        [author] = room.enter(1)
        room.say(author, "one")
        room.turn()
        room.say(author, "x" * 1_000)
        assert author.is_held
        room.store.refuse()
        room.turn()
        assert not author.is_held
        self.expect_error(StoreError)
        room.settle()

    def test_i3_what_has_no_text_counts_as_well(self) -> None:
        room = Room(limits=self.limits)
        [author] = room.enter(1)
        room.say(author, "one")
        room.turn()
        for number in range(10):
            room.rename(author, str(number))
        assert author.is_held

    def test_i3_a_text_counts_in_bytes(self) -> None:
        room = Room(limits=self.limits)
        [author] = room.enter(1)
        room.say(author, "one")
        room.turn()
        room.say(author, "\u20ac" * 400)
        assert author.is_held

    def test_i3_who_is_gone_is_told_to_nobody_s_cost(self) -> None:
        room = Room(limits=self.limits)
        author, leaver = room.enter(1, 2)
        room.say(author, "one")
        room.turn()
        room.say(author, "x" * 1_000)
        room.leave(leaver)  # Nobody asked for it, so nobody can be held.
        room.settle()
        assert [type(body) for _, body in author.heard] == [LeftBody]


class AccidentTests(ServerCase):
    """What goes wrong with one reader is of no concern to another."""

    def test_a_reader_that_vanishes_in_the_middle_of_a_flush(self) -> None:
        for vanishing in (1, 2, 3, 4):
            room = Room()
            sessions = room.enter(1, 2, 3, 4)
            gone = sessions[vanishing - 1]

            def vanish(room: Room = room, gone: FakeSession = gone) -> None:
                if not gone.is_gone:
                    room.leave(gone)

            for session in sessions:
                session.on_deliver = vanish
            for session in sessions[:2]:
                room.say(session, f"from {session.number}")
            room.settle()
            for session in sessions:
                session.on_deliver = lambda: None
            left = [session for session in sessions if session is not gone]
            room.say(left[0], "last")
            room.settle()
            for session in left[1:]:
                assert texts(session)[-1] == "last"
                assert [type(body) for _, body in session.heard].count(LeftBody) == 1

    def test_an_author_that_is_gone_is_not_answered(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        author.sent.clear()
        room.say(author, "hi")
        author.is_gone = True
        room.settle()
        assert author.sent == []
        assert texts(reader) == ["hi"]

    def test_a_bug_in_a_flush_does_not_stop_the_room(self) -> None:
        room = Room()
        author, reader, behind = room.enter(1, 2, 3)

        def fail() -> None:
            reader.on_deliver = lambda: None
            raise ZeroDivisionError

        reader.on_deliver = fail
        room.say(author, "one")
        room.settle()
        self.expect_error(ZeroDivisionError)
        [later] = room.enter(4)
        room.say(author, "two")
        room.settle()
        assert texts(later) == ["two"]
        assert texts(behind) == ["one", "two"]

    def test_nothing_to_say_is_nothing_to_store(self) -> None:
        room = Room()
        [author] = room.enter(1)
        room.say(author, "hi")
        room.settle()
        room.commits.wake(room.feed)
        room.turn()
        assert room.store.held == []

    def test_records_are_what_was_sealed(self) -> None:
        room = Room()
        room.now = 1_234
        [author] = room.enter(1)
        room.say(author, "hi")
        room.turn()
        [(_, commit)] = room.store.held
        [record] = commit.records
        assert (record.log, record.author, record.epoch) == (LOG, author.account, 1)
        assert (record.time, record.words) == (1_234, "hi")
        assert record.data[4:20] == record.id
        assert b"hi" not in record.data
