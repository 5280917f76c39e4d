"""Lines: every form and its inverse, one encoding per value, and nothing else is accepted."""

import base64
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat.ids import LogId
from chat.limits import (
    BOX_BYTES,
    HANDSHAKE_LINE_BYTES,
    LINE_BYTES,
    RECORD_BYTES,
    SEQ_MAX,
    base64_length,
)
from chat.testing.ids import ANY_LOG
from chat.wire.errors import CloseCode, MalformedLineError, RemoteProtocolError, VersionError
from chat.wire.handshake import CLIENT_HELLO_BYTES
from chat.wire.lines import (
    DELIMITER,
    CloseLine,
    FrameLine,
    HelloLine,
    Line,
    RecordLine,
    VoucherLine,
    decode_line,
    encode_close,
    encode_frame,
    encode_hello,
    encode_record,
    encode_voucher,
)

id16: Final = st.binary(min_size=16, max_size=16)
lines: Final = st.one_of(
    st.builds(encode_hello, st.binary()),
    st.builds(encode_close, st.sampled_from(CloseCode)),
    st.builds(encode_frame, st.binary()),
    st.builds(encode_record, id16, st.integers(0, SEQ_MAX), st.binary()),
    st.builds(encode_voucher, id16),
)


def strip(line: bytes) -> bytes:
    """Remove the delimiter, which every encoded line has exactly once."""
    assert line.count(DELIMITER) == 1
    return line.removesuffix(DELIMITER)


def encode(line: Line) -> bytes:
    """Return the line that `decode_line` turns into this value."""
    match line:
        case HelloLine(payload):
            return strip(encode_hello(payload))
        case CloseLine(code):
            return b"encchat/1 close %d" % code
        case FrameLine(box):
            return strip(encode_frame(box))
        case RecordLine(log, seq, record, raw):
            assert raw == encode_record(log, seq, record)
            return strip(raw)
        case VoucherLine(voucher):
            return strip(encode_voucher(voucher))


@given(st.binary())
def test_a_hello_comes_back(payload: bytes) -> None:
    assert decode_line(strip(encode_hello(payload))) == HelloLine(payload)


@given(st.sampled_from(CloseCode))
def test_a_close_comes_back(code: CloseCode) -> None:
    assert decode_line(strip(encode_close(code))) == CloseLine(code)


@given(st.binary())
def test_a_frame_comes_back(box: bytes) -> None:
    assert decode_line(strip(encode_frame(box))) == FrameLine(box)


@given(id16, st.integers(0, SEQ_MAX), st.binary())
def test_a_record_comes_back_with_the_bytes_it_came_as(log: LogId, seq: int, record: bytes) -> None:
    line = encode_record(log, seq, record)
    assert decode_line(strip(line)) == RecordLine(log, seq, record, line)


@given(id16)
def test_a_voucher_comes_back(voucher: bytes) -> None:
    assert decode_line(strip(encode_voucher(voucher))) == VoucherLine(voucher)


def test_lines_are_spelt_as_in_the_specification() -> None:
    assert encode_hello(b"\x00\x01\x02\x03") == b"encchat/1 AAECAw==\r\n"
    assert encode_close(CloseCode.BUSY) == b"encchat/1 close 9\r\n"
    assert encode_frame(b"box") == b"F Ym94\r\n"
    assert (
        encode_record(LogId(b"l" * 16), 7, b"record")
        == b"R bGxsbGxsbGxsbGxsbGxsbA== 7 cmVjb3Jk\r\n"
    )
    assert encode_voucher(b"v" * 16) == b"V dnZ2dnZ2dnZ2dnZ2dnZ2dg==\r\n"


@given(lines)
def test_every_line_is_printable_ascii(line: bytes) -> None:
    assert all(0x20 <= byte <= 0x7E for byte in strip(line))


def test_the_bounds_are_the_specified_ones() -> None:
    assert (BOX_BYTES, RECORD_BYTES, LINE_BYTES) == (16_448, 16_468, 22_007)
    assert len(strip(encode_frame(bytes(BOX_BYTES)))) == 21_934
    assert len(strip(encode_hello(bytes(CLIENT_HELLO_BYTES)))) == 1_674 < HANDSHAKE_LINE_BYTES
    longest = strip(encode_record(ANY_LOG, SEQ_MAX, bytes(RECORD_BYTES)))
    assert len(longest) == LINE_BYTES
    assert base64_length(RECORD_BYTES) == 21_960


# Garbage that is almost a line: right tokens in wrong places, and wrong characters.
fragments: Final = st.sampled_from(
    [
        *(b"F", b"R", b"V", b"encchat/1", b"encchat/2", b"close"),
        *(b" ", b"  ", b"\r", b"\n", b"\0", b"\xff"),
        *(b"0", b"1", b"11", b"999", b"A", b"AA==", b"AAAA", b"AB==", b"="),
        *(base64.b64encode(bytes(16)), base64.b64encode(bytes(range(16)))),
    ]
)
nearly_lines: Final = st.lists(fragments, max_size=8).map(b"".join) | st.lists(
    fragments, max_size=5
).map(b" ".join)


@given(nearly_lines | st.binary(max_size=60))
def test_garbage_is_a_line_with_one_spelling_or_a_violation(garbage: bytes) -> None:
    try:
        line = decode_line(garbage)
    except RemoteProtocolError:
        return
    assert encode(line) == garbage


