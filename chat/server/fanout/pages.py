"""Pages of logs for readers that are behind, shared by readers that need the same ones."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from chat.ids import LogId
from chat.store.interface import LogStore, Stored
from chat.wire.runs import Run, join_runs, line_of

__all__ = ["LogPage", "Pages"]

_KEPT: Final = 16
"""Pages in the cache; each has about four thirds of `Limits.catch_up_bytes`."""
_SECONDS: Final = 1.0
"""How long a page stays valid. It may still contain records removed from the store meanwhile."""
_ALIGNED: Final = 256
"""Pages end at multiples of this sequence number if possible, so that readers that started at
different places soon need the same pages."""


class LogPage(NamedTuple):
    """Consecutive records of a log."""

    stored: Sequence[Stored]
    runs: Sequence[Run]
    """All records of the page."""
    end: int
    """The sequence number up to which the page is complete."""


class Pages:
    """The cache of the latest pages, over all logs."""

    def __init__(self, store: LogStore, limit_bytes: int, seconds: Callable[[], float]) -> None:
        self._store = store
        self._limit_bytes = limit_bytes
        self._seconds = seconds
        self._pages: dict[tuple[LogId, int], tuple[float, LogPage]] = {}
        self._loading: dict[tuple[LogId, int], list[Deferred[LogPage | None]]] = {}
        self._removals = 0

    async def get(self, log: LogId, after: int, tail: int) -> LogPage:
        """Return the page after the record `after` of a log, up to `tail`. Raises StoreError."""
        key = log, after
        while key in self._loading:
            loaded: Deferred[LogPage | None] = Deferred()
            self._loading[key].append(loaded)
            page = await loaded
            if page is not None:
                return page  # If it ends before this tail, the reader requests the next one.
        since, page = self._pages.get(key, (0.0, None))
        if page is not None and self._seconds() - since < _SECONDS:
            return page
        self._loading[key] = []
        removals, page = self._removals, None
        try:
            page = await self._load(key, tail)
            return page
        finally:
            for waiting in self._loading.pop(key):
                # It may contain records removed meanwhile, and this reader may know that they are
                # gone.
                waiting.callback(page if removals == self._removals else None)

    def forget(self, log: LogId) -> None:
        """Drop a log's pages: something was removed from it."""
        self._removals += 1
        for key in [key for key in self._pages if key[0] == log]:
            del self._pages[key]

    async def _load(self, key: tuple[LogId, int], tail: int) -> LogPage:
        log, after = key
        removals = self._removals
        stored = await self._store.read(log, after, self._limit_bytes)
        # Records that are stored but not delivered yet will be delivered by their own commit.
        stored = [item for item in stored if item.seq <= tail]
        if not stored:
            return LogPage((), (), tail)
        aligned = stored[-1].seq - stored[-1].seq % _ALIGNED
        if aligned < stored[0].seq:  # Nothing would be left: a short page, or a long gap.
            return _page(log, stored, stored[-1].seq)
        page = _page(log, [item for item in stored if item.seq <= aligned], aligned)
        # The last page of a log grows, so do not cache it.
        if removals == self._removals:
            self._pages.pop(key, None)
            self._pages[key] = self._seconds(), page
            if len(self._pages) > _KEPT:
                del self._pages[next(iter(self._pages))]
        return page


def _page(log: LogId, stored: Sequence[Stored], end: int) -> LogPage:
    return LogPage(stored, join_runs([line_of(log, it.seq, it.data) for it in stored]), end)
