"""The store in memory does what every store does."""

from hypothesis import settings

from chat.store.interface import LogStore
from chat.store.memory import MemoryStore
from tests.store.suite import LogStoreMachine


class MemoryStoreMachine(LogStoreMachine):
    """A store in memory."""

    def make_store(self) -> LogStore:
        """Return an empty store."""
        return MemoryStore()


TestMemoryStore = MemoryStoreMachine.TestCase
TestMemoryStore.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
