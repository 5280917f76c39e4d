"""Work in the writer's thread: commits, and tidying up so that no trace of a deletion remains.

`secure_delete` overwrites a deleted row. It leaves copies of rows that SQLite has moved within the
file (only a VACUUM removes those), words in older segments of the search index (which have to be
merged), and pages in the write-ahead log. A deletion notes in the same transaction that there is
tidying to do, so that it happens even after a crash.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from chat.ids import LogId
from chat.store import rules
from chat.store.interface import Commit, Outcome
from chat.store.sqlite import journal
from chat.store.sqlite.connection import WritingConnection, connect_as, load
from chat.store.sqlite.errors import store_error
from chat.store.sqlite.state import SqliteState, is_single

__all__ = ["CLOSING_VACUUM_BYTES", "VACUUM_BYTES", "Committed", "Tidied", "Unfiled", "Writer"]

T = TypeVar("T")

VACUUM_BYTES: Final = 64 * 2**20
"""The largest file to VACUUM while posts wait: about 10 ms per MiB, so most of a second."""

CLOSING_VACUUM_BYTES: Final = 2 * 2**30
"""The largest file to VACUUM on shutdown: twenty seconds, less than service managers wait."""

_UNTIDY, _TIDY, _MERGED, _MERGING = range(4)
"""Values of `state.tidy`. Untidy: something was removed since the last tidying. Tidy: no trace is
left. Merged: only copies in unused parts are left, because the file is too large to VACUUM while
posts wait. Merging: nothing was removed since a merge began that drops removed words."""

MERGES: Final = 400
"""Merges of the search index before it is rebuilt. Each merge adds two levels to it, permanently,
and SQLite 3.40 considers an index with more than 2,000 levels damaged."""

_STEP_PAGES: Final = 64
"""Pages of the search index that one step of tidying merges: about 15 ms."""


class Committed(NamedTuple):
    """The result of a transaction."""

    outcome: Outcome
    is_tidy: bool
    """Whether there is nothing for `Writer.tidy` to do."""
    unfiled: int
    """Records that wait to be filed."""


class Unfiled(NamedTuple):
    """What is not filed yet."""

    records: int
    """How many records wait."""
    wanted: Mapping[int, int]
    """The records still to file: the last one of each log, by log number."""


class Tidied(Enum):
    """Progress of the tidying."""

    PARTLY = auto()
    WHOLLY = auto()
    AGAIN = auto()
    """Done, but something was removed meanwhile."""


class Writer:
    """The writing connection, for one thread at a time. Everything raises StoreError."""

    def __init__(self, path: Path, has_search: bool) -> None:
        self._path = path
        self._has_search = has_search
        self._connection: WritingConnection | None = None
        self._is_merging = False
        """Whether tidying has begun to merge. It finishes even if more is removed meanwhile:
        otherwise it would start over for as long as somebody keeps deleting."""

    def commit(self, commit: Commit) -> Committed:
        """Apply a commit in one transaction."""

        def apply(connection: WritingConnection) -> Committed:
            state = SqliteState(connection, self._has_search)
            if is_single(connection, commit):
                outcome = rules.apply(commit, state)
                return Committed(outcome, True, connection.unfiled)
            with _transaction(connection):
                outcome = rules.apply(commit, state)
                is_tidy = _state(connection) != _UNTIDY
            return Committed(outcome, is_tidy, connection.unfiled)

        return self._use(apply)

    def tidy(self) -> Tidied:
        """Do one step of tidying."""
        return self._use(lambda it: self._tidy(it, VACUUM_BYTES))

    def unfiled(self, logs: Collection[LogId]) -> Unfiled:
        """Return what waits now, with the records of `logs` as `wanted`."""
        return self._use(lambda it: Unfiled(it.unfiled, journal.waiting(it, logs)))

    def file(self, wanted: Mapping[int, int]) -> Unfiled:
        """Do one step of filing the `wanted` records; return what is left."""

        def file(connection: WritingConnection) -> Unfiled:
            with _transaction(connection):
                left = journal.file_up_to(connection, wanted, self._has_search)
            return Unfiled(connection.unfiled, left)

        return self._use(file)

    def file_some(self) -> int:
        """File some waiting records; return how many are left."""

        def file(connection: WritingConnection) -> int:
            with _transaction(connection):
                journal.file_some(connection, self._has_search)
            return connection.unfiled

        return self._use(file)

    def close(self) -> None:
        """File and tidy everything, mark the file as clean, and close it."""

        def finish(connection: WritingConnection) -> None:
            try:
                with _transaction(connection):
                    while connection.unfiled:
                        journal.file_some(connection, self._has_search)
                self._is_merging = False
                while self._tidy(connection, CLOSING_VACUUM_BYTES) is not Tidied.WHOLLY:
                    pass
            finally:
                connection.execute("UPDATE state SET clean = 1")

        try:
            self._use(finish)
        finally:
            self._drop()

    def _tidy(self, connection: sqlite3.Connection, vacuum_bytes: int) -> Tidied:
        state = _state(connection)
        if state == _TIDY:
            return Tidied.WHOLLY
        if self._has_search and state == _UNTIDY and not self._is_merging:
            with _transaction(connection):
                _begin_merging(connection)
            self._is_merging = True
            return Tidied.PARTLY
        is_merging = self._is_merging or state == _MERGING
        if self._has_search and is_merging and _merge(connection, _STEP_PAGES):
            return Tidied.PARTLY
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
        is_small = pages * size <= vacuum_bytes
        connection.execute("VACUUM" if is_small else "PRAGMA incremental_vacuum").fetchall()
        _checkpoint(connection)
        if self._is_merging and state == _UNTIDY:
            self._is_merging = False
            return Tidied.AGAIN
        self._is_merging = False
        connection.execute("UPDATE state SET tidy = ?", (_TIDY if is_small else _MERGED,))
        return Tidied.WHOLLY

    def _use(self, function: Callable[[WritingConnection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect_as(WritingConnection, self._path)
                load(self._connection)
            return function(self._connection)
        except BaseException as error:
            # A connection that has failed may keep failing, and its cache may be ahead of what
            # closing it rolls back. So use a new one next time.
            self._drop()
            if isinstance(error, sqlite3.Error):
                raise store_error(error, self._path) from None
            raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._is_merging = False


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end. A failure leaves the transaction open, and the caller drops the
    connection."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _state(connection: sqlite3.Connection) -> int:
    [state] = connection.execute("SELECT tidy FROM state").fetchone()
    return int(state)


def _begin_merging(connection: sqlite3.Connection) -> None:
    [merges] = connection.execute("SELECT merges FROM state").fetchone()
    if merges < MERGES:
        # A negative number, once, schedules the whole index to be merged into one segment without
        # removed words; positive ones continue that (SQLite's FTS5, "The 'merge' command").
        _merge(connection, -_STEP_PAGES)
    else:
        connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
        merges = -1
    connection.execute("UPDATE state SET tidy = ?, merges = ?", (_MERGING, merges + 1))


def _merge(connection: sqlite3.Connection, pages: int) -> bool:
    """Merge some of the search index; return whether there was anything to merge."""
    before = connection.total_changes
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    # Two changes or more mean that it did something (the same section).
    return connection.total_changes - before >= 2


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Empty the write-ahead log. Raises sqlite3.OperationalError if a reader is in the way."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("the write-ahead log is being read")
