"""Records: sealed once, bound to their log, held until vouched for, and read only in order."""

import hashlib
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.ids import AccountId, LogId, MessageId, RecordId
from chat.limits import CLIENT_KEYS, RUN_BYTES
from chat.testing import FakeLog
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG
from chat.wire.errors import AuthenticationError, MalformedLineError, UnexpectedInputError
from chat.wire.lines import RecordLine, encode_record
from chat.wire.messages import Keys, LeftBody, Opened, Unknown
from chat.wire.records import (
    Delivered,
    RecordReader,
    open_record,
    record_epoch,
    record_id,
    seal_record,
)
from chat.wire.sealing import BoxKey
from tests.wire.support import Reader, flip, text

KEY: Final = BoxKey(bytes(range(64)))
LOG: Final = LogId(b"the log's own id")
ID: Final = RecordId(b"a record's own i")

id16: Final = st.binary(min_size=16, max_size=16)


@given(log=id16, epoch=st.integers(1, 2**32 - 1), identifier=id16, body=st.binary(max_size=100))
def test_opening_is_the_inverse_of_sealing(
    log: LogId, epoch: int, identifier: RecordId, body: bytes
) -> None:
    record = seal_record(KEY, log, epoch, identifier, body)
    assert record_epoch(record) == epoch
    assert open_record(KEY, log, record) == (identifier, body)


def test_a_record_is_bound_to_log_epoch_and_id_as_specified() -> None:
    record = seal_record(KEY, LOG, 258, ID, b"body")
    head = b"\0\0\x01\x02" + ID
    assert record[:20] == head
    assert KEY.open(record[20:], b"encchat/1 record" + LOG + head) == b"body"


@given(st.data())
def test_no_bit_of_a_record_can_be_flipped(data: st.DataObject) -> None:
    record = seal_record(KEY, LOG, 1, ID, b"body")
    bit = data.draw(st.integers(0, 8 * len(record) - 1))
    with pytest.raises(AuthenticationError):
        open_record(KEY, LOG, flip(record, bit))


@given(st.integers(0, 127))
def test_a_record_does_not_open_in_another_log(bit: int) -> None:
    with pytest.raises(AuthenticationError):
        open_record(KEY, LogId(flip(LOG, bit)), seal_record(KEY, LOG, 1, ID, b"body"))


@pytest.mark.parametrize("size", [0, 1, 19])
def test_a_record_without_its_head_is_malformed(size: int) -> None:
    with pytest.raises(MalformedLineError):
        record_epoch(bytes(size))


@pytest.mark.parametrize("size", [20, 83, 85])
def test_a_record_with_half_a_box_is_malformed(size: int) -> None:
    with pytest.raises(MalformedLineError):
        open_record(KEY, LOG, bytes(size))


def test_the_id_of_a_record_depends_on_its_author() -> None:
    alice, bob = AccountId(bytes(16)), AccountId(bytes(15) + b"\x01")
    message = MessageId(b"m" * 16)
    assert record_id(alice, message) == hashlib.sha256(alice + message).digest()[:16]
    assert record_id(alice, message) != record_id(bob, message)


@given(st.lists(st.integers(1, 5), max_size=5))
def test_runs_are_delivered_whole_and_in_order(sizes: list[int]) -> None:
    reader = Reader()
    for size in sizes:
        first = reader.log.seq + 1
        delivered = reader.take(*(reader.log.line(text(str(n))) for n in range(size)))
        assert [record.seq for record in delivered] == list(range(first, first + size))
        assert [record.body for record in delivered] == [text(str(n)) for n in range(size)]
        assert {record.log for record in delivered} == {reader.log.log}


def test_sequence_numbers_may_skip() -> None:
    reader = Reader()
    lines = []
    for seq in (5, 6, 1_000):
        reader.log.seq = seq - 1
        lines.append(reader.log.line(text()))
    assert [record.seq for record in reader.take(*lines)] == [5, 6, 1_000]


@pytest.mark.parametrize("seqs", [(1, 1), (2, 1), (5, 6, 6), (3, 9, 4)])
def test_a_sequence_number_that_does_not_increase_is_refused(seqs: tuple[int, ...]) -> None:
    reader = Reader()
    lines = []
    for seq in seqs:
        reader.log.seq = seq - 1
        lines.append(reader.log.line(text()))
    with pytest.raises(UnexpectedInputError, match="order"):
        reader.take(*lines)


