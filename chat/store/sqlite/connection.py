"""Connections to the file, and the cache of the writing one."""

import sqlite3
from pathlib import Path
from typing import Final, TypeVar

from chat.ids import LogId, RecordId
from chat.store.interface import Head

__all__ = ["WritingConnection", "connect", "connect_as", "load", "padded"]

_BUSY_MILLISECONDS: Final = 1_000

_CACHE_KIB: Final = 8_192
"""Page cache of each connection. Only the ids of records are accessed randomly: 30 bytes each."""

_Connection = TypeVar("_Connection", bound=sqlite3.Connection)
_Item = TypeVar("_Item")


class WritingConnection(sqlite3.Connection):
    """The writing connection, and what it caches of the file. Call `load` first, and drop it after
    a rollback."""

    base: int
    fence: int
    """As in `chat.store.state.Known`."""
    waiting: dict[int, dict[RecordId, tuple[int, int]]]
    """Unfiled records by log number and record id: sequence number and time, in order. About 250
    bytes each."""
    unfiled: int
    """How many records that is."""
    logs: dict[LogId, tuple[int, Head]]
    """Number and head of each log that a commit has touched."""
    filed: int
    """The number of the log that was filed last, so that logs take turns."""


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that commits only when told to. Raises sqlite3.Error."""
    return connect_as(sqlite3.Connection, path)


def connect_as(kind: type[_Connection], path: Path) -> _Connection:
    """Return such a connection, of the given class."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=kind)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def load(connection: WritingConnection) -> None:
    """Fill the cache from the file."""
    connection.base, connection.fence = connection.execute(
        "SELECT base, fence FROM state"
    ).fetchone()
    connection.waiting = {}
    connection.unfiled = 0
    connection.filed = 0
    waiting = connection.execute("SELECT log, id, seq, time FROM journal ORDER BY place")
    for number, id, seq, time in waiting:
        connection.waiting.setdefault(number, {})[id] = seq, time
        connection.unfiled += 1
    ends = connection.execute(
        "SELECT logs.id, number, max(journal.seq), max(journal.time),"
        " epoch, fence FROM journal JOIN logs ON log = number GROUP BY number"
    )
    connection.logs = {
        log: (number, Head(seq, time, epoch, fence))
        for log, number, seq, time, epoch, fence in ends
    }


def padded(items: list[_Item]) -> list[_Item]:
    """Return the items, padded with the first one to a power of two: each length is a separate
    statement to prepare."""
    length = 1 << (len(items) - 1).bit_length()
    return items + items[:1] * (length - len(items))
