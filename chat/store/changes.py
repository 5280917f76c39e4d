"""What changes do to the database: one function each, inside the transaction of whoever calls.

All of them run in the writer's thread, on its connection.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

from chat.store import ids
from chat.store.ids import WritingConnection
from chat.store.interface import Appended, Entry

__all__ = [
    "Append",
    "Change",
    "compare_and_set",
    "delete_blob",
    "index",
    "make",
    "put_blob",
    "row_id",
    "trim",
]

_LOG_BITS: Final = 40

_UNTIDY: Final = "UPDATE state SET tidy = 0"
"""What every removal does: see `chat.store.writer`."""


_INDEXED: Final = 1_024
"""Records that are indexed at once: about 10 ms."""


def row_id(number: int, seq: int) -> int:
    """Return the row of the index for a record: those of one log stand together."""
    return number << _LOG_BITS | seq


class Append(NamedTuple):
    """`LogStore.append`, to be made together with those to other logs."""

    log: bytes
    entries: Sequence[Entry]


Change = Append | Callable[[WritingConnection], Any]


def make(connection: WritingConnection, wanted: Sequence[Change], has_search: bool) -> list[Any]:
    """Make changes in their order; return the result of each."""
    results: list[Any] = []
    together: dict[bytes, Append] = {}
    for change in wanted:
        if isinstance(change, Append) and change.log not in together:
            together[change.log] = change
            continue
        results += _append_all(connection, together.values(), has_search)
        together.clear()
        if isinstance(change, Append):
            together[change.log] = change
        else:
            results.append(change(connection))
    return results + _append_all(connection, together.values(), has_search)


def _append_all(
    connection: WritingConnection, appends: Collection[Append], has_search: bool
) -> list[list[Appended]]:
    """Append to logs, each of them once; return the places.

    Each statement lets go of the interpreter and has to wait for it again, so there are few.
    """
    added: list[tuple[int, Entry, Appended]] = []
    ends: list[tuple[int, int, int]] = []
    results = []
    for log, entries in appends:
        number, seq, time = connection.logs.get(log) or _open(connection, log)
        known = ids.known(connection, number, [entry.record_id for entry in entries])
        places = []
        for entry in entries:
            place = known.get(entry.record_id)
            if place is None:
                seq += 1
                time = max(time, entry.time)
                place = Appended(seq, entry.time, True)
                known[entry.record_id] = Appended(seq, entry.time, False)
                ids.add(connection, number, entry.record_id, seq, entry.time)
                added.append((number, entry, place))
            places.append(place)
        connection.logs[log] = number, seq, time
        ends.append((seq, time, number))
        results.append(places)
    if added:
        _insert(connection, added, has_search)
        connection.executemany("UPDATE logs SET seq = ?, time = ? WHERE number = ?", ends)
    return results


def _open(connection: WritingConnection, log: bytes) -> tuple[int, int, int]:
    """Return number, last sequence number and latest time of a log, made if need be."""
    found = connection.execute("SELECT number, seq, time FROM logs WHERE id = ?", (log,)).fetchone()
    if found is not None:
        number, seq, time = found
        return number, seq, time
    made = connection.execute("INSERT INTO logs (id, seq, time) VALUES (?, 0, 0)", (log,)).lastrowid
    assert made is not None
    return made, 0, 0


def _insert(
    connection: WritingConnection, added: Sequence[tuple[int, Entry, Appended]], has_search: bool
) -> None:
    connection.executemany(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)",
        [
            (number, place.seq, entry.record_id, entry.time, entry.replaces, entry.record)
            for number, entry, place in added
        ],
    )
    if has_search:
        connection.executemany(
            "INSERT INTO arrived (number, text) VALUES (?, ?)",
            [
                (row_id(number, place.seq), entry.words)
                for number, entry, place in added
                if entry.words
            ],
        )
    for number, entry, _ in added:
        if has_search and entry.replaces:
            _forget(connection, number, entry.replaces)
        if entry.erases:
            _erase(connection, number, entry.erases, has_search)


def index(connection: sqlite3.Connection) -> bool:
    """Index the words of some of what was appended; return whether that were all."""
    last = connection.execute(
        "SELECT max(place) FROM (SELECT place FROM arrived ORDER BY place LIMIT ?)", (_INDEXED,)
    ).fetchone()
    connection.execute(
        "INSERT INTO words (rowid, text) SELECT number, text FROM arrived WHERE place <= ?"
        " ORDER BY number",
        last,
    )
    return connection.execute("DELETE FROM arrived WHERE place <= ?", last).rowcount < _INDEXED


def _forget(
    connection: sqlite3.Connection, number: int, first: int, last: int | None = None
) -> None:
    """Take the words of records out of the index, and of what is to be indexed."""
    rows = row_id(number, first), row_id(number, first if last is None else last)
    connection.execute("DELETE FROM arrived WHERE number BETWEEN ? AND ?", rows)
    connection.execute("DELETE FROM words WHERE rowid BETWEEN ? AND ?", rows)


def _erase(connection: sqlite3.Connection, number: int, seq: int, has_search: bool) -> None:
    """Empty a record and those that replaced it; their ids stay."""
    connection.execute(_UNTIDY)
    gone = connection.execute(
        "SELECT seq FROM records WHERE log = ? AND replaces = ?", (number, seq)
    ).fetchall()
    for one in [(seq,), *gone]:
        connection.execute(
            "UPDATE records SET record = NULL WHERE log = ? AND seq = ?", (number, *one)
        )
        if has_search:
            _forget(connection, number, *one)


def trim(
    connection: WritingConnection,
    log: bytes,
    before_time: int | None,
    keep: int | None,
    has_search: bool,
) -> int:
    """As `LogStore.trim`. Records go in order: those before the last one that has to."""
    found = connection.execute("SELECT number, seq FROM logs WHERE id = ?", (log,)).fetchone()
    if found is None:
        return 0
    number, end = found
    last = 0
    if before_time is not None:
        # Times never decrease in a log, so this looks at what goes and no further.
        young = connection.execute(
            "SELECT seq FROM records WHERE log = ? AND time >= ? ORDER BY seq LIMIT 1",
            (number, before_time),
        ).fetchone()
        last = end if young is None else young[0] - 1
    if keep is not None:
        too_many = connection.execute(
            "SELECT seq FROM records WHERE log = ? AND record IS NOT NULL"
            " ORDER BY seq DESC LIMIT 1 OFFSET ?",
            (number, keep),
        ).fetchone()
        last = max(last, too_many[0] if too_many else 0)
    if has_search:
        _forget(connection, number, 0, last)
    [count] = connection.execute(
        "SELECT count(*) FROM records WHERE log = ? AND seq <= ? AND record IS NOT NULL",
        (number, last),
    ).fetchone()
    gone = connection.execute("DELETE FROM records WHERE log = ? AND seq <= ?", (number, last))
    if gone.rowcount:
        ids.forget(connection, number, last)
        connection.execute(_UNTIDY)
    return int(count)


def compare_and_set(
    connection: sqlite3.Connection, key: bytes, expected: bytes | None, value: bytes | None
) -> bool:
    """As `LogStore.compare_and_set`."""
    found = connection.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
    if (None if found is None else found[0]) != expected:
        return False
    if value is None:
        connection.execute("DELETE FROM entries WHERE key = ?", (key,))
    else:
        connection.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (key, value))
    return True


def put_blob(connection: sqlite3.Connection, blob_id: bytes, content: bytes) -> None:
    """As `LogStore.put_blob`."""
    connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?)", (blob_id, content))


def delete_blob(connection: sqlite3.Connection, blob_id: bytes) -> None:
    """As `LogStore.delete_blob`."""
    if connection.execute("DELETE FROM blobs WHERE id = ?", (blob_id,)).rowcount:
        connection.execute(_UNTIDY)
