"""Pages of logs for readers that are behind, shared by all who come for the same ones."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from chat.ids import LogId
from chat.store.interface import LogStore, Stored
from chat.wire.runs import Run, join_runs, line_of

__all__ = ["LogPage", "Pages"]

_KEPT: Final = 16
"""Pages; each is about four thirds of `Limits.catch_up_bytes`."""
_SECONDS: Final = 1.0
"""How long one is good: what is removed from the store meanwhile may still be in it."""
_ALIGNED: Final = 256
"""Pages end where the sequence number divides by this, if they can, so that readers who began at
different places come for the same ones soon."""


class LogPage(NamedTuple):
    """Records that follow each other in a log."""

    stored: Sequence[Stored]
    runs: Sequence[Run]
    """All of them."""
    end: int
    """Up to this sequence number there is nothing else."""


class Pages:
    """The latest pages of all logs that somebody catches up with."""

    def __init__(self, store: LogStore, limit_bytes: int, seconds: Callable[[], float]) -> None:
        self._store = store
        self._limit_bytes = limit_bytes
        self._seconds = seconds
        self._pages: dict[tuple[LogId, int], tuple[float, LogPage]] = {}
        self._loading: dict[tuple[LogId, int], list[Deferred[LogPage | None]]] = {}
        self._removals = 0

    async def get(self, log: LogId, after: int, tail: int) -> LogPage:
        """Return what follows `after` in a log, up to `tail`. Raises StoreError."""
        key = log, after
        while key in self._loading:
            loaded: Deferred[LogPage | None] = Deferred()
            self._loading[key].append(loaded)
            page = await loaded
            if page is not None:
                return page  # If it ends before this tail, the reader asks for what follows.
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
                # What was removed meanwhile may be in it, and this reader may know it is gone.
                waiting.callback(page if removals == self._removals else None)

    def forget(self, log: LogId) -> None:
        """Something was removed from a log."""
        self._removals += 1
        for key in [key for key in self._pages if key[0] == log]:
            del self._pages[key]

    async def _load(self, key: tuple[LogId, int], tail: int) -> LogPage:
        log, after = key
        removals = self._removals
        stored = await self._store.read(log, after, self._limit_bytes)
        # What is stored but was not delivered yet will be delivered by its own commit.
        stored = [item for item in stored if item.seq <= tail]
        if not stored:
            return LogPage((), (), tail)
        aligned = stored[-1].seq - stored[-1].seq % _ALIGNED
        if aligned < stored[0].seq:  # Nothing would be left: it is a short page, or a long gap.
            return _page(log, stored, stored[-1].seq)
        page = _page(log, [item for item in stored if item.seq <= aligned], aligned)
        # The last page of a log grows, so it is not kept.
        if removals == self._removals:
            self._pages.pop(key, None)
            self._pages[key] = self._seconds(), page
            if len(self._pages) > _KEPT:
                del self._pages[next(iter(self._pages))]
        return page


def _page(log: LogId, stored: Sequence[Stored], end: int) -> LogPage:
    return LogPage(stored, join_runs([line_of(log, it.seq, it.data) for it in stored]), end)
