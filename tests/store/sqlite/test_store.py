"""The store in a file: the suite for every store, and what can happen to a file."""

import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast
from unittest.mock import patch

import pytest
import pytest_twisted
from hypothesis.stateful import rule
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.ids import LogId
from chat.store import registry
from chat.store.engine import Reactor
from chat.store.interface import (
    Commit,
    Head,
    LogStore,
    Place,
    SlowSearchError,
    StateChange,
    StoreError,
    Value,
)
from chat.store.sqlite import (
    SqliteStore,
    connection,
    filing,
    journal,
    open_store,
    schema,
    searcher,
    writer,
)
from chat.store.sqlite.connection import WritingConnection
from chat.store.sqlite.filing import FILE_SECONDS
from chat.store.sqlite.schema import prepare
from chat.store.sqlite.state import SqliteState
from tests import machine
from tests.store.commits import LOGS, append, fired, record, seqs, trim
from tests.store.sqlite.support import FAST, NoThreads, SqliteCase
from tests.store.suite import LogStoreMachine

LOG, OTHER_LOG = LOGS


class SqliteStoreMachine(LogStoreMachine):
    """A store in a file that is reopened, sometimes without having been closed."""

    is_durable = True

    def make_store(self) -> LogStore:
        """Return a store in a new file that files records and ids early."""
        self.few = [
            patch.object(journal, "FILED", 3),
            patch.object(journal, "_LOG_FILED", 4),
            patch.object(filing, "FILE_RECORDS", 7),
        ]
        for one in self.few:
            one.start()
        self.directory = Path(tempfile.mkdtemp(dir=FAST))
        return self.reopen()

    def reopen(self) -> LogStore:
        """Return a store in the same file."""
        path = self.directory / "encchat.db"
        prepare(path, True)
        self.clock = Clock()
        return SqliteStore(path, NoThreads(), self.clock, True)

    def abandon(self) -> None:
        """Take the files as a process that died would leave them."""
        old, self.directory = self.directory, Path(tempfile.mkdtemp(dir=FAST))
        for path in old.iterdir():
            shutil.copy(path, self.directory)
        fired(self.store.close())
        shutil.rmtree(old)

    @rule()
    def some_time_passes(self) -> None:
        """Waiting records are filed, and removed ones tidied up."""
        self.clock.advance(FILE_SECONDS)

    def teardown(self) -> None:
        """Remove the file."""
        super().teardown()
        for one in self.few:
            one.stop()
        shutil.rmtree(self.directory)


TestSqliteStore = SqliteStoreMachine.TestCase
TestSqliteStore.settings = machine(40, 30)


class CommitTests(SqliteCase):
    """I4: commits are applied completely or not at all, one after the other."""

    def test_i4_commits_are_applied_in_their_order(self) -> None:
        store = self.open()
        self.threads.is_holding = True
        appending = [store.commit(Commit(0, [record(number)])) for number in range(20)]
        assert len(self.threads.held) == 20 and store.commits == 0
        for number in range(20):
            assert not appending[number].called
            self.threads.go_on()
            assert appending[number].called and store.commits == number + 1
        assert [seqs(fired(it).places) for it in appending] == [[it] for it in range(1, 21)]
        self.threads.is_holding = False
        fired(store.close())
        assert self.threads.is_stopped

    def test_i4_a_failure_fails_all_of_a_commit_and_no_other(self) -> None:
        store = self.open()
        self.threads.is_holding = True
        change = StateChange([Value(b"key", b"value")], records=[record(2, OTHER_LOG)])
        first = store.commit(Commit(0, [record(1)]))
        second = store.commit(Commit(0, [record(2)], change=change))
        third = store.commit(Commit(0, [record(3)]))
        self.threads.go_on()
        self.execute("ALTER TABLE entries RENAME TO lost")
        self.threads.go_on()
        self.execute("ALTER TABLE lost RENAME TO entries")
        self.threads.go_on()
        self.threads.is_holding = False
        assert seqs(fired(first).places) == [1] and seqs(fired(third).places) == [2]
        with pytest.raises(StoreError, match="no such table"):
            fired(second)
        assert fired(store.head(OTHER_LOG)) == Head() and fired(store.base()) == 0
        again = fired(store.commit(Commit(0, [record(2)], change=change)))
        assert seqs(again.places) == [3] and seqs(again.change) == [1]
        fired(store.close())

    def test_what_is_under_way_when_it_is_closed_is_finished(self) -> None:
        store = self.open()
        append(store, record(1, words="red"))
        self.threads.is_holding = True
        appending = store.commit(Commit(0, [record(2, words="red")]))
        searching = store.search("red", LOGS, 9)
        closing = store.close()
        for asked in (store.commit(Commit(0)), store.search("red", LOGS, 9), store.close()):
            with pytest.raises(StoreError, match="closed"):
                fired(cast(Deferred[object], asked))
        while self.threads.held:
            assert not closing.called
            self.threads.go_on()
        assert closing.called and self.threads.is_stopped
        assert seqs(fired(appending).places) == [2]
        assert [it.stored.seq for it in fired(searching)] == [2, 1]
        assert self.execute("SELECT clean FROM state") == [(1,)]
        assert self.clock.getDelayedCalls() == []

    def test_a_bug_fails_its_commit_and_not_the_next(self) -> None:
        store = self.open()
        with patch.object(SqliteState, "trim", side_effect=ZeroDivisionError):
            append(store, record(1))
            with pytest.raises(ZeroDivisionError):
                trim(store, keep=0)
        assert seqs(append(store, record(2))) == [2]
        fired(store.close())

    def test_closing_in_answer_to_a_commit_is_done_once_and_leaves_the_file_clean(self) -> None:
        self.check_closing(in_answer=True)

    def test_closing_during_a_commit_is_done_once_and_leaves_the_file_clean(self) -> None:
        self.check_closing(in_answer=False)

    def check_closing(self, in_answer: bool) -> None:
        """Close a store during a commit, and after it."""
        store = self.open()
        self.threads.is_holding = True
        appending = store.commit(Commit(0, [record(1)]))
        closed: list[Deferred[None]] = []
        if in_answer:
            appending.addCallback(lambda _: closed.append(store.close()))
        else:
            closed.append(store.close())
        self.threads.go_on()
        assert len(self.threads.held) == 1 and not closed[0].called
        self.threads.go_on()
        assert self.threads.held == [] and closed[0].called
        assert self.execute("SELECT clean FROM state") == [(1,)]


