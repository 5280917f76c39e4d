"""Threads for a store's blocking work, off the reactor's thread."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

__all__ = ["PoolThreads", "Threads"]

T = TypeVar("T")


class Threads(Protocol):
    """Three threads; each runs its calls in order."""

    def write(self, function: Callable[[], T]) -> Deferred[T]:
        """Call `function` in the writer's thread."""
        ...

    def read(self, function: Callable[[], T]) -> Deferred[T]:
        """Call `function` in the reader's thread."""
        ...

    def search(self, function: Callable[[], T]) -> Deferred[T]:
        """Call `function` in the searching thread."""
        ...

    def stop(self) -> None:
        """Stop all threads once they are idle."""
        ...


class PoolThreads:
    """`Threads` made of three Twisted thread pools."""

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._pools = [ThreadPool(1, 1, f"store-{name}") for name in ("write", "read", "search")]
        for pool in self._pools:
            pool.start()

    def write(self, function: Callable[[], T]) -> Deferred[T]:
        """As `Threads.write`."""
        return deferToThreadPool(self._reactor, self._pools[0], function)

    def read(self, function: Callable[[], T]) -> Deferred[T]:
        """As `Threads.read`."""
        return deferToThreadPool(self._reactor, self._pools[1], function)

    def search(self, function: Callable[[], T]) -> Deferred[T]:
        """As `Threads.search`."""
        return deferToThreadPool(self._reactor, self._pools[2], function)

    def stop(self) -> None:
        """As `Threads.stop`."""
        for pool in self._pools:
            pool.stop()
