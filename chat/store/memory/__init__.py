"""A store in memory: for tests, and the simplest implementation of a store."""

from collections.abc import Callable
from pathlib import Path

from chat.store.engine import Engine, Reactor
from chat.store.interface import Epoch, LogStore, StoreError
from chat.store.memory.store import MemoryStore

__all__ = ["ENGINE", "MemoryStore"]


def _open(address: str, reactor: Reactor, has_search: bool) -> LogStore:
    _check(address)
    return MemoryStore(has_search)


def _has_search(address: str) -> bool:
    _check(address)
    return False  # Nothing outlives the process, and no index does either.


def _check(address: str) -> None:
    if address:
        raise StoreError(f"a store in memory has no address, but {address!r} was given")


def _copy(address: str, target: Path) -> None:
    raise StoreError("a store in memory cannot be copied")


def _check_copy(address: str, _: Callable[[Epoch], object]) -> int:
    raise StoreError("a store in memory has no copies")


ENGINE = Engine(_open, _has_search, _copy, _check_copy)
