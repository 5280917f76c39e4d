"""The stretch of a log that a timeline shows: pages in both directions, jumps, and its bounds."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chat.client.core.commands import Jump, PageBack, PageForward
from chat.client.core.events import Jumped, MessageArrived, Page, ReadMarkerMoved, WindowMoved
from chat.client.core.model import Handle, Message, Refusal
from chat.client.core.rooms import Room
from chat.client.core.timeline import Timeline
from chat.client.core.unread import Unread
from chat.ids import RecordId
from chat.limits import ClientLimits
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG
from chat.wire import messages as m
from chat.wire.records import Delivered
from tests.client.core.support import CoreCase, only
from tests.client.model import Log, ModelServer

LIMITS = ClientLimits(timeline=10, window=30, jump=5)


def fill(server: ModelServer, lobby: Log, count: int) -> None:
    """Let bob say numbers, one each ten seconds."""
    bob = server.account("bob")
    for number in range(count):
        server.add(lobby, m.TextBody(10_000 * number, bob, "bob", str(number)))


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def lobby(server: ModelServer) -> Log:
    return server.room("lobby", "bob")


@pytest.fixture
def case(server: ModelServer, lobby: Log) -> CoreCase:
    """Return a case in a lobby in which the numbers from 0 to 99 were said."""
    fill(server, lobby, 100)
    return CoreCase(server, limits=LIMITS).enter()


def numbers(case: CoreCase) -> list[int]:
    """Return which numbers the lobby's timeline shows."""
    return [int(text) for text in case.texts()]


def seq_of(number: int) -> int:
    """Return the number of the record that says a number."""
    return 3 * number + 3


# --- Jumps ---


@pytest.mark.parametrize("number", [0, 1, 4, 5, 50, 88])
def test_a_jump_shows_what_is_around_a_number(case: CoreCase, lobby: Log, number: int) -> None:
    room = case.room()
    case.done(PageBack(lobby.log, 5), Page)
    case.forget()
    jumped = case.done(Jump(lobby.log, seq_of(number)), Jumped)
    assert jumped == Jumped(room, seq_of(number))
    assert numbers(case) == [*range(max(number - 4, 0), number + 6)]
    assert not room.timeline.is_at_end
    assert room.is_whole == (number < 5)
    assert case.told(WindowMoved) == [WindowMoved(room)]


def test_a_jump_to_what_is_shown_asks_for_nothing(case: CoreCase, lobby: Log) -> None:
    case.done(PageBack(lobby.log, 5), Page)
    case.forget()
    asked = len(case.link.all(m.History))
    assert case.done(Jump(lobby.log, seq_of(97)), Jumped).seq == seq_of(97)
    assert len(case.link.all(m.History)) == asked and case.told(WindowMoved) == []


def test_a_jump_to_a_number_that_is_no_message_finds_the_next(case: CoreCase, lobby: Log) -> None:
    assert case.done(Jump(lobby.log, seq_of(50) + 1), Jumped).seq == seq_of(51)
    assert case.done(Jump(lobby.log, 0), Jumped).seq == seq_of(0)
    assert case.done(Jump(lobby.log, 10**6), Jumped).seq is None
    assert case.room().timeline.is_at_end


def test_a_jump_near_the_end_joins_it(case: CoreCase, server: ModelServer, lobby: Log) -> None:
    server.says("bob", lobby, "100")
    case.carry()
    case.done(Jump(lobby.log, seq_of(97)), Jumped)
    assert case.room().timeline.is_at_end
    assert numbers(case) == [*range(93, 101)]
    server.says("bob", lobby, "101")
    case.carry()
    assert numbers(case)[-1] == 101


@pytest.mark.parametrize(
    ("time", "first"), [(0, 0), (500_000, 50), (500_001, 51), (499_999, 50), (990_000, 99)]
)
def test_a_jump_to_a_time_finds_the_first_message_since(
    case: CoreCase, lobby: Log, time: int, first: int
) -> None:
    assert case.done(Jump(lobby.log, time=time), Jumped).seq == seq_of(first)
    assert first in numbers(case)


def test_a_time_at_which_nothing_was_said_any_more_is_the_end(case: CoreCase, lobby: Log) -> None:
    case.done(Jump(lobby.log, seq_of(50)), Jumped)
    jumped = case.done(Jump(lobby.log, time=10**9), Jumped)
    assert jumped.seq is None and case.room().timeline.is_at_end


