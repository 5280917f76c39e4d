"""One room's fan-out: who may read what, who has to wait, and what accidents cost."""

import pytest

from chat.limits import Limits
from chat.rooms.hub import Joined, Renamed
from chat.store.interface import Entry
from chat.wire import messages
from chat.wire.messages import JoinedBody, Keys, LeftBody
from chat.wire.records import record_epoch
from chat.wire.sealing import KEY_BYTES
from tests.server.support import (
    FakeSession,
    Room,
    ServerCase,
    account,
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
        room.say(author, "behind")
        room.settle()
        assert texts(leaver) == ["before"]
        assert texts(reader) == ["before", "behind"]
        behind = [line for line in lines(reader) if record_epoch(line.record) == 2]
        assert len(behind) == 2  # That somebody left, and what was said.
        for line in behind:
            with pytest.raises(KeyError):
                leaver.open(line)

    def test_a_new_epoch_begins_with_a_record_and_not_with_a_leave(self) -> None:
        room = Room()
        author, *leavers = room.enter(1, 2, 3, 4)
        room.random_sizes.clear()
        for leaver in leavers:
            room.feed.leave(leaver.number)
        room.settle()
        assert KEY_BYTES not in room.random_sizes
        room.say(author, "hi")
        room.settle()
        assert room.random_sizes.count(KEY_BYTES) == 1

    def test_a_leave_of_nobody_changes_no_key(self) -> None:
        room = Room()
        author, _ = room.enter(1, 2)
        room.random_sizes.clear()
        room.feed.leave(99)
        room.say(author, "hi")
        room.settle()
        assert KEY_BYTES not in room.random_sizes

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

    def test_keys_that_nobody_needs_are_forgotten(self) -> None:
        room = Room()
        _, slow, *leavers = room.enter(*range(1, 30))
        for leaver in leavers[:10]:
            room.leave(leaver)
            room.settle()
        # The next epoch forgets what the last had to keep.
        assert len(room.feed._keys) <= 2
        slow.is_full = True
        for leaver in leavers[10:]:
            room.leave(leaver)
            room.settle()
        assert len(room.feed._keys) > 10
        slow.is_full = False
        room.feed.catch_up(2)
        room.settle()
        room.feed.leave(2)
        [last] = room.enter(99)
        assert len(room.feed._keys) <= 2
        assert len(last.keys) == 1

    def test_a_room_that_everybody_left_begins_anew(self) -> None:
        room = Room()
        for number in (1, 2):
            [session] = room.enter(number)
            room.leave(session)
            room.settle()
        [last] = room.enter(3)
        assert len(room.feed._keys) == 1
        assert last.heard == []


class BatchTests(ServerCase):
    """I3 bounded: senders wait for a slow commit."""

    limits = Limits(batch_bytes=1_000)

    def test_i3_a_batch_that_is_large_enough_is_stored_at_once(self) -> None:
        room = Room(limits=self.limits)
        [author] = room.enter(1)
        room.say(author, "x" * 1_000)
        [(_, _, entries)] = room.store.appends
        assert len(entries) == 1
        assert not author.is_held

    def test_i3_who_goes_on_during_a_commit_is_held_until_it_is_done(self) -> None:
        room = Room(limits=self.limits)
        author, other, quiet = room.enter(1, 2, 3)
        room.say(author, "one")
        room.turn()
        room.say(author, "x" * 500)
        assert not author.is_held
        room.say(author, "x" * 500)
        room.say(other, "two")
        assert author.is_held and other.is_held and not quiet.is_held
        room.store.commit()
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
        assert not author.is_held
        self.expect_error(OSError)

    def test_i3_what_has_no_text_counts_as_well(self) -> None:
        room = Room(limits=self.limits)
        [author] = room.enter(1)
        room.say(author, "one")
        room.turn()
        for number in range(10):
            room.add(Renamed("lobby", 1, account(1), str(number), "1"), author)
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
        assert [type(body) for _, body in author.heard] == [JoinedBody, LeftBody]


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
        room = Room(limits=Limits(batch_bytes=1))
        [author] = room.enter(1)
        room.say(author, "stored before the turn ends")
        room.store.commit()
        room.turn()
        assert room.store.appends == []

    def test_entries_are_what_was_sealed(self) -> None:
        room = Room()
        room.now = 1_234
        room.join(1)
        room.turn()
        [(_, log, entries)] = room.store.appends
        [entry] = entries
        assert log == room.feed.log
        assert isinstance(entry, Entry) and entry.time == 1_234
        assert entry.record[4:20] == entry.record_id

    def test_a_second_join_of_a_session_that_was_refused_works(self) -> None:
        room = Room()
        [session] = room.join(1)
        room.turn()
        room.store.refuse()
        self.expect_error(OSError)
        room.add(Joined("lobby", 1, account(1), "1", 1), session, b"again")
        room.settle()
        assert [type(message) for message in session.sent] == [Keys, messages.Joined]
