"""What is done in the reader's thread: questions, none of which waits for a commit."""

import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

from chat.store import ids
from chat.store.interface import Appended, Found, Stored, StoreError, Tail
from chat.store.journal import row_id
from chat.store.schema import connect

__all__ = ["Reader"]

T = TypeVar("T")

_KEY_BYTES: Final = 256
"""Longer than any key of a small value."""


class Reader:
    """The connection that reads. One thread at a time may use it. Everything raises StoreError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def find(self, log: bytes, record_id: bytes) -> Appended | None:
        """As `LogStore.find`."""
        return self._look(log, lambda it, number, _: ids.find(it, number, record_id))

    def read(
        self, log: bytes, after: int, limit_bytes: int, backward: bool, limit: int | None
    ) -> list[Stored]:
        """As `LogStore.read`."""

        def read(connection: sqlite3.Connection, number: int, filed: Tail) -> list[Stored]:
            page: list[Stored] = []
            size = 0
            where = "seq < ? ORDER BY seq DESC" if backward else "seq > ? ORDER BY seq"
            tables = ["journal", "records"] if backward else ["records", "journal"]
            if backward and after <= filed.seq + 1:
                tables.remove("journal")
            # Each is asked when it is come to.
            asked = (
                connection.execute(
                    f"SELECT seq, id, record FROM {table}"
                    f" WHERE log = ? AND record IS NOT NULL AND {where}",
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

    def tail(self, log: bytes) -> Tail:
        """As `LogStore.tail`."""

        def tail(connection: sqlite3.Connection, number: int, filed: Tail) -> Tail:
            seq, time = connection.execute(
                "SELECT max(seq), max(time) FROM journal WHERE log = ?", (number,)
            ).fetchone()
            return filed if seq is None else Tail(seq, max(filed.time, time))

        return self._look(log, tail) or Tail(0, 0)

    def search(self, words: str, logs: Sequence[bytes], limit: int) -> list[Found]:
        """As `LogStore.search`."""
        # Each word is a string of the query language, in which nothing has a meaning.
        query = " ".join(
            '"' + word.replace('"', '""') + '"' for word in words.replace("\0", " ").split()
        )
        if not query:
            return []

        def search(connection: sqlite3.Connection) -> list[Found]:
            found = [it for log in logs for it in _search(connection, query, log, limit)]
            found.sort(key=lambda it: (it.time, it.stored.seq), reverse=True)
            return found[:limit]

        return self._use(search)

    def get(self, key: bytes) -> bytes | None:
        """As `LogStore.get`."""
        found = self._one("SELECT value FROM entries WHERE key = ?", (key,))
        return None if found is None else found[0]

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """As `LogStore.scan`."""
        # What is behind all keys with this prefix, as far as keys are shorter than that.
        end = prefix + b"\xff" * _KEY_BYTES
        return self._use(
            lambda it: it.execute(
                "SELECT key, value FROM entries WHERE key BETWEEN ? AND ? ORDER BY key",
                (prefix, end),
            ).fetchall()
        )

    def get_blob(self, blob_id: bytes) -> bytes | None:
        """As `LogStore.get_blob`."""
        found = self._one("SELECT content FROM blobs WHERE id = ?", (blob_id,))
        return None if found is None else found[0]

    def size(self) -> int:
        """Return how large the file is, in bytes."""
        [pages] = self._one("PRAGMA page_count") or (0,)
        [size] = self._one("PRAGMA page_size") or (0,)
        return int(pages * size)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _look(self, log: bytes, question: Callable[[sqlite3.Connection, int, Tail], T]) -> T | None:
        """Ask about a log, by its number and the end of what is filed of it; None, where it never
        was. All at one point in time: what waits may be filed meanwhile."""

        def look(connection: sqlite3.Connection) -> T | None:
            connection.execute("BEGIN")
            try:
                known = connection.execute(
                    "SELECT number, seq, time FROM logs WHERE id = ?", (log,)
                ).fetchone()
                return None if known is None else question(connection, known[0], Tail(*known[1:]))
            finally:
                connection.execute("COMMIT")

        return self._use(look)

    def _one(self, query: str, values: tuple[bytes, ...] = ()) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._use(lambda it: it.execute(query, values).fetchone())
        return row

    def _use(self, function: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect(self._path)
            return function(self._connection)
        except sqlite3.Error as error:
            # A connection that has failed may fail forever; a new one tells.
            self.close()
            raise StoreError(str(error)) from None


def _search(connection: sqlite3.Connection, query: str, log: bytes, limit: int) -> list[Found]:
    """Return the latest records of a log that match."""
    known = connection.execute("SELECT number FROM logs WHERE id = ?", (log,)).fetchone()
    if known is None:
        return []
    [number] = known
    rows = connection.execute(
        "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?"
        " ORDER BY rowid DESC LIMIT ?",
        (query, row_id(number, 0), row_id(number + 1, 0) - 1, limit),
    ).fetchall()
    found = []
    for [row] in rows:
        time, *stored = connection.execute(
            "SELECT time, seq, id, record FROM records WHERE log = ? AND seq = ?",
            (number, row - row_id(number, 0)),
        ).fetchone()
        found.append(Found(log, time, Stored(*stored)))
    return found
