"""Finding records by id: in a table if they are filed, otherwise in memory.

Ids are random, so inserting a single one dirties a page of the file; of thousands inserted
together, many share a page.
"""

from collections.abc import Collection
from typing import Final

from chat.ids import LogId, RecordId
from chat.store.interface import Place
from chat.store.sqlite.connection import WritingConnection, padded

__all__ = ["known"]

_ASKED: Final = 256
"""Ids looked up in one statement."""


def known(
    connection: WritingConnection, keys: Collection[tuple[LogId, RecordId]]
) -> dict[tuple[LogId, RecordId], Place]:
    """Return the places of existing records. Skips logs that are not in `connection.logs`."""
    found = {}
    others = []
    logs: dict[int, LogId] = {}
    for key in keys:
        log, id = key
        entry = connection.logs.get(log)
        if entry is None:
            continue
        number = entry[0]
        waiting = connection.waiting.get(number)
        place = None if waiting is None else waiting.get(id)
        if place is None:
            logs[number] = log
            others.append((number, id))
        else:
            found[key] = Place(*place, False)
    for start in range(0, len(others), _ASKED):
        asked = padded(others[start : start + _ASKED])
        # A join in this order, because for several pairs in an IN SQLite would scan the table.
        rows = connection.execute(
            f"WITH asked (log, id) AS (VALUES (?, ?){', (?, ?)' * (len(asked) - 1)})"
            " SELECT ids.* FROM asked CROSS JOIN ids USING (log, id)",
            [value for key in asked for value in key],
        )
        for number, id, seq, time in rows:
            found[logs[number], id] = Place(seq, time, False)
    return found
