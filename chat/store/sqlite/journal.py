"""What was appended, until it is filed.

A record alone costs a page of the file for each place that it goes to: its log's last, its id's,
which is random, and the words'; and costs them again when the write-ahead log is emptied. So a
commit puts all that was appended into one place, in one statement, and many records go from there
to where they are found, log by log, so that those of a page go together. Whoever looks for a
record looks here as well.

Each statement lets go of the interpreter and has to wait for it again, as each row of an
`executemany` or a `SELECT` does. So there are few, and none of the rows passes through Python.
"""

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

from chat.ids import LogId
from chat.limits import SEQ_MAX
from chat.store.sqlite.connection import WritingConnection
from chat.store.state import Placed

__all__ = ["FILED", "SINGLE", "file_log", "file_some", "file_up_to", "insert", "row_id", "waiting"]

SINGLE: Final = 32
"""Records that one statement inserts: there is one prepared for each number of them, and all are
kept."""

FILED: Final = 512
"""Records that are filed at once, if they are not of one log: about 10 ms."""

_LOG_FILED: Final = 2_048
"""Records of one log that are filed at once: those of a page go together, the more the better."""

_LOGS_FILED: Final = 16
"""Logs, far apart, that are filed at once. For each the whole journal is looked through."""

_LOG_BITS: Final = 40


def row_id(number: int, seq: int) -> int:
    """Return the row of the index for a record: those of one log stand together."""
    return number << _LOG_BITS | seq


def insert(connection: WritingConnection, placed: list[Placed], has_search: bool) -> None:
    """Let records of logs that are known wait. Up to `SINGLE` of them are one statement, which is
    all or nothing without a transaction."""
    logs, waiting = connection.logs, connection.waiting
    for start in range(0, len(placed), SINGLE):
        some = placed[start : start + SINGLE]
        values: list[object] = []
        for record, seq, time in some:
            log, id, author, kind, _, _, data, words, replaces, _ = record
            text = words if has_search else ""
            # A plain number, because what is only like one takes SQLite's module longer.
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
    """Return what waits now of some logs: up to which record, by number of the log."""
    found = {}
    for number in [connection.logs[log][0] for log in logs if log in connection.logs]:
        ids = connection.waiting.get(number)
        if ids:
            [[seq, _]] = islice(reversed(ids.values()), 1)
            found[number] = seq
    return found


def file_some(connection: WritingConnection, has_search: bool) -> None:
    """File what waits of some logs, inside a transaction: of all of them in turn, so that of each
    there is as much as there can be."""
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
    """File some of what waits up to given records of logs, inside a transaction; return what is
    left of that. Nothing that came later is filed, so it ends."""
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
    """File what waits of one log, inside a transaction."""
    if number in connection.waiting:
        _file(connection, number, number, SEQ_MAX, has_search)


def _left(connection: WritingConnection, wanted: Mapping[int, int]) -> dict[int, int]:
    return {
        number: last
        for number, last in wanted.items()
        if number in connection.waiting and _seq_after(connection, number, 1) <= last
    }


def _seq_after(connection: WritingConnection, number: int, count: int) -> int:
    """Return the record of a log up to which so many wait, or all that do if they are fewer."""
    ids = connection.waiting[number]
    [[seq, _]] = islice(ids.values(), min(count, len(ids)) - 1, min(count, len(ids)))
    return seq


def _file(
    connection: WritingConnection, first: int, last: int, last_seq: int, has_search: bool
) -> None:
    """File what waits of the logs with these numbers, and those between them, up to a record.

    In the order of their tables, so that those of a page come one after the other.
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
