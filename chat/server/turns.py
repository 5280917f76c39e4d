"""Turns at something that only a few can use at a time, such as a thread.

Networks take turns, and so do the names within a network: somebody who asks a thousand times waits
only behind their own requests. Another network waits for one of their turns, and another name in
their own network for one of that network's turns.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from chat.rooms.addresses import AddressGroup

__all__ = ["CrowdedError", "GoneError", "Turns"]

T = TypeVar("T")


class CrowdedError(Exception):
    """Too many are waiting, and this network and name have the most of them."""


class GoneError(Exception):
    """The client that waited has left."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A future turn."""

    is_gone: Callable[[], bool]
    work: Callable[[], Any]
    done: Deferred[Any]


_Names = OrderedDict[Hashable, deque[_Turn]]


class Turns:
    """Gives turns and does work in each. If only a few wait, every step takes constant time."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._running = 0
        self._waiting = 0
        self._networks: OrderedDict[AddressGroup, _Names] = OrderedDict()
        """Future turns, by network and name, both in the order of their next turns; none is
        empty."""
        self._is_beginning = False

    def __len__(self) -> int:
        """Return the number of waiting turns."""
        return self._waiting

    def run(
        self,
        network: AddressGroup,
        name: Hashable,
        is_gone: Callable[[], bool],
        work: Callable[[], Deferred[T]],
    ) -> Deferred[T]:
        """Do `work` when its turn comes, and return its result.

        Fails with CrowdedError or GoneError if its turn never comes. `is_gone` is called when it
        comes, and when the queue is full.
        """
        done: Deferred[T] = Deferred()
        self._add(network, name, _Turn(is_gone, work, done))
        self._begin()
        if self._waiting > self._most_waiting:
            self._make_room()
        return done

    def _add(self, network: AddressGroup, name: Hashable, turn: _Turn) -> None:
        names: _Names = self._networks.setdefault(network, OrderedDict())
        names.setdefault(name, deque()).append(turn)
        self._waiting += 1

    def _next(self) -> _Turn:
        """Remove and return the next turn; there must be one."""
        network, names = self._networks.popitem(last=False)
        name, turns = names.popitem(last=False)
        turn = turns.popleft()
        if turns:
            names[name] = turns
        if names:
            self._networks[network] = names
        self._waiting -= 1
        return turn

    def _begin(self) -> None:
        """Begin as many turns as possible now."""
        if self._is_beginning:
            return  # Some work finished at once; the loop below continues.
        self._is_beginning = True
        while self._waiting and self._running < self._at_once:
            turn = self._next()
            if turn.is_gone():
                turn.done.errback(GoneError())
                continue
            self._running += 1
            maybeDeferred(turn.work).addBoth(self._end).chainDeferred(turn.done)
        self._is_beginning = False

    def _end(self, result: T | Failure) -> T | Failure:
        self._running -= 1
        self._begin()
        return result

    def _make_room(self) -> None:
        """Drop the turns of clients that have left or, if there are none, the last turn of the
        largest queue."""
        turns = [
            (network, name, turn)
            for network, names in self._networks.items()
            for name, turns in names.items()
            for turn in turns
        ]
        gone = [it for *_, it in turns if it.is_gone()]
        if gone:
            dropped = set(map(id, gone))
            self._networks.clear()
            self._waiting = 0
            for network, name, turn in turns:
                if id(turn) not in dropped:
                    self._add(network, name, turn)
            for turn in gone:
                turn.done.errback(GoneError())
        else:
            self._drop_last().done.errback(CrowdedError())

    def _drop_last(self) -> _Turn:
        """Remove and return the last turn of the name with the most, in the network with the
        most."""
        network, names = max(self._networks.items(), key=lambda it: sum(map(len, it[1].values())))
        name, turns = max(names.items(), key=lambda it: len(it[1]))
        turn = turns.pop()
        if not turns:
            del names[name]
        if not names:
            del self._networks[network]
        self._waiting -= 1
        return turn