def test_one_comes_back_to_the_end_with_what_was_said_meanwhile(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    case.done(Jump(lobby.log, seq_of(50)), Jumped)
    before = numbers(case)
    for number in range(100, 105):
        server.says("bob", lobby, str(number))
    case.carry()
    assert numbers(case) == before and len(case.told(MessageArrived)) == 5
    assert case.room().unread == 5
    case.forget()
    case.core.show_end(case.room())
    assert numbers(case) == [*range(100, 105)]
    assert case.told(WindowMoved) == [WindowMoved(case.room())]
    case.core.show_end(case.room())
    assert len(case.told(WindowMoved)) == 1


def test_the_last_message_is_that_of_the_end_wherever_one_reads(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    server.says("bob", lobby, "100")
    case.carry()
    case.done(Jump(lobby.log, seq_of(50)), Jumped)
    last = case.room().timeline.last(is_own=False)
    assert last is not None and last.text == "100"


def test_a_jump_in_a_room_that_is_left_is_refused(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    asked = case.do(Jump(lobby.log, seq_of(50)))
    server.remove(lobby, "ana", "Out.")
    case.receive(m.Removed(lobby.log, "Out."))
    case.carry()
    assert only(asked, Refusal).code == "not_a_member"


def test_a_jump_that_is_cut_off_is_made_again_once(case: CoreCase, lobby: Log) -> None:
    asked = case.do(Jump(lobby.log, seq_of(50)))
    case.carry_up()
    case.cut()
    case.be_back()
    assert only(asked, Jumped).seq == seq_of(50)


# --- Pages ---


def test_pages_go_on_in_both_directions_from_a_jump(case: CoreCase, lobby: Log) -> None:
    case.done(Jump(lobby.log, seq_of(50)), Jumped)
    page = case.done(PageForward(lobby.log, 6), Page)
    assert [it.text for it in page.items if isinstance(it, Message)] == [
        str(number) for number in range(56, 62)
    ]
    case.done(PageBack(lobby.log, 6), Page)
    assert numbers(case) == [*range(40, 62)]
    while not case.room().timeline.is_at_end:
        case.done(PageForward(lobby.log, 7), Page)
    assert numbers(case)[-1] == 99
    assert case.done(PageForward(lobby.log, 7), Page).count == 0


def test_forward_pages_meet_what_came_meanwhile(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    case.done(Jump(lobby.log, seq_of(90)), Jumped)
    for number in range(100, 108):
        server.says("bob", lobby, str(number))
    case.carry()
    case.forget()
    case.done(PageForward(lobby.log, 9), Page)
    assert case.room().timeline.is_at_end and numbers(case) == [*range(86, 108)]
    assert case.told(WindowMoved) == [WindowMoved(case.room())]


def test_going_back_without_end_drops_what_is_newest(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    while not case.room().is_whole:
        case.done(PageBack(lobby.log, 9), Page)
        assert len(case.room().timeline) <= LIMITS.window
    assert numbers(case) == [*range(LIMITS.window)]
    assert not case.room().timeline.is_at_end
    server.says("bob", lobby, "100")
    case.carry()
    while not case.room().timeline.is_at_end:
        case.done(PageForward(lobby.log, 9), Page)
        assert len(case.room().timeline) <= LIMITS.window
    assert numbers(case)[-1] == 100 and not case.room().is_whole


def test_new_messages_without_end_leave_what_is_read(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    case.done(PageBack(lobby.log, 9), Page)
    for number in range(100, 150):
        server.says("bob", lobby, str(number))
        case.carry()
    assert numbers(case)[:9] == [*range(91, 100)]
    assert len(case.room().timeline) <= LIMITS.window
    case.core.show_end(case.room())
    assert numbers(case)[-9:] == [*range(141, 150)] and len(case.room().timeline) <= LIMITS.timeline


def test_a_page_of_what_is_not_shown_any_more_is_dropped(case: CoreCase, lobby: Log) -> None:
    case.done(Jump(lobby.log, seq_of(50)), Jumped)
    asked = [case.do(PageBack(lobby.log, 9)), case.do(PageForward(lobby.log, 9))]
    case.core.show_end(case.room())
    case.carry()
    assert [only(outcomes, Page).count for outcomes in asked] == [0, 0]
    assert numbers(case) == []


def test_records_that_do_not_belong_to_a_page_are_left_out(case: CoreCase, lobby: Log) -> None:
    asked = case.do(PageBack(lobby.log, 9))
    number = case.link.last(m.History).id
    body = m.TextBody(0, ANY_ACCOUNT, "eve", "x")
    seqs = (9, 3, 10**6, 6, 3)
    case.receive(
        m.Page(number, 6, True),
        *(Delivered(lobby.log, it, RecordId(bytes([it % 251]) * 16), body, number) for it in seqs),
        Delivered(ANY_LOG, 12, RecordId(bytes(16)), body, number),
    )
    assert only(asked, Page).count == 3
    assert [it.handle.seq for it in case.room().timeline] == [3, 6, 9]


# --- What is kept ---


def test_long_messages_are_bounded_in_bytes() -> None:
    limits = ClientLimits(timeline_bytes=1_000, window_bytes=5_000)
    timeline = Timeline(ANY_LOG, ANY_ACCOUNT, limits)
    for seq in range(1, 200):
        body = m.TextBody(0, ANY_ACCOUNT, "ana", "x" * 100)
        timeline.take(seq, RecordId(seq.to_bytes(16, "big")), body)
        assert len(timeline) <= 10
    assert [it.handle.seq for it in timeline][-1] == 199
    timeline.take(300, RecordId(b"long" * 4), m.TextBody(0, ANY_ACCOUNT, "ana", "x" * 8_000))
    assert [it.handle.seq for it in timeline] == [300]
    timeline = Timeline(ANY_LOG, ANY_ACCOUNT, limits, 1_000)
    for start in range(991, 1, -10):
        page = [
            Delivered(
                *(ANY_LOG, seq, RecordId(seq.to_bytes(16, "big"))),
                m.TextBody(0, ANY_ACCOUNT, "ana", "\u4f60" * 25),
            )
            for seq in range(start, start + 10)
        ]
        timeline.extend_back(page, more=True)
        assert len(timeline) <= 50
        assert next(iter(timeline)).handle.seq == start


def test_edits_of_what_is_dropped_are_dropped_too() -> None:
    timeline = Timeline(ANY_LOG, ANY_ACCOUNT, ClientLimits(timeline=2))
    for seq in range(1, 60, 2):
        record = RecordId(seq.to_bytes(16, "big"))
        timeline.take(seq, record, m.TextBody(0, ANY_ACCOUNT, "ana", "x"))
        timeline.take(seq + 1, record, m.EditBody(0, ANY_ACCOUNT, "ana", seq, "y" * seq))
    assert [it.text for it in timeline] == ["y" * 57, "y" * 59]
    assert timeline._entries.size == 2 + 57 + 59
    assert len(timeline._entries._edited) == len(timeline._entries._numbers) == 2


# --- What was missed ---


def come_back(server: ModelServer, lobby: Log, catch_up: int | None) -> CoreCase:
    """Let ana come to a lobby of which she has read the first 20 of 100 numbers."""
    lobby.members.add(server.account("ana"))
    lobby.seen[server.account("ana")] = seq_of(19)
    fill(server, lobby, 100)
    case = CoreCase(server, limits=LIMITS, catch_up=catch_up).register()
    return case.enter()


def test_everything_that_was_missed_comes_unless_one_pages_to_it(
    server: ModelServer, lobby: Log
) -> None:
    case = come_back(server, lobby, None)
    assert len(case.told(MessageArrived)) == 80 and case.room().unread == 80


def test_only_the_last_of_what_was_missed_comes(server: ModelServer, lobby: Log) -> None:
    case = come_back(server, lobby, 15)
    room = case.room()
    assert [it.message.text for it in case.told(MessageArrived)] == [
        str(number) for number in range(95, 100)
    ]
    assert room.read_marker == seq_of(19)
    assert (
        room.unread == 15 * 15 + 5 + 5 * 2 or room.unread >= 80
    )  # In numbers, which are not dense.
    assert case.done(Jump(lobby.log, room.read_marker + 1), Jumped).seq == seq_of(20)
    case.core.mark_read(room, seq_of(97))
    assert room.unread == 2
    case.core.mark_read(room)
    assert room.unread == 0


def test_a_reconnection_that_missed_much_begins_anew_at_the_end(
    server: ModelServer, lobby: Log
) -> None:
    fill(server, lobby, 3)
    case = CoreCase(server, limits=LIMITS, catch_up=15).register().enter()
    room = case.room()
    case.done(PageBack(lobby.log, 9), Page)
    case.cut()
    for number in range(3, 60):
        server.says("bob", lobby, str(number))
    case.forget()
    case.be_back()
    assert case.told(WindowMoved) == [WindowMoved(room)]
    assert numbers(case) == [*range(55, 60)]
    assert room.unread > 5 and not room.is_whole
    case.done(PageBack(lobby.log, 9), Page)
    assert numbers(case) == [*range(46, 60)]
    assert case.told(ReadMarkerMoved)


def test_a_short_absence_changes_nothing(server: ModelServer, lobby: Log) -> None:
    fill(server, lobby, 3)
    case = CoreCase(server, limits=LIMITS, catch_up=15).register().enter()
    case.cut()
    for number in range(3, 8):
        server.says("bob", lobby, str(number))
    case.forget()
    case.be_back()
    assert case.told(WindowMoved) == [] and case.room().unread == 5


# --- Unread ---


def test_unread_messages_are_counted_from_wherever_the_marker_is() -> None:
    unread = Unread()
    for seq in range(3, 33, 3):
        unread.add(seq, is_mention=seq % 2 == 0)
    assert (unread.count, unread.mentions) == (10, 5)
    unread.read(2)
    assert unread.count == 10
    unread.read(6)
    assert (unread.count, unread.mentions) == (8, 4)
    unread.skip(7, 40)
    assert (unread.count, unread.mentions) == (15, 4)
    unread.add(41, is_mention=True)
    unread.read(38)
    assert (unread.count, unread.mentions) == (3, 1)
    unread.read(41)
    assert (unread.count, unread.mentions) == (0, 0)


def test_a_million_unread_messages_are_counted() -> None:
    unread = Unread()
    for seq in range(1, 500_001):
        unread.add(seq, is_mention=False)
    assert unread.count == 500_000
    unread.read(499_990)
    assert unread.count == 10


# --- Everything together ---

ANY = st.integers(0, 10**6)


class Windows(RuleBasedStateMachine):
    """Somebody reads here and there, while others write and delete."""

    def __init__(self) -> None:
        super().__init__()
        self.server = ModelServer()
        self.lobby = self.server.room("lobby", "bob")
        fill(self.server, self.lobby, 40)
        self.limits = ClientLimits(timeline=6, window=14, jump=3)
        self.case = CoreCase(self.server, limits=self.limits, catch_up=30).enter()
        self.room: Room = self.case.room()

    @rule(count=st.integers(1, 5))
    def others_write(self, count: int) -> None:
        fill(self.server, self.lobby, count)
        self.case.carry()

    @rule(which=ANY)
    def something_is_deleted(self, which: int) -> None:
        there = [it.seq for it in self.lobby.records if isinstance(it.body, m.TextBody)]
        if there:
            target = there[which % len(there)]
            self.server.add(self.lobby, m.DeleteBody(0, self.server.account("bob"), "bob", target))
            self.case.carry()

    @rule(limit=st.integers(1, 6), is_back=st.booleans())
    def page(self, limit: int, is_back: bool) -> None:
        kind = PageBack if is_back else PageForward
        self.case.done(kind(self.lobby.log, limit), Page)

    @rule(which=ANY)
    def jump(self, which: int) -> None:
        seq = which % (self.lobby.seq + 3)
        jumped = self.case.done(Jump(self.lobby.log, seq), Jumped)
        there = [it.seq for it in self.lobby.records if isinstance(it.body, m.TextBody)]
        following = [it for it in there if it >= seq]
        if jumped.seq is not None and following:
            assert seq <= jumped.seq <= following[0]

    @rule()
    def return_to_the_end(self) -> None:
        self.case.core.show_end(self.room)

    @rule(count=st.integers(0, 20))
    def be_away(self, count: int) -> None:
        self.case.cut()
        fill(self.server, self.lobby, count)
        self.case.be_back()

    @invariant()
    def it_shows_a_stretch_of_the_log_without_gaps(self) -> None:
        timeline, window = self.room.timeline, self.room.timeline.window
        assert window.numbers == sorted(set(window.numbers))
        end = self.lobby.seq if timeline.is_at_end else window.end
        there = [
            it.seq
            for it in self.lobby.records
            if isinstance(it.body, m.TextBody) and window.begin <= it.seq <= end
        ]
        shown = [it.handle.seq for it in timeline if not it.is_deleted]
        assert shown == there
        assert len(window) <= self.limits.window
        first = self.lobby.records[0].seq
        assert not window.is_whole or window.begin <= first
        known = set(window.numbers) | set(timeline.tail.numbers)
        assert {it for it in known if timeline.message(it) is None} == set()
        assert len(timeline._entries._numbers) == len(known)
        self.case.core.tick()
        assert not timeline._entries._gone

    @invariant()
    def everything_is_found_by_its_handle(self) -> None:
        for message in self.room.timeline:
            assert self.room.timeline.find(message.handle) == message
            assert (
                self.room.timeline.find(Handle(self.lobby.log, message.handle.record, 0)) == message
            )


Windows.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWindows = Windows.TestCase
