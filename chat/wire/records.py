"""Records: sealed once for all members, and opened by each client.

docs/protocol.md sections 7 and 8. `RecordReader` is the client's half: it holds record lines back
until their voucher has arrived.
"""

import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from chat.ids import AccountId, LogId, MessageId, RecordId
from chat.limits import CLIENT_KEYS, RUN_BYTES
from chat.wire.errors import AuthenticationError, MalformedLineError, UnexpectedInputError
from chat.wire.frames import FrameOpener
from chat.wire.lines import RecordLine
from chat.wire.messages import Body, Keys, Opened, Page, Unknown, decode_body
from chat.wire.sealing import BoxKey, RandomBytes

__all__ = [
    "Delivered",
    "RecordReader",
    "open_record",
    "record_epoch",
    "record_id",
    "seal_record",
    "seal_records",
]

_AAD: Final = b"encchat/1 record"
_HEAD: Final = 4 + 16


class Delivered(Struct, frozen=True):
    """A record that has been vouched for and opened."""

    log: LogId
    seq: int
    """0 for a passing record, which no log keeps."""
    record_id: RecordId
    body: Body | Unknown
    page: int = 0
    """The id of the request that this record is part of the answer to; 0 for a new record."""


def record_id(account: AccountId, message: MessageId) -> RecordId:
    """Return the 16-byte id of a record, from its author's account and chosen message id.

    It includes the account, so that nobody can claim or suppress somebody else's record.
    """
    return RecordId(hashlib.sha256(account + message).digest()[:16])


def seal_record(
    key: BoxKey,
    log: LogId,
    epoch: int,
    record_id: RecordId,
    body: bytes,
    random_bytes: RandomBytes = os.urandom,
) -> bytes:
    """Return the record of `body` under the key of `epoch`."""
    return seal_records(key, log, epoch, (record_id,), (body,), random_bytes)[0]


def seal_records(
    key: BoxKey,
    log: LogId,
    epoch: int,
    record_ids: Sequence[RecordId],
    bodies: Sequence[bytes],
    random_bytes: RandomBytes = os.urandom,
) -> list[bytes]:
    """Return what `seal_record` returns for each body, with one run of the cipher."""
    prefix = epoch.to_bytes(4, "big")
    heads = [prefix + record_id for record_id in record_ids]
    aad = _AAD + log
    boxes = key.seal_all(bodies, [aad + head for head in heads], random_bytes)
    return [head + box for head, box in zip(heads, boxes, strict=True)]


def record_epoch(record: bytes) -> int:
    """Return the epoch that a record says it was sealed in. Raises MalformedLineError."""
    if len(record) < _HEAD:
        raise MalformedLineError("a record without its head")
    return int.from_bytes(record[:4], "big")


def open_record(key: BoxKey, log: LogId, record: bytes) -> tuple[RecordId, bytes]:
    """Return (record id, body) of a record. The inverse of `seal_record`.

    Raises AuthenticationError, MalformedLineError.
    """
    head, box = record[:_HEAD], record[_HEAD:]
    return RecordId(head[4:]), key.open(box, _AAD + log + head)


@dataclass(slots=True)
class _Log:
    """What the reader knows about a log: its epochs' keys and how far it has read."""

    keys: dict[int, BoxKey] = field(default_factory=dict, repr=False)
    epoch: int = 0
    """Of the last new record."""
    seq: int | None = None
    """Of the last record; None until the server says where reading starts."""


