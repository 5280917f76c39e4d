"""Logs in memory: they last as long as the server runs, and each is bounded in bytes."""

from collections import deque
from collections.abc import Iterable, Sequence

from twisted.internet.defer import Deferred, fail, succeed

from chat.store.interface import Appended, Entry, RecordsGoneError, Stored

__all__ = ["MemoryStore"]


class _Log:
    def __init__(self) -> None:
        self.records: deque[Stored] = deque()
        self.by_id: dict[bytes, Appended] = {}
        self.size = 0
        self.last = 0


class MemoryStore:
    """A `LogStore` whose logs forget their oldest records beyond `log_bytes` each."""

    def __init__(self, log_bytes: int) -> None:
        self._log_bytes = log_bytes
        self._logs: dict[bytes, _Log] = {}

    def append(self, log: bytes, entries: Sequence[Entry]) -> Deferred[list[Appended]]:
        """As `LogStore.append`; fires at once, and never fails."""
        kept = self._logs.setdefault(log, _Log())
        return succeed([self._append(kept, entry) for entry in entries])

    def _append(self, kept: _Log, entry: Entry) -> Appended:
        known = kept.by_id.get(entry.record_id)
        if known is not None:
            return known
        kept.last += 1
        kept.by_id[entry.record_id] = Appended(kept.last, entry.time, False)
        kept.records.append(Stored(kept.last, entry.record_id, entry.record))
        kept.size += len(entry.record)
        while kept.size > self._log_bytes:
            oldest = kept.records.popleft()
            kept.size -= len(oldest.record)
            del kept.by_id[oldest.record_id]
        return Appended(kept.last, entry.time, True)

    def read(
        self, log: bytes, after: int, limit_bytes: int, backward: bool = False
    ) -> Deferred[list[Stored]]:
        """As `LogStore.read`; fires at once."""
        kept = self._logs.get(log, _Log())
        first = kept.last - len(kept.records) + 1
        candidates: Iterable[Stored]
        if backward:
            index = min(max(after - first, 0), len(kept.records))
            candidates = (kept.records[i] for i in range(index - 1, -1, -1))
        elif after + 1 < first:
            return fail(RecordsGoneError())
        else:
            index = after + 1 - first
            candidates = (kept.records[i] for i in range(index, len(kept.records)))
        page: list[Stored] = []
        size = 0
        for stored in candidates:
            size += len(stored.record)
            if page and size > limit_bytes:
                break
            page.append(stored)
        return succeed(page)

    def close(self) -> Deferred[None]:
        """Forget everything."""
        self._logs.clear()
        return succeed(None)