def test_a_sequence_number_of_an_earlier_run_is_refused() -> None:
    reader = Reader()
    reader.take(reader.log.line(text()))
    reader.log.seq = 0
    with pytest.raises(UnexpectedInputError, match="order"):
        reader.take(reader.log.line(text()))


@pytest.mark.parametrize("seq", [1, 40, 41])
def test_records_from_before_the_join_are_refused(seq: int) -> None:
    reader = Reader()
    reader.log.seq = 41
    reader.reader.start(reader.log.joined(1))
    reader.log.seq = seq - 1
    with pytest.raises(UnexpectedInputError, match="order"):
        reader.take(reader.log.line(text()))


def test_every_log_counts_for_itself() -> None:
    reader = Reader()
    other = reader.joins(FakeLog(log=ANY_LOG))
    lines = [reader.log.line(text()), reader.log.line(text()), other.line(text())]
    assert [record.seq for record in reader.take(*lines)] == [1, 2, 1]


def test_a_record_of_a_log_that_was_not_joined_is_refused() -> None:
    reader = Reader()
    other = FakeLog(log=ANY_LOG)
    reader.reader.add_key(other.keys())
    with pytest.raises(UnexpectedInputError, match="not read"):
        reader.take(other.line(text()))


def test_a_record_of_an_unknown_log_is_refused() -> None:
    reader = Reader()
    with pytest.raises(UnexpectedInputError, match="not read"):
        reader.take(FakeLog(log=ANY_LOG).line(text()))


def test_a_record_of_a_log_without_any_key_is_refused() -> None:
    reader = Reader()
    other = FakeLog(log=ANY_LOG)
    reader.reader.start(other.joined(2))
    with pytest.raises(UnexpectedInputError, match="key"):
        reader.take(other.line(text()))


def test_a_record_of_an_unknown_epoch_is_refused() -> None:
    reader = Reader()
    reader.log.epoch = 2
    with pytest.raises(UnexpectedInputError, match="key"):
        reader.take(reader.log.line(text()))


def test_a_record_opens_with_the_key_of_its_epoch() -> None:
    reader = Reader()
    old = reader.log.line(text("old"))
    reader.log.epoch, reader.log.key = 2, bytes(64)
    reader.reader.add_key(reader.log.keys())
    delivered = reader.take(old, reader.log.line(text("new")))
    assert [record.body for record in delivered] == [text("old"), text("new")]


def test_the_epochs_of_new_records_do_not_decrease_even_if_a_key_is_sent_again() -> None:
    reader = Reader()
    old_keys, old_key = reader.log.keys(), reader.log.key
    reader.next_epoch()
    reader.take(reader.log.line(text("new")))
    reader.reader.add_key(old_keys)
    reader.log.epoch, reader.log.key = 1, old_key
    with pytest.raises(UnexpectedInputError, match="earlier epoch"):
        reader.take(reader.log.line(text("old")))


def test_a_passing_record_counts_for_the_order_of_epochs() -> None:
    reader = Reader()
    old = reader.log.line(text("old"))
    reader.next_epoch()
    passing = reader.log.passing(LeftBody(time=0, account=ANY_ACCOUNT, nick="bob"))
    with pytest.raises(UnexpectedInputError, match="earlier epoch"):
        reader.take(passing, old)


def test_reading_that_begins_again_may_begin_in_any_epoch() -> None:
    reader = Reader()
    first, old_keys = reader.log.line(text("first")), reader.log.keys()
    reader.next_epoch()
    reader.take(reader.log.line(text("second")))
    reader.reader.stop(reader.log.log)
    reader.reader.add_key(old_keys)
    reader.reader.start(reader.log.joined(2, after=0))
    assert [record.body for record in reader.take(first)] == [text("first")]


def test_the_key_of_an_epoch_may_come_again_but_not_change() -> None:
    reader = Reader()
    reader.reader.add_key(reader.log.keys())
    with pytest.raises(UnexpectedInputError):
        reader.reader.add_key(Keys(reader.log.log, reader.log.epoch, bytes(64)))


