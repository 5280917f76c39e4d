"""A `LogStore` in memory."""

from collections.abc import Collection
from math import inf
from typing import TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from chat.ids import LogId
from chat.store import rules
from chat.store.interface import Commit, Epoch, Found, Head, Outcome, ReadMarker, Stored, StoreError
from chat.store.memory.state import MemoryState
from chat.store.words import is_found, phrases

__all__ = ["MemoryStore"]

T = TypeVar("T")


class MemoryStore:
    """A `LogStore` that loses everything when it is closed."""

    def __init__(self, has_search: bool = True) -> None:
        self.has_search = has_search
        self.commits = 0
        """Number of commits so far, for tests and benchmarks."""
        self._state = MemoryState(has_search)
        self._is_closed = False

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """As `LogStore.commit`."""
        if self._is_closed:
            return fail(StoreError("the store is closed"))
        self.commits += 1
        return succeed(rules.apply(commit, self._state))

    def base(self) -> Deferred[int]:
        """As `LogStore.base`."""
        return self._answer(self._state.base)

    def head(self, log: LogId) -> Deferred[Head]:
        """As `LogStore.head`."""
        return self._answer(self._state.head(log))

    def epochs(self, log: LogId, numbers: Collection[int]) -> Deferred[list[Epoch]]:
        """As `LogStore.epochs`."""
        kept = self._state.log(log).epochs
        return self._answer([kept[number] for number in numbers if number in kept])

    def read(
        self,
        log: LogId,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """As `LogStore.read`."""
        records = self._state.log(log).records
        page: list[Stored] = []
        size = 0
        for seq in reversed(records) if backward else records:
            stored = records[seq].stored
            if stored is None or (seq >= after if backward else seq <= after):
                continue
            size += len(stored.data)
            if page and size > limit_bytes:
                break
            page.append(stored)
            if len(page) == limit:
                break
        return self._answer(page)

    def seek(self, log: LogId, time: int) -> Deferred[int]:
        """As `LogStore.seek`."""
        records = reversed(self._state.log(log).records.items())
        return self._answer(next((seq for seq, kept in records if kept.time < time), 0))

    def search(
        self, words: str, logs: Collection[LogId], limit: int, seconds: float = inf
    ) -> Deferred[list[Found]]:
        """As `LogStore.search`, but without a time limit."""
        wanted = phrases(words)
        found = [
            Found(log, kept.time, kept.stored)
            for log in logs
            for kept in self._state.log(log).records.values()
            if wanted and kept.stored is not None and is_found(kept.words, wanted)
        ]
        found.sort(key=lambda it: (it.time, it.stored.seq, it.log), reverse=True)
        return self._answer(found[:limit])

    def scan(self, prefix: bytes) -> Deferred[list[tuple[bytes, bytes]]]:
        """As `LogStore.scan`."""
        values = self._state.values.items()
        return self._answer(sorted(it for it in values if it[0].startswith(prefix)))

    def seen(self) -> Deferred[list[ReadMarker]]:
        """As `LogStore.seen`."""
        return self._answer([ReadMarker(*key, seq) for key, seq in self._state.seen.items()])

    def close(self) -> Deferred[None]:
        """As `LogStore.close`."""
        self._is_closed = True
        return succeed(None)

    def _answer(self, answer: T) -> Deferred[T]:
        return fail(StoreError("the store is closed")) if self._is_closed else succeed(answer)