class RecordReader:
    """Holds record lines back until their voucher arrives, then opens them."""

    __slots__ = ("_keys", "_logs", "_page", "_size", "_waiting")

    def __init__(self) -> None:
        self._logs: dict[LogId, _Log] = {}
        self._keys = 0
        """Number of keys, in all logs."""
        self._waiting: list[RecordLine] = []
        self._size = 0
        self._page: Page | None = None

    def add_key(self, keys: Keys) -> None:
        """Remember an epoch's key.

        Raises UnexpectedInputError if the epoch has another key, and beyond `CLIENT_KEYS`.
        """
        known = self._log(keys.log).keys
        if keys.epoch not in known:
            self._keys += 1
            if self._keys > CLIENT_KEYS:
                raise UnexpectedInputError("too many keys")
        key = known.setdefault(keys.epoch, BoxKey(keys.key))
        if not hmac.compare_digest(key.raw, keys.key):
            raise UnexpectedInputError("a different key for the same epoch")

    def start(self, opened: Opened) -> None:
        """Expect the records after `opened.seq`. Raises UnexpectedInputError beyond `CLIENT_KEYS`
        logs."""
        self._log(opened.log).seq = opened.seq

    def _log(self, log: LogId) -> _Log:
        known = self._logs.get(log)
        if known is None:
            if len(self._logs) >= CLIENT_KEYS:
                raise UnexpectedInputError("too many logs")
            known = self._logs[log] = _Log()
        return known

    def stop(self, log: LogId) -> None:
        """Expect nothing more of a log, and forget its keys."""
        known = self._logs.pop(log, None)
        if known is not None:
            self._keys -= len(known.keys)

    def expect(self, page: Page) -> None:
        """Expect the records of a page, in one run and before anything else."""
        if page.count:
            self._page = page

    def add(self, line: RecordLine) -> None:
        """Hold a record until its voucher arrives. Raises UnexpectedInputError beyond 256 KiB."""
        self._size += len(line.raw)
        if self._size > RUN_BYTES:
            raise UnexpectedInputError("too many records without a voucher")
        self._waiting.append(line)

    def check_idle(self) -> None:
        """Raise UnexpectedInputError if records or a voucher must come before the next frame."""
        if self._waiting or self._page is not None:
            raise UnexpectedInputError("a frame in place of records or their voucher")

    def redeem(self, voucher: bytes, opener: FrameOpener) -> Iterator[Delivered]:
        """Check `voucher`, and return the records it covers, in order. Each is opened when it is
        asked for: a run may have a thousand, which takes 10 ms.

        Raises AuthenticationError, MalformedLineError, MessageError, UnexpectedInputError, and so
        does the iterator.
        """
        if not self._waiting:
            raise UnexpectedInputError("a voucher without records")
        lines, self._waiting, self._size = self._waiting, [], 0
        digest = hashlib.sha512(b"".join(line.raw for line in lines)).digest()
        if not hmac.compare_digest(opener.voucher(digest), voucher):
            raise AuthenticationError
        page, self._page = self._page, None
        if page is None:
            return map(self._open_new, lines)
        if len(lines) != page.count or not all(line.seq for line in lines):
            raise UnexpectedInputError("a page of other records than announced")
        return (self._open(line, page.id) for line in lines)

    def _open_new(self, line: RecordLine) -> Delivered:
        log = self._logs.get(line.log)
        if log is None or log.seq is None:
            raise UnexpectedInputError("a record of a log that is not read")
        if line.seq:
            if line.seq <= log.seq:
                raise UnexpectedInputError("a record out of order")
            log.seq = line.seq
        epoch = record_epoch(line.record)
        if epoch < log.epoch:  # Even if its key was sent again, for a page.
            raise UnexpectedInputError("a record of an earlier epoch")
        log.epoch = epoch
        delivered = self._open(line)
        # New records no longer need the keys of older epochs.
        for older in [known for known in log.keys if known < epoch]:
            del log.keys[older]
            self._keys -= 1
        return delivered

    def _open(self, line: RecordLine, page: int = 0) -> Delivered:
        log = self._logs.get(line.log)
        key = None if log is None else log.keys.get(record_epoch(line.record))
        if key is None:
            raise UnexpectedInputError("a record whose key was not sent")
        record_id, body = open_record(key, line.log, line.record)
        return Delivered(line.log, line.seq, record_id, decode_body(body), page)
