"""A store in memory: for tests, and the simplest thing that does what a store must."""

from chat.store.engine import Engine, Reactor
from chat.store.interface import LogStore, StoreError
from chat.store.memory.store import MemoryStore

__all__ = ["ENGINE", "MemoryStore"]


def _open(address: str, reactor: Reactor, has_search: bool) -> LogStore:
    _check(address)
    return MemoryStore(has_search)


def _has_search(address: str) -> bool:
    _check(address)
    return False  # Nothing is kept there, nor an index.


def _check(address: str) -> None:
    if address:
        raise StoreError(f"a store in memory has no address, but {address!r} was given")


ENGINE = Engine(_open, _has_search)