class TroubleTests(SqliteCase):
    """I4: if storing fails, it is refused; reading continues; it recovers without a restart."""

    def check(
        self, store: SqliteStore, pattern: str, cause: Callable[[], Callable[[], None]]
    ) -> None:
        """Check that a cause makes changes fail, and that they work again when it ends."""
        append(store, record(1))
        remove = cause()
        for _ in range(2):
            with pytest.raises(StoreError, match=pattern):
                append(store, record(2, data=bytes(100_000)))
            assert [it.seq for it in fired(store.read(LOG, 0, 10_000))] == [1]
        remove()
        assert seqs(append(store, record(2, data=bytes(100_000)))) == [2]
        fired(store.close())

    def test_i4_a_full_disk(self) -> None:
        store = self.open()
        real = connection.connect_as

        def connect_full(kind: type[WritingConnection], path: Path) -> WritingConnection:
            full = real(kind, path)
            [pages] = full.execute("PRAGMA page_count").fetchone()
            full.execute(f"PRAGMA max_page_count = {pages}")
            return full

        def cause() -> Callable[[], None]:
            self.replace(writer, "connect_as", connect_full)
            store._writer._drop()
            return lambda: self.replace(writer, "connect_as", real)

        self.check(store, "full", cause)

    def test_i4_a_file_that_another_process_holds(self) -> None:
        def cause() -> Callable[[], None]:
            other = sqlite3.connect(self.path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            return other.close

        self.replace(connection, "_BUSY_MILLISECONDS", 1)
        self.check(self.open(), "locked", cause)

    def test_i4_a_file_that_is_damaged_and_put_right(self) -> None:
        store = self.open()
        append(store, *(record(number, data=bytes(2_000)) for number in range(200)))
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = self.path.read_bytes()
        store._reader._connection = store._writer._connection = None  # Nothing is in a cache.
        self.path.write_bytes(whole[:4_096] + os.urandom(len(whole) - 4_096))
        for asked in (store.commit(Commit(0, [record(300)])), store.read(LOG, 0, 10**9)):
            with pytest.raises(StoreError, match=r"malformed|not a database"):
                fired(cast(Deferred[object], asked))
        self.path.write_bytes(whole)
        assert seqs(append(store, record(300))) == [201]
        assert len(fired(store.read(LOG, 0, 10**9))) == 201
        fired(store.close())

    def test_i4_a_table_that_is_gone_and_comes_back(self) -> None:
        def cause() -> Callable[[], None]:
            self.execute("ALTER TABLE journal RENAME TO lost")
            return lambda: _forget(self.execute("ALTER TABLE lost RENAME TO journal"))

        store = self.open()
        append(store, record(1))
        remove = cause()
        with pytest.raises(StoreError, match="no such table"):
            append(store, record(2))
        with pytest.raises(StoreError, match="no such table"):
            fired(store.head(LOG))
        remove()
        assert seqs(append(store, record(2))) == [2]
        assert fired(store.head(LOG)) == Head(2, 1_002)
        fired(store.close())


def _forget(_: object) -> None:
    """Do nothing with it."""


class SearchTests(SqliteCase):
    """Everything a user types is treated as words."""

    def test_nothing_typed_means_anything(self) -> None:
        store = self.open()
        text = 'say "near" the text:col*umn \U0001f44d'
        append(store, record(1, words=text))
        for words in ("near", '"near"', "SAY the", "text", "col umn", "col:", "*col"):
            assert len(fired(store.search(words, [LOG], 9))) == 1, words
        for words in (
            *("NOT near2", "say OR nothing", "near NEAR nothing", "te*", "^say2", "-x"),
            *("text:say2", "{say the}: x", "", " ", '"', '""', "\0", "te\0xt", "'", ";", "("),
            *("*", "\U0001f600", "a" * 999),
        ):
            assert fired(store.search(words, [LOG], 9)) == [], words
        fired(store.close())

    def test_many_logs_are_searched(self) -> None:
        store = self.open()
        logs = [LogId(number.to_bytes(16, "big")) for number in range(1_200)]
        for number, log in enumerate(logs[:300]):
            append(store, record(number, log, words="needle"))
        found = fired(store.search("needle", logs, 20))
        assert [it.time for it in found] == list(range(1_299, 1_279, -1))
        fired(store.close())


class SlowSearchTests(SqliteCase):
    """A search has a time limit, and nothing waits for it."""

    def setUp(self) -> None:
        """Make a search check the clock at every step, and the clock tick at every check."""
        super().setUp()
        self.replace(searcher, "_STEPS", 1)
        self.store = self.open()
        for number in range(30):
            append(self.store, record(number, words="a " * 300))
        self.searcher = searcher.Searcher(self.path, itertools.count().__next__)
        self.addCleanup(self.searcher.close)

    def tearDown(self) -> None:
        """Close it."""
        fired(self.store.close())

    def test_it_is_interrupted_and_the_next_one_is_not(self) -> None:
        fired(self.store.search("a", [LOG], 1))  # Files the records.
        for typed in ("a", "a a", "a.a.a", "a.a.b", "-".join("a" * 64), " ".join("a" * 16)):
            for seconds in (0, 1, 20):
                with pytest.raises(SlowSearchError):
                    self.searcher.search(typed, [LOG] * 50, 50, seconds)
            assert len(self.searcher.search("a", [LOG], 50, 10**9)) == 30

    def test_so_it_is_in_many_logs_that_hold_little(self) -> None:
        logs = [LogId(number.to_bytes(16, "big")) for number in range(1, 301)]
        for number, log in enumerate(logs):
            append(self.store, record(number, log, words="b"))
        fired(self.store.search("b", logs, 1))
        with pytest.raises(SlowSearchError):
            self.searcher.search("b", logs, 1_000, 900)
        assert len(self.searcher.search("b", logs, 1_000, 10**9)) == 300

    def test_an_error_of_its_own_is_the_store_s(self) -> None:
        fired(self.store.search("a", [LOG], 1))
        self.execute("DROP TABLE words")
        with pytest.raises(StoreError, match="no such table"):
            self.searcher.search("a", [LOG], 50, 10**9)
        self.execute(schema._WORDS)

    def test_nothing_waits_for_a_search(self) -> None:
        self.threads.is_searching = True
        searching = self.store.search("a", [LOG], 50)
        append(self.store, record(99))
        assert fired(self.store.head(LOG)).seq == 31
        assert len(fired(self.store.read(LOG, 0, 10**6))) == 31
        assert not searching.called
        self.threads.is_searching = False
        self.threads.go_on()
        assert len(fired(searching)) == 30


@pytest_twisted.ensureDeferred
async def test_real_threads_do_not_hold_up_the_reactor(tmp_path: Path) -> None:
    from twisted.internet import reactor

    store = open_store(tmp_path / "encchat.db", cast(Reactor, reactor), True)
    appending = [store.commit(Commit(0, [record(number, words="red")])) for number in range(200)]
    searching = store.search("red", [LOG], 300)
    reading = store.read(LOG, 0, 1_000)
    assert not (reading.called or searching.called or any(it.called for it in appending))
    assert [seqs((await it).places) for it in appending] == [[it] for it in range(1, 201)]
    await reading
    assert len(await searching) == store.commits == 200
    assert len(await store.read(LOG, 0, 10_000)) == 200
    await store.close()
    again = open_store(tmp_path / "encchat.db", cast(Reactor, reactor), True)
    assert await again.head(LOG) == Head(200, 1_199)
    await again.close()


@pytest_twisted.ensureDeferred
async def test_a_url_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.internet import reactor

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SQLITE_TMPDIR", raising=False)
    for address in ("encchat.db", ":memory:", str(tmp_path / "other.db")):
        for is_new in (True, False):
            store = registry.open_store(f"sqlite:{address}", cast(Reactor, reactor), True)
            [place] = (await store.commit(Commit(0, [record(1)]))).places
            assert place == Place(1, 1_001, is_new)
            await store.close()
        assert (tmp_path / address).exists() and registry.has_search(f"sqlite:{address}")
    assert "SQLITE_TMPDIR" not in os.environ
