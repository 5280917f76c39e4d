"""What changes do to the database: one function each, inside the transaction of whoever calls.

All of them run in the writer's thread, on its connection.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from chat.store.interface import Appended, Entry

__all__ = ["append", "compare_and_set", "delete_blob", "put_blob", "row_id", "trim"]

_LOG_BITS: Final = 40

_UNTIDY: Final = "UPDATE state SET tidy = 0"
"""What every removal does: see `chat.store.writer`."""


def row_id(number: int, seq: int) -> int:
    """Return the row of the index for a record: those of one log stand together."""
    return number << _LOG_BITS | seq


def append(
    connection: sqlite3.Connection, log: bytes, entries: Sequence[Entry], has_search: bool
) -> list[Appended]:
    """As `LogStore.append`."""
    execute = connection.execute
    found = execute("SELECT number, seq, time FROM logs WHERE id = ?", (log,)).fetchone()
    if found is None:
        number = execute("INSERT INTO logs (id, seq, time) VALUES (?, 0, 0)", (log,)).lastrowid
        assert number is not None
        seq = time = 0
    else:
        number, seq, time = found
    places = []
    words = []
    for entry in entries:
        row = execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (log, id) DO NOTHING",
            (number, seq + 1, entry.record_id, entry.time, entry.replaces, entry.record),
        )
        if not row.rowcount:
            places.append(_known(connection, number, entry.record_id))
            continue
        seq += 1
        time = max(time, entry.time)
        places.append(Appended(seq, entry.time, True))
        if entry.erases:
            _erase(connection, number, entry.erases, has_search)
        if has_search:
            if entry.words:
                words.append((row_id(number, seq), entry.words))
            if entry.replaces:
                execute("DELETE FROM words WHERE rowid = ?", (row_id(number, entry.replaces),))
                words = [it for it in words if it[0] != row_id(number, entry.replaces)]
    if words:
        connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", words)
    execute("UPDATE logs SET seq = ?, time = ? WHERE number = ?", (seq, time, number))
    return places


def _known(connection: sqlite3.Connection, number: int, record_id: bytes) -> Appended:
    seq, time = connection.execute(
        "SELECT seq, time FROM records WHERE log = ? AND id = ?", (number, record_id)
    ).fetchone()
    return Appended(seq, time, False)


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
            connection.execute("DELETE FROM words WHERE rowid = ?", (row_id(number, *one),))


def trim(
    connection: sqlite3.Connection,
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
        connection.execute(
            "DELETE FROM words WHERE rowid BETWEEN ? AND ?",
            (row_id(number, 0), row_id(number, last)),
        )
    [count] = connection.execute(
        "SELECT count(*) FROM records WHERE log = ? AND seq <= ? AND record IS NOT NULL",
        (number, last),
    ).fetchone()
    gone = connection.execute("DELETE FROM records WHERE log = ? AND seq <= ?", (number, last))
    if gone.rowcount:
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
