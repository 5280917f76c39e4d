"""Record lines joined into runs: the bytes that all readers share, and their digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chat.limits import RUN_BYTES
from chat.wire.lines import encode_record
from chat.wire.records import record_epoch

__all__ = ["Line", "Run", "join_runs", "line_of"]


class Line(NamedTuple):
    """A record line and what it was made of."""

    seq: int
    """0 for a passing record."""
    record: bytes
    data: bytes
    """The line as it is written."""


@dataclass(frozen=True, slots=True)
class Run:
    """Record lines of one epoch that one voucher covers."""

    data: bytes
    digest: bytes
    epoch: int
    last: int
    """The highest sequence number in it; 0 where all are passing."""


def line_of(log: bytes, seq: int, record: bytes) -> Line:
    """Return the line of a record."""
    return Line(seq, record, encode_record(log, seq, record))


def join_runs(lines: Sequence[Line]) -> list[Run]:
    """Join lines into as few runs as their epochs and `RUN_BYTES` allow."""
    runs: list[Run] = []
    start = size = 0
    for index, line in enumerate(lines):
        size += len(line.data)
        if index > start and (size > RUN_BYTES or line.record[:4] != lines[start].record[:4]):
            runs.append(join_run(lines[start:index]))
            start, size = index, len(line.data)
    if start < len(lines):
        runs.append(join_run(lines[start:]))
    return runs


def join_run(lines: Sequence[Line]) -> Run:
    """Join lines into one run."""
    data = b"".join([line.data for line in lines])
    last = max([line.seq for line in lines])
    return Run(data, hashlib.sha512(data).digest(), record_epoch(lines[-1].record), last)
