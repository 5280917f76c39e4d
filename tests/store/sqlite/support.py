"""Shared by the tests of the store in a file."""

import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar, cast

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from chat.store.sqlite import SqliteStore
from chat.store.sqlite.schema import prepare
from tests.store.dump import Dump, dump_file

__all__ = ["FAST", "NoThreads", "SqliteCase"]

T = TypeVar("T")

_SHM: Final = "/dev/shm"

FAST: Final = _SHM if os.access(_SHM, os.W_OK) else None
"""Where to make the directories of these tests: in memory, if the system has such a place. They
commit tens of thousands of times, and a disk would take most of their time. None of them needs one:
what a process leaves that dies is a copy of its files. tests.e2e kills real ones."""


class NoThreads:
    """`Threads` that run everything at once, or on demand."""

    def __init__(self) -> None:
        self.is_holding = False
        self.is_searching = False
        """Whether the searching thread is busy, so that searches wait too."""
        self.held: list[Callable[[], object]] = []
        self.is_stopped = False

    def write(self, function: Callable[[], T]) -> Deferred[T]:
        """Do it, at once or after `go_on`."""
        return self._call(function, self.is_holding)

    def search(self, function: Callable[[], T]) -> Deferred[T]:
        """Do it, at once or after `go_on`."""
        return self._call(function, self.is_searching)

    def _call(self, function: Callable[[], T], is_held: bool) -> Deferred[T]:
        if not is_held:
            return execute(function)
        done: Deferred[T] = Deferred()
        self.held.append(lambda: execute(function).chainDeferred(done))
        return done

    def go_on(self) -> None:
        """Run the call that has waited longest."""
        self.held.pop(0)()

    def read(self, function: Callable[[], T]) -> Deferred[T]:
        """Run it at once."""
        return execute(function)

    def stop(self) -> None:
        """Record the call."""
        self.is_stopped = True


class SqliteCase(SynchronousTestCase):
    """A test with a file."""

    def setUp(self) -> None:
        """Make a directory for it."""
        directory = tempfile.TemporaryDirectory(dir=FAST)
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "encchat.db"
        self.threads = NoThreads()
        self.clock = Clock()
        self._events: list[LogEvent] = []
        observer = cast(ILogObserver, self._note)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def flush(self) -> list[str]:
        """Return what the store has logged since the last time."""
        lines = [str(formatEvent(event)) for event in self._events]
        self._events.clear()
        return lines

    def _note(self, event: LogEvent) -> None:
        if event["log_namespace"].startswith("chat.store."):
            self._events.append(event)

    def replace(self, target: object, name: str, value: object) -> None:
        """Replace an attribute until the end of the test."""
        patch: Callable[[object, str, object], None] = self.patch
        patch(target, name, value)

    def tidying(self) -> list[IDelayedCall]:
        """Return the delayed calls that will tidy."""
        calls = self.clock.getDelayedCalls()
        return [call for call in calls if "_start_tidying" in str(call)]

    def open(self, has_search: bool = True) -> SqliteStore:
        """Return a store in the file."""
        prepare(self.path, has_search)
        return SqliteStore(self.path, self.threads, self.clock, has_search)

    def dump(self) -> Dump:
        """Return the state that is in the file."""
        return dump_file(self.path)

    def waiting(self) -> int:
        """Return how many records wait to be filed."""
        [(count,)] = self.execute("SELECT count(*) FROM journal")
        return cast(int, count)

    def bytes_on_disk(self) -> bytes:
        """Return the contents of all files."""
        return b"".join(path.read_bytes() for path in sorted(self.path.parent.iterdir()))

    def execute(self, *statements: str) -> list[tuple[object, ...]]:
        """Execute a statement behind the store's back."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            rows: list[tuple[object, ...]] = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            return rows
        finally:
            connection.close()
