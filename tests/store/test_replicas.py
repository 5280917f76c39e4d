"""K1: stores that get the same commits in the same order end up in the same state."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from chat.store.interface import Commit, Outcome
from chat.store.memory import MemoryStore
from chat.store.sqlite import SqliteStore, filing, journal
from chat.store.sqlite.filing import FILE_SECONDS
from chat.store.sqlite.schema import prepare
from tests import examples
from tests.store.chance import SEEDS, make_commit
from tests.store.commits import LOGS, fired
from tests.store.dump import Dump, dump_file, dump_memory
from tests.store.model import Model
from tests.store.sqlite.support import FAST, NoThreads

HAPPENINGS = st.sampled_from(["nothing"] * 4 + ["restart", "kill", "kill amid", "wait", "search"])


class Replica(Protocol):
    """Something that takes commits and has a state."""

    outcomes: list[Outcome]
    """Outcomes of all its commits."""

    def take(self, commits: Sequence[Commit], happening: str) -> None:
        """Apply commits, with incidents before, during or after."""
        ...

    def end(self) -> Dump:
        """Return the final state."""
        ...


class InMemory:
    """A `Replica` without incidents."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self._store = MemoryStore()

    def take(self, commits: Sequence[Commit], happening: str) -> None:
        """As `Replica.take`."""
        self.outcomes += [fired(self._store.commit(commit)) for commit in commits]

    def end(self) -> Dump:
        """As `Replica.end`."""
        return dump_memory(self._store)


class InFile:
    """A `Replica` with many incidents."""

    def __init__(self, has_search: bool) -> None:
        self.outcomes: list[Outcome] = []
        self._has_search = has_search
        self._directory = Path(tempfile.mkdtemp(dir=FAST))
        self._open()

    @property
    def _path(self) -> Path:
        return self._directory / "encchat.db"

    def _open(self) -> None:
        prepare(self._path, self._has_search)
        self._threads, self._clock = NoThreads(), Clock()
        self._store = SqliteStore(self._path, self._threads, self._clock, self._has_search)

    def take(self, commits: Sequence[Commit], happening: str) -> None:
        """As `Replica.take`."""
        if happening == "kill amid" and len(commits) > 1:
            some = len(commits) // 2
            self._take(commits, some)
            self._kill()
            commits = commits[some:]
        self._take(commits, len(commits))
        if happening == "restart":
            fired(self._store.close())
            self._open()
        elif happening == "kill":
            self._kill()
        elif happening == "wait":
            self._clock.advance(FILE_SECONDS)
        elif happening == "search":
            fired(self._store.search("red", LOGS[:1], 9))

    def _take(self, commits: Sequence[Commit], some: int) -> None:
        """Submit all commits, of which only some complete."""
        self._threads.is_holding = True
        under_way = [self._store.commit(commit) for commit in commits]
        for done in under_way[:some]:
            while not done.called:
                self._threads.go_on()
            self.outcomes.append(fired(done))
        self._threads.is_holding = False
        while some == len(commits) and self._threads.held:
            self._threads.go_on()

    def _kill(self) -> None:
        old, self._directory = self._directory, Path(tempfile.mkdtemp(dir=FAST))
        for path in old.iterdir():
            shutil.copy(path, self._directory)
        self._store._writer._drop()
        self._store._reader.close()
        shutil.rmtree(old)
        self._open()

    def end(self) -> Dump:
        """As `Replica.end`."""
        try:
            before = dump_file(self._path)
            fired(self._store.close())
            assert dump_file(self._path) == before
            return before
        finally:
            shutil.rmtree(self._directory)


def _without_words(dump: Dump) -> Dump:
    logs = [
        (log, it._replace(records=tuple((n, one._replace(words=())) for n, one in it.records)))
        for log, it in dump.logs
    ]
    return dump._replace(logs=tuple(logs))


@examples(40)
@given(seeds=st.lists(SEEDS, min_size=10, max_size=40), data=st.data())
def test_replicas_decide_alike(seeds: list[int], data: st.DataObject) -> None:
    model = Model()
    commits: list[Commit] = []
    expected: list[Outcome] = []
    for seed in seeds:
        is_late = commits and seed % 5 == 0
        commit = commits[seed % len(commits)] if is_late else make_commit(seed, model)
        commits.append(commit)
        expected.append(model.apply(commit))
    with (
        patch.object(journal, "FILED", 3),
        patch.object(journal, "_LOG_FILED", 4),
        patch.object(filing, "FILE_RECORDS", 7),
    ):
        replicas: list[Replica] = [InMemory(), InFile(True), InFile(True), InFile(False)]
        for replica in replicas:
            left = list(commits)
            while left:
                size = data.draw(st.integers(1, len(left)))
                replica.take(left[:size], data.draw(HAPPENINGS))
                del left[:size]
            assert replica.outcomes == expected
        dumps = [replica.end() for replica in replicas]
    assert dumps[0] == dumps[1] == dumps[2]
    assert dumps[0].digest() == dumps[1].digest() == dumps[2].digest()
    assert _without_words(dumps[0]) == dumps[3]
    for log, kept in dumps[0].logs:
        assert kept.head == model.log(log).head
