"""What was appended, until it is filed.

A record alone costs a page of the file for each place that it goes to: its log's last, its id's,
which is random, and the words'; and costs them again when the write-ahead log is emptied. So a
commit puts all that was appended into one place, in one statement, and many records go from there
to where they are found, log by log, so that those of a page go together. Whoever looks for a
record looks here as well.

Each statement lets go of the interpreter and has to wait for it again, as each row of an
`executemany` or a `SELECT` does. So there are few, and none of the rows passes through Python.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = [
    "SINGLE",
    "Row",
    "WritingConnection",
    "count",
    "file_log",
    "file_some",
    "insert",
    "load",
    "row_id",
]

SINGLE: Final = 32
"""Records that one statement inserts: there is one prepared for each number of them, and all are
kept."""

_FILED: Final = 512
"""Records that are filed at once, if they are not of one log: about 10 ms."""

_LOG_BITS: Final = 40


class Row(NamedTuple):
    """A record that waits, with its place."""

    log: int
    seq: int
    id: bytes
    time: int
    replaces: int
    record: bytes
    words: str


class WritingConnection(sqlite3.Connection):
    """The connection that writes, and what it remembers. To be loaded first, and dropped after a
    rollback."""

    waiting: dict[int, dict[bytes, tuple[int, int]]]
    """Of logs, by number, the ids that are not filed: sequence number and time of the record.
    About 250 bytes each."""
    logs: dict[bytes, tuple[int, int, int]]
    """Of logs that were appended to: number, last sequence number, latest time."""
    filed: int
    """The number of the log that was filed last, with others before it."""


def row_id(number: int, seq: int) -> int:
    """Return the row of the index for a record: those of one log stand together."""
    return number << _LOG_BITS | seq


def load(connection: WritingConnection) -> None:
    """Remember what waits."""
    connection.waiting = {}
    connection.filed = 0
    for number, id, seq, time in connection.execute("SELECT log, id, seq, time FROM journal"):
        connection.waiting.setdefault(number, {})[id] = seq, time
    ends = connection.execute(
        "SELECT logs.id, number, max(journal.seq), max(logs.time, max(journal.time))"
        " FROM journal JOIN logs ON log = number GROUP BY number"
    )
    connection.logs = {log: (number, seq, time) for log, number, seq, time in ends}


def insert(connection: WritingConnection, rows: Sequence[Row]) -> None:
    """Let records wait. Up to `SINGLE` of them are one statement, which is all or nothing without
    a transaction around it."""
    for start in range(0, len(rows), SINGLE):
        some = rows[start : start + SINGLE]
        connection.execute(
            "INSERT INTO journal (log, seq, id, time, replaces, record, words)"
            f" VALUES (?, ?, ?, ?, ?, ?, ?){', (?, ?, ?, ?, ?, ?, ?)' * (len(some) - 1)}",
            [value for row in some for value in row],
        )
    for row in rows:
        connection.waiting.setdefault(row.log, {})[row.id] = row.seq, row.time


def count(connection: WritingConnection) -> int:
    """Return how many records wait."""
    return sum(map(len, connection.waiting.values()))


def file_some(connection: WritingConnection, has_search: bool) -> None:
    """File what waits of some logs, inside a transaction: of all of them in turn, so that of each
    there is as much as there can be."""
    numbers = sorted(connection.waiting)
    after = [it for it in numbers if it > connection.filed] or numbers
    records = 0
    some = []
    for number in after:
        some.append(number)
        records += len(connection.waiting[number])
        if records >= _FILED:
            break
    if some:
        _file(connection, some[0], some[-1], has_search)
        connection.filed = some[-1]


def file_log(connection: WritingConnection, number: int, has_search: bool) -> None:
    """File what waits of one log, inside a transaction."""
    if number in connection.waiting:
        _file(connection, number, number, has_search)


def _file(connection: WritingConnection, first: int, last: int, has_search: bool) -> None:
    """File what waits of the logs with these numbers, and those between them.

    In the order of their tables, so that those of a page come one after the other.
    """
    waiting = "FROM journal WHERE log BETWEEN ? AND ?"
    numbers = first, last
    connection.execute(
        f"INSERT INTO records SELECT log, seq, id, time, replaces, record {waiting}"
        " ORDER BY log, seq",
        numbers,
    )
    connection.execute(
        f"INSERT INTO ids SELECT log, id, seq, time {waiting} ORDER BY log, id", numbers
    )
    if has_search:
        connection.execute(
            f"INSERT INTO words (rowid, text) SELECT log << {_LOG_BITS} | seq, words {waiting}"
            " AND words > '' ORDER BY log, seq",
            numbers,
        )
    connection.execute(
        f"WITH ends AS (SELECT log, max(seq) AS seq, max(time) AS time {waiting} GROUP BY log)"
        " UPDATE logs SET (seq, time) = (SELECT ends.seq, max(logs.time, ends.time) FROM ends"
        " WHERE log = number) WHERE number IN (SELECT log FROM ends)",
        numbers,
    )
    connection.execute(f"DELETE {waiting}", numbers)
    for number in [it for it in connection.waiting if first <= it <= last]:
        del connection.waiting[number]
