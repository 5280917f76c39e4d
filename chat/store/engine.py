"""What `chat.store.registry` knows about a storage engine."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from twisted.internet.interfaces import IReactorFromThreads, IReactorTime

from chat.store.interface import Epoch, LogStore

__all__ = ["Engine", "Reactor"]


class Reactor(IReactorTime, IReactorFromThreads):
    """The parts of the reactor that a store needs."""


class Engine(NamedTuple):
    """A storage engine. Everything raises StoreError."""

    open: Callable[[str, Reactor, bool], LogStore]
    """Return the store at an address, with or without a search index. Creates it if needed."""
    has_search: Callable[[str], bool]
    """Return whether the store at an address has a search index."""
    copy: Callable[[str, Path], None]
    """Write a snapshot of the store at an address to a new file; a server may be using the
    store."""
    check: Callable[[str, Callable[[Epoch], object]], int]
    """Check a whole copy at an address, and return its number of records. Calls the function with
    each epoch, to check it; what it raises ends the check."""
