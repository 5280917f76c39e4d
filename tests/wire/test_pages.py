"""Records outside a log's order: pages, which repeat its contents, and passing records."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from chat.ids import LogId
from chat.limits import HISTORY_PAGE, Limits
from chat.testing import FakeLog, split_lines
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG, ANY_RECORD
from chat.wire.connection import Delivered, Received, State
from chat.wire.errors import (
    AuthenticationError,
    CloseCode,
    LocalProtocolError,
    MalformedLineError,
    MessageError,
    UnexpectedInputError,
)
from chat.wire.lines import encode_frame, encode_record, encode_voucher
from chat.wire.messages import (
    Close,
    JoinedBody,
    Leave,
    LeftBody,
    Ok,
    Page,
    Ping,
    Refused,
    RenamedBody,
    TextBody,
    Unknown,
    Update,
    encode,
)
from chat.wire.records import seal_record
from chat.wire.sealing import BoxKey
from tests.wire.support import Reader, flip, member, text

JOINED: Final = JoinedBody(time=0, account=ANY_ACCOUNT, nick="bob")
LEFT: Final = LeftBody(time=0, account=ANY_ACCOUNT, nick="bob")
RENAMED: Final = RenamedBody(time=0, account=ANY_ACCOUNT, nick="bob", was="rob")


def page(count: int, request: int = 7) -> Page:
    """Return the answer that announces a number of records."""
    return Page(request, count, more=False)


def said(*records: Delivered) -> list[tuple[int, object]]:
    """Return the sequence number and the text of every record."""
    return [
        (record.seq, record.body.text if isinstance(record.body, TextBody) else record.body)
        for record in records
    ]


# --- Pages in the reader ---


@given(st.lists(st.integers(1, 40), max_size=HISTORY_PAGE))
def test_a_page_holds_any_records_in_any_order_and_is_told_from_new_ones(seqs: list[int]) -> None:
    reader = Reader()
    lines = [reader.log.line(text(str(seq))) for seq in range(1, 41)]
    if seqs:
        delivered = reader.take_page(page(len(seqs)), *(lines[seq - 1] for seq in seqs))
        assert said(*delivered) == [(seq, str(seq)) for seq in seqs]
        assert {record.page for record in delivered} == {7}
    new = reader.take(*lines)
    assert said(*new) == [(seq, str(seq)) for seq in range(1, 41)]
    assert {record.page for record in new} == {0}


def test_a_page_moves_no_cursor() -> None:
    reader = Reader()
    old, middle, last = (reader.log.line(text(name)) for name in ("old", "middle", "last"))
    assert len(reader.take(old)) == 1
    # From before and after the cursor: new records still arrive, and only once.
    assert len(reader.take_page(page(2), old, last)) == 2
    assert said(*reader.take(middle, last)) == [(2, "middle"), (3, "last")]
    assert len(reader.take_page(page(3), old, middle, last)) == 3
    with pytest.raises(UnexpectedInputError, match="order"):
        reader.take(last)


def test_an_empty_page_is_followed_by_anything() -> None:
    reader = Reader()
    reader.reader.expect(page(0))
    reader.reader.check_idle()
    [record] = reader.take(reader.log.line(text()))
    assert record.page == 0


def test_a_page_is_over_with_its_run() -> None:
    reader = Reader()
    reader.take_page(page(1), reader.log.line(text()))
    reader.reader.check_idle()
    [record] = reader.take(reader.log.line(text()))
    assert (record.seq, record.page) == (2, 0)


@pytest.mark.parametrize(("count", "sent"), [(1, 2), (2, 1), (2, 3), (50, 49), (2**63 - 1, 1)])
def test_a_page_of_more_or_fewer_records_than_it_said_is_refused(count: int, sent: int) -> None:
    reader = Reader()
    lines = [reader.log.line(text()) for _ in range(sent)]
    with pytest.raises(UnexpectedInputError, match="other records"):
        reader.take_page(page(count), *lines)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_passing_record_in_a_page_is_refused(place: int) -> None:
    reader = Reader()
    lines = [reader.log.line(text()), reader.log.line(text())]
    lines.insert(place, reader.log.passing(JOINED))
    with pytest.raises(UnexpectedInputError, match="other records"):
        reader.take_page(page(3), *lines)


def test_a_page_of_another_run_than_its_voucher_says_is_refused() -> None:
    reader = Reader()
    reader.reader.expect(page(1))
    voucher = reader.add(reader.log.line(text()))
    with pytest.raises(AuthenticationError):
        reader.redeem(flip(voucher, 0))


def test_a_voucher_in_the_place_of_a_pages_run_is_refused() -> None:
    reader = Reader()
    reader.reader.expect(page(1))
    with pytest.raises(UnexpectedInputError, match="without records"):
        reader.take()


def test_a_page_may_be_of_several_logs_also_of_such_as_are_not_read() -> None:
    reader = Reader()
    read, unread = reader.joins(FakeLog(log=LogId(b"r" * 16))), FakeLog(log=LogId(b"u" * 16))
    reader.reader.add_key(unread.keys())
    lines = [unread.line(text("u")), reader.log.line(text("l")), read.line(text("r"))]
    delivered = reader.take_page(page(4), *lines, unread.line(text("u again")))
    assert [record.log for record in delivered] == [
        unread.log,
        reader.log.log,
        read.log,
        unread.log,
    ]
    # The page did not start reading the log.
    with pytest.raises(UnexpectedInputError, match="not read"):
        reader.take(unread.line(text()))


def test_reading_may_begin_where_pages_were_taken_before() -> None:
    reader = Reader()
    other = FakeLog(log=LogId(b"o" * 16))
    reader.reader.add_key(other.keys())
    old = other.line(text("old"))
    reader.take_page(page(1), old)
    reader.reader.start(other.joined(2, after=0))
    assert said(*reader.take(old, other.line(text("new")))) == [(1, "old"), (2, "new")]


def test_a_record_of_a_page_needs_a_key_too() -> None:
    reader = Reader()
    with pytest.raises(UnexpectedInputError, match="key"):
        reader.take_page(page(1), FakeLog(log=ANY_LOG).line(text()))
    reader = Reader()
    reader.log.epoch = 2
    with pytest.raises(UnexpectedInputError, match="key"):
        reader.take_page(page(1), reader.log.line(text()))


def test_a_page_opens_with_older_keys_that_were_sent_again() -> None:
    reader = Reader()
    first, first_keys = reader.log.line(text("first")), reader.log.keys()
    reader.next_epoch()
    second, second_keys = reader.log.line(text("second")), reader.log.keys()
    reader.next_epoch()
    third = reader.log.line(text("third"))
    reader.take(first, second, third)
    for keys in (first_keys, second_keys):
        reader.reader.add_key(keys)
    expected = [(1, "first"), (2, "second"), (3, "third")]
    assert said(*reader.take_page(page(3), first, second, third)) == expected
    # The page erases no keys, not even with its own newer records.
    assert said(*reader.take_page(page(3), first, second, third)) == expected
    # A new record erases them.
    reader.take(reader.log.line(text("fourth")))
    with pytest.raises(UnexpectedInputError, match="key"):
        reader.take_page(page(1), second)


@pytest.mark.parametrize("passing", [False, True])
def test_the_key_of_an_epoch_is_erased_with_a_new_record_of_a_later_one(passing: bool) -> None:
    reader = Reader()
    reader.take(old := reader.log.line(text("old")))
    reader.next_epoch()
    assert said(*reader.take_page(page(1), old)) == [(1, "old")]
    reader.take(reader.log.passing(JOINED) if passing else reader.log.line(text()))
    with pytest.raises(UnexpectedInputError, match="key"):
        reader.take_page(page(1), old)


def test_a_page_whose_records_do_not_open_is_refused() -> None:
    reader = Reader()
    record = seal_record(BoxKey(bytes(64)), reader.log.log, 1, ANY_RECORD, b"\x80")
    with pytest.raises(AuthenticationError):
        reader.take_page(page(1), encode_record(reader.log.log, 1, record))
    reader = Reader()
    with pytest.raises(MalformedLineError):
        reader.take_page(page(1), encode_record(reader.log.log, 1, bytes(19)))
    reader = Reader()
    record = seal_record(BoxKey(reader.log.key), reader.log.log, 1, ANY_RECORD, b"\x80")
    with pytest.raises(MessageError):
        reader.take_page(page(1), encode_record(reader.log.log, 1, record))


def test_a_body_of_a_later_version_comes_in_a_page_too() -> None:
    reader = Reader()
    record = seal_record(
        BoxKey(reader.log.key), reader.log.log, 1, ANY_RECORD, b"\x81\xa4type\xa5later"
    )
    [delivered] = reader.take_page(page(1), encode_record(reader.log.log, 1, record))
    assert delivered == Delivered(reader.log.log, 1, ANY_RECORD, Unknown("later"), 7)


# --- Pages on a connection ---


def test_a_page_comes_with_its_records_and_the_log_goes_on() -> None:
    pair, log = member()
    lines = [log.line(text(str(number))) for number in range(3)]
    assert len(pair.publish(*lines)) == 3
    first, *rest = pair.answer_page(page(3), *lines)
    assert first == Received(page(3))
    assert [record.page for record in rest if isinstance(record, Delivered)] == [7] * 3
    [new] = pair.publish(log.line(text("new")))
    assert isinstance(new, Delivered)
    assert (new.seq, new.page) == (4, 0)


def test_an_empty_page_is_a_frame_like_any_other() -> None:
    pair, log = member()
    assert pair.server_sends(page(0)) == [Received(page(0))]
    assert pair.server_sends(Ok(3)) == [Received(Ok(3))]
    assert len(pair.publish(log.line(text()))) == 1


IN_THE_PLACE_OF_THE_RUN: Final = {
    "hello": b"encchat/1 AAAA\r\n",
    "close in clear": b"encchat/1 close 0\r\n",
    "frame": encode_frame(bytes(64)),
    "voucher": encode_voucher(bytes(16)),
}


@pytest.mark.parametrize("line", IN_THE_PLACE_OF_THE_RUN.values(), ids=IN_THE_PLACE_OF_THE_RUN)
def test_another_line_in_the_place_of_a_pages_run_is_refused(line: bytes) -> None:
    pair, _ = member()
    pair.server_sends(page(1))
    with pytest.raises(UnexpectedInputError):
        pair.to_client(line)
    assert pair.client.state is State.FAILED


@pytest.mark.parametrize("message", [Ok(3), Ping(1), Update(), Close(0), page(0), page(1)])
def test_even_a_frame_that_would_open_is_refused_there(message: Struct) -> None:
    pair, _ = member()
    pair.server_sends(page(1))
    sealer = pair.server._sealer
    assert sealer is not None
    frame = encode_frame(sealer.seal(encode(message)))
    with pytest.raises(UnexpectedInputError):
        pair.to_client(frame)
    assert pair.client.state is State.FAILED


@pytest.mark.parametrize("split", [1, 2])
def test_a_page_is_one_run(split: int) -> None:
    pair, log = member()
    lines = [log.line(text()) for _ in range(3)]
    pair.server_sends(page(3))
    with pytest.raises(UnexpectedInputError, match="other records"):
        pair.publish(*lines[:split])
    assert not any(isinstance(event, Delivered) for event in pair.client_events)


def test_records_of_a_page_are_not_shown_before_their_voucher() -> None:
    pair, log = member()
    pair.server_sends(page(1))
    assert pair.to_client(log.line(text())) == []
    with pytest.raises(AuthenticationError):
        pair.to_client(encode_voucher(bytes(16)))
    assert not any(isinstance(event, Delivered) for event in pair.client_events)


def test_a_page_cannot_be_taken_from_its_request_nor_records_be_made_a_page() -> None:
    # The network drops the page, which is a frame, but delivers its run: the voucher counts frames.
    pair, log = member()
    pair.server.send(page(1))
    with pytest.raises(AuthenticationError):
        pair.publish(log.line(text()))
    # The network delivers a run of new records after a page instead of its own.
    pair, log = member()
    answer = pair.server.send(page(1))
    pair.vouched(old := log.line(text("old")))
    new = pair.vouched(log.line(text("new")))
    pair.to_client(answer)
    with pytest.raises(AuthenticationError):
        pair.to_client(new)
    assert old not in new


def test_nothing_of_a_generations_end_comes_between_a_page_and_its_run() -> None:
    pair, log = member(Limits(frames_per_generation=4))
    for number in range(1, 13):
        first, record = pair.answer_page(page(1, number), log.line(text()))
        assert first == Received(page(1, number))
        assert isinstance(record, Delivered)
        assert record.page == number
    assert pair.client._opener.generation >= 3


def test_nor_does_the_hour() -> None:
    pair, log = member()
    data = pair.server.send(page(1))
    pair.clock.advance(4_000)
    run = pair.vouched(log.line(text()))
    assert len(split_lines(data)) == 1
    assert len(split_lines(run)) == 2
    assert len(pair.to_client(data + run)) == 2
    assert len(split_lines(pair.vouched(log.line(text())))) == 3


def test_a_server_cannot_send_anything_between_a_page_and_its_run() -> None:
    pair, log = member()
    data = pair.server.send(page(1))
    for message in (Ok(3), Ping(1), page(1)):
        with pytest.raises(LocalProtocolError, match="page"):
            pair.server.send(message)
    assert len(pair.to_client(data + pair.vouched(log.line(text())))) == 2
    assert pair.server_sends(Ok(3)) == [Received(Ok(3))]


def test_a_server_that_ends_the_connection_there_says_nothing() -> None:
    pair, _ = member()
    pair.server.send(page(1))
    assert pair.server.alert(CloseCode.INTERNAL) == b""
    assert pair.server.state is State.CLOSED


# --- Passing records ---


@pytest.mark.parametrize("body", [JOINED, LEFT, RENAMED])
def test_a_passing_record_comes_anywhere_among_the_others_and_moves_no_cursor(
    body: JoinedBody | LeftBody | RenamedBody,
) -> None:
    reader = Reader()
    passing = [reader.log.passing(body) for _ in range(4)]
    first, second = reader.log.line(text("1")), reader.log.line(text("2"))
    assert said(*reader.take(passing[0])) == [(0, body)]
    delivered = reader.take(passing[1], first, passing[2], second, passing[3])
    assert said(*delivered) == [(0, body), (1, "1"), (0, body), (2, "2"), (0, body)]
    assert {record.page for record in delivered} == {0}
    assert said(*reader.take(reader.log.passing(body), reader.log.line(text("3")))) == [
        (0, body),
        (3, "3"),
    ]


def test_a_passing_record_does_not_let_the_order_go_back() -> None:
    reader = Reader()
    reader.take(last := reader.log.line(text()))
    reader.take(reader.log.passing(JOINED))
    with pytest.raises(UnexpectedInputError, match="order"):
        reader.take(last)


def test_a_passing_record_of_a_log_that_is_not_read_is_refused() -> None:
    reader = Reader()
    other = FakeLog(log=ANY_LOG)
    with pytest.raises(UnexpectedInputError, match="not read"):
        reader.take(other.passing(JOINED))
    reader = Reader()
    reader.reader.add_key(other.keys())
    with pytest.raises(UnexpectedInputError, match="not read"):
        reader.take(other.passing(JOINED))


def test_a_passing_record_needs_the_key_of_its_epoch() -> None:
    reader = Reader()
    reader.log.epoch = 2
    with pytest.raises(UnexpectedInputError, match="key"):
        reader.take(reader.log.passing(JOINED))


def test_a_passing_record_is_vouched_for_like_any_other() -> None:
    reader = Reader()
    voucher = reader.add(reader.log.passing(JOINED))
    with pytest.raises(UnexpectedInputError):
        reader.reader.check_idle()
    with pytest.raises(AuthenticationError):
        reader.redeem(flip(voucher, 5))


# --- Where reading starts and ends ---


def test_reading_begins_behind_the_record_that_a_read_names() -> None:
    pair, log = member()
    log.log = LogId(b"another log's id")
    lines = [log.line(text(str(number))) for number in range(1, 6)]
    pair.server_sends(log.keys())
    pair.server_sends(joined := log.joined(3, after=2))
    assert (joined.seq, joined.tail) == (2, 5)
    delivered = pair.publish(*lines[2:])
    assert [event.seq for event in delivered if isinstance(event, Delivered)] == [3, 4, 5]
    with pytest.raises(UnexpectedInputError, match="order"):
        pair.publish(lines[1])


@pytest.mark.parametrize("before", [0, 1])
def test_what_a_read_said_to_have_is_refused(before: int) -> None:
    pair, log = member()
    log.log = LogId(b"another log's id")
    lines = [log.line(text()) for _ in range(3)]
    pair.server_sends(log.keys())
    pair.server_sends(log.joined(3, after=2))
    with pytest.raises(UnexpectedInputError, match="order"):
        pair.publish(lines[before])


def test_reading_begins_with_opened_as_with_joined() -> None:
    pair, _ = member()
    log = FakeLog(log=LogId(b"a conversation's"), seq=41)
    with_keys = log.keys()
    pair.server_sends(with_keys)
    assert pair.server_sends(log.opened("bob", 2)) == [Received(log.opened("bob", 2))]
    [delivered] = pair.publish(log.line(text()))
    assert isinstance(delivered, Delivered)
    assert delivered.seq == 42
    log.seq = 41
    with pytest.raises(UnexpectedInputError, match="order"):
        pair.publish(log.line(text()))


def test_opened_names_the_record_it_begins_behind() -> None:
    pair, _ = member()
    log = FakeLog(log=LogId(b"a conversation's"), seq=41)
    pair.server_sends(log.keys())
    pair.server_sends(log.opened())
    log.seq = 40
    with pytest.raises(UnexpectedInputError, match="order"):
        pair.publish(log.line(text()))


@pytest.mark.parametrize("passing", [False, True])
def test_nothing_more_comes_of_a_log_after_removed(passing: bool) -> None:
    pair, log = member()
    pair.publish(log.line(text()))
    removed = log.removed()
    assert pair.server_sends(removed) == [Received(removed)]
    # Not even with the log's key.
    pair.server_sends(log.keys())
    with pytest.raises(UnexpectedInputError, match="not read"):
        pair.publish(log.passing(LEFT) if passing else log.line(text()))
    assert pair.client.state is State.FAILED


def test_the_keys_of_a_log_are_erased_with_removed() -> None:
    pair, log = member()
    old = log.line(text())
    pair.server_sends(log.removed())
    with pytest.raises(UnexpectedInputError, match="key"):
        pair.answer_page(page(1), old)


@pytest.mark.parametrize("passing", [False, True])
def test_nothing_more_comes_of_a_log_after_the_ok_to_leave(passing: bool) -> None:
    pair, log = member()
    pair.client_sends(Leave(7, log.log))
    # Until then it works.
    assert len(pair.publish(log.line(text()))) == 1
    assert pair.server_sends(Ok(7)) == [Received(Ok(7))]
    pair.server_sends(log.keys())
    with pytest.raises(UnexpectedInputError, match="not read"):
        pair.publish(log.passing(LEFT) if passing else log.line(text()))
    assert pair.client.state is State.FAILED


def test_the_keys_of_a_log_are_erased_with_the_ok_to_leave() -> None:
    pair, log = member()
    old = log.line(text())
    pair.client_sends(Leave(7, log.log))
    pair.server_sends(Ok(7))
    with pytest.raises(UnexpectedInputError, match="key"):
        pair.answer_page(page(1), old)


def test_who_left_may_join_again_and_is_sent_the_keys_again() -> None:
    pair, log = member()
    pair.client_sends(Leave(7, log.log))
    pair.server_sends(Ok(7))
    # A different key for the same epoch would be refused if the first were not forgotten.
    log.key = bytes(64)
    pair.server_sends(log.keys())
    pair.server_sends(log.joined(8))
    assert len(pair.publish(log.line(text()))) == 1


@pytest.mark.parametrize("answer", [Refused(7, "not_stored", "Try again."), Ok(8)])
def test_a_log_that_was_not_left_is_read_on(answer: Ok | Refused) -> None:
    pair, log = member()
    pair.client_sends(Leave(7, log.log))
    pair.server_sends(answer)
    assert len(pair.publish(log.line(text()))) == 1


def test_the_id_of_a_leave_that_was_refused_may_be_used_again() -> None:
    pair, log = member()
    pair.client_sends(Leave(7, log.log))
    pair.server_sends(Refused(7, "not_stored", "Try again."))
    pair.server_sends(Ok(7))
    assert len(pair.publish(log.line(text()))) == 1


def test_removed_is_for_one_log() -> None:
    pair, log = member()
    pair.server_sends(FakeLog(log=ANY_LOG).removed())
    assert len(pair.publish(log.line(text()))) == 1


def test_who_was_removed_may_come_back() -> None:
    pair, log = member()
    pair.publish(log.line(text()))
    pair.server_sends(log.removed())
    pair.server_sends(log.keys())
    log.line(text("not for him"))
    pair.server_sends(log.opened())
    [delivered] = pair.publish(log.line(text("for him")))
    assert isinstance(delivered, Delivered)
    assert (delivered.seq, delivered.body) == (3, text("for him"))
