"""Helpers for making and applying commits."""

from collections.abc import Sequence
from typing import Final, TypeVar

from twisted.internet.defer import Deferred

from chat.ids import AccountId, LogId, RecordId
from chat.store.interface import (
    Commit,
    LogStore,
    Place,
    ReadMarker,
    Record,
    RecordKind,
    Trim,
    Void,
)

__all__ = [
    "AUTHORS",
    "LOGS",
    "append",
    "delete",
    "edit",
    "fired",
    "record",
    "see",
    "seqs",
    "trim",
]

T = TypeVar("T")

LOGS: Final = (LogId(b"one log".ljust(16)), LogId(bytes(16)))

AUTHORS: Final = (AccountId(b"one author".ljust(16)), AccountId(bytes(16)))


def fired(deferred: Deferred[T]) -> T:
    """Return the result of a Deferred that must have one."""
    results: list[T] = []
    failures: list[BaseException] = []
    deferred.addCallbacks(results.append, lambda failure: failures.append(failure.value))
    if failures:
        raise failures[0]
    [result] = results
    return result


def record(number: int, log: LogId = LOGS[0], data: bytes | None = None, words: str = "") -> Record:
    """Return a TEXT whose id is `number`."""
    return Record(
        log,
        RecordId(number.to_bytes(16, "big")),
        AUTHORS[0],
        RecordKind.TEXT,
        epoch=0,
        time=1_000 + number,
        data=bytes([number % 256]) * 10 if data is None else data,
        words=words,
    )


def edit(number: int, replaces: int, log: LogId = LOGS[0], words: str = "") -> Record:
    """Return a record that replaces another one."""
    return record(number, log, b"edit", words)._replace(kind=RecordKind.EDIT, replaces=replaces)


def delete(number: int, erases: int, log: LogId = LOGS[0]) -> Record:
    """Return a record that erases another one."""
    return record(number, log, b"gone")._replace(kind=RecordKind.OTHER, erases=erases)


def append(store: LogStore, *records: Record, base: int = 0) -> Sequence[Place | Void]:
    """Commit records; return their places."""
    return fired(store.commit(Commit(base, records))).places


def seqs(places: Sequence[Place | Void] | None) -> list[int]:
    """Return the sequence numbers of records, all of which must be new."""
    assert places is not None
    numbers = []
    for place in places:
        assert isinstance(place, Place) and place.is_new
        numbers.append(place.seq)
    return numbers


def trim(
    store: LogStore, log: LogId = LOGS[0], before_time: int | None = None, keep: int | None = None
) -> int:
    """Trim a log; return how many records that removed."""
    [count] = fired(store.commit(Commit(0, trims=[Trim(log, before_time, keep)]))).trimmed
    return count


def see(store: LogStore, *seen: ReadMarker) -> None:
    """Commit read markers."""
    fired(store.commit(Commit(0, seen=seen)))
