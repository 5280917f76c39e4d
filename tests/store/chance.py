"""Random commits: good, late, stale, repeated and invalid ones.

A seeded `Random` makes them, not Hypothesis, which would have to draw about fifty things for each;
Hypothesis draws the seeds.
"""

from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

from hypothesis import strategies as st

from chat.ids import LogId, RecordId
from chat.limits import SEQ_MAX
from chat.store.interface import (
    AUDIT,
    Commit,
    Epoch,
    ReadMarker,
    Record,
    RecordKind,
    StateChange,
    Trim,
    Value,
    audit_of,
)
from tests.store.commits import AUTHORS, LOGS
from tests.store.model import PARTS, Model

__all__ = ["ALL_LOGS", "KEYS", "SEEDS", "TYPED", "make_commit"]

T = TypeVar("T")

AUDITS: Final = (AUDIT, audit_of(LOGS[0]))
ALL_LOGS: Final = (*LOGS, *AUDITS)
KEYS: Final = (b"a", b"a/", b"a/\xff", b"a0", b"b" * 40)
TYPED: Final = st.lists(st.sampled_from(sorted(PARTS)), max_size=3).map(" ".join)
SEEDS: Final = st.integers(0, 2**32 - 1)


def make_commit(seed: int, model: Model) -> Commit:
    """Return a commit that suits a store in the model's state."""
    return _Maker(Random(seed), model).commit()


class _Maker:
    def __init__(self, random: Random, model: Model) -> None:
        self._random = random
        self._model = model
        self._last = {log: model.log(log).head.seq for log in ALL_LOGS}

    def commit(self) -> Commit:
        base = self._model.base
        return Commit(
            self._mostly(base, base - 1, max(base - 3, 0), base + 1),
            self._records(6),
            [self._seen() for _ in range(self._mostly(0, 1, 3))],
            [self._trim()] if self._chance(0.15) else [],
            self._change() if self._chance(0.4) else None,
        )

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _mostly(self, usual: T, *others: T) -> T:
        return usual if self._chance(0.85) else self._random.choice(others)

    def _some(self, of: Sequence[T], most: int) -> list[T]:
        return [self._random.choice(of) for _ in range(self._random.randint(0, most))]

    def _log(self) -> LogId:
        return self._random.choice([*LOGS, *LOGS, *AUDITS])

    def _bytes(self, most: int) -> bytes:
        return self._random.randbytes(self._random.randint(0, most))

    def _seen(self) -> ReadMarker:
        return ReadMarker(self._log(), self._random.choice(AUTHORS), self._random.randint(-1, 12))

    def _trim(self) -> Trim:
        log = self._log()
        before = self._model.log(log).head.time - self._random.randint(-2, 1_500)
        keep = self._random.randint(0, 20)
        most = self._mostly(SEQ_MAX, 1, 2, 5, 50)
        return Trim(
            *(log, before if self._chance(0.5) else None),
            *(keep if self._chance(0.5) else None, most),
        )

    def _records(self, most: int) -> list[Record]:
        return [self._record() for _ in range(self._random.randint(0, most))]

    def _record(self) -> Record:
        """Return a record whose references may exist, be in the same commit, or not exist."""
        log = self._log()
        head = self._model.log(log).head
        epoch = 0 if log in AUDITS else head.epoch
        record = Record(
            log,
            # So few ids that many are reused.
            RecordId(self._random.randint(0, 150).to_bytes(16, "big")),
            self._random.choice(AUTHORS),
            self._random.choice([*RecordKind, RecordKind.TEXT]),
            self._mostly(epoch, epoch + 1, max(epoch - 1, 0)),
            head.time + self._mostly(0, 1, 5, -999, -1_000, -1_001, 700),
            self._bytes(30),
            " ".join(self._some(sorted(PARTS), 3)),
        )
        self._last[log] += 1
        return self._removing(record) if self._chance(0.4) else record

    def _removing(self, record: Record) -> Record:
        there = [
            row
            for row in self._model.log(record.log).there()
            if row.record.kind != RecordKind.OTHER
        ]
        if there and self._chance(0.7):
            row = self._random.choice(there)
            target = row.seq
            record = record._replace(author=self._mostly(row.record.author, *AUTHORS))
        else:
            last = self._last[record.log]
            target = self._random.choice([-1, last - 2, last - 1, last, last + 1, 2**62])
        removes = self._random.choice(["replaces", "replaces", "erases", "both"])
        return record._replace(
            replaces=target if removes != "erases" else 0,
            erases=target if removes != "replaces" else 0,
        )

    def _change(self) -> StateChange:
        epochs: list[Epoch] = []
        for log in self._some(LOGS, 3):
            known = self._model.log(log).head.epoch + sum(epoch.log == log for epoch in epochs)
            epochs.append(Epoch(log, known + self._mostly(1, 0, 2), self._bytes(4)))
        values = [Value(key, self._mostly(self._bytes(2), None)) for key in self._some(KEYS, 4)]
        return StateChange(
            values,
            epochs,
            self._records(1),
            frozenset(self._some(LOGS, 2) if self._chance(0.3) else ()),
            self._chance(0.1),
        )
