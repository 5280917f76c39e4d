"""Dumps of a store's whole state, for comparing engines."""

import sqlite3
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, TypeVar

from chat.ids import AccountId, LogId, RecordId
from chat.store.interface import Epoch, Head
from chat.store.memory import MemoryStore
from chat.store.words import words

__all__ = ["Dump", "DumpedLog", "DumpedRecord", "dump_file", "dump_memory"]


T = TypeVar("T")


class DumpedRecord(NamedTuple):
    """A record; erased if it has no data."""

    id: RecordId
    author: AccountId
    kind: int
    time: int
    replaces: int
    data: bytes | None
    words: tuple[str, ...]


class DumpedLog(NamedTuple):
    """A log that has begun, or has a fence."""

    head: Head
    epochs: tuple[Epoch, ...]
    records: tuple[tuple[int, DumpedRecord], ...]
    ids: tuple[tuple[RecordId, int, int], ...]


class Dump(NamedTuple):
    """A state, in canonical form."""

    base: int
    fence: int
    logs: tuple[tuple[LogId, DumpedLog], ...]
    values: tuple[tuple[bytes, bytes], ...]
    seen: tuple[tuple[LogId, AccountId, int], ...]

    def digest(self) -> str:
        """Return a hash of it."""
        return sha256(repr(self).encode()).hexdigest()


def dump_memory(store: MemoryStore) -> Dump:
    """Return the state of a store in memory."""
    state = store._state
    logs = []
    for log, kept in state.logs.items():
        records = [
            (
                seq,
                DumpedRecord(
                    *next((id, it.author) for id, place in kept.places.items() if place.seq == seq),
                    *(it.kind, it.time, it.replaces),
                    None if it.stored is None else it.stored.data,
                    it.words,
                ),
            )
            for seq, it in kept.records.items()
        ]
        ids = [(id, place.seq, place.time) for id, place in kept.places.items()]
        epochs = tuple(epoch for _, epoch in sorted(kept.epochs.items()))
        logs.append((log, DumpedLog(kept.head, epochs, _sorted(records), _sorted(ids))))
    seen = [(*key, seq) for key, seq in state.seen.items()]
    return Dump(
        *(state.base, state.fence),
        _sorted(it for it in logs if it[1].head != Head()),
        *(_sorted(state.values.items()), _sorted(seen)),
    )


def dump_file(path: Path) -> Dump:
    """Return the state in a file, which may be in use."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("BEGIN")
        [(base, fence)] = connection.execute("SELECT base, fence FROM state")
        numbers = connection.execute("SELECT number, id FROM logs").fetchall()
        logs = [(log, _dump_log(connection, number, log)) for number, log in numbers]
        seen = connection.execute(
            "SELECT id, account, seen.seq FROM seen LEFT JOIN logs ON log = number"
        ).fetchall()
        values = connection.execute("SELECT key, value FROM entries").fetchall()
    finally:
        connection.close()
    return Dump(
        *(base, fence),
        _sorted(it for it in logs if it[1].head != Head()),
        *(_sorted(values), _sorted(seen)),
    )


def _dump_log(connection: sqlite3.Connection, number: int, log: LogId) -> DumpedLog:
    [end] = connection.execute(
        "SELECT seq, time, epoch, fence FROM logs WHERE number = ?", (number,)
    )
    [(seq, time)] = connection.execute(
        "SELECT max(seq), max(time) FROM journal WHERE log = ?", (number,)
    )
    head = Head(*end)
    has_words = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'words'").fetchone()
    text = "(SELECT text FROM words WHERE rowid = log << 40 | seq)" if has_words else "''"
    rows = connection.execute(
        f"SELECT seq, id, author, kind, time, replaces, data, {text} FROM records WHERE log = :log"
        " UNION ALL SELECT seq, id, author, kind, time, replaces, data, words FROM journal"
        " WHERE log = :log",
        {"log": number},
    )
    records = [(row[0], _record(*row[1:])) for row in rows]
    ids = connection.execute(
        "SELECT id, seq, time FROM ids WHERE log = :log"
        " UNION ALL SELECT id, seq, time FROM journal WHERE log = :log",
        {"log": number},
    ).fetchall()
    epochs = connection.execute(
        "SELECT number, wrapped FROM epochs WHERE log = ? ORDER BY number", (number,)
    )
    return DumpedLog(
        head if seq is None else head._replace(seq=seq, time=time),
        tuple(Epoch(log, *row) for row in epochs),
        _sorted(records),
        _sorted(ids),
    )


def _record(
    id: RecordId,
    author: AccountId,
    kind: int,
    time: int,
    replaces: int,
    data: bytes | None,
    text: str | None,
) -> DumpedRecord:
    return DumpedRecord(id, author, kind, time, replaces, data, tuple(words(text or "")))


def _sorted(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(sorted(items, key=repr))
