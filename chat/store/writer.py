"""What is done in the writer's thread: commits, and the tidying that leaves nothing of a deletion.

`secure_delete` overwrites a row that is removed. What it leaves are copies of rows that SQLite has
moved within the file (only a VACUUM rewrites those), the words in older segments of the index (they
have to be merged), and the pages in the write-ahead log. Whatever removes something notes that in
the same transaction, so that a crash forgets nothing.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from chat.store import changes, journal
from chat.store.changes import Change
from chat.store.interface import StoreError
from chat.store.journal import WritingConnection
from chat.store.schema import connect_as

__all__ = ["CLOSING_VACUUM_BYTES", "VACUUM_BYTES", "Committed", "Writer"]

T = TypeVar("T")

VACUUM_BYTES: Final = 64 * 2**20
"""The largest file that is rewritten while posts wait: about 10 ms a MiB, so most of a second."""

CLOSING_VACUUM_BYTES: Final = 2 * 2**30
"""The same when the server stops: twenty seconds, less than service managers wait."""

_UNTIDY, _TIDY, _MERGED, _MERGING = range(4)
"""What the file says of itself: something was removed; nothing is left of that; only copies in its
unused parts are, because it is too large to be rewritten while posts wait; or nothing was removed
since the merging began that will take removed words out of the index."""

MERGES: Final = 400
"""Times that the index is merged before it is made anew. Each merging adds two levels to it that
nothing takes away, and SQLite 3.40 takes an index of more than 2,000 levels for damaged."""

_STEP_PAGES: Final = 64
"""Pages of the index that one step of tidying merges: about 15 ms."""


class Committed(NamedTuple):
    """What a transaction came to."""

    results: list[Any]
    is_tidy: bool
    """Whether it leaves nothing for `Writer.tidy` to do."""


class Writer:
    """The connection that writes. One thread at a time may use it."""

    def __init__(self, path: Path, has_search: bool) -> None:
        self._path = path
        self._has_search = has_search
        self._connection: WritingConnection | None = None

    def commit(self, wanted: Sequence[Change]) -> Committed:
        """Make changes in one transaction. Raises StoreError."""

        def commit(connection: WritingConnection) -> Committed:
            if changes.is_single(connection, wanted):
                return Committed(changes.make(connection, wanted, self._has_search), True)
            with _transaction(connection):
                results = changes.make(connection, wanted, self._has_search)
                state = _state(connection)
            return Committed(results, state != _UNTIDY)

        return self._use(commit)

    def tidy(self) -> bool:
        """Do one step of tidying; return whether no other can follow now. Raises StoreError."""
        return self._use(lambda it: self._tidy(it, VACUUM_BYTES))

    def file(self) -> int:
        """File some of what was appended; return how many records are left. Raises StoreError."""

        def file(connection: WritingConnection) -> int:
            with _transaction(connection):
                journal.file_some(connection, self._has_search)
            return journal.count(connection)

        return self._use(file)

    def close(self) -> None:
        """Tidy, note that all is well, and let go of the file. Raises StoreError."""

        def finish(connection: WritingConnection) -> None:
            try:
                with _transaction(connection):
                    while journal.count(connection):
                        journal.file_some(connection, self._has_search)
                while not self._tidy(connection, CLOSING_VACUUM_BYTES):
                    pass
            finally:
                connection.execute("UPDATE state SET clean = 1")

        try:
            self._use(finish)
        finally:
            self._drop()

    def _tidy(self, connection: sqlite3.Connection, vacuum_bytes: int) -> bool:
        state = _state(connection)
        if state == _TIDY:
            return True
        if self._has_search and state == _UNTIDY:
            with _transaction(connection):
                _begin_merging(connection)
            return False
        if self._has_search and state == _MERGING and _merge(connection, _STEP_PAGES):
            return False
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
        is_small = pages * size <= vacuum_bytes
        connection.execute("VACUUM" if is_small else "PRAGMA incremental_vacuum").fetchall()
        _checkpoint(connection)
        connection.execute("UPDATE state SET tidy = ?", (_TIDY if is_small else _MERGED,))
        return True

    def _use(self, function: Callable[[WritingConnection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect_as(WritingConnection, self._path)
                journal.load(self._connection)
            return function(self._connection)
        except BaseException as error:
            # A connection that has failed may fail forever, and what it remembers may have been
            # rolled back, which closing it does. A new one tells.
            self._drop()
            if isinstance(error, sqlite3.Error):
                raise StoreError(str(error)) from None
            raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end. What fails leaves it open, on a connection that is dropped then."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _state(connection: sqlite3.Connection) -> int:
    [state] = connection.execute("SELECT tidy FROM state").fetchone()
    return int(state)


def _begin_merging(connection: sqlite3.Connection) -> None:
    [merges] = connection.execute("SELECT merges FROM state").fetchone()
    if merges < MERGES:
        # The negative number, once, puts all of the index together to be merged into one segment
        # without removed words; positive ones go on with that (SQLite's FTS5, "The 'merge'
        # command").
        _merge(connection, -_STEP_PAGES)
    else:
        connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
        merges = -1
    connection.execute("UPDATE state SET tidy = ?, merges = ?", (_MERGING, merges + 1))


def _merge(connection: sqlite3.Connection, pages: int) -> bool:
    """Merge some of the index of words; return whether there was anything to merge."""
    before = connection.total_changes
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    # Two changes or more mean that it did something (the same section).
    return connection.total_changes - before >= 2


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Empty the write-ahead log. Raises sqlite3.OperationalError if a reader is in the way."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("the write-ahead log is being read")
