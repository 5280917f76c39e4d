"""Where a store does what takes time: off the reactor's thread, one thing after the other."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

__all__ = ["PoolThreads", "Threads"]

T = TypeVar("T")


class Threads(Protocol):
    """Two threads: what is given to one of them is done in order."""

    def write(self, function: Callable[[], T]) -> Deferred[T]:
        """Call `function` in the writer's thread."""
        ...

    def read(self, function: Callable[[], T]) -> Deferred[T]:
        """Call `function` in the reader's thread."""
        ...

    def stop(self) -> None:
        """End both, when they are idle."""
        ...


class PoolThreads:
    """`Threads` that are threads."""

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._pools = ThreadPool(1, 1, "store-write"), ThreadPool(1, 1, "store-read")
        for pool in self._pools:
            pool.start()

    def write(self, function: Callable[[], T]) -> Deferred[T]:
        """As `Threads.write`."""
        return deferToThreadPool(self._reactor, self._pools[0], function)

    def read(self, function: Callable[[], T]) -> Deferred[T]:
        """As `Threads.read`."""
        return deferToThreadPool(self._reactor, self._pools[1], function)

    def stop(self) -> None:
        """As `Threads.stop`."""
        for pool in self._pools:
            pool.stop()
