"""What a way to keep the state is to `chat.store.registry`."""

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.interfaces import IReactorFromThreads, IReactorTime

from chat.store.interface import LogStore

__all__ = ["Engine", "Reactor"]


class Reactor(IReactorTime, IReactorFromThreads):
    """What is needed of the reactor."""


class Engine(NamedTuple):
    """Stores of one kind. Everything raises StoreError."""

    open: Callable[[str, Reactor, bool], LogStore]
    """Return the store at an address, made if need be, with an index of words or without."""
    has_search: Callable[[str], bool]
    """Tell whether the store at an address has an index of words."""
