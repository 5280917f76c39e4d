"""Which ids a log's records have: in a table, but for those of what waits, which are in memory.

An id is random, so one that goes into a table alone costs a page of the file; of thousands that go
there together, many share a page.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from chat.store.interface import Appended
from chat.store.journal import WritingConnection

__all__ = ["find", "known"]

_ASKED: Final = 256
"""Ids that are looked up at once."""


def known(
    connection: WritingConnection, keys: Sequence[tuple[int, bytes]]
) -> dict[tuple[int, bytes], Appended]:
    """Return where those are that are there already: by number of the log, and id."""
    found = {}
    others = []
    for key in keys:
        place = connection.waiting.get(key[0], {}).get(key[1])
        if place is None:
            others.append(key)
        else:
            found[key] = Appended(*place, False)
    for start in range(0, len(others), _ASKED):
        asked = others[start : start + _ASKED]
        # Few lengths, so that few statements have to be prepared.
        length = 1 << (len(asked) - 1).bit_length()
        asked += asked[:1] * (length - len(asked))
        # A join in this order, because SQLite would scan the table for several pairs in an IN.
        rows = connection.execute(
            f"WITH asked (log, id) AS (VALUES (?, ?){', (?, ?)' * (length - 1)})"
            " SELECT ids.* FROM asked CROSS JOIN ids USING (log, id)",
            [value for key in asked for value in key],
        )
        found.update({(log, id): Appended(seq, time, False) for log, id, seq, time in rows})
    return found


def find(connection: sqlite3.Connection, number: int, id: bytes) -> Appended | None:
    """Return where the record with this id is, if the log has one; on any connection."""
    row = connection.execute(
        "SELECT seq, time FROM ids WHERE log = :log AND id = :id"
        " UNION ALL SELECT seq, time FROM journal WHERE log = :log AND id = :id",
        {"log": number, "id": id},
    ).fetchone()
    return None if row is None else Appended(row[0], row[1], False)
