"""Connections to the file, and what the one that writes remembers."""

import sqlite3
from pathlib import Path
from typing import Final, TypeVar

from chat.ids import LogId, RecordId
from chat.store.interface import Head

__all__ = ["WritingConnection", "connect", "connect_as", "load", "padded"]

_BUSY_MILLISECONDS: Final = 1_000

_CACHE_KIB: Final = 8_192
"""Of pages, for each connection. What records have at random, their ids, is 30 bytes each."""

_Connection = TypeVar("_Connection", bound=sqlite3.Connection)
_Item = TypeVar("_Item")


class WritingConnection(sqlite3.Connection):
    """The connection that writes, and what it remembers of the file. To be loaded first, and
    dropped after a rollback."""

    base: int
    fence: int
    """The same as `chat.store.state.Known` says."""
    waiting: dict[int, dict[RecordId, tuple[int, int]]]
    """Of logs, by number, the ids that are not filed: sequence number and time of the record, in
    their order. About 250 bytes each."""
    unfiled: int
    """How many those are."""
    logs: dict[LogId, tuple[int, Head]]
    """Of logs that commits had to do with: number, and where they end."""
    filed: int
    """The number of the log that was filed last, with others before it."""


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that commits only when told to. Raises sqlite3.Error."""
    return connect_as(sqlite3.Connection, path)


def connect_as(kind: type[_Connection], path: Path) -> _Connection:
    """Return such a connection of a class of its own."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=kind)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def load(connection: WritingConnection) -> None:
    """Remember where the server is, and what waits."""
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
        " epoch, stale, fence FROM journal JOIN logs ON log = number GROUP BY number"
    )
    connection.logs = {
        log: (number, Head(seq, time, epoch, bool(stale), fence))
        for log, number, seq, time, epoch, stale, fence in ends
    }


def padded(items: list[_Item]) -> list[_Item]:
    """Return the items, and the first again, in one of few lengths: each length is a statement that
    has to be prepared."""
    length = 1 << (len(items) - 1).bit_length()
    return items + items[:1] * (length - len(items))
