"""Admission: which connections get a place, and which one gives up its place to a newcomer.

Connections that have not logged in are *half-open*. They cost their owner nothing, so holding all
places with them must not keep others out: a newcomer always gets a place, and the oldest half-open
connection goes, as in a SYN cache (RFC 4987). An honest connection logs in within moments, and an
idle one becomes the oldest sooner or later. The connection that goes is the oldest of the
newcomer's group of addresses if that group has too many, or else of the group that has the most. So
no group loses a place to one that has more. A connection that has logged in never has to go.

Every operation takes constant time.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from chat.limits import Limits
from chat.rooms.addresses import Address, AddressGroup, is_loopback
from chat.wire.errors import CloseCode

__all__ = ["Admission", "Grouped", "HalfOpen", "Newcomer"]


class Grouped(Protocol):
    """Something with a group of addresses."""

    number: int
    group: AddressGroup


class Newcomer(Grouped, Protocol):
    """The part of a connection that matters before its login."""

    address: Address
    since: float
    """When it was made, in monotonic seconds."""

    def hold(self) -> None:
        """Stop reading until `release` has been called as often."""
        ...

    def release(self) -> None:
        """Continue reading, unless something else holds."""
        ...

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """Close the connection with a code; `reason` is for the log."""
        ...

    def abort(self) -> None:
        """Abort the connection."""
        ...


_T = TypeVar("_T", bound=Grouped)


class HalfOpen(Generic[_T]):
    """Half-open connections in order of arrival, by groups of addresses."""

    def __init__(self) -> None:
        self._groups: dict[AddressGroup, OrderedDict[int, _T]] = {}
        """The connections of each group, by number; no group is empty."""
        self._of_size: dict[int, OrderedDict[AddressGroup, None]] = {}
        """The groups of each size, in the order in which they reached it; no entry is empty."""
        self._most = 0
        """The size of the largest group."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_T]:
        """Yield all connections; any of them may be removed meanwhile."""
        everybody = [it for group in self._groups.values() for it in group.values()]
        return iter(everybody)

    @property
    def groups(self) -> int:
        """The number of groups that have any."""
        return len(self._groups)

    def count(self, group: AddressGroup) -> int:
        """Return the number of a group's connections."""
        return len(self._groups.get(group, ()))

    def add(self, connection: _T) -> None:
        """Add a connection as the newest."""
        members = self._groups.setdefault(connection.group, OrderedDict())
        members[connection.number] = connection
        self._count += 1
        self._resize(connection.group, len(members) - 1, len(members))
        self._most = max(self._most, len(members))

    def remove(self, connection: _T) -> None:
        """Remove a connection if it is there."""
        members = self._groups.get(connection.group)
        if members is None or members.pop(connection.number, None) is None:
            return
        self._count -= 1
        self._resize(connection.group, len(members) + 1, len(members))
        if self._most not in self._of_size:  # It was the only group of that size.
            self._most = len(members)
        if not members:
            del self._groups[connection.group]

    def oldest(self, group: AddressGroup) -> _T:
        """Return the oldest connection of a group that has at least one."""
        return next(iter(self._groups[group].values()))

    def oldest_of_most(self) -> _T:
        """Return the oldest connection of the largest group; there must be at least one.

        Of several largest groups, it is the one that reached this size first.
        """
        return self.oldest(next(iter(self._of_size[self._most])))

    def _resize(self, group: AddressGroup, before: int, after: int) -> None:
        """Record the new size of a group."""
        if before:
            same = self._of_size[before]
            del same[group]
            if not same:
                del self._of_size[before]
        if after:
            self._of_size.setdefault(after, OrderedDict())[group] = None


class Admission:
    """The places for connections, in total and per group of addresses."""

    def __init__(self, limits: Limits) -> None:
        self.half_open: HalfOpen[Newcomer] = HalfOpen()
        self._limits = limits
        self._admitted: set[int] = set()
        """Numbers of the admitted connections."""
        self._admitted_of: Counter[AddressGroup] = Counter()

    def enter(self, newcomer: Newcomer) -> tuple[Newcomer, str] | None:
        """Admit a newcomer. Return the connection that lost its place, if any, and why.

        If no other connection is half-open, that is the newcomer itself.
        """
        self._admitted.add(newcomer.number)
        self._admitted_of[newcomer.group] += 1
        self.half_open.add(newcomer)
        crowded_out = self._crowded_out(newcomer)
        if crowded_out is not None:
            self.leave(crowded_out[0])
        return crowded_out

    def logged_in(self, newcomer: Newcomer) -> None:
        """Make a connection's place permanent."""
        self.half_open.remove(newcomer)

    def leave(self, newcomer: Newcomer) -> None:
        """Free a connection's place, if it has one."""
        self.half_open.remove(newcomer)
        if newcomer.number in self._admitted:
            self._admitted.remove(newcomer.number)
            self._admitted_of[newcomer.group] -= 1
            if not self._admitted_of[newcomer.group]:
                del self._admitted_of[newcomer.group]

    def _crowded_out(self, newcomer: Newcomer) -> tuple[Newcomer, str] | None:
        limits, group, half_open = self._limits, newcomer.group, self.half_open
        if half_open.count(group) > limits.waiting_per_address:
            return half_open.oldest(group), "too many connections that have not logged in"
        if self._admitted_of[group] > limits.connections_per_address and not is_loopback(
            newcomer.address
        ):
            return half_open.oldest(group), "too many connections from its address"
        if len(half_open) > limits.waiting_total:
            return half_open.oldest_of_most(), "too many connections that have not logged in"
        if len(self._admitted) > limits.connections_total:
            return half_open.oldest_of_most(), "too many connections"
        return None
