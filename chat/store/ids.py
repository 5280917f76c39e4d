"""Which ids a log's records have: in a table, but for those of the latest, which are in memory.

An id is random, so one that goes into a table alone costs a page of the file, and costs it again
when the write-ahead log is emptied; of thousands that go there together, many share a page. Until
then they are in the rows of their records, where a connection that is opened finds them.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from chat.store.interface import Appended

__all__ = ["LATEST", "WritingConnection", "add", "file_latest", "find", "forget", "known", "load"]

LATEST: Final = 4_096
"""How many ids wait in memory; about 250 bytes each, 1 MiB. Whoever posts next waits until they are
filed, about 15 ms."""

_ASKED: Final = 256
"""Ids that are looked up at once."""


class WritingConnection(sqlite3.Connection):
    """The connection that writes, and what it remembers. To be loaded first, and dropped after a
    rollback."""

    latest: dict[tuple[int, bytes], tuple[int, int]]
    """By number of the log and id: sequence number and time of the record."""
    logs: dict[bytes, tuple[int, int, int]]
    """Of logs that were appended to: number, last sequence number, latest time."""


def load(connection: WritingConnection) -> None:
    """Find the ids that are not in the table; of logs, nothing is known as yet."""
    connection.logs = {}
    rows = connection.execute(
        "SELECT log, records.id, records.seq, records.time FROM logs CROSS JOIN records"
        " ON log = number AND records.seq > filed WHERE logs.seq > filed"
    )
    connection.latest = {(log, id): (seq, time) for log, id, seq, time in rows}


def known(
    connection: WritingConnection, number: int, ids: Sequence[bytes]
) -> dict[bytes, Appended]:
    """Return where those of the ids are that a log has already."""
    found = {}
    others = []
    for id in ids:
        place = connection.latest.get((number, id))
        if place is None:
            others.append(id)
        else:
            found[id] = Appended(*place, False)
    for start in range(0, len(others), _ASKED):
        asked = others[start : start + _ASKED]
        # Few lengths, so that few statements have to be prepared.
        length = 1 << (len(asked) - 1).bit_length()
        rows = connection.execute(
            f"SELECT id, seq, time FROM ids WHERE log = ? AND id IN (?{', ?' * (length - 1)})",
            (number, *asked, *asked[:1] * (length - len(asked))),
        )
        found.update({id: Appended(seq, time, False) for id, seq, time in rows})
    return found


def add(connection: WritingConnection, number: int, id: bytes, seq: int, time: int) -> None:
    """Note the id of a record that has just been inserted."""
    connection.latest[number, id] = seq, time


def file_latest(connection: WritingConnection) -> None:
    """Put the ids that are in memory into the table, if they are many."""
    latest = connection.latest
    if len(latest) < LATEST:
        return
    # In the table's order, so that those of a page come one after the other.
    rows = sorted((*key, *place) for key, place in latest.items())
    connection.executemany("INSERT INTO ids VALUES (?, ?, ?, ?)", rows)
    connection.executemany(
        "UPDATE logs SET filed = seq WHERE number = ?", [(log,) for log in {row[0] for row in rows}]
    )
    connection.latest = {}


def forget(connection: WritingConnection, number: int, last: int) -> None:
    """Forget the ids of a log's records up to `last`, which have been removed."""
    connection.execute("DELETE FROM ids WHERE log = ? AND seq <= ?", (number, last))
    for key, (seq, _) in list(connection.latest.items()):
        if key[0] == number and seq <= last:
            del connection.latest[key]


def find(connection: sqlite3.Connection, log: bytes, id: bytes) -> Appended | None:
    """Return where the record with this id is, if a log has it; on any connection."""
    row = connection.execute(
        "SELECT ids.seq, ids.time FROM ids JOIN logs ON log = number"
        " WHERE logs.id = :log AND ids.id = :id"
        " UNION ALL SELECT records.seq, records.time FROM logs CROSS JOIN records"
        " ON log = number AND records.seq > filed WHERE logs.id = :log AND records.id = :id",
        {"log": log, "id": id},
    ).fetchone()
    return None if row is None else Appended(row[0], row[1], False)
