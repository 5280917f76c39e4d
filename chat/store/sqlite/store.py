"""Logs in one SQLite file, off the reactor's thread.

There are three threads with one connection each: one writes, one reads, and one searches, which may
take long. Only the reactor's thread touches the state of the classes here, so nothing needs a lock.
"""

from collections.abc import Callable, Collection
from math import inf
from pathlib import Path
from typing import Final, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from chat.ids import LogId
from chat.seldom import Seldom
from chat.store.engine import Reactor
from chat.store.interface import (
    Commit,
    DiskFullError,
    Epoch,
    Found,
    Head,
    Outcome,
    ReadMarker,
    Stored,
    StoreError,
)
from chat.store.sqlite.filing import Filing
from chat.store.sqlite.reader import Reader
from chat.store.sqlite.schema import prepare
from chat.store.sqlite.searcher import Searcher
from chat.store.sqlite.threads import PoolThreads, Threads
from chat.store.sqlite.writer import Committed, Tidied, Writer

__all__ = ["TIDY_RATIO", "TIDY_SECONDS", "SqliteStore", "open_store"]

T = TypeVar("T")

_log = Logger()

TIDY_SECONDS: Final = 1.0
"""Seconds from a removal to tidying up after it, so that further removals can join."""

TIDY_RATIO: Final = 100.0
"""The next tidying waits at least this many times as long as the last one took."""


def open_store(path: Path, reactor: Reactor, has_search: bool) -> "SqliteStore":
    """Return the store in the file `path`, creating it if needed. Raises StoreError."""
    prepare(path, has_search)
    return SqliteStore(path, PoolThreads(reactor), reactor, has_search)


class SqliteStore:
    """A `LogStore` in a file that `chat.store.sqlite.schema.prepare` has prepared."""

    def __init__(self, path: Path, threads: Threads, clock: IReactorTime, has_search: bool) -> None:
        self.has_search = has_search
        self.commits = 0
        """Number of durable commits, for tests and benchmarks."""
        self._threads = threads
        self._clock = clock
        self._writer = Writer(path, has_search)
        self._reader = Reader(path)
        self._searcher = Searcher(path)
        self._filing = Filing(self._writer, threads, clock)
        self._is_closed = False
        self._searches = 0
        """How many are in progress."""
        self._closing: Deferred[None] | None = None
        """Set by `close`; fires when the last search is done."""
        self._tidying: IDelayedCall | None = None
        self._is_tidying = False
        self._tidied_in = 0.0
        self._failing = Seldom(clock.seconds)
        # A crash may have left traces of removed records.
        self._tidy_later()

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """As `LogStore.commit`."""
        if self._is_closed:
            return fail(StoreError("the store is closed"))
        return self._threads.write(lambda: self._writer.commit(commit)).addCallback(self._committed)

    def _committed(self, committed: Committed) -> Outcome:
        self.commits += 1
        if not committed.is_tidy:
            self._tidy_later()
        self._filing.note(committed.unfiled)
        return committed.outcome

    # --- Leaving no trace of removed records ---

    def _tidy_later(self) -> None:
        if self._tidying is None and not self._is_closed:
            delay = max(TIDY_SECONDS, TIDY_RATIO * self._tidied_in)
            self._tidying = self._clock.callLater(delay, self._start_tidying)

    def _start_tidying(self) -> None:
        self._tidying = None
        if not self._is_tidying:
            Deferred.fromCoroutine(self._tidy())

    async def _tidy(self) -> None:
        """Tidy step by step, so that commits get in between."""
        self._is_tidying = True
        began = self._clock.seconds()
        tidied = Tidied.PARTLY
        try:
            while tidied is Tidied.PARTLY and not self._is_closed:
                tidied = await self._threads.write(self._writer.tidy)
        except StoreError as error:
            tidied = Tidied.AGAIN
            # Commits fail as well if the disk is full, and say so.
            if not isinstance(error, DiskFullError) and self._failing.take() is not None:
                reason = "Traces of removed records could not be removed yet: {reason}"
                _log.warn(reason, reason=str(error))
        self._tidied_in = self._clock.seconds() - began
        self._is_tidying = False
        if tidied is Tidied.AGAIN:
            self._tidy_later()

    # --- Reading ---

    def base(self) -> Deferred[int]:
        """As `LogStore.base`."""
        return self._ask(self._reader.base)

    def head(self, log: LogId) -> Deferred[Head]:
        """As `LogStore.head`."""
        return self._ask(lambda: self._reader.head(log))

    def epochs(self, log: LogId, numbers: Collection[int]) -> Deferred[list[Epoch]]:
        """As `LogStore.epochs`."""
        return self._ask(lambda: self._reader.epochs(log, numbers))

    def read(
        self,
        log: LogId,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """As `LogStore.read`."""
        return self._ask(lambda: self._reader.read(log, after, limit_bytes, backward, limit))

    def seek(self, log: LogId, time: int) -> Deferred[int]:
        """As `LogStore.seek`."""
        return self._ask(lambda: self._reader.seek(log, time))

    def search(
        self, words: str, logs: Collection[LogId], limit: int, seconds: float = inf
    ) -> Deferred[list[Found]]:
        """As `LogStore.search`."""
        if self._is_closed:
            return fail(StoreError("the store is closed"))
        if not self.has_search:
            return succeed([])
        return Deferred.fromCoroutine(self._search(words, logs, limit, seconds))

    async def _search(
        self, words: str, logs: Collection[LogId], limit: int, seconds: float
    ) -> list[Found]:
        self._searches += 1
        try:
            await self._filing.file(logs)
            return await self._threads.search(
                lambda: self._searcher.search(words, logs, limit, seconds)
            )
        finally:
            self._searches -= 1
            if self._closing is not None and not self._searches:
                self._closing.callback(None)

    def scan(self, prefix: bytes) -> Deferred[list[tuple[bytes, bytes]]]:
        """As `LogStore.scan`."""
        return self._ask(lambda: self._reader.scan(prefix))

    def seen(self) -> Deferred[list[ReadMarker]]:
        """As `LogStore.seen`."""
        return self._ask(self._reader.seen)

    def _ask(self, question: Callable[[], T]) -> Deferred[T]:
        if self._is_closed:
            return fail(StoreError("the store is closed"))
        return self._threads.read(question)

    # --- The end ---

    def close(self) -> Deferred[None]:
        """As `LogStore.close`."""
        if self._is_closed:
            return fail(StoreError("the store is closed"))
        self._is_closed = True
        self._filing.close()
        if self._tidying is not None:
            self._tidying.cancel()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        if self._searches:
            self._closing = Deferred()
            await self._closing
        try:
            await self._threads.read(self._reader.close)
            await self._threads.search(self._searcher.close)
            await self._threads.write(self._writer.close)
        except StoreError as error:
            _log.warn(
                "The store could not be closed cleanly; the next start will check it: {reason}",
                reason=str(error),
            )
        self._threads.stop()
