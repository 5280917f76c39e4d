"""What changes do to the database: one function each, inside the transaction of whoever calls.

All of them run in the writer's thread, on its connection.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

from chat.store import ids, journal
from chat.store.interface import Appended, Entry
from chat.store.journal import SINGLE, Row, WritingConnection, row_id

__all__ = [
    "Append",
    "Change",
    "compare_and_set",
    "delete_blob",
    "is_single",
    "make",
    "put_blob",
    "trim",
]

_UNTIDY: Final = "UPDATE state SET tidy = 0"
"""What every removal does: see `chat.store.writer`."""


class Append(NamedTuple):
    """`LogStore.append`, to be made together with those to other logs."""

    log: bytes
    entries: Sequence[Entry]


Change = Append | Callable[[WritingConnection], Any]


def is_single(connection: WritingConnection, wanted: Sequence[Change]) -> bool:
    """Tell whether `make` comes down to one statement that changes something.

    That is a transaction by itself, which spares the three statements around it.
    """
    logs = set()
    count = 0
    for change in wanted:
        if not isinstance(change, Append) or change.log not in connection.logs:
            return False
        if any(entry.replaces or entry.erases for entry in change.entries):
            return False
        logs.add(change.log)
        count += len(change.entries)
    return len(logs) == len(wanted) and count <= SINGLE


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
    logs = [_open(connection, log) for log, _ in appends]
    known = ids.known(
        connection,
        [
            (number, entry.record_id)
            for (number, _, _), (_, entries) in zip(logs, appends, strict=True)
            for entry in entries
        ],
    )
    rows: list[Row] = []
    removing: list[tuple[int, Entry]] = []
    results = []
    for (number, seq, time), (log, entries) in zip(logs, appends, strict=True):
        places = []
        for entry in entries:
            key = number, entry.record_id
            place = known.get(key)
            if place is None:
                seq += 1
                time = max(time, entry.time)
                place = Appended(seq, entry.time, True)
                known[key] = Appended(seq, entry.time, False)
                words = entry.words if has_search else ""
                rows.append(
                    Row(
                        number,
                        seq,
                        entry.record_id,
                        entry.time,
                        entry.replaces,
                        entry.record,
                        words,
                    )
                )
                if entry.replaces or entry.erases:
                    removing.append((number, entry))
            places.append(place)
        connection.logs[log] = number, seq, time
        results.append(places)
    if rows:
        journal.insert(connection, rows)
    for number, entry in removing:
        journal.file_log(connection, number, has_search)  # What is removed may wait itself.
        if has_search and entry.replaces:
            _forget(connection, number, entry.replaces)
        if entry.erases:
            _erase(connection, number, entry.erases, has_search)
    return results


def _find(connection: WritingConnection, log: bytes) -> tuple[int, int, int] | None:
    """Return number, last sequence number and latest time of a log, if there is one."""
    known = connection.logs.get(log)
    if known is not None:
        return known
    found: tuple[int, int, int] | None = connection.execute(
        "SELECT number, seq, time FROM logs WHERE id = ?", (log,)
    ).fetchone()
    return found


def _open(connection: WritingConnection, log: bytes) -> tuple[int, int, int]:
    """Return the same, of a log that is made if need be."""
    found = _find(connection, log)
    if found is not None:
        return found
    made = connection.execute("INSERT INTO logs (id, seq, time) VALUES (?, 0, 0)", (log,)).lastrowid
    assert made is not None
    return made, 0, 0


def _forget(
    connection: sqlite3.Connection, number: int, first: int, last: int | None = None
) -> None:
    """Take the words of filed records out of the index."""
    rows = row_id(number, first), row_id(number, first if last is None else last)
    connection.execute("DELETE FROM words WHERE rowid BETWEEN ? AND ?", rows)


def _erase(connection: sqlite3.Connection, number: int, seq: int, has_search: bool) -> None:
    """Empty a filed record and those that replaced it; their ids stay."""
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
    found = _find(connection, log)
    if found is None:
        return 0
    number, end, _ = found
    journal.file_log(connection, number, has_search)
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
        connection.execute("DELETE FROM ids WHERE log = ? AND seq <= ?", (number, last))
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