@given(lines, st.data())
def test_a_changed_line_is_another_line_or_a_violation(line: bytes, data: st.DataObject) -> None:
    original = strip(line)
    place = data.draw(st.integers(0, len(original)))
    inserted = data.draw(st.binary(max_size=2))
    removed = data.draw(st.integers(0, 2))
    changed = original[:place] + inserted + original[place + removed :]
    try:
        decoded = decode_line(changed)
    except RemoteProtocolError:
        return
    assert encode(decoded) == changed


@pytest.mark.parametrize(
    "first",
    [b"", b"encchat/2", b"encchat/1.0", b"ENCCHAT/1", b"encchat", b"GET", b"f", b"FF", b"\xff"],
)
@pytest.mark.parametrize("rest", [b"", b" AAAA", b" close 2", b" / HTTP/1.1"])
def test_another_first_token_is_another_version(first: bytes, rest: bytes) -> None:
    with pytest.raises(VersionError):
        decode_line(first + rest)


@pytest.mark.parametrize(
    "line",
    [
        b"F",
        b"F AAAA AAAA",
        b"F  AAAA",
        b"F AAAA ",
        b"R",
        b"R AAAA",
        b"R AAAA 1",
        b"R AAAA 1 AAAA AAAA",
        b"V",
        b"V AAAA AAAA",
        b"encchat/1",
        b"encchat/1 AAAA AAAA",
        b"encchat/1 close 1 2",
        b"encchat/1 shut 1",
    ],
)
def test_a_wrong_number_of_parts_is_malformed(line: bytes) -> None:
    with pytest.raises(MalformedLineError):
        decode_line(line)


BASE64_LINES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "hello": lambda part: b"encchat/1 " + part,
    "frame": lambda part: b"F " + part,
    "log": lambda part: b"R " + part + b" 1 AAAA",
    "record": lambda part: b"R AAAAAAAAAAAAAAAAAAAAAA== 1 " + part,
    "voucher": lambda part: b"V " + part,
}


@pytest.mark.parametrize("kind", BASE64_LINES)
@pytest.mark.parametrize(
    "part",
    [
        b"A",
        b"AA",
        b"AAA",
        b"AA=",
        b"AA===",
        b"A===",
        b"====",
        b"AA==AAAA",
        b"AAAA====",
        b"AAAAA",
        b"AAA-",
        b"AAA_",
        b"AA\tAA",
        b"AAAA\n",
        b"AAAA\r",
        b"AAA\x00",
        b"AAA\xff",
        "AAAé".encode(),
        b"=AAA",
        b"A=AA",
    ],
)
def test_what_is_not_base64_is_malformed(kind: str, part: bytes) -> None:
    with pytest.raises(MalformedLineError, match="base64"):
        decode_line(BASE64_LINES[kind](part))


@pytest.mark.parametrize("kind", BASE64_LINES)
@pytest.mark.parametrize("part", [b"AB==", b"AP==", b"AAB=", b"AAD=", b"AAAAAAAAAAAAAAAAAAAAAB=="])
def test_stray_bits_in_the_last_character_are_malformed(kind: str, part: bytes) -> None:
    with pytest.raises(MalformedLineError, match="not canonical"):
        decode_line(BASE64_LINES[kind](part))


@pytest.mark.parametrize("size", [0, 15, 17, 32])
@pytest.mark.parametrize("kind", ["log", "voucher"])
def test_logs_and_vouchers_have_sixteen_bytes(kind: str, size: int) -> None:
    with pytest.raises(MalformedLineError, match="length"):
        decode_line(BASE64_LINES[kind](base64.b64encode(bytes(size))))


def test_a_box_or_record_beyond_its_own_bound_is_malformed_though_its_line_fits() -> None:
    decode_line(strip(encode_frame(bytes(BOX_BYTES))))
    decode_line(strip(encode_record(ANY_LOG, 1, bytes(RECORD_BYTES))))
    for line in (
        strip(encode_frame(bytes(BOX_BYTES + 1))),
        strip(encode_frame(bytes(BOX_BYTES + 16))),
        strip(encode_record(ANY_LOG, 1, bytes(RECORD_BYTES + 1))),
    ):
        assert len(line) <= LINE_BYTES
        with pytest.raises(MalformedLineError, match="length"):
            decode_line(line)


@pytest.mark.parametrize(
    "seq",
    [
        b"",
        b"00",
        b"01",
        b"-1",
        b"+1",
        b"1_0",
        b"1.0",
        b"0x1",
        b"1\n",
        "\N{ARABIC-INDIC DIGIT ONE}".encode(),
        b"9223372036854775808",
        b"10000000000000000000",
        b"9" * 5000,
    ],
)
def test_a_sequence_number_out_of_range_is_malformed(seq: bytes) -> None:
    with pytest.raises(MalformedLineError, match="sequence number"):
        decode_line(b"R AAAAAAAAAAAAAAAAAAAAAA== " + seq + b" AAAA")


@given(st.integers(0, SEQ_MAX))
@example(0)
@example(1)
@example(SEQ_MAX)
def test_every_sequence_number_in_range_is_taken(seq: int) -> None:
    line = decode_line(b"R AAAAAAAAAAAAAAAAAAAAAA== %d AAAA" % seq)
    assert isinstance(line, RecordLine)
    assert line.seq == seq


@pytest.mark.parametrize("code", [b"", b"-1", b"01", b"1000", b"x", b"1\n", b"1.0"])
def test_a_close_without_a_code_is_malformed(code: bytes) -> None:
    with pytest.raises(MalformedLineError, match="code"):
        decode_line(b"encchat/1 close " + code)


@pytest.mark.parametrize("code", [0, 12, 999])
def test_a_close_may_have_a_code_of_a_later_version(code: int) -> None:
    assert decode_line(b"encchat/1 close %d" % code) == CloseLine(code)
