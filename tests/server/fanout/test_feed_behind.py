"""One room's fan-out to readers that cannot take more, or have fallen behind (I3)."""

from chat.limits import Limits
from chat.store.interface import StoreError
from chat.wire.errors import CloseCode
from chat.wire.records import record_epoch
from tests.server.support import (
    LOG,
    Room,
    ServerCase,
    acks,
    lines,
    texts,
)


class BehindTests(ServerCase):
    """I3 bounded: a reader that cannot take more is just a cursor."""

    def test_i3_a_full_reader_gets_nothing_then_everything_once(self) -> None:
        room = Room()
        author, slow, quick = room.enter(1, 2, 3)
        slow.is_full = True
        for number in range(200):
            room.say(author, f"{number}".ljust(2_000))
            room.settle()
        assert texts(slow) == []
        slow.is_full = False
        room.readers.catch_up(2)
        room.settle()
        assert texts(slow) == texts(quick)
        assert len(texts(slow)) == 200
        # Read in pages, not at once.
        assert max(map(len, slow.runs)) < 2 * Limits().catch_up_bytes

    def test_i3_a_page_each_turn_leaves_room_for_others(self) -> None:
        room = Room(limits=Limits(catch_up_bytes=1))
        author, slow = room.enter(1, 2)
        slow.is_full = True
        for text in ("one", "two", "three"):
            room.say(author, text)
        room.settle()
        slow.is_full = False
        room.readers.catch_up(2)
        assert texts(slow) == ["one"]
        room.say(author, "four")
        room.settle()
        assert texts(slow) == ["one", "two", "three", "four"]

    def test_i3_a_reader_that_fills_up_in_a_flush_goes_on_from_there(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)

        def fill() -> None:
            slow.is_full = True

        slow.on_deliver = fill
        for number in range(100):
            room.say(author, str(number % 10) * 8_192)
        room.settle()
        count = len(texts(slow))
        assert 0 < count < 100
        while slow.is_full:
            slow.is_full = False
            room.readers.catch_up(2)
            room.settle()
        assert [text[0] for text in texts(slow)] == [str(number % 10) for number in range(100)]

    def test_i3_own_records_are_left_out_of_what_is_read_later(self) -> None:
        room = Room()
        one, two = room.enter(1, 2)
        room.say(one, "mine")
        room.say(two, "before")
        room.say(one, "mine too")
        one.is_full = True
        room.settle()
        room.say(two, "behind")
        room.settle()
        assert texts(one) == []
        assert len(acks(one)) == 2
        one.is_full = False
        room.readers.catch_up(1)
        room.settle()
        assert texts(one) == ["before", "behind"]

    def test_i3_a_reader_of_whom_only_own_records_are_missing_is_at_the_tail(self) -> None:
        room = Room()
        one, two = room.enter(1, 2)
        one.is_full = True
        room.say(one, "mine")
        room.settle()
        one.is_full = False
        room.readers.catch_up(1)
        room.settle()
        room.say(two, "live")
        room.settle()
        assert texts(one) == ["live"]

    def test_i3_keys_that_changed_meanwhile_come_in_order(self) -> None:
        room = Room()
        author, slow, *others = room.enter(1, 2, 3, 4, 5)
        slow.is_full = True
        for other in others:
            room.say(author, f"before {other.number}")
            room.settle()
            room.leave(other)
            room.settle()
        room.say(author, "last")
        room.settle()
        assert slow.keys.keys() == {1}
        slow.is_full = False
        room.readers.catch_up(2)
        room.settle()
        # FakeSession opens each record with the keys it has received so far.
        assert texts(slow) == ["before 3", "before 4", "before 5", "last"]
        assert slow.keys.keys() == {1, 2, 3, 4}
        assert {record_epoch(line.record) for line in lines(slow)} == {1, 2, 3, 4}

    def test_i3_what_is_stored_but_not_yet_announced_is_left_to_its_commit(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)
        slow.is_full = True
        room.say(author, "one")
        room.settle()
        room.say(author, "two")
        room.turn()
        report = room.store.apply()
        slow.is_full = False
        room.readers.catch_up(2)
        room.turn()
        assert texts(slow) == ["one"]
        report()
        room.settle()
        assert texts(slow) == ["one", "two"]

    def test_i3_what_is_committed_during_a_read_is_read_next(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)
        slow.is_full = True
        room.say(author, "one")
        room.settle()
        slow.is_full = False
        room.store.is_holding_reads = True
        room.readers.catch_up(2)
        room.readers.catch_up(2)
        assert len(room.store.reads) == 1
        room.say(author, "two")
        room.settle()
        assert texts(slow) == []
        room.store.answer()
        room.turn()
        room.store.answer()
        room.turn()
        assert texts(slow) == ["one", "two"]
        room.say(author, "three")
        room.settle()
        assert texts(slow) == ["one", "two", "three"]

    def test_i3_an_author_that_is_behind_hears_what_it_missed_before_what_is_new(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)
        slow.is_full = True
        room.say(author, "one")
        room.settle()
        slow.is_full = False
        room.store.is_holding_reads = True
        room.readers.catch_up(2)
        room.say(slow, "mine")
        room.say(author, "two")
        room.settle()
        assert (len(acks(slow)), texts(slow)) == (1, [])
        room.store.is_holding_reads = False
        room.store.answer()
        room.settle()
        assert texts(slow) == ["one", "two"]

    def test_i3_a_reader_that_fills_up_during_a_read_is_not_forgotten(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)
        slow.is_full = True
        room.say(author, "one")
        room.settle()
        slow.is_full = False
        room.store.is_holding_reads = True
        room.readers.catch_up(2)
        slow.is_full = True
        room.store.answer()
        room.turn()
        assert texts(slow) == []
        slow.is_full = False
        room.readers.catch_up(2)
        room.store.answer()
        assert texts(slow) == ["one"]

    def test_i3_who_starts_with_a_full_transport_begins_behind(self) -> None:
        room = Room()
        [author] = room.enter(1)
        [new] = room.join(2)
        new.is_full = True
        room.say(author, "one")
        room.settle()
        assert new.sent == [] and new.runs == []
        new.is_full = False
        room.readers.catch_up(2)
        room.settle()
        assert texts(new) == ["one"]

    def test_i6_who_comes_back_goes_on_behind_what_it_names(self) -> None:
        room = Room(limits=Limits(catch_up_bytes=1))
        [author] = room.enter(1)
        for number in range(1, 11):
            room.say(author, str(number))
        room.settle()
        for after, start in ((0, 0), (4, 4), (10, 10), (99, 13), (None, 14)):
            back = room.new(2)
            assert room.readers.start(back, after) == start
            room.readers.catch_up(2)
            room.say(author, "live")
            room.settle()
            room.readers.drop(2)
            heard = [seq for seq, _ in back.heard]
            assert heard == list(range(start + 1, room.readers.tail + 1))
            assert texts(back)[-1] == "live"

    def test_i3_records_that_are_gone_are_passed_over(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)
        slow.is_full = True
        for number in range(4):
            room.say(author, str(number))
            room.settle()
        room.store.trim(LOG, keep=1)
        slow.is_full = False
        room.readers.catch_up(2)
        room.settle()
        assert texts(slow) == ["3"]

    def test_i3_where_the_last_records_are_gone_nothing_is_missing(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)
        slow.is_full = True
        room.say(author, "gone")
        room.settle()
        room.store.trim(LOG, keep=0)
        slow.is_full = False
        room.store.is_holding_reads = True
        room.readers.catch_up(2)
        room.say(author, "one")
        room.settle()
        room.store.is_holding_reads = False
        room.store.answer()
        room.settle()
        room.say(author, "two")
        room.settle()
        assert texts(slow) == ["one", "two"]

    def test_a_reader_whose_records_cannot_be_read_is_dropped(self) -> None:
        room = Room()
        author, slow, gone = room.enter(1, 2, 3)
        for session in (slow, gone):
            session.is_full = True
        room.say(author, "hi")
        room.settle()
        room.store.is_broken = True
        for session in (slow, gone):
            session.is_full = False
        room.readers.catch_up(2)
        assert slow.closed is CloseCode.INTERNAL
        room.store.is_broken = False
        room.store.is_holding_reads = True
        room.readers.catch_up(3)
        room.readers.drop(3)
        held, _ = room.store.reads.pop()
        held.errback(StoreError("a broken disk"))
        assert gone.closed is None

    def test_a_read_that_is_answered_after_the_reader_left_is_dropped(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)
        slow.is_full = True
        for text in ("one", "two"):
            room.say(author, text)
            room.settle()
        slow.is_full = False
        room.store.is_holding_reads = True
        room.readers.catch_up(2)
        room.readers.drop(2)
        room.store.answer()
        assert slow.runs == [] and slow.closed is None

    def test_who_has_nothing_to_catch_up_with_or_is_full_reads_nothing(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        room.store.is_holding_reads = True
        room.readers.catch_up(2)
        room.readers.catch_up(99)
        reader.is_full = True
        room.say(author, "hi")
        room.settle()
        room.readers.catch_up(2)
        assert room.store.reads == []
