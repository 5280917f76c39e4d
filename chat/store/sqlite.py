"""Logs in one SQLite file: durable when acknowledged, many changes in one commit.

Two threads with a connection each: one writes, the other reads. Changes that are asked for while a
commit is under way wait, and are all made in the next one; how many those are is bounded by whoever
asks. State is touched in the reactor's thread only, so nothing needs a lock.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorFromThreads, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.store import changes
from chat.store.changes import Append, Change
from chat.store.filing import Filing
from chat.store.interface import Appended, Entry, Found, Health, Stored, StoreError, Tail
from chat.store.journal import WritingConnection
from chat.store.reader import Reader
from chat.store.schema import prepare
from chat.store.threads import PoolThreads, Threads
from chat.store.writer import Committed, Writer

__all__ = ["TIDY_RATIO", "TIDY_SECONDS", "Reactor", "SqliteStore", "Threads", "open_store"]

T = TypeVar("T")

_log = Logger()

COMMIT_SECONDS: Final = 0.003
"""From the beginning of one commit to that of the next, where changes are asked for faster than
that: those of a thousand rooms share commits then, which cost a disk's flush each."""

TIDY_SECONDS: Final = 1.0
"""After a removal, how long others can join it before what they leave is tidied."""

TIDY_RATIO: Final = 100.0
"""How many times as long as the last tidying it takes until the next."""


class Reactor(IReactorTime, IReactorFromThreads):
    """What is needed of the reactor."""


def open_store(path: Path, reactor: Reactor, has_search: bool) -> "SqliteStore":
    """Return the store in the file `path`, made if need be. Raises StoreError."""
    prepare(path, has_search)
    return SqliteStore(path, PoolThreads(reactor), reactor, has_search)


