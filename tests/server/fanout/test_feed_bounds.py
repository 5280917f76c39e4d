"""One room's fan-out: who may read what, who has to wait, and failures of single readers."""

import pytest

from chat.limits import Limits
from chat.rooms.changes import changed
from chat.rooms.happenings import TopicSet
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
from tests.store.commits import fired


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
        assert len(behind) == 2  # The passing record of somebody leaving, and the post.
        for line in behind:
            with pytest.raises(KeyError):
                leaver.open(line)

    def test_those_who_leave_together_leave_one_epoch(self) -> None:
        room = Room()
        author, *leavers = room.enter(1, 2, 3, 4)
        for leaver in leavers:
            room.leave(leaver)
        room.turn()
        [(_, commit)] = room.store.held
        assert commit.change is not None
        assert [it.number for it in commit.change.epochs] == [2]
        room.settle()
        room.say(author, "hi")
        room.settle()
        assert room.feed.epochs.current == 2

    def test_whoever_comes_and_goes_leaves_nothing_behind(self) -> None:
        room = Room()
        _, reader = room.enter(1, 2)
        sizes = []
        for number in range(3, 43):
            [guest] = room.enter(number)
            room.leave(guest)
            room.settle()
            epochs = room.feed.epochs
            assert len(fired(room.store.epochs(LOG, range(50)))) == 1
            sizes.append(len(epochs._open) + len(epochs._known))
        assert epochs.current == 41
        assert max(sizes) < 12
        # Everybody who stayed has heard of it, each time under a key that those who left do not
        # have.
        left = [body for _, body in reader.heard if isinstance(body, LeftBody)]
        assert len(left) == 40
        assert [record_epoch(line.record) for line in lines(reader)][-1] == 41

    def test_whoever_says_something_each_time_leaves_nothing_in_memory(self) -> None:
        room = Room()
        room.enter(1, 2)
        for number in range(3, 43):
            [guest] = room.enter(number)
            room.say(guest, str(number))
            room.settle()
            room.leave(guest)
            room.settle()
        epochs = room.feed.epochs
        assert len(fired(room.store.epochs(LOG, range(50)))) == 41
        assert len(epochs._open) + len(epochs._known) < 12
        # Posts can still be read until they are removed.
        back = room.new(50)
        room.readers.start(back, 0)
        room.readers.catch_up(50)
        room.settle()
        assert texts(back) == [str(number) for number in range(3, 43)]
        room.store.trim(LOG, 5)
        assert len(fired(room.store.epochs(LOG, range(50)))) == 6

    def test_what_is_removed_between_a_page_and_its_keys_is_passed_over(self) -> None:
        room = Room()
        author, slow, *others = room.enter(1, 2, *range(3, 33))
        slow.is_full = True
        for other in others:
            room.say(author, str(other.number))
            room.settle()
            room.leave(other)
            room.settle()
        slow.is_full = False
        room.store.is_holding_reads = True
        room.readers.catch_up(2)
        room.store.trim(LOG, 4)
        while room.store.reads:
            room.store.answer()
            room.settle()
        room.say(author, "live")
        room.settle()
        heard = texts(slow)
        assert heard[-5:] == ["29", "30", "31", "32", "live"]
        assert slow.closed is None

    def test_who_is_only_gone_changes_no_key(self) -> None:
        room = Room()
        author, _ = room.enter(1, 2)
        room.random_sizes.clear()
        for number in (2, 99):
            room.readers.drop(number)
        room.say(author, "hi")
        room.settle()
        assert KEY_BYTES not in room.random_sizes

    def test_who_leaves_right_behind_somebody_gets_no_key_of_what_comes_behind_both(self) -> None:
        room = Room()
        author, first, second = room.enter(1, 2, 3)
        room.leave(first)
        room.turn()
        room.store.release()
        room.say(author, "behind the first")
        room.kick(second)  # In one commit with the text that precedes it.
        room.settle()
        room.say(author, "behind both")
        room.settle()
        assert texts(second) == ["behind the first"]
        assert second.keys.keys() == {1, 2}
        assert room.feed.epochs.current == 3

    def test_a_key_of_an_epoch_that_could_not_begin_was_given_to_nobody(self) -> None:
        room = Room()
        author, leaver, reader = room.enter(1, 2, 3)
        room.kick(leaver).addErrback(lambda failure: None)
        room.turn()
        room.store.refuse()
        room.say(author, "still with everybody")
        room.settle()
        assert texts(leaver) == ["still with everybody"] and leaver.keys.keys() == {1}
        room.kick(leaver)
        room.say(author, "before")
        room.settle()
        room.say(author, "behind")
        room.settle()
        assert texts(leaver)[1:] == ["before"] and leaver.keys.keys() == {1}
        assert texts(reader)[1:] == ["before", "behind"] and reader.keys.keys() == {1, 2}

    def test_what_a_change_leaves_in_the_log_is_sealed_in_the_new_epoch_too(self) -> None:
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
        room.settle()

    def test_i3_what_has_no_text_counts_as_well(self) -> None:
        room = Room(limits=self.limits)
        author, _ = room.enter(1, 2)  # What nobody else reads is not said.
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
        room.leave(leaver)  # No session asked for it, so there is none to stop reading.
        room.settle()
        assert [type(body) for _, body in author.heard] == [LeftBody]


class AccidentTests(ServerCase):
    """A failure of one reader does not affect the others."""

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
        room.commits.add(room.feed, 0, None)
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
