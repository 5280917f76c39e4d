"""Whichever statement fails, or is the last before a crash: a commit is there completely or not."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from chat.store.interface import (
    AUDIT,
    Commit,
    Epoch,
    ReadMarker,
    StateChange,
    StoreError,
    Trim,
    Value,
)
from chat.store.memory import MemoryStore
from chat.store.sqlite import SqliteStore, connection, writer
from chat.store.sqlite.connection import WritingConnection
from chat.store.sqlite.schema import prepare
from tests.store.commits import AUTHORS, LOGS, append, delete, edit, fired, record
from tests.store.dump import dump_file, dump_memory
from tests.store.sqlite.support import SqliteCase

LOG, OTHER_LOG = LOGS

FIRST = [
    Commit(0, [record(number, words=f"red only{number}") for number in range(1, 40)]),
    Commit(0, [edit(40, 2, words="green"), record(1, OTHER_LOG, words="red")]),
    Commit(0, [record(41, words="blue"), record(2, OTHER_LOG, words="blue")]),
]
"""The state before; some records wait to be filed."""

EVERYTHING = Commit(
    0,
    [
        *(record(number, words="red") for number in range(100, 140)),
        edit(150, 3, words="new"),
        delete(151, 2),
        record(152, OTHER_LOG)._replace(epoch=7),
        delete(153, 999),
    ],
    [ReadMarker(LOG, AUTHORS[0], 5), ReadMarker(OTHER_LOG, AUTHORS[1], 1)],
    [Trim(LOG, keep=50), Trim(OTHER_LOG, before_time=1_002)],
    StateChange(
        [Value(b"a", b"1"), Value(b"b", None)],
        [Epoch(LOG, 1, b"key"), Epoch(AUDIT, 1, b"key")],
        [record(160, AUDIT), delete(161, 1, OTHER_LOG)._replace(erases=2, time=1_200)],
        silenced=frozenset({LOG, OTHER_LOG}),
        silences_all=True,
    ),
)

PLAIN = Commit(0, [record(200, words="red"), record(201, OTHER_LOG)])


class FailingConnection(WritingConnection):
    """A connection that runs a hook before one of its statements."""

    left: ClassVar[int] = -1
    """Statements left until the hook runs; negative to never run it."""
    happen: ClassVar[Callable[[], None]]

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement, unless the hook prevents it."""
        cls = FailingConnection
        cls.left -= 1
        if cls.left == 0:
            cls.happen()
        return super().execute(statement, values)


def fail() -> None:
    """Fail as SQLite does."""
    raise sqlite3.OperationalError("database or disk is full")


class FailureTests(SqliteCase):
    """Failures at each statement in turn."""

    def setUp(self) -> None:
        """Make all writing connections failing ones."""
        super().setUp()
        self.root = self.path.parent
        real = connection.connect_as
        self.replace(writer, "connect_as", lambda _, path: real(FailingConnection, path))

    def begin(self) -> tuple[SqliteStore, MemoryStore]:
        """Return a store in a new file, and an equal one in memory."""
        directory = Path(tempfile.mkdtemp(dir=self.root))
        self.addCleanup(shutil.rmtree, directory)
        self.path = directory / "encchat.db"
        store, memory = self.open(), MemoryStore()
        for commit in FIRST:
            fired(store.commit(commit))
            fired(memory.commit(commit))
            if commit is FIRST[0]:
                fired(store.search("red", [LOG], 1))
        assert self.waiting() == 3 and self.dump() == dump_memory(memory)
        return store, memory

    def check_failing(self, commit: Commit) -> int:
        """Make each statement of a commit fail in turn; return how many there were."""
        count = 0
        while True:
            count += 1
            store, memory = self.begin()
            before = self.dump()
            FailingConnection.left, FailingConnection.happen = count, fail
            failing = store.commit(commit)
            if FailingConnection.left > 0:
                FailingConnection.left = -1
                assert fired(failing) == fired(memory.commit(commit))
                fired(store.close())
                return count - 1
            with pytest.raises(StoreError, match="disk is full"):
                fired(failing)
            assert self.dump() == before == dump_memory(memory)
            for log in (*LOGS, AUDIT):
                assert fired(store.head(log)) == fired(memory.head(log))
            for one in (PLAIN, commit, commit, PLAIN):
                assert fired(store.commit(one)) == fired(memory.commit(one))
                assert self.dump() == dump_memory(memory)
            for _ in range(2):
                for words in ("red", "only1", "only2", "only3", "new", "blue", "green"):
                    found = fired(store.search(words, LOGS, 99))
                    assert found == fired(memory.search(words, LOGS, 99))
                fired(store.close())
                assert self.dump() == dump_memory(memory)
                store = self.open()
            fired(store.close())

    def test_each_statement_of_a_commit_of_everything(self) -> None:
        assert self.check_failing(EVERYTHING) > 40

    def test_each_statement_of_a_commit_of_posts(self) -> None:
        assert self.check_failing(Commit(0, [record(70), record(71, OTHER_LOG)])) == 2

    def test_each_statement_of_filing(self) -> None:
        count = 0
        while True:
            count += 1
            store, memory = self.begin()
            before = self.dump()
            FailingConnection.left, FailingConnection.happen = count, fail
            searching = store.search("blue", LOGS, 9)
            if FailingConnection.left > 0:
                break
            with pytest.raises(StoreError, match="disk is full"):
                fired(searching)
            assert self.dump() == before
            assert fired(store.search("blue", LOGS, 9)) == fired(memory.search("blue", LOGS, 9))
            assert self.dump() == before and self.waiting() == 0
            append(store, record(80))
            assert self.waiting() == 1
            fired(store.close())
        FailingConnection.left = -1
        fired(store.close())
        assert count > 10

    def test_a_crash_before_each_statement(self) -> None:
        count = 0
        is_there = False
        while not is_there:
            count += 1
            store, memory = self.begin()
            before = self.dump()
            copy = self.path.parent / "copy"
            copy.mkdir()

            def crash(old: Path = self.path.parent, copy: Path = copy) -> None:
                for path in old.glob("encchat.db*"):
                    shutil.copy(path, copy)

            FailingConnection.left, FailingConnection.happen = count, crash
            done = store.commit(EVERYTHING)
            if FailingConnection.left > 0:
                is_there = True
                crash()
            FailingConnection.left = -1
            outcome = fired(done)
            assert outcome == fired(memory.commit(EVERYTHING))
            fired(store.close())
            self.path = copy / self.path.name
            prepare(self.path, True)
            assert self.dump() == (dump_memory(memory) if is_there else before)
            store = self.open()
            if not is_there:
                assert fired(store.commit(EVERYTHING)) == outcome
            assert dump_file(self.path) == dump_memory(memory)
            fired(store.close())
        assert count > 40
