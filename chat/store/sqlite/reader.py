"""Queries in the thread for reading; none of them waits for a commit."""

import sqlite3
from collections.abc import Callable, Collection
from itertools import chain
from pathlib import Path
from typing import Final, TypeVar

from chat.ids import LogId
from chat.store.interface import Epoch, Head, ReadMarker, Stored
from chat.store.sqlite.connection import connect
from chat.store.sqlite.errors import store_error

__all__ = ["Connected", "Reader"]

T = TypeVar("T")

_KEY_BYTES: Final = 256
"""Longer than any key of a small value."""


class Connected:
    """A reading connection, for one thread at a time. Everything raises StoreError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def at_once(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query in one transaction, because records may be filed or removed meanwhile."""

        def ask(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN")
            try:
                return question(connection)
            finally:
                connection.execute("COMMIT")

        return self._use(ask)

    def _use(self, function: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect(self._path)
            return function(self._connection)
        except sqlite3.Error as error:
            # A connection that has failed may keep failing, so use a new one next time.
            self.close()
            raise store_error(error, self._path) from None


class Reader(Connected):
    """All queries but searches (`chat.store.sqlite.searcher`)."""

    def base(self) -> int:
        """As `LogStore.base`."""
        return self._use(lambda it: int(it.execute("SELECT base FROM state").fetchone()[0]))

    def head(self, log: LogId) -> Head:
        """As `LogStore.head`."""

        def head(connection: sqlite3.Connection, number: int, filed: Head) -> Head:
            seq, time = connection.execute(
                "SELECT max(seq), max(time) FROM journal WHERE log = ?", (number,)
            ).fetchone()
            return filed if seq is None else filed._replace(seq=seq, time=time)

        return self._look(log, head) or Head()

    def epochs(self, log: LogId, numbers: Collection[int]) -> list[Epoch]:
        """As `LogStore.epochs`."""

        def epochs(connection: sqlite3.Connection, number: int, _: Head) -> list[Epoch]:
            query = "SELECT number, wrapped FROM epochs WHERE log = ? AND number = ?"
            found = (connection.execute(query, (number, epoch)).fetchone() for epoch in numbers)
            return [Epoch(log, *row) for row in found if row is not None]

        return self._look(log, epochs) or []

    def read(
        self, log: LogId, after: int, limit_bytes: int, backward: bool, limit: int | None
    ) -> list[Stored]:
        """As `LogStore.read`."""

        def read(connection: sqlite3.Connection, number: int, filed: Head) -> list[Stored]:
            page: list[Stored] = []
            size = 0
            where = "seq < ? ORDER BY seq DESC" if backward else "seq > ? ORDER BY seq"
            tables = ["journal", "records"] if backward else ["records", "journal"]
            if backward and after <= filed.seq + 1:
                tables.remove("journal")
            # Lazy: each query runs only when the loop reaches it.
            asked = (
                connection.execute(
                    f"SELECT seq, id, data FROM {table}"
                    f" WHERE log = ? AND data IS NOT NULL AND {where}",
                    (number, after),
                )
                for table in tables
            )
            for row in chain.from_iterable(asked):
                size += len(row[2])
                if page and size > limit_bytes:
                    break
                page.append(Stored._make(row))
                if len(page) == limit:
                    break
            return page

        return self._look(log, read) or []

    def seek(self, log: LogId, time: int) -> int:
        """As `LogStore.seek`. Times never decrease, so a binary search finds the place."""

        def seek(connection: sqlite3.Connection, number: int, filed: Head) -> int:
            if filed.time < time:
                [last] = connection.execute(
                    "SELECT max(seq) FROM journal WHERE log = ? AND time < ?", (number, time)
                ).fetchone()
                return filed.seq if last is None else int(last)
            older, end = 0, filed.seq
            while older < end:
                middle = (older + end + 1) // 2
                row = connection.execute(
                    "SELECT seq, time FROM records WHERE log = ? AND seq BETWEEN ? AND ?"
                    " ORDER BY seq LIMIT 1",
                    (number, middle, end),
                ).fetchone()
                if row is not None and row[1] < time:
                    older = int(row[0])
                else:
                    end = middle - 1
            return older

        return self._look(log, seek) or 0

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """As `LogStore.scan`."""
        # An upper bound for all keys with this prefix, as keys are shorter than _KEY_BYTES.
        end = prefix + b"\xff" * _KEY_BYTES
        return self._use(
            lambda it: it.execute(
                "SELECT key, value FROM entries WHERE key BETWEEN ? AND ? ORDER BY key",
                (prefix, end),
            ).fetchall()
        )

    def seen(self) -> list[ReadMarker]:
        """As `LogStore.seen`."""
        query = "SELECT id, account, seen.seq FROM seen JOIN logs ON number = log"
        return self._use(lambda it: [ReadMarker._make(row) for row in it.execute(query)])

    def _look(self, log: LogId, question: Callable[[sqlite3.Connection, int, Head], T]) -> T | None:
        """Run a query on a log, given its number and its head as filed; None if it does not
        exist."""

        def look(connection: sqlite3.Connection) -> T | None:
            row = connection.execute(
                "SELECT number, seq, time, epoch, fence FROM logs WHERE id = ?", (log,)
            ).fetchone()
            if row is None:
                return None
            number, *end = row
            return question(connection, number, Head(*end))

        return self.at_once(look)
