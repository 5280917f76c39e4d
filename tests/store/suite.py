"""What every `LogStore` must do: a machine that compares one with a model.

A test of an implementation subclasses `LogStoreMachine` with a `make_store`, a `wait` where
Deferreds need a reactor to fire, and `reopen` and `abandon` where what is stored lasts longer than
the object:

    class MyStoreMachine(LogStoreMachine):
        def make_store(self) -> LogStore: ...

    TestMyStore = MyStoreMachine.TestCase
"""

from dataclasses import dataclass, field
from typing import Final, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.internet.defer import Deferred

from chat.limits import SEQ_MAX
from chat.store.interface import Appended, Entry, LogStore, Stored, StoreError, Tail

__all__ = ["LOGS", "LogStoreMachine", "entry", "fired"]

T = TypeVar("T")

LOGS: Final = (b"one log".ljust(16), bytes(16))

KEYS: Final = (b"a", b"a/", b"a/\xff", b"a0", b"b" * 40)
IDS: Final = (b"blob".ljust(16), bytes(16))

WORDS: Final = st.lists(st.sampled_from(["red", "Green", "blue"]), max_size=3).map(" ".join)


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


@dataclass
class _Kept:
    """What must be in a log."""

    records: dict[int, tuple[Stored, int]] = field(default_factory=dict)
    """By sequence number: what is read back, and its time."""
    words: dict[int, set[str]] = field(default_factory=dict)
    replacing: dict[int, list[int]] = field(default_factory=dict)
    by_id: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Sequence numbers and times of all that is known, erased or not."""
    time: int = 0
    last: int = 0


class LogStoreMachine(RuleBasedStateMachine):
    """A store beside what must be in it."""

    is_durable = False

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.logs = {log: _Kept() for log in LOGS}
        self.values: dict[bytes, bytes] = {}
        self.blobs: dict[bytes, bytes] = {}

    def make_store(self) -> LogStore:
        """Return an empty store."""
        raise NotImplementedError

    def reopen(self) -> LogStore:
        """Return a store with all that the last one was told to keep."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Let go of the store without closing it, as if the process had died."""
        raise NotImplementedError

    def wait(self, deferred: Deferred[T]) -> T:
        """Return the result of `deferred`."""
        return fired(deferred)

    # --- Logs ---

    @rule(
        log=st.sampled_from(LOGS),
        # So few ids that many are used again.
        posts=st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=30), WORDS), max_size=6),
        elapsed=st.integers(0, 3),
    )
    def append(self, log: bytes, posts: list[tuple[int, bytes, str]], elapsed: int) -> None:
        time = self.logs[log].time + elapsed
        self._append(
            log,
            [
                Entry(number.to_bytes(16, "big"), time, b"r" + record, words)
                for number, record, words in posts
            ],
        )

    @rule(log=st.sampled_from(LOGS), number=st.integers(0, 60), words=WORDS, data=st.data())
    def change(self, log: bytes, number: int, words: str, data: st.DataObject) -> None:
        kept = self.logs[log]
        if not kept.records:
            return
        seq = data.draw(st.sampled_from(sorted(kept.records)))
        identity = number.to_bytes(16, "big")
        if data.draw(st.booleans()):
            changed = Entry(identity, kept.time, b"edit", words, replaces=seq)
        else:
            changed = Entry(identity, kept.time, b"delete", erases=seq)
        self._append(log, [changed])

    def _append(self, log: bytes, entries: list[Entry]) -> None:
        kept = self.logs[log]
        places = self.wait(self.store.append(log, entries))
        assert len(places) == len(entries)
        for new, place in zip(entries, places, strict=True):
            known = kept.by_id.get(new.record_id)
            if known is not None:
                assert place == Appended(*known, False)
                continue
            assert place == Appended(place.seq, new.time, True)
            assert kept.last < place.seq <= SEQ_MAX
            kept.last, kept.time = place.seq, max(kept.time, new.time)
            kept.by_id[new.record_id] = (place.seq, new.time)
            kept.records[place.seq] = (Stored(place.seq, new.record_id, new.record), new.time)
            kept.words[place.seq] = set(new.words.casefold().split())
            if new.replaces:
                kept.words.pop(new.replaces, None)
                kept.replacing.setdefault(new.replaces, []).append(place.seq)
            if new.erases:
                for gone in (new.erases, *kept.replacing.pop(new.erases, [])):
                    kept.records.pop(gone, None)
                    kept.words.pop(gone, None)

    @rule(
        log=st.sampled_from(LOGS),
        backward=st.booleans(),
        limit_bytes=st.integers(0, 100),
        limit=st.none() | st.integers(1, 5),
        data=st.data(),
    )
    def read(
        self, log: bytes, backward: bool, limit_bytes: int, limit: int | None, data: st.DataObject
    ) -> None:
        records = [stored for _, (stored, _) in sorted(self.logs[log].records.items())]
        near = [stored.seq + step for stored in records for step in (-1, 0, 1)]
        after = data.draw(st.sampled_from([0, *near, SEQ_MAX]))
        if backward:
            expected = [stored for stored in reversed(records) if stored.seq < after]
        else:
            expected = [stored for stored in records if stored.seq > after]
        page = self.wait(self.store.read(log, after, limit_bytes, backward, limit))
        size = sum(len(stored.record) for stored in page)
        assert page == expected[: len(page)]
        assert size <= limit_bytes or len(page) == 1
        assert limit is None or len(page) <= limit
        if len(page) < len(expected) and len(page) != limit:
            assert page
            assert size + len(expected[len(page)].record) > limit_bytes

    @rule(log=st.sampled_from(LOGS), limit_bytes=st.integers(0, 100))
    def read_page_by_page(self, log: bytes, limit_bytes: int) -> None:
        records = [stored for _, (stored, _) in sorted(self.logs[log].records.items())]
        cursor, forth = 0, list[Stored]()
        while page := self.wait(self.store.read(log, cursor, limit_bytes)):
            forth += page
            cursor = page[-1].seq
        assert forth == records
        cursor, back = SEQ_MAX, list[Stored]()
        while page := self.wait(self.store.read(log, cursor, limit_bytes, backward=True)):
            back += page
            cursor = page[-1].seq
        assert back == records[::-1]

    @rule(log=st.sampled_from(LOGS), number=st.integers(0, 60))
    def find(self, log: bytes, number: int) -> None:
        identity = number.to_bytes(16, "big")
        known = self.logs[log].by_id.get(identity)
        expected = None if known is None else Appended(*known, False)
        assert self.wait(self.store.find(log, identity)) == expected

    @rule(words=WORDS, logs=st.sets(st.sampled_from(LOGS)), limit=st.integers(1, 5))
    def search(self, words: str, logs: set[bytes], limit: int) -> None:
        wanted = set(words.casefold().split())
        expected = {
            (log, seq)
            for log in logs
            for seq, known in self.logs[log].words.items()
            if wanted and wanted <= known
        }
        found = self.wait(self.store.search(words, logs, limit))
        assert len(found) == min(limit, len(expected))
        times = [it.time for it in found]
        assert times == sorted(times, reverse=True)
        for it in found:
            assert (it.log, it.stored.seq) in expected
            assert self.logs[it.log].records[it.stored.seq] == (it.stored, it.time)
        if found:
            left_out = expected - {(it.log, it.stored.seq) for it in found}
            assert all(self.logs[log].records[seq][1] <= times[-1] for log, seq in left_out)

    @rule(
        log=st.sampled_from(LOGS),
        age=st.none() | st.integers(0, 5),
        keep=st.none() | st.integers(0, 10),
    )
    def trim(self, log: bytes, age: int | None, keep: int | None) -> None:
        kept = self.logs[log]
        before = None if age is None else kept.time - age
        seqs = sorted(kept.records)
        gone = [seq for seq in seqs if before is not None and kept.records[seq][1] < before]
        if keep is not None:
            gone += seqs[: max(len(seqs) - keep, 0)]
        last = max(gone, default=0)
        removed = self.wait(self.store.trim(log, before, keep))
        assert removed == len(set(gone))
        for seq in set(gone):
            del kept.records[seq]
            kept.words.pop(seq, None)
        # Ids of what is gone may be forgotten, those of what is left must not be: an id of
        # something erased in between may be either.
        for identity, (seq, _) in list(kept.by_id.items()):
            if seq in gone:
                del kept.by_id[identity]
            elif seq not in kept.records and ((last and seq <= last) or before or keep is not None):
                found = self.wait(self.store.find(log, identity))
                if found is None:
                    del kept.by_id[identity]

    # --- Values and blobs ---

    @rule(
        key=st.sampled_from(KEYS),
        expected=st.none() | st.binary(max_size=2),
        value=st.none() | st.binary(max_size=2),
        is_right=st.booleans(),
    )
    def compare_and_set(
        self, key: bytes, expected: bytes | None, value: bytes | None, is_right: bool
    ) -> None:
        if is_right:
            expected = self.values.get(key)
        was_expected = self.values.get(key) == expected
        assert self.wait(self.store.compare_and_set(key, expected, value)) == was_expected
        if was_expected and value is not None:
            self.values[key] = value
        elif was_expected:
            self.values.pop(key, None)

    @rule(prefix=st.sampled_from([b"", b"a", b"a/", b"b", b"c"]), key=st.sampled_from(KEYS))
    def look_up(self, prefix: bytes, key: bytes) -> None:
        assert self.wait(self.store.get(key)) == self.values.get(key)
        expected = sorted(it for it in self.values.items() if it[0].startswith(prefix))
        assert self.wait(self.store.scan(prefix)) == expected

    @rule(blob=st.sampled_from(IDS), content=st.none() | st.binary(max_size=20))
    def change_blob(self, blob: bytes, content: bytes | None) -> None:
        if content is None:
            self.wait(self.store.delete_blob(blob))
            self.blobs.pop(blob, None)
        else:
            self.wait(self.store.put_blob(blob, content))
            self.blobs[blob] = content

    # --- Ends and beginnings ---

    @precondition(lambda self: self.is_durable)
    @rule(politely=st.booleans())
    def restart(self, politely: bool) -> None:
        if politely:
            self.wait(self.store.close())
        else:
            self.abandon()
        self.store = self.reopen()

    @initialize()
    def nothing_is_there_at_first(self) -> None:
        for log in LOGS:
            assert self.wait(self.store.tail(log)) == Tail(0, 0)
            assert self.wait(self.store.trim(log, keep=0)) == 0
        assert self.wait(self.store.scan(b"")) == []

    @invariant()
    def the_rest_is_as_it_was(self) -> None:
        for log, kept in self.logs.items():
            assert self.wait(self.store.tail(log)) == Tail(kept.last, kept.time)
        assert self.wait(self.store.read(b"nobody wrote it!", 0, 100)) == []
        for blob in IDS:
            assert self.wait(self.store.get_blob(blob)) == self.blobs.get(blob)
        assert self.wait(self.store.health()).is_writable

    def teardown(self) -> None:
        """Let go of the store, of which nothing more can be asked."""
        assert self.wait(self.store.close()) is None
        with pytest.raises(StoreError):
            self.wait(self.store.append(LOGS[0], [entry(1)]))
        with pytest.raises(StoreError):
            self.wait(self.store.tail(LOGS[0]))
