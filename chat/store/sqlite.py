"""Logs in one SQLite file: durable when acknowledged, many changes in one commit.

Two threads with a connection each: one writes, the other reads. Changes that are asked for while a
commit is under way wait, and are all made in the next one; how many those are is bounded by whoever
asks. State is touched in the reactor's thread only, so nothing needs a lock.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from chat.store import changes
from chat.store.interface import Appended, Entry, Found, Health, Stored, StoreError, Tail
from chat.store.schema import connect, prepare

__all__ = ["SqliteStore", "Threads", "open_store"]

T = TypeVar("T")

_KEY_BYTES: Final = 256
"""Longer than any key of a small value."""


class Threads(Protocol):
    """Two threads: what is given to one of them is done in order."""

    def write(self, function: Callable[[], T]) -> Deferred[T]:
        """Call `function` in the writer's thread."""
        ...

    def read(self, function: Callable[[], T]) -> Deferred[T]:
        """Call `function` in the reader's thread."""
        ...

    def stop(self) -> None:
        """End both, when they are idle."""
        ...


class PoolThreads:
    """`Threads` that are threads."""

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._pools = ThreadPool(1, 1, "store-write"), ThreadPool(1, 1, "store-read")
        for pool in self._pools:
            pool.start()

    def write(self, function: Callable[[], T]) -> Deferred[T]:
        """As `Threads.write`."""
        return deferToThreadPool(self._reactor, self._pools[0], function)

    def read(self, function: Callable[[], T]) -> Deferred[T]:
        """As `Threads.read`."""
        return deferToThreadPool(self._reactor, self._pools[1], function)

    def stop(self) -> None:
        """As `Threads.stop`."""
        for pool in self._pools:
            pool.stop()


def open_store(path: Path, reactor: IReactorFromThreads, has_search: bool) -> "SqliteStore":
    """Return the store in the file `path`, made if need be. Raises StoreError."""
    prepare(path, has_search)
    return SqliteStore(path, PoolThreads(reactor), has_search)


Change = tuple[Callable[[sqlite3.Connection], Any], Deferred[Any]]


