"""Schedules the filing of appended records: see `chat.store.sqlite.journal`."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from chat.ids import LogId
from chat.seldom import Seldom
from chat.store.interface import DiskFullError, StoreError
from chat.store.sqlite import journal
from chat.store.sqlite.threads import Threads
from chat.store.sqlite.writer import Unfiled, Writer

__all__ = ["FILE_RECORDS", "FILE_SECONDS", "Filing"]

_log = Logger()

FILE_SECONDS: Final = 5.0
"""How long records wait to be filed with others, unless somebody searches."""

FILE_RECORDS: Final = 2_048
"""Records that may wait before some are filed. Reading the end of a log scans all that wait."""


class Filing:
    """Files some records when many are waiting, and all of them if that has not happened for a
    while.

    The number of waiting records is the one that the writer's thread reported last. Nothing here
    waits until none are left: while others keep posting, that never happens.
    """

    def __init__(self, writer: Writer, threads: Threads, clock: IReactorTime) -> None:
        self._writer = writer
        self._threads = threads
        self._clock = clock
        self._unfiled: int | None = None
        """How many records wait; None until the writer has reported it."""
        self._later: IDelayedCall | None = None
        self._is_filing = False
        self._has_failed = False
        self._is_closed = False
        self._failing = Seldom(clock.seconds)
        self._wait()

    def note(self, unfiled: int) -> None:
        """Take the writer's report of how many records wait."""
        self._unfiled = unfiled
        # After a failure, do not try again with every commit.
        if unfiled >= FILE_RECORDS and not self._has_failed:
            self._start(self._file_some)
        else:
            self._wait()

    async def file(self, logs: Collection[LogId]) -> None:
        """File the records of some logs that wait now. Raises StoreError.

        Works in steps, so that commits get in between; it does not wait for their records.
        """
        if self._unfiled != 0:
            left = await self._ask(lambda: self._writer.unfiled(logs))
            while left.wanted:
                left = await self._step(left.wanted)

    def close(self) -> None:
        """Stop the timer. Only `file` works from now on."""
        self._is_closed = True
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _step(self, wanted: Mapping[int, int]) -> Deferred[Unfiled]:
        return self._ask(lambda: self._writer.file(wanted))

    def _ask(self, question: Callable[[], Unfiled]) -> Deferred[Unfiled]:
        def note(unfiled: Unfiled) -> Unfiled:
            self.note(unfiled.records)
            return unfiled

        return self._threads.write(question).addCallback(note)

    def _wait(self) -> None:
        is_waiting = self._later is not None or self._is_filing
        if self._unfiled != 0 and not is_waiting and not self._is_closed:
            self._later = self._clock.callLater(FILE_SECONDS, self._start_all)

    def _start_all(self) -> None:
        self._later = None
        self._has_failed = False
        self._start(self._file_all)

    def _start(self, file: Callable[[], Awaitable[None]]) -> None:
        if not self._is_filing and not self._is_closed:
            if self._later is not None:
                self._later.cancel()
                self._later = None
            Deferred.fromCoroutine(self._run(file))

    async def _run(self, file: Callable[[], Awaitable[None]]) -> None:
        self._is_filing = True
        try:
            await file()
        except StoreError as error:
            self._has_failed = True
            # Commits fail as well if the disk is full, and say so.
            if not isinstance(error, DiskFullError) and self._failing.take() is not None:
                _log.warn("Records could not be filed yet: {reason}", reason=str(error))
        self._is_filing = False
        self._wait()

    async def _file_some(self) -> None:
        """File until only a few are left."""
        while self._unfiled is not None and self._unfiled >= FILE_RECORDS and not self._is_closed:
            self._unfiled = await self._threads.write(self._writer.file_some)

    async def _file_all(self) -> None:
        """File as many records as wait now, taking the logs in turn; some may be newer ones."""
        # A step files at least FILED records, unless it reaches the last log.
        for _ in range((self._unfiled or 0) // journal.FILED + 2):
            if self._unfiled == 0 or self._is_closed:
                break
            self._unfiled = await self._threads.write(self._writer.file_some)
