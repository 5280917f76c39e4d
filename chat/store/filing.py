"""When what was appended is filed: see `chat.store.journal`."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from chat.store.interface import StoreError

__all__ = ["FILE_RECORDS", "FILE_SECONDS", "Filing"]

_log = Logger()

FILE_SECONDS: Final = 5.0
"""How long records wait to be filed with others, unless somebody searches."""

FILE_RECORDS: Final = 2_048
"""How many of them wait at most. Whoever reads the end of a log goes through them all."""


class Filing:
    """Has some of it filed whenever there is much, and all of it when there was no more for a
    while."""

    def __init__(self, file_some: Callable[[], Deferred[int]], clock: IReactorTime) -> None:
        self._file_some = file_some
        """As `Writer.file`, in its thread."""
        self._clock = clock
        self._unfiled = 1
        """Records, at most, that are not filed. At first one stands for all that were left."""
        self._later: IDelayedCall | None = None
        self._is_filing = False
        self._has_failed = False
        self._is_closed = False
        self._wait()

    def appended(self, records: int) -> None:
        """Note that there are more."""
        self._unfiled += records
        # What has failed fails again: not with every commit.
        if self._unfiled >= FILE_RECORDS and not self._has_failed:
            self._start(FILE_RECORDS - 1)
        else:
            self._wait()

    async def file_all(self) -> None:
        """File all that is there now. Raises StoreError."""
        while self._unfiled and not self._is_closed:
            await self._step()

    def close(self) -> None:
        """Do nothing more."""
        self._is_closed = True
        if self._later is not None:
            self._later.cancel()

    def _wait(self) -> None:
        if self._later is None and self._unfiled and not self._is_closed:
            self._later = self._clock.callLater(FILE_SECONDS, self._start, 0)

    def _start(self, most: int) -> None:
        if self._later is not None and self._later.active():
            self._later.cancel()
        self._later = None
        if not self._is_filing and not self._is_closed:
            Deferred.fromCoroutine(self._file(most))

    async def _file(self, most: int) -> None:
        """File until at most so many records are left."""
        self._is_filing = True
        self._has_failed = False
        try:
            while self._unfiled > most and not self._is_closed:
                await self._step()
        except StoreError:
            _log.failure("Records could not be filed yet")
            self._has_failed = True
        self._is_filing = False
        self._wait()

    async def _step(self) -> None:
        before = self._unfiled
        left = await self._file_some()
        # What was appended meanwhile may be in `left` as well. The next time tells.
        self._unfiled += left - before
