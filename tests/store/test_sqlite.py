"""The store in a file: what every store does, and what can happen to a file."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast
from unittest.mock import patch

import pytest
import pytest_twisted
from hypothesis import settings
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.store import filing, journal, schema, writer
from chat.store.interface import Appended, Entry, LogStore, StoreError, Tail
from chat.store.journal import WritingConnection
from chat.store.schema import MIGRATIONS, prepare
from chat.store.sqlite import COMMIT_SECONDS, Reactor, SqliteStore, open_store
from tests.store.suite import LOGS, LogStoreMachine, entry, fired
from tests.store.support import NoThreads, SqliteCase

T = TypeVar("T")

LOG, OTHER_LOG = LOGS


class SqliteStoreMachine(LogStoreMachine):
    """A store in a file, which is closed and opened again, and sometimes not closed before."""

    is_durable = True

    def make_store(self) -> LogStore:
        """Return a store in a new file, that files records and ids soon."""
        self.few = [
            patch.object(journal, "_FILED", 3),
            patch.object(filing, "FILE_RECORDS", 7),
        ]
        for one in self.few:
            one.start()
        self.directory = Path(tempfile.mkdtemp())
        return self.reopen()

    def reopen(self) -> LogStore:
        """Return a store in the same file."""
        path = self.directory / "encchat.db"
        prepare(path, True)
        return SqliteStore(path, NoThreads(), Clock(), True)

    def abandon(self) -> None:
        """Take the files as they are: what a process that died would leave."""
        old, self.directory = self.directory, Path(tempfile.mkdtemp())
        for path in old.iterdir():
            shutil.copy(path, self.directory)
        fired(self.store.close())
        shutil.rmtree(old)

    def teardown(self) -> None:
        """Remove the file."""
        super().teardown()
        for one in self.few:
            one.stop()
        shutil.rmtree(self.directory)


TestSqliteStore = SqliteStoreMachine.TestCase
TestSqliteStore.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


class CommitTests(SqliteCase):
    """I4: many changes, one commit, all or none."""

    def test_i4_what_is_asked_for_during_a_commit_is_done_in_the_next(self) -> None:
        store = self.open()
        self.threads.is_holding = True
        appending = [store.append(LOG, [entry(number)]) for number in range(100)]
        setting = store.compare_and_set(b"key", None, b"value")
        assert len(self.threads.held) == 1
        self.threads.go_on()
        assert [it.called for it in appending] == [True] + [False] * 99
        assert self.threads.held == []
        self.clock.advance(COMMIT_SECONDS)
        self.threads.go_on()
        assert store.commits == 2 and self.threads.held == []
        assert [fired(it)[0].seq for it in appending] == list(range(1, 101))
        assert fired(setting)
        self.threads.is_holding = False
        fired(store.close())
        assert self.threads.is_stopped

    def test_i4_a_failure_fails_all_that_share_the_commit_and_nothing_else(self) -> None:
        store = self.open()
        self.threads.is_holding = True
        first = store.append(LOG, [entry(1)])
        second, third = store.append(LOG, [entry(2)]), store.append(OTHER_LOG, [entry(3)])
        setting = store.compare_and_set(b"key", None, b"value")
        self.threads.go_on()
        self.execute("ALTER TABLE entries RENAME TO lost")
        self.clock.advance(COMMIT_SECONDS)
        self.threads.go_on()
        assert fired(first)[0].seq == 1
        for failed in (second, third):
            with pytest.raises(StoreError, match="no such table"):
                fired(failed)
        with pytest.raises(StoreError, match="no such table"):
            fired(setting)
        self.execute("ALTER TABLE lost RENAME TO entries")
        self.threads.is_holding = False
        assert fired(store.tail(OTHER_LOG)) == Tail(0, 0)
        assert fired(store.append(LOG, [entry(2)]))[0].seq == 2
        fired(store.close())

    def test_nobody_waits_for_others_that_do_not_come(self) -> None:
        store = self.open()
        self.threads.is_holding = True
        for number in range(3):  # One after the other, without any time in between.
            appending = store.append(LOG, [entry(number)])
            self.threads.go_on()
            assert appending.called
        appending = store.append(LOG, [entry(6)])
        following: list[Deferred[list[Appended]]] = []
        appending.addCallback(lambda _: following.append(store.append(LOG, [entry(7)])))
        self.threads.go_on()
        self.threads.go_on()
        assert following[0].called
        first, second = (store.append(LOG, [entry(number)]) for number in (8, 9))
        self.clock.advance(COMMIT_SECONDS)  # The commit itself takes as long.
        self.threads.go_on()
        assert first.called
        self.threads.go_on()
        assert second.called
        self.threads.is_holding = False
        fired(store.close())

    def test_closing_while_a_commit_waits_is_done_after_it(self) -> None:
        store = self.open()
        self.threads.is_holding = True
        appending = [store.append(LOG, [entry(number)]) for number in range(2)]
        self.threads.go_on()
        assert self.threads.held == []
        self.threads.is_holding = False
        closed = store.close()
        self.clock.advance(COMMIT_SECONDS)
        assert closed.called and fired(appending[1])[0].seq == 2

    def test_a_bug_fails_its_commit_and_not_the_next(self) -> None:
        store = self.open()
        with pytest.raises(ZeroDivisionError):
            fired(store._change(lambda _: 1 // 0))
        assert fired(store.append(LOG, [entry(1)]))[0].seq == 1
        fired(store.close())

    def test_closing_waits_for_what_was_asked_before(self) -> None:
        store = self.open()
        self.threads.is_holding = True
        appending = [store.append(LOG, [entry(number)]) for number in (1, 2)]
        closed = store.close()
        with pytest.raises(StoreError, match="closed"):
            fired(store.append(LOG, [entry(3)]))
        while self.threads.held:
            assert not closed.called
            self.threads.is_holding = len(self.threads.held) > 0 and store.commits < 2
            self.threads.go_on()
        assert [fired(it)[0].seq for it in appending] == [1, 2]
        assert closed.called
        assert fired(self.open().tail(LOG)).seq == 2

    def test_closing_in_answer_to_a_commit_is_done_once_and_leaves_the_file_clean(self) -> None:
        self.check_closing(in_answer=True)

    def test_closing_during_a_commit_is_done_once_and_leaves_the_file_clean(self) -> None:
        self.check_closing(in_answer=False)

    def check_closing(self, in_answer: bool) -> None:
        """Close a store while it commits, and when that is done."""
        store = self.open()
        self.threads.is_holding = True
        appending = store.append(LOG, [entry(1)])
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
    """I4: what cannot be stored is refused; reading goes on; it works again without a restart."""

    def check(
        self, store: SqliteStore, pattern: str, cause: Callable[[], Callable[[], None]]
    ) -> None:
        """Check that a cause makes changes fail, and its end lets them work."""
        fired(store.append(LOG, [entry(1)]))
        remove = cause()
        for _ in range(2):
            with pytest.raises(StoreError, match=pattern):
                fired(store.append(LOG, [entry(2, 100_000)]))
            assert not fired(store.health()).is_writable
            assert [it.seq for it in fired(store.read(LOG, 0, 10_000))] == [1]
        remove()
        assert fired(store.append(LOG, [entry(2, 100_000)]))[0].seq == 2
        assert fired(store.health()).is_writable
        fired(store.close())

    def test_i4_a_full_disk(self) -> None:
        store = self.open()
        real = schema.connect_as

        def connect_full(kind: type[WritingConnection], path: Path) -> WritingConnection:
            connection = real(kind, path)
            [pages] = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")
            return connection

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

        self.replace(schema, "_BUSY_MILLISECONDS", 1)
        self.check(self.open(), "locked", cause)

    def test_i4_a_file_that_is_damaged_and_put_right(self) -> None:
        store = self.open()
        fired(store.append(LOG, [entry(number, 2_000) for number in range(200)]))
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = self.path.read_bytes()
        store._reader._connection = store._writer._connection = None  # Nothing is in a cache.
        self.path.write_bytes(whole[:4_096] + os.urandom(len(whole) - 4_096))
        for asked in (store.append(LOG, [entry(300)]), store.read(LOG, 0, 10**9)):
            with pytest.raises(StoreError, match=r"malformed|not a database"):
                fired(cast(Deferred[object], asked))
        self.path.write_bytes(whole)
        assert fired(store.append(LOG, [entry(300)]))[0].seq == 201
        assert len(fired(store.read(LOG, 0, 10**9))) == 201
        fired(store.close())

    def test_i4_a_table_that_is_gone_and_comes_back(self) -> None:
        def cause() -> Callable[[], None]:
            self.execute("ALTER TABLE journal RENAME TO lost")
            return lambda: _forget(self.execute("ALTER TABLE lost RENAME TO journal"))

        store = self.open()
        fired(store.append(LOG, [entry(1)]))
        remove = cause()
        with pytest.raises(StoreError, match="no such table"):
            fired(store.append(LOG, [entry(2)]))
        with pytest.raises(StoreError, match="no such table"):
            fired(store.tail(LOG))
        remove()
        assert fired(store.append(LOG, [entry(2)]))[0].seq == 2
        assert fired(store.tail(LOG)) == Tail(2, 1_002)
        fired(store.close())


def _forget(_: object) -> None:
    """Do nothing with it."""


class FileTests(SqliteCase):
    """What is opened, and what is not."""

    def test_the_file_is_nobody_else_s(self) -> None:
        fired(self.open().append(LOG, [entry(1)]))
        for path in self.path.parent.iterdir():
            assert path.stat().st_mode & 0o077 == 0

    def test_every_commit_reaches_the_disk(self) -> None:
        store = self.open()
        fired(store.append(LOG, [entry(1)]))
        connection = store._writer._connection
        assert connection is not None
        for pragma, value in (("synchronous", 2), ("secure_delete", 1), ("journal_mode", "wal")):
            assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)
        fired(store.close())

    def test_a_newer_schema_is_refused(self) -> None:
        fired(self.open().close())
        self.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        with pytest.raises(StoreError, match="written by a newer encchat"):
            self.open()

    def test_what_is_something_else_is_refused(self) -> None:
        self.execute("CREATE TABLE recipes (name)")
        with pytest.raises(StoreError, match="something else"):
            self.open()
        self.execute("PRAGMA user_version = 1")
        with pytest.raises(StoreError, match="something else"):
            self.open()
        self.path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
        with pytest.raises(StoreError, match="not a database"):
            self.open()

    def test_what_cannot_be_opened_is_refused(self) -> None:
        with pytest.raises(StoreError, match="cannot be used: No such file or directory"):
            prepare(self.path / "nowhere", True)
        self.path.mkdir()
        with pytest.raises(StoreError, match="cannot be used"):
            prepare(self.path, True)

    def test_a_later_version_changes_the_schema_once(self) -> None:
        store = self.open()
        fired(store.append(LOG, [entry(1)]))
        fired(store.close())
        later = [*MIGRATIONS, "CREATE TABLE later (x); INSERT INTO later VALUES (1);"]
        for _ in range(2):
            prepare(self.path, True, later)
            assert self.execute("SELECT * FROM later") == [(1,)]
            assert self.execute("PRAGMA user_version") == [(len(later),)]
        with pytest.raises(StoreError, match="newer"):
            self.open()

    def test_a_change_of_schema_that_fails_changes_nothing(self) -> None:
        fired(self.open().close())
        with pytest.raises(StoreError, match="no_such_table"):
            prepare(self.path, True, [*MIGRATIONS, "CREATE TABLE x (y); DROP TABLE no_such_table;"])
        assert self.execute("SELECT name FROM sqlite_master WHERE name = 'x'") == []
        assert fired(self.open().tail(LOG)) == Tail(0, 0)

    def test_after_an_unclean_stop_a_damaged_file_is_refused(self) -> None:
        store = self.open()
        fired(store.append(LOG, [entry(number, 2_000) for number in range(100)]))
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.sync()
        content = bytearray(self.path.read_bytes())
        content[8_192:40_960] = os.urandom(32_768)
        self.path.write_bytes(content)
        with pytest.raises(StoreError, match=r"damaged|malformed"):
            self.open()

    def test_a_clean_stop_needs_no_check(self) -> None:
        store = self.open()
        fired(store.append(LOG, [entry(1)]))
        assert self.execute("SELECT clean FROM state") == [(0,)]
        fired(store.close())
        assert self.execute("SELECT clean FROM state") == [(1,)]
        fired(self.open().close())


class SearchTests(SqliteCase):
    """Whatever a user types is words, and nothing else."""

    def test_nothing_typed_means_anything(self) -> None:
        store = self.open()
        text = 'say "near" the text:col*umn \U0001f44d'
        fired(store.append(LOG, [Entry(b"s" * 16, 1, b"r", text)]))
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
        logs = [number.to_bytes(16, "big") for number in range(1_200)]
        for number, log in enumerate(logs[:300]):
            fired(store.append(log, [Entry(b"s" * 16, number, b"r", "needle")]))
        found = fired(store.search("needle", logs, 20))
        assert [it.time for it in found] == list(range(299, 279, -1))
        fired(store.close())


@pytest_twisted.ensureDeferred
async def test_real_threads_do_not_hold_up_the_reactor(tmp_path: Path) -> None:
    from twisted.internet import reactor

    store = open_store(tmp_path / "encchat.db", cast(Reactor, reactor), True)
    appending = [store.append(LOG, [entry(number)]) for number in range(200)]
    reading = store.read(LOG, 0, 1_000)
    assert not reading.called and not any(it.called for it in appending)
    assert [(await it)[0].seq for it in appending] == list(range(1, 201))
    assert store.commits < 20
    await reading
    assert len(await store.read(LOG, 0, 10_000)) == 200
    await store.close()
    again = open_store(tmp_path / "encchat.db", cast(Reactor, reactor), True)
    assert await again.tail(LOG) == Tail(200, 1_199)
    await again.close()