class SqliteStore:
    """A `LogStore` in a file that `chat.store.schema.prepare` has prepared."""

    def __init__(self, path: Path, threads: Threads, clock: IReactorTime, has_search: bool) -> None:
        self.has_search = has_search
        self.commits = 0
        """Transactions that were durable, for whoever wants to see that many changes share one."""
        self._path = path
        self._threads = threads
        self._clock = clock
        self._writer = Writer(path, has_search)
        self._reader = Reader(path)
        self._waiting: list[tuple[Change, Deferred[Any]]] = []
        self._is_writing = False
        self._began = 0.0
        """When the last commit did; monotonic seconds."""
        self._problem = ""
        self._closed: Deferred[None] | None = None
        self._tidying: IDelayedCall | None = None
        self._is_tidying = False
        self._tidied_in = 0.0
        self._filing = Filing(lambda: threads.write(self._writer.file), clock)
        # Something may be left of what was removed before a crash.
        self._tidy_later()

    # --- Changes ---

    def append(self, log: bytes, entries: Sequence[Entry]) -> Deferred[list[Appended]]:
        """As `LogStore.append`."""
        return self._add(Append(log, entries))

    def trim(
        self, log: bytes, before_time: int | None = None, keep: int | None = None
    ) -> Deferred[int]:
        """As `LogStore.trim`."""
        has_search = self.has_search
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
        return self._change(lambda it: changes.delete_blob(it, blob_id))

    def _change(self, change: Callable[[WritingConnection], T]) -> Deferred[T]:
        return self._add(change)

    def _add(self, change: Change) -> Deferred[Any]:
        if self._closed is not None:
            return fail(StoreError("the store is closed"))
        done: Deferred[Any] = Deferred()
        self._waiting.append((change, done))
        self._write()
        return done

    def _write(self) -> None:
        """Make all waiting changes, if nothing is being written."""
        if self._is_writing:
            return
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._is_writing = True
            self._began = self._clock.seconds()
            wanted = [change for change, _ in waiting]
            writing = self._threads.write(lambda: self._writer.commit(wanted))
            appended = sum(len(it.entries) for it in wanted if isinstance(it, Append))
            writing.addBoth(self._written, [done for _, done in waiting], appended)
        elif self._closed is not None:
            self._is_writing = True
            Deferred.fromCoroutine(self._close(self._closed))

    def _written(
        self, committed: Committed | Failure, waiting: list[Deferred[Any]], appended: int
    ) -> None:
        # What somebody asks for in answer to this commit waited for nothing.
        is_busy = bool(self._waiting)
        # Still writing while those who waited are told: what they ask for now comes next.
        if isinstance(committed, Failure):
            self._problem = committed.getErrorMessage()
            for done in waiting:
                done.errback(committed)
        else:
            self._problem = ""
            self.commits += 1
            for done, result in zip(waiting, committed.results, strict=True):
                done.callback(result)
            if not committed.is_tidy:
                self._tidy_later()
            self._filing.appended(appended)
        wait = self._began + COMMIT_SECONDS - self._clock.seconds() if is_busy else 0.0
        if wait > 0 and self._closed is None:
            self._clock.callLater(wait, self._go_on)
        else:
            self._go_on()

    def _go_on(self) -> None:
        self._is_writing = False
        self._write()

    # --- Leaving nothing of what was removed ---

    def _tidy_later(self) -> None:
        if self._tidying is None and self._closed is None:
            delay = max(TIDY_SECONDS, TIDY_RATIO * self._tidied_in)
            self._tidying = self._clock.callLater(delay, self._start_tidying)

    def _start_tidying(self) -> None:
        self._tidying = None
        if not self._is_tidying:
            Deferred.fromCoroutine(self._tidy())

    async def _tidy(self) -> None:
        """Take one step after the other; changes that are asked for meanwhile come in between."""
        self._is_tidying = True
        began = self._clock.seconds()
        has_failed = False
        try:
            while self._closed is None and not await self._threads.write(self._writer.tidy):
                pass
        except StoreError:
            _log.failure("What is left of removed records could not be removed yet")
            has_failed = True
        self._tidied_in = self._clock.seconds() - began
        self._is_tidying = False
        if has_failed:
            self._tidy_later()

    # --- Reading ---

    def find(self, log: bytes, record_id: bytes) -> Deferred[Appended | None]:
        """As `LogStore.find`."""
        return self._ask(lambda: self._reader.find(log, record_id))

    def read(
        self,
        log: bytes,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """As `LogStore.read`."""
        return self._ask(lambda: self._reader.read(log, after, limit_bytes, backward, limit))

    def tail(self, log: bytes) -> Deferred[Tail]:
        """As `LogStore.tail`."""
        return self._ask(lambda: self._reader.tail(log))

    def search(self, words: str, logs: Collection[bytes], limit: int) -> Deferred[list[Found]]:
        """As `LogStore.search`."""
        return Deferred.fromCoroutine(self._search(words, list(logs), limit))

    async def _search(self, words: str, logs: list[bytes], limit: int) -> list[Found]:
        await self._filing.file_all()
        return await self._ask(lambda: self._reader.search(words, logs, limit))

    def get(self, key: bytes) -> Deferred[bytes | None]:
        """As `LogStore.get`."""
        return self._ask(lambda: self._reader.get(key))

    def scan(self, prefix: bytes) -> Deferred[list[tuple[bytes, bytes]]]:
        """As `LogStore.scan`."""
        return self._ask(lambda: self._reader.scan(prefix))

    def get_blob(self, blob_id: bytes) -> Deferred[bytes | None]:
        """As `LogStore.get_blob`."""
        return self._ask(lambda: self._reader.get_blob(blob_id))

    async def _health(self) -> Health:
        try:
            size = await self._ask(self._reader.size)
        except StoreError as error:
            return Health(False, str(error))
        return Health(not self._problem, self._problem or f"{size} bytes in {self._path}")

    def health(self) -> Deferred[Health]:
        """As `LogStore.health`."""
        return Deferred.fromCoroutine(self._health())

    def _ask(self, question: Callable[[], T]) -> Deferred[T]:
        if self._closed is not None:
            return fail(StoreError("the store is closed"))
        return self._threads.read(question)

    # --- The end ---

    def close(self) -> Deferred[None]:
        """As `LogStore.close`."""
        self._closed = Deferred()
        closed = self._closed
        self._filing.close()
        if self._tidying is not None:
            self._tidying.cancel()
        self._write()
        return closed

    async def _close(self, closed: Deferred[None]) -> None:
        try:
            await self._threads.read(self._reader.close)
            await self._threads.write(self._writer.close)
        except StoreError:
            _log.failure("The store could not be closed properly; it is checked at the next start")
        self._threads.stop()
        closed.callback(None)