class SqliteStore:
    """A `LogStore` in a file that `chat.store.schema.prepare` has prepared."""

    def __init__(self, path: Path, threads: Threads, has_search: bool) -> None:
        self.has_search = has_search
        self.commits = 0
        """Transactions that were durable, for whoever wants to see that many changes share one."""
        self._path = path
        self._threads = threads
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._waiting: list[Change] = []
        self._is_writing = False
        self._needs_cleaning = False
        self._problem = ""
        self._closed: Deferred[None] | None = None

    # --- Changes ---

    def append(self, log: bytes, entries: Sequence[Entry]) -> Deferred[list[Appended]]:
        """As `LogStore.append`."""
        has_search = self.has_search
        if any(entry.erases for entry in entries):
            self._needs_cleaning = True
        return self._change(lambda it: changes.append(it, log, entries, has_search))

    def trim(
        self, log: bytes, before_time: int | None = None, keep: int | None = None
    ) -> Deferred[int]:
        """As `LogStore.trim`."""
        has_search = self.has_search
        self._needs_cleaning = True
        return self._change(lambda it: changes.trim(it, log, before_time, keep, has_search))

    def compare_and_set(
        self, key: bytes, expected: bytes | None, value: bytes | None
    ) -> Deferred[bool]:
        """As `LogStore.compare_and_set`."""
        return self._change(lambda it: changes.compare_and_set(it, key, expected, value))

    def put_blob(self, blob_id: bytes, content: bytes) -> Deferred[None]:
        """As `LogStore.put_blob`."""
        return self._change(lambda it: changes.put_blob(it, blob_id, content))

    def delete_blob(self, blob_id: bytes) -> Deferred[None]:
        """As `LogStore.delete_blob`."""
        self._needs_cleaning = True
        return self._change(lambda it: changes.delete_blob(it, blob_id))

    def _change(self, change: Callable[[sqlite3.Connection], T]) -> Deferred[T]:
        if self._closed is not None:
            return fail(StoreError("the store is closed"))
        done: Deferred[T] = Deferred()
        self._waiting.append((change, done))
        self._write()
        return done

    def _write(self) -> None:
        """Make all waiting changes, if nothing is being written."""
        if self._is_writing or not (self._waiting or self._closed is not None):
            return
        waiting, self._waiting = self._waiting, []
        self._is_writing = True
        functions = [change for change, _ in waiting]
        cleans, self._needs_cleaning = self._needs_cleaning, False
        closes = self._closed is not None
        writing = self._threads.write(lambda: self._commit(functions, cleans, closes))
        writing.addBoth(self._written, waiting, closes)

    def _written(self, results: list[Any] | Failure, waiting: list[Change], closes: bool) -> None:
        # Still writing while those who waited are told: what they ask for now comes next.
        if isinstance(results, Failure):
            self._problem = results.getErrorMessage()
            for _, done in waiting:
                done.errback(results)
        else:
            self._problem = ""
            self.commits += 1
            for (_, done), result in zip(waiting, results, strict=True):
                done.callback(result)
        self._is_writing = False
        if closes:
            self._finish_closing()
        else:
            self._write()

    def _commit(
        self, functions: Sequence[Callable[[sqlite3.Connection], Any]], cleans: bool, closes: bool
    ) -> list[Any]:
        """In the writer's thread: make the changes in one transaction. Raises StoreError."""
        try:
            if self._writer is None:
                self._writer = connect(self._path)
            writer = self._writer
            writer.execute("BEGIN IMMEDIATE")
            try:
                results = [function(writer) for function in functions]
                if closes:
                    writer.execute("UPDATE state SET clean = 1")
                writer.execute("COMMIT")
            except BaseException:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            # A connection that has failed may fail forever; a new one tells.
            if self._writer is not None:
                self._writer.close()
            self._writer = None
            raise StoreError(str(error)) from None
        if cleans:
            self._clean(writer)
        return results

    def _clean(self, writer: sqlite3.Connection) -> None:
        """Leave no trace of what was removed: neither in the index, nor behind the end of the file,
        nor in the write-ahead log."""
        try:
            if self.has_search:
                writer.execute("INSERT INTO words (words) VALUES ('optimize')")
            writer.execute("PRAGMA incremental_vacuum").fetchall()
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:
            self._needs_cleaning = True  # The next change tries again.

    # --- Reading ---

    def find(self, log: bytes, record_id: bytes) -> Deferred[Appended | None]:
        """As `LogStore.find`."""

        def find(reader: sqlite3.Connection) -> Appended | None:
            found = reader.execute(
                "SELECT r.seq, r.time FROM records r JOIN logs l ON r.log = l.number"
                " WHERE l.id = ? AND r.id = ?",
                (log, record_id),
            ).fetchone()
            return None if found is None else Appended(found[0], found[1], False)

        return self._read(find)

    def read(
        self,
        log: bytes,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """As `LogStore.read`."""
        where = "< ? ORDER BY seq DESC" if backward else "> ? ORDER BY seq"

        def read(reader: sqlite3.Connection) -> list[Stored]:
            page: list[Stored] = []
            size = 0
            rows = reader.execute(
                "SELECT seq, id, record FROM records WHERE log = (SELECT number FROM logs WHERE"
                f" id = ?) AND record IS NOT NULL AND seq {where} LIMIT ?",
                (log, after, -1 if limit is None else limit),
            )
            for row in rows:
                size += len(row[2])
                if page and size > limit_bytes:
                    break
                page.append(Stored(*row))
            rows.close()
            return page

        return self._read(read)

    def tail(self, log: bytes) -> Deferred[Tail]:
        """As `LogStore.tail`."""

        def tail(reader: sqlite3.Connection) -> Tail:
            found = reader.execute("SELECT seq, time FROM logs WHERE id = ?", (log,)).fetchone()
            return Tail(0, 0) if found is None else Tail(*found)

        return self._read(tail)

    def search(self, words: str, logs: Collection[bytes], limit: int) -> Deferred[list[Found]]:
        """As `LogStore.search`."""
        # Each word is a string of the query language, in which nothing has a meaning.
        query = " ".join(
            '"' + word.replace('"', '""') + '"' for word in words.replace("\0", " ").split()
        )
        wanted = list(logs)

        def search(reader: sqlite3.Connection) -> list[Found]:
            found: list[Found] = []
            for log in wanted if query else []:
                for [number] in reader.execute("SELECT number FROM logs WHERE id = ?", (log,)):
                    rows = reader.execute(
                        "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?"
                        " ORDER BY rowid DESC LIMIT ?",
                        (
                            *(query, changes.row_id(number, 0)),
                            *(changes.row_id(number + 1, 0) - 1, limit),
                        ),
                    ).fetchall()
                    for [row] in rows:
                        seq = row - changes.row_id(number, 0)
                        time, *stored = reader.execute(
                            "SELECT time, seq, id, record FROM records WHERE log = ? AND seq = ?",
                            (number, seq),
                        ).fetchone()
                        found.append(Found(log, time, Stored(*stored)))
            found.sort(key=lambda it: (it.time, it.stored.seq), reverse=True)
            return found[:limit]

        return self._read(search)

    def get(self, key: bytes) -> Deferred[bytes | None]:
        """As `LogStore.get`."""
        return self._read(lambda it: _one(it, "SELECT value FROM entries WHERE key = ?", key))

    def scan(self, prefix: bytes) -> Deferred[list[tuple[bytes, bytes]]]:
        """As `LogStore.scan`."""
        # What is behind all keys with this prefix, as far as keys are shorter than that.
        end = prefix + b"\xff" * _KEY_BYTES
        return self._read(
            lambda it: it.execute(
                "SELECT key, value FROM entries WHERE key BETWEEN ? AND ? ORDER BY key",
                (prefix, end),
            ).fetchall()
        )

    def get_blob(self, blob_id: bytes) -> Deferred[bytes | None]:
        """As `LogStore.get_blob`."""
        return self._read(lambda it: _one(it, "SELECT content FROM blobs WHERE id = ?", blob_id))

    def health(self) -> Deferred[Health]:
        """As `LogStore.health`."""
        problem = self._problem

        def health(reader: sqlite3.Connection) -> Health:
            [pages] = reader.execute("PRAGMA page_count").fetchone()
            [size] = reader.execute("PRAGMA page_size").fetchone()
            return Health(not problem, problem or f"{pages * size} bytes in {self._path}")

        return self._read(health).addErrback(
            lambda failure: Health(False, failure.getErrorMessage())
        )

    def _read(self, function: Callable[[sqlite3.Connection], T]) -> Deferred[T]:
        if self._closed is not None:
            return fail(StoreError("the store is closed"))

        def read() -> T:
            try:
                if self._reader is None:
                    self._reader = connect(self._path)
                return function(self._reader)
            except sqlite3.Error as error:
                if self._reader is not None:
                    self._reader.close()
                self._reader = None
                raise StoreError(str(error)) from None

        return self._threads.read(read)

    # --- The end ---

    def close(self) -> Deferred[None]:
        """As `LogStore.close`."""
        self._closed = Deferred()
        closed = self._closed
        self._write()
        return closed

    def _finish_closing(self) -> None:
        assert self._closed is not None

        def close_reader() -> None:
            if self._reader is not None:
                self._reader.close()

        def close_writer() -> None:
            if self._writer is not None:
                self._writer.close()

        def stop(_: object) -> None:
            self._threads.stop()
            assert self._closed is not None
            self._closed.callback(None)

        reading = self._threads.read(close_reader)
        reading.addCallback(lambda _: self._threads.write(close_writer)).addBoth(stop)


def _one(connection: sqlite3.Connection, query: str, key: bytes) -> bytes | None:
    found = connection.execute(query, (key,)).fetchone()
    return None if found is None else found[0]
