"""The suite for every `LogStore`: a state machine that compares one with a model.

A test of an implementation subclasses `LogStoreMachine` with `make_store`, with `wait` if Deferreds
need a reactor to fire, and with `reopen` and `abandon` if the state outlives the object:

    class MyStoreMachine(LogStoreMachine):
        def make_store(self) -> LogStore: ...

    TestMyStore = MyStoreMachine.TestCase
"""

from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.internet.defer import Deferred

from chat.ids import LogId
from chat.limits import SEQ_MAX
from chat.store.interface import Commit, Head, LogStore, Record, Stored, StoreError, Trim
from tests.store.chance import ALL_LOGS, KEYS, SEEDS, TYPED, make_commit
from tests.store.commits import LOGS, delete, fired, record
from tests.store.model import Model

__all__ = ["LogStoreMachine"]

T = TypeVar("T")


class LogStoreMachine(RuleBasedStateMachine):
    """A store, and a model of its contents."""

    is_durable = False

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.model = Model()
        self.commits: list[Commit] = []
        self.next_id = 1_000

    def make_store(self) -> LogStore:
        """Return an empty store."""
        raise NotImplementedError

    def reopen(self) -> LogStore:
        """Return a store with everything that the last one stored."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Abandon the store without closing it, as if the process had died."""
        raise NotImplementedError

    def wait(self, deferred: Deferred[T]) -> T:
        """Return the result of `deferred`."""
        return fired(deferred)

    # --- Commits ---

    def apply(self, commit: Commit) -> None:
        """Compare the outcome of a commit."""
        self.commits.append(commit)
        assert self.wait(self.store.commit(commit)) == self.model.apply(commit)

    @rule(seed=SEEDS)
    def commit(self, seed: int) -> None:
        self.apply(make_commit(seed, self.model))

    @rule(seeds=st.lists(SEEDS, max_size=5))
    def commit_some_without_waiting(self, seeds: list[int]) -> None:
        commits = [make_commit(seed, self.model) for seed in seeds]
        under_way = [self.store.commit(commit) for commit in commits]
        for commit, done in zip(commits, under_way, strict=True):
            assert self.wait(done) == self.model.apply(commit)

    @precondition(lambda self: self.commits)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Something is repeated, now or much later."""
        self.apply(data.draw(st.sampled_from(self.commits)))

    def new_records(self, log: LogId, count: int) -> list[Record]:
        """Return records that count."""
        head = self.model.log(log).head
        first, self.next_id = self.next_id, self.next_id + count
        return [
            record(number, log, b"many", "red")._replace(epoch=head.epoch, time=head.time + 1)
            for number in range(first, first + count)
        ]

    @rule(log=st.sampled_from(LOGS), count=st.sampled_from([31, 32, 33, 70]))
    def commit_many(self, log: LogId, count: int) -> None:
        self.apply(Commit(self.model.base, self.new_records(log, count)))

    @rule(
        log=st.sampled_from(LOGS),
        count=st.sampled_from([40, 300]),
        kept=st.sampled_from([0, 1, 7]),
        is_trimmed=st.booleans(),
    )
    def leave_a_gap(self, log: LogId, count: int, kept: int, is_trimmed: bool) -> None:
        """Remove many adjacent records."""
        self.apply(Commit(self.model.base, self.new_records(log, count)))
        if is_trimmed:
            self.apply(Commit(0, trims=[Trim(log, keep=kept)]))
            return
        gone = self.model.log(log).there()[-count : -kept or None]
        first, self.next_id = self.next_id, self.next_id + len(gone)
        deletions = [
            delete(number, row.seq, log)._replace(
                author=row.record.author,
                epoch=self.model.log(log).head.epoch,
                time=self.model.log(log).head.time,
            )
            for number, row in enumerate(gone, first)
        ]
        self.apply(Commit(self.model.base, deletions))

    # --- Reading ---

    @rule(
        log=st.sampled_from(ALL_LOGS),
        backward=st.booleans(),
        limit_bytes=st.integers(0, 100),
        limit=st.none() | st.integers(1, 400),
        data=st.data(),
    )
    def read(
        self, log: LogId, backward: bool, limit_bytes: int, limit: int | None, data: st.DataObject
    ) -> None:
        kept = self.model.log(log)
        near = [row.seq + step for row in kept.there() for step in (-1, 0, 1)]
        after = data.draw(st.sampled_from([0, *near, kept.head.seq + 1, SEQ_MAX]))
        if data.draw(st.booleans()):
            # The size of some records together, or a byte less or more.
            everything = kept.page(after, SEQ_MAX, backward, data.draw(st.integers(1, 9)))
            size = sum(len(it.data) for it in everything)
            limit_bytes = max(size + data.draw(st.integers(-1, 1)), 0)
        page = self.wait(self.store.read(log, after, limit_bytes, backward, limit))
        assert page == kept.page(after, limit_bytes, backward, limit)

    @rule(
        log=st.sampled_from(ALL_LOGS),
        limit_bytes=st.sampled_from([1, 20, 200, 5_000]),
        limit=st.none() | st.sampled_from([1, 7, 50, 300]),
    )
    def read_page_by_page(self, log: LogId, limit_bytes: int, limit: int | None) -> None:
        for backward, cursor in ((False, 0), (True, SEQ_MAX)):
            everything = self.model.log(log).page(cursor, SEQ_MAX, backward, None)
            read = list[Stored]()
            while page := self.wait(
                self.store.read(log, cursor, limit_bytes, backward=backward, limit=limit)
            ):
                read += page
                cursor = page[-1].seq
            assert read == everything

    @rule(log=st.sampled_from(ALL_LOGS), data=st.data())
    def seek(self, log: LogId, data: st.DataObject) -> None:
        kept = self.model.log(log)
        near = [row.time + step for row in kept.rows.values() for step in (-1, 0, 1)]
        time = data.draw(st.sampled_from([0, *near, kept.head.time + 1, SEQ_MAX]))
        divides = self.wait(self.store.seek(log, time))
        assert all((row.seq <= divides) == (row.time < time) for row in kept.rows.values())

    @rule(words=TYPED, logs=st.sets(st.sampled_from(ALL_LOGS)), limit=st.integers(1, 500))
    def search(self, words: str, logs: set[LogId], limit: int) -> None:
        found = self.wait(self.store.search(words, logs, limit))
        assert found == self.model.search(words, logs, limit)

    @rule(prefix=st.sampled_from([b"", b"a", b"a/", b"b", b"c", *KEYS]))
    def scan(self, prefix: bytes) -> None:
        assert self.wait(self.store.scan(prefix)) == self.model.scan(prefix)

    # --- Closing and reopening ---

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
        for log in ALL_LOGS:
            assert self.wait(self.store.head(log)) == Head()
        assert self.wait(self.store.base()) == 0
        assert self.wait(self.store.scan(b"")) == []
        self.apply(Commit(0, trims=[Trim(LOGS[0], keep=0)]))
        self.apply(Commit(0))

    @invariant()
    def the_rest_is_as_it_was(self) -> None:
        for log in ALL_LOGS:
            assert self.wait(self.store.head(log)) == self.model.log(log).head
            numbers = range(self.model.log(log).head.epoch + 2)
            assert self.wait(self.store.epochs(log, numbers)) == self.model.log(log).epochs
        assert self.wait(self.store.read(LogId(b"nobody wrote it!"), 0, 100)) == []
        assert self.wait(self.store.base()) == self.model.base
        seen = self.wait(self.store.seen())
        assert {(log, account): seq for log, account, seq in seen} == self.model.seen
        assert len(seen) == len(self.model.seen)

    def teardown(self) -> None:
        """Close the store; it must refuse all calls from then on."""
        self.scan(b"")
        assert self.wait(self.store.close()) is None
        with pytest.raises(StoreError):
            self.wait(self.store.commit(Commit(0, [record(1)])))
        with pytest.raises(StoreError):
            self.wait(self.store.head(LOGS[0]))
        with pytest.raises(StoreError):
            self.wait(self.store.search("red", LOGS, 1))
