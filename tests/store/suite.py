"""What every `LogStore` must do: a machine that compares one with a list.

A test of an implementation subclasses `LogStoreMachine` with a `make_store`, and a `wait` where
Deferreds need a reactor to fire:

    class MyStoreMachine(LogStoreMachine):
        def make_store(self) -> LogStore: ...

    TestMyStore = MyStoreMachine.TestCase
"""

from typing import Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.defer import Deferred

from chat.limits import SEQ_MAX
from chat.store.interface import Appended, Entry, LogStore, Stored

__all__ = ["LOGS", "LogStoreMachine", "entry", "fired"]

T = TypeVar("T")

LOGS: Final = (b"one log".ljust(16), bytes(16))

ENTRIES: Final = st.builds(
    Entry,
    # So few ids that many are used again.
    record_id=st.integers(0, 20).map(lambda number: number.to_bytes(16, "big")),
    time=st.integers(0, SEQ_MAX),
    record=st.binary(max_size=30),
)
"""Entries to append. `LogStoreMachine.read` takes them apart by their length."""


def entry(number: int, size: int = 10) -> Entry:
    """Return an entry of `size` bytes whose id is `number`."""
    return Entry(number.to_bytes(16, "big"), 1_000 + number, bytes([number % 256]) * size)


def fired(deferred: Deferred[T]) -> T:
    """Return the result of a Deferred that must have one."""
    results: list[T] = []
    failures: list[BaseException] = []
    deferred.addCallbacks(results.append, lambda failure: failures.append(failure.value))
    if failures:
        raise failures[0]
    [result] = results
    return result


class LogStoreMachine(RuleBasedStateMachine):
    """A store beside a list for each of its logs."""

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.logs: dict[bytes, list[tuple[Stored, int]]] = {log: [] for log in LOGS}
        """What must be in each log: records and their times."""

    def make_store(self) -> LogStore:
        """Return an empty store that drops nothing."""
        raise NotImplementedError

    def wait(self, deferred: Deferred[T]) -> T:
        """Return the result of `deferred`."""
        return fired(deferred)

    def seqs(self, log: bytes) -> list[int]:
        """Return all sequence numbers of a log."""
        return [stored.seq for stored, _ in self.logs[log]]

    @rule(log=st.sampled_from(LOGS), entries=st.lists(ENTRIES, max_size=6))
    def append(self, log: bytes, entries: list[Entry]) -> None:
        places = self.wait(self.store.append(log, entries))
        assert len(places) == len(entries)
        for new, place in zip(entries, places, strict=True):
            known = [
                Appended(stored.seq, time, False)
                for stored, time in self.logs[log]
                if stored.record_id == new.record_id
            ]
            if known:
                assert [place] == known
            else:
                assert place == Appended(place.seq, new.time, True)
                assert max([0, *self.seqs(log)]) < place.seq <= SEQ_MAX
                stored = Stored(place.seq, new.record_id, new.record)
                self.logs[log].append((stored, new.time))

    @rule(
        log=st.sampled_from(LOGS),
        backward=st.booleans(),
        limit=st.integers(0, 100),
        data=st.data(),
    )
    def read(self, log: bytes, backward: bool, limit: int, data: st.DataObject) -> None:
        near = [seq + step for seq in self.seqs(log) for step in (-1, 0, 1)]
        after = data.draw(st.sampled_from([0, *near, SEQ_MAX]))
        records = [stored for stored, _ in self.logs[log]]
        if backward:
            expected = [stored for stored in reversed(records) if stored.seq < after]
        else:
            expected = [stored for stored in records if stored.seq > after]
        page = self.wait(self.store.read(log, after, limit, backward))
        size = sum(len(stored.record) for stored in page)
        assert page == expected[: len(page)]
        assert size <= limit or len(page) == 1
        if len(page) < len(expected):
            assert page
            assert size + len(expected[len(page)].record) > limit

    @precondition(lambda self: any(self.logs.values()))
    @rule(data=st.data(), limit=st.integers(0, 100))
    def read_page_by_page(self, data: st.DataObject, limit: int) -> None:
        log = data.draw(st.sampled_from([log for log in LOGS if self.logs[log]]))
        records = [stored for stored, _ in self.logs[log]]
        cursor, forth = 0, list[Stored]()
        while page := self.wait(self.store.read(log, cursor, limit)):
            forth += page
            cursor = page[-1].seq
        assert forth == records
        cursor, back = SEQ_MAX, list[Stored]()
        while page := self.wait(self.store.read(log, cursor, limit, backward=True)):
            back += page
            cursor = page[-1].seq
        assert back == records[::-1]

    @invariant()
    def an_unknown_log_is_empty(self) -> None:
        assert self.wait(self.store.read(b"nobody wrote it!", 0, 100)) == []

    def teardown(self) -> None:
        """Let go of the store."""
        assert self.wait(self.store.close()) is None
