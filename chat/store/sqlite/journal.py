"""The journal: appended records until they are filed.

Filing a record alone dirties a page for each table it goes into: the end of its log, the random
place of its id, and its words; and the same pages again at a checkpoint of the write-ahead log. So
a commit appends all its records to the journal in one statement. Later many records at a time are
filed from there into their final tables, log by log, so that those that share a page go together.
Lookups must search the journal too.

Each statement releases the interpreter lock and has to reacquire it, and so does each row of an
`executemany` or a `SELECT`. So there are few statements, and no rows pass through Python.
"""

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

from chat.ids import LogId
from chat.limits import SEQ_MAX
from chat.store.sqlite.connection import WritingConnection
from chat.store.state import Placed
from chat.store.words import indexed

__all__ = [
    "FILED",
    "SINGLE",
    "file_log",
    "file_some",
    "file_up_to",
    "insert",
    "log_of",
    "row_id",
    "waiting",
]

SINGLE: Final = 32
"""Most records in one INSERT. SQLite caches a prepared statement for each number of them."""

FILED: Final = 512
"""Records filed in one step, if they belong to several logs: about 10 ms."""

_LOG_FILED: Final = 2_048
"""Records of one log filed in one step: the more, the more of them share a page."""

_LOGS_FILED: Final = 16
"""Separate logs filed in one step. Each one takes a scan of the whole journal."""

_LOG_BITS: Final = 40


def row_id(number: int, seq: int) -> int:
    """Return the rowid of a record in the search index: those of one log are contiguous."""
    return number << _LOG_BITS | seq


def log_of(row: int) -> int:
    """Return the number of the log that has this rowid in the search index."""
    return row >> _LOG_BITS


def insert(connection: WritingConnection, placed: list[Placed], has_search: bool) -> None:
    """Append records to the journal; their logs must be in `connection.logs`.

    Up to `SINGLE` records take one statement, which is atomic without a transaction.
    """
    logs, waiting = connection.logs, connection.waiting
    for start in range(0, len(placed), SINGLE):
        some = placed[start : start + SINGLE]
        values: list[object] = []
        for record, seq, time in some:
            log, id, author, kind, _, _, data, words, replaces, _ = record
            text = indexed(words) if has_search else ""
            # A plain int, because the sqlite3 module takes longer for an IntEnum.
            values += (logs[log][0], seq, id, author, int(kind), time, replaces, data, text)
        connection.execute(
            "INSERT INTO journal (log, seq, id, author, kind, time, replaces, data, words)"
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            f"{', (?, ?, ?, ?, ?, ?, ?, ?, ?)' * (len(some) - 1)}",
            values,
        )
    for record, seq, time in placed:
        waiting.setdefault(logs[record.log][0], {})[record.id] = seq, time
    connection.unfiled += len(placed)


def waiting(connection: WritingConnection, logs: Collection[LogId]) -> dict[int, int]:
    """Return the last waiting record of each of these logs that has any, by log number."""
    found = {}
    # Fewer logs wait than an account may be in.
    for number, ids in connection.waiting.items():
        query = "SELECT id FROM logs WHERE number = ?"
        [log] = connection.execute(query, (number,)).fetchone()
        if log in logs:
            [[seq, _]] = islice(reversed(ids.values()), 1)
            found[number] = seq
    return found


def file_some(connection: WritingConnection, has_search: bool) -> None:
    """File waiting records of some logs, inside a transaction. Logs take turns, so that as many
    records as possible gather for each."""
    numbers = sorted(connection.waiting)
    after = [it for it in numbers if it > connection.filed] or numbers
    records = 0
    some: list[int] = []
    for number in after:
        records += len(connection.waiting[number])
        if some and records > FILED + _LOG_FILED:
            break
        some.append(number)
        if records >= FILED:
            break
    if some:
        last = _seq_after(connection, some[0], _LOG_FILED) if len(some) == 1 else SEQ_MAX
        _file(connection, some[0], some[-1], last, has_search)
        connection.filed = some[-1]


def file_up_to(
    connection: WritingConnection, wanted: Mapping[int, int], has_search: bool
) -> dict[int, int]:
    """File some waiting records up to the `wanted` ones, inside a transaction; return what is left.

    Later records are not filed, so repeating this terminates.
    """
    left = _left(connection, wanted)
    records = 0
    for number, last in sorted(left.items())[:_LOGS_FILED]:
        before = connection.unfiled
        most = _seq_after(connection, number, _LOG_FILED)
        _file(connection, number, number, min(last, most), has_search)
        records += before - connection.unfiled
        if records >= FILED:
            break
    return _left(connection, left)


def file_log(connection: WritingConnection, number: int, has_search: bool) -> None:
    """File all waiting records of one log, inside a transaction."""
    if number in connection.waiting:
        _file(connection, number, number, SEQ_MAX, has_search)


def _left(connection: WritingConnection, wanted: Mapping[int, int]) -> dict[int, int]:
    return {
        number: last
        for number, last in wanted.items()
        if number in connection.waiting and _seq_after(connection, number, 1) <= last
    }


def _seq_after(connection: WritingConnection, number: int, count: int) -> int:
    """Return the sequence number of the log's `count`-th waiting record, or of its last."""
    ids = connection.waiting[number]
    [[seq, _]] = islice(ids.values(), min(count, len(ids)) - 1, min(count, len(ids)))
    return seq


def _file(
    connection: WritingConnection, first: int, last: int, last_seq: int, has_search: bool
) -> None:
    """File waiting records of the logs numbered `first` to `last`, up to record `last_seq` of each.

    In table order, so that records that share a page follow one another.
    """
    waiting = "FROM journal WHERE log BETWEEN ? AND ? AND seq <= ?"
    which = first, last, last_seq
    connection.execute(
        "INSERT INTO records"
        f" SELECT log, seq, id, author, kind, time, replaces, data {waiting} ORDER BY log, seq",
        which,
    )
    connection.execute(
        f"INSERT INTO ids SELECT log, id, seq, time {waiting} ORDER BY log, id", which
    )
    if has_search:
        connection.execute(
            f"INSERT INTO words (rowid, text) SELECT log << {_LOG_BITS} | seq, words {waiting}"
            " AND words > '' ORDER BY log, seq",
            which,
        )
    connection.execute(
        f"WITH ends AS (SELECT log, max(seq) AS seq, max(time) AS time {waiting} GROUP BY log)"
        " UPDATE logs SET (seq, time) = (SELECT ends.seq, ends.time FROM ends WHERE log = number)"
        " WHERE number IN (SELECT log FROM ends)",
        which,
    )
    connection.execute(f"DELETE {waiting}", which)
    for number in [it for it in connection.waiting if first <= it <= last]:
        ids = connection.waiting[number]
        gone = [id for id, (seq, _) in ids.items() if seq <= last_seq]
        connection.unfiled -= len(gone)
        if len(gone) == len(ids):
            del connection.waiting[number]
        else:
            for id in gone:
                del ids[id]
