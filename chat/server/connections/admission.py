"""Connections that have not logged in, and which of them makes room for a newcomer.

They cost their owner nothing, so whoever holds all places with them must not thereby keep others
out: a newcomer always gets one, and the oldest goes, as half-open connections do in a SYN cache
(RFC 4987). An honest connection logs in within moments, and an idle one is the oldest sooner or
later. The oldest of whom: of the newcomer's group of addresses where that has too many, or else of
the group that has the most; so nobody loses a place to a group that has more of them.

Every operation takes the same time, however many wait.
"""

from collections import OrderedDict
from collections.abc import Iterator

from chat.server.connections.protocol import ChatProtocol

__all__ = ["Waiting"]


class Waiting:
    """Connections in the order in which they came, by groups of addresses."""

    def __init__(self) -> None:
        self._groups: dict[str, OrderedDict[int, ChatProtocol]] = {}
        """What waits of each group, by number; none is empty."""
        self._of_size: dict[int, OrderedDict[str, None]] = {}
        """Which groups have so many, those that have longest first; none is empty."""
        self._most = 0
        """How many the largest group has."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ChatProtocol]:
        """Yield all, of whom any may be removed meanwhile."""
        everybody = [protocol for group in self._groups.values() for protocol in group.values()]
        return iter(everybody)

    @property
    def groups(self) -> int:
        """How many groups there are of which something waits."""
        return len(self._groups)

    def count(self, group: str) -> int:
        """Return how many of a group wait."""
        return len(self._groups.get(group, ()))

    def add(self, protocol: ChatProtocol) -> None:
        """Let a connection wait, as the youngest."""
        waiting = self._groups.setdefault(protocol.group, OrderedDict())
        waiting[protocol.number] = protocol
        self._count += 1
        self._resize(protocol.group, len(waiting) - 1, len(waiting))
        self._most = max(self._most, len(waiting))

    def remove(self, protocol: ChatProtocol) -> None:
        """Let a connection wait no longer, if it does."""
        waiting = self._groups.get(protocol.group)
        if waiting is None or waiting.pop(protocol.number, None) is None:
            return
        self._count -= 1
        self._resize(protocol.group, len(waiting) + 1, len(waiting))
        if self._most not in self._of_size:  # It was the only one with so many.
            self._most = len(waiting)
        if not waiting:
            del self._groups[protocol.group]

    def oldest(self, group: str) -> ChatProtocol:
        """Return the oldest of a group, of which at least one waits."""
        return next(iter(self._groups[group].values()))

    def oldest_of_most(self) -> ChatProtocol:
        """Return the oldest of the group that has the most; at least one waits.

        Where several have as many, it is the one that has had them longest.
        """
        return self.oldest(next(iter(self._of_size[self._most])))

    def _resize(self, group: str, before: int, after: int) -> None:
        """Note that a group has another size."""
        if before:
            same = self._of_size[before]
            del same[group]
            if not same:
                del self._of_size[before]
        if after:
            self._of_size.setdefault(after, OrderedDict())[group] = None
