"""The store in memory passes the suite."""

from chat.store.interface import LogStore
from chat.store.memory import MemoryStore
from tests import machine
from tests.store.commits import LOGS, append, fired, record
from tests.store.suite import LogStoreMachine


class MemoryStoreMachine(LogStoreMachine):
    """A store in memory."""

    def make_store(self) -> LogStore:
        """Return an empty store."""
        return MemoryStore()


TestMemoryStore = MemoryStoreMachine.TestCase
TestMemoryStore.settings = machine(40, 40)


def test_without_search_nothing_is_found() -> None:
    store = MemoryStore(has_search=False)
    append(store, record(1, words="red"))
    assert fired(store.search("red", LOGS, 9)) == []


def test_commits_are_counted() -> None:
    store = MemoryStore()
    append(store, record(1))
    append(store, record(1))
    assert store.commits == 2