def test_a_record_without_a_head_is_malformed_even_if_vouched_for() -> None:
    reader = Reader()
    with pytest.raises(MalformedLineError):
        reader.take(encode_record(reader.log.log, 1, bytes(19)))


def test_a_body_of_a_later_version_is_delivered_as_unknown() -> None:
    reader = Reader()
    body = b"\x82\xa4type\xa5later\xa2id\xc4\x02\x01\x02"
    record = seal_record(BoxKey(reader.log.key), reader.log.log, 1, ID, body)
    [delivered] = reader.take(encode_record(reader.log.log, 1, record))
    assert delivered == Delivered(reader.log.log, 1, ID, Unknown("later"))


@given(st.integers(0, 127))
def test_no_bit_of_a_voucher_can_be_flipped(bit: int) -> None:
    reader = Reader()
    voucher = reader.add(reader.log.line(text()))
    with pytest.raises(AuthenticationError):
        reader.redeem(flip(voucher, bit))


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_voucher_is_compared_whole(size: int) -> None:
    reader = Reader()
    voucher = reader.add(reader.log.line(text()))
    with pytest.raises(AuthenticationError):
        reader.redeem(voucher.ljust(size, b"\0")[:size])


def test_a_voucher_without_records_is_refused() -> None:
    reader = Reader()
    with pytest.raises(UnexpectedInputError):
        reader.redeem(reader.add())
    reader = Reader()
    voucher = reader.add(reader.log.line(text()))
    reader.redeem(voucher)
    with pytest.raises(UnexpectedInputError):
        reader.redeem(voucher)


def test_a_frame_is_refused_only_while_records_wait() -> None:
    reader = Reader()
    reader.reader.check_idle()
    voucher = reader.add(reader.log.line(text()))
    with pytest.raises(UnexpectedInputError):
        reader.reader.check_idle()
    reader.redeem(voucher)
    reader.reader.check_idle()


def test_a_run_may_fill_its_bound_but_not_exceed_it() -> None:
    line = encode_record(LOG, 1, bytes(12_228))
    assert RUN_BYTES % len(line) != 0
    fitting = RUN_BYTES // len(line)
    reader = Reader()
    reader.add(line * fitting)
    left = RUN_BYTES - fitting * len(line)
    assert left > 40
    exact = b"R AAAAAAAAAAAAAAAAAAAAAA== 1 "
    exact += b"A" * (left - len(exact) - 2)
    reader.reader.add(RecordLine(LOG, 1, b"", exact + b"\r\n"))
    with pytest.raises(UnexpectedInputError, match="too many"):
        reader.reader.add(RecordLine(LOG, 1, b"", b"\n"))


def test_the_bound_is_for_each_run() -> None:
    reader = Reader()
    big = [text("x" * 8_000) for _ in range(20)]
    for _ in range(3):
        assert len(reader.take(*map(reader.log.line, big))) == 20


def test_a_server_cannot_make_a_client_keep_keys_without_end() -> None:
    reader = RecordReader()
    for number in range(CLIENT_KEYS - 1):
        reader.add_key(Keys(LOG, number + 1, bytes(64)))
    other = LogId(bytes(16))
    reader.add_key(Keys(other, 1, bytes(64)))
    reader.add_key(Keys(other, 1, bytes(64)))
    for log, epoch in ((LOG, CLIENT_KEYS), (other, 2)):
        with pytest.raises(UnexpectedInputError, match="too many keys"):
            reader.add_key(Keys(log, epoch, bytes(64)))
    reader = RecordReader()
    for number in range(CLIENT_KEYS):
        reader.add_key(Keys(LOG, number + 1, bytes(64)))
    reader.stop(LOG)
    reader.stop(LOG)
    reader.add_key(Keys(LOG, 1, bytes(64)))


def test_nor_logs() -> None:
    reader = RecordReader()
    for number in range(CLIENT_KEYS):
        reader.start(Opened(LogId(number.to_bytes(16, "big")), "public", "x", 0, 0, 1, ""))
    with pytest.raises(UnexpectedInputError, match="too many logs"):
        reader.start(Opened(LOG, "public", "x", 0, 0, 1, ""))
    reader.start(Opened(LogId(bytes(16)), "public", "x", 0, 0, 1, ""))
