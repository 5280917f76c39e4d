"""Record lines joined into runs: the bytes that all readers share, and their digests."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from chat.ids import LogId
from chat.limits import RUN_BYTES
from chat.wire.lines import VOUCHER_LINE_BYTES, encode_record
from chat.wire.records import record_epoch

__all__ = ["Delivery", "Line", "Run", "join_runs", "line_of", "run_of"]

_BLOCK: Final = 32
"""Lines per block. Beyond the gaps for an author's own lines, at most this many lines are digested
for that author alone; the rest are digested once for all authors."""

Part = tuple[bytes | memoryview, bytes]
"""Record lines, and their SHA-512 digest."""


class Line(NamedTuple):
    """A record line and what it was made from."""

    seq: int
    """0 for a passing record."""
    record: bytes
    data: bytes
    """The line as written, CR LF included."""


@dataclass(slots=True)
class Run:
    """Record lines of one epoch, at most `RUN_BYTES`, that are written at once.

    It holds whatever is the same for all readers, so that it is computed once.
    """

    parts: Sequence[Part]
    """A voucher follows each. Only authors in a busy room get more than one."""
    epoch: int
    last: int
    """The highest sequence number in it; 0 if all records are passing."""
    size: int
    """Bytes written to a reader: lines and vouchers."""
    written_at: float = 0.0
    """When it was first written, by the connections' clock; 0 before."""


def line_of(log: LogId, seq: int, record: bytes) -> Line:
    """Return the line of a record."""
    return Line(seq, record, encode_record(log, seq, record))


def run_of(lines: Sequence[Line]) -> Run:
    """Join one or more lines into one run."""
    if len(lines) == 1:  # As nearly always in quiet rooms.
        last, record, data = lines[0]
    else:
        record = lines[-1].record
        data = b"".join([line.data for line in lines])
        last = max([line.seq for line in lines])
    part = data, hashlib.sha512(data).digest()
    return Run((part,), record_epoch(record), last, len(data) + VOUCHER_LINE_BYTES)


def join_runs(lines: Sequence[Line]) -> list[Run]:
    """Join lines into as few runs as their epochs and `RUN_BYTES` allow."""
    return Delivery(lines).runs


class Delivery:
    """Record lines that were committed together, as each of their readers gets them."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._stretches: list[_Stretch] = []
        start = size = 0
        for index, line in enumerate(lines):
            size += len(line.data)
            if index > start and (size > RUN_BYTES or line.record[:4] != lines[start].record[:4]):
                self._stretches.append(_Stretch(start, lines[start:index]))
                start, size = index, len(line.data)
        if start < len(lines):
            self._stretches.append(_Stretch(start, lines[start:]))
        self.runs = [it.run for it in self._stretches]

    def without(self, own: Collection[int]) -> list[Run]:
        """Return the runs without the lines at the indexes in `own`."""
        runs = []
        for it in self._stretches:
            mine = [place - it.start for place in own if it.start <= place < it.end]
            if not mine:
                runs.append(it.run)
            elif len(mine) < it.end - it.start:
                runs.append(it.without(mine))
        return runs


class _Stretch:
    """Lines that make one run."""

    def __init__(self, start: int, lines: Sequence[Line]) -> None:
        self.start = start
        self.end = start + len(lines)
        self._lines = lines
        self.run = run_of(lines)

    @cached_property
    def _view(self) -> memoryview:
        return memoryview(self.run.parts[0][0])

    @cached_property
    def _suffixes(self) -> dict[int, Part]:
        return {}

    @cached_property
    def _offsets(self) -> list[int]:
        """The offset of each line, and the end."""
        return list(accumulate([len(line.data) for line in self._lines], initial=0))

    @cached_property
    def _prefixes(self) -> list["hashlib._Hash"]:
        """The state of the hash before each block."""
        states = [hashlib.sha512()]
        for start in range(0, len(self._lines) - _BLOCK, _BLOCK):
            state = states[-1].copy()
            state.update(self._view[self._offsets[start] : self._offsets[start + _BLOCK]])
            states.append(state)
        return states

    def without(self, mine: Sequence[int]) -> Run:
        """Return the run without the lines at `mine`, which are in ascending order.

        In a long run, the parts before and after them are shared with other authors: the hash of
        the part before is known at the start of each block, and the part after starts with a block.
        """
        lines, offsets, view = self._lines, self._offsets, self._view
        omitted = frozenset(mine)
        first, behind, end = 0, len(lines), len(lines)
        if len(lines) > 2 * _BLOCK:
            first, behind = mine[0], mine[-1] + 1
            end = min(-(-behind // _BLOCK) * _BLOCK, len(lines))
        parts: list[Part] = []
        if first:
            block = first // _BLOCK
            state = self._prefixes[block].copy()
            state.update(view[offsets[block * _BLOCK] : offsets[first]])
            parts.append((view[: offsets[first]], state.digest()))
        between = [lines[it].data for it in range(first, behind) if it not in omitted]
        middle = b"".join([*between, view[offsets[behind] : offsets[end]]])
        if middle:
            parts.append((middle, hashlib.sha512(middle).digest()))
        if end < len(lines):
            parts.append(self._suffix(end))
        # Sequence numbers ascend, but those of passing records are 0.
        backward = range(len(lines) - 1, -1, -1)
        last = next((lines[it].seq for it in backward if it not in omitted and lines[it].seq), 0)
        size = sum([len(data) + VOUCHER_LINE_BYTES for data, _ in parts])
        return Run(parts, self.run.epoch, last, size)

    def _suffix(self, place: int) -> Part:
        part = self._suffixes.get(place)
        if part is None:
            data = self._view[self._offsets[place] :]
            part = self._suffixes[place] = data, hashlib.sha512(data).digest()
        return part
