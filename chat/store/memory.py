"""A store in memory: for tests, and the simplest thing that does what a store must."""

import re
from collections.abc import Collection, Sequence
from typing import TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from chat.store.interface import Appended, Entry, Found, Health, Stored, StoreError, Tail

__all__ = ["MemoryStore"]

T = TypeVar("T")


class _Log:
    def __init__(self) -> None:
        self.records: dict[int, Stored] = {}
        self.times: dict[int, int] = {}
        self.words: dict[int, str] = {}
        self.replacing: dict[int, list[int]] = {}
        self.by_id: dict[bytes, Appended] = {}
        self.tail = Tail(0, 0)


class MemoryStore:
    """A `LogStore` that forgets everything when it is closed."""

    has_search = True

    def __init__(self) -> None:
        self._logs: dict[bytes, _Log] = {}
        self._values: dict[bytes, bytes] = {}
        self._blobs: dict[bytes, bytes] = {}
        self._is_closed = False

    def _done(self, result: T) -> Deferred[T]:
        return fail(StoreError("the store is closed")) if self._is_closed else succeed(result)

    def append(self, log: bytes, entries: Sequence[Entry]) -> Deferred[list[Appended]]:
        """As `LogStore.append`."""
        kept = self._logs.setdefault(log, _Log())
        return self._done([self._append(kept, entry) for entry in entries])

    def _append(self, kept: _Log, entry: Entry) -> Appended:
        known = kept.by_id.get(entry.record_id)
        if known is not None:
            return known
        seq = kept.tail.seq + 1
        kept.tail = Tail(seq, max(kept.tail.time, entry.time))
        kept.by_id[entry.record_id] = Appended(seq, entry.time, False)
        kept.records[seq] = Stored(seq, entry.record_id, entry.record)
        kept.times[seq] = entry.time
        if entry.words:
            kept.words[seq] = entry.words
        if entry.replaces:
            kept.words.pop(entry.replaces, None)
            kept.replacing.setdefault(entry.replaces, []).append(seq)
        if entry.erases:
            for gone in (entry.erases, *kept.replacing.pop(entry.erases, ())):
                kept.words.pop(gone, None)
                kept.records.pop(gone, None)
        return Appended(seq, entry.time, True)

    def find(self, log: bytes, record_id: bytes) -> Deferred[Appended | None]:
        """As `LogStore.find`."""
        return self._done(self._logs.get(log, _Log()).by_id.get(record_id))

    def read(
        self,
        log: bytes,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """As `LogStore.read`."""
        records = self._logs.get(log, _Log()).records
        if backward:
            seqs = sorted((seq for seq in records if seq < after), reverse=True)
        else:
            seqs = sorted(seq for seq in records if seq > after)
        page: list[Stored] = []
        size = 0
        for seq in seqs[:limit]:
            size += len(records[seq].record)
            if page and size > limit_bytes:
                break
            page.append(records[seq])
        return self._done(page)

    def tail(self, log: bytes) -> Deferred[Tail]:
        """As `LogStore.tail`."""
        return self._done(self._logs.get(log, _Log()).tail)

    def search(self, words: str, logs: Collection[bytes], limit: int) -> Deferred[list[Found]]:
        """As `LogStore.search`."""
        wanted = set(_words(words))
        found = [
            Found(log, kept.times[seq], kept.records[seq])
            for log in logs
            if (kept := self._logs.get(log)) is not None
            for seq, text in kept.words.items()
            if wanted and wanted <= set(_words(text))
        ]
        found.sort(key=lambda it: (it.time, it.stored.seq), reverse=True)
        return self._done(found[:limit])

    def trim(
        self, log: bytes, before_time: int | None = None, keep: int | None = None
    ) -> Deferred[int]:
        """As `LogStore.trim`."""
        kept = self._logs.get(log, _Log())
        gone = {
            seq for seq in kept.records if before_time is not None and kept.times[seq] < before_time
        }
        if keep is not None:
            gone.update(sorted(kept.records)[: max(len(kept.records) - keep, 0)])
        for seq in gone:
            del kept.by_id[kept.records.pop(seq).record_id]
            kept.words.pop(seq, None)
        return self._done(len(gone))

    def get(self, key: bytes) -> Deferred[bytes | None]:
        """As `LogStore.get`."""
        return self._done(self._values.get(key))

    def scan(self, prefix: bytes) -> Deferred[list[tuple[bytes, bytes]]]:
        """As `LogStore.scan`."""
        return self._done(sorted(it for it in self._values.items() if it[0].startswith(prefix)))

    def compare_and_set(
        self, key: bytes, expected: bytes | None, value: bytes | None
    ) -> Deferred[bool]:
        """As `LogStore.compare_and_set`."""
        if self._values.get(key) != expected:
            return self._done(False)
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
        return self._done(True)

    def put_blob(self, blob_id: bytes, content: bytes) -> Deferred[None]:
        """As `LogStore.put_blob`."""
        self._blobs[blob_id] = content
        return self._done(None)

    def get_blob(self, blob_id: bytes) -> Deferred[bytes | None]:
        """As `LogStore.get_blob`."""
        return self._done(self._blobs.get(blob_id))

    def delete_blob(self, blob_id: bytes) -> Deferred[None]:
        """As `LogStore.delete_blob`."""
        self._blobs.pop(blob_id, None)
        return self._done(None)

    def health(self) -> Deferred[Health]:
        """As `LogStore.health`."""
        return succeed(Health(True, "in memory"))

    def close(self) -> Deferred[None]:
        """As `LogStore.close`."""
        self._is_closed = True
        return succeed(None)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
