"""Lines: the only place where bytes from the network are classified (docs/protocol.md section 2).

`decode_line` takes a line without its CR LF; the `encode_` functions return it with CR LF.
"""

import re
from binascii import a2b_base64, b2a_base64
from typing import Final

from msgspec import Struct

from chat.ids import LogId
from chat.limits import BOX_BYTES, LINE_BYTES, RECORD_BYTES, SEQ_MAX
from chat.wire.errors import CloseCode, MalformedLineError, VersionError
from chat.wire.schedule import VERSION

__all__ = [
    "DELIMITER",
    "VOUCHER_LINE_BYTES",
    "CloseLine",
    "FrameLine",
    "HelloLine",
    "Line",
    "RecordLine",
    "VoucherLine",
    "decode_line",
    "encode_close",
    "encode_frame",
    "encode_hello",
    "encode_record",
    "encode_voucher",
]

DELIMITER: Final = b"\r\n"

_LOG_BYTES: Final = 16
_VOUCHER_BYTES: Final = 16
_SEQ: Final = re.compile(rb"0|[1-9][0-9]{0,18}")
_CODE: Final = re.compile(rb"0|[1-9][0-9]{0,2}")


class HelloLine(Struct, frozen=True, gc=False):
    """The first line of each side."""

    payload: bytes


class CloseLine(Struct, frozen=True, gc=False):
    """The server's refusal in the clear. Unknown codes are kept as they are."""

    code: int


class FrameLine(Struct, frozen=True, gc=False):
    """A sealed message."""

    box: bytes


class RecordLine(Struct, frozen=True, gc=False):
    """A record, with its line as received (CR LF included), which the voucher covers."""

    log: LogId
    seq: int
    record: bytes
    raw: bytes


class VoucherLine(Struct, frozen=True, gc=False):
    """The MAC over the record lines before it."""

    voucher: bytes


Line = HelloLine | CloseLine | FrameLine | RecordLine | VoucherLine


def decode_line(line: bytes) -> Line:
    """Return `line`, without CR LF, as a typed value.

    Raises VersionError for a first token that this version does not have, and MalformedLineError
    for anything else that is not exactly one of the five forms.
    """
    if line.startswith(b"F "):  # Most lines that a server receives.
        return FrameLine(_base64(line[2:], most=BOX_BYTES))
    match line.split(b" "):
        case [b"R", log, seq, record]:
            return RecordLine(
                log=LogId(_base64(log, least=_LOG_BYTES, most=_LOG_BYTES)),
                seq=_seq(seq),
                record=_base64(record, most=RECORD_BYTES),
                raw=line + DELIMITER,
            )
        case [b"V", voucher]:
            return VoucherLine(_base64(voucher, least=_VOUCHER_BYTES, most=_VOUCHER_BYTES))
        case [first, b"close", code] if first == VERSION:
            if not _CODE.fullmatch(code):
                raise MalformedLineError("a close line without a valid code")
            return CloseLine(int(code))
        case [first, hello] if first == VERSION:
            return HelloLine(_base64(hello))
        case [first, *_] if first in (b"F", b"R", b"V", VERSION):
            raise MalformedLineError("a line with the wrong number of parts")
        case _:
            raise VersionError("a line of unknown kind")


def encode_hello(payload: bytes) -> bytes:
    """Return a hello line."""
    return VERSION + b" " + _to_base64(payload) + DELIMITER


def encode_close(code: CloseCode) -> bytes:
    """Return the line that refuses in the clear."""
    return b"%s close %d\r\n" % (VERSION, code)


def encode_frame(box: bytes) -> bytes:
    """Return a frame line."""
    return b"F " + _to_base64(box) + DELIMITER


def encode_record(log: LogId, seq: int, record: bytes) -> bytes:
    """Return a record line: the same bytes for every reader."""
    return b"R %s %d %s\r\n" % (_to_base64(log), seq, _to_base64(record))


VOUCHER_LINE_BYTES: Final = 28
"""Length of a voucher line with CR LF: 2, 24 for 16 bytes in base64, and 2."""


def encode_voucher(voucher: bytes) -> bytes:
    """Return a voucher line."""
    return b"V %b\r\n" % b2a_base64(voucher, newline=False)


def _to_base64(value: bytes) -> bytes:
    return b2a_base64(value, newline=False)


def _base64(text: bytes, least: int = 0, most: int = LINE_BYTES) -> bytes:
    try:
        value = a2b_base64(text, strict_mode=True)
    except ValueError:
        raise MalformedLineError("a part that is not base64") from None
    # Strict mode ignores stray bits in the last character before the padding, but every value must
    # have exactly one encoding.
    if text.endswith(b"=") and _to_base64(value[-(len(value) % 3) :]) != text[-4:]:
        raise MalformedLineError("a part that is not canonical base64")
    if not least <= len(value) <= most:
        raise MalformedLineError("a part of the wrong length")
    return value


def _seq(text: bytes) -> int:
    if not _SEQ.fullmatch(text) or (seq := int(text)) > SEQ_MAX:
        raise MalformedLineError("a sequence number out of range")
    return seq
