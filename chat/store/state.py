"""What the rules in `chat.store.rules` ask an engine, and what they tell it to do."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from chat.ids import AccountId, LogId, RecordId
from chat.store.interface import Epoch, Head, Place, ReadMarker, Record, Value, Void

__all__ = ["Decided", "Known", "Placed", "State", "Target"]


class Target(NamedTuple):
    """What the rules need to know about a record that another one replaces or erases."""

    author: AccountId
    kind: int


Placed = tuple[Record, int, int]
"""A record that counts, with its sequence number and time."""


@dataclass(slots=True)
class Decided:
    """Decisions about records, not carried out yet."""

    places: list[Place | Void] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    """The new records, in order."""
    heads: dict[LogId, Head] = field(default_factory=dict)
    """The new heads of the logs they go to."""
    hidden: list[tuple[LogId, int]] = field(default_factory=list)
    """Records to remove from the search index; some may be new ones."""
    erased: list[tuple[LogId, int]] = field(default_factory=list)
    """Records to erase; some may be new ones."""


class Known(Protocol):
    """Queries on a state."""

    @property
    def base(self) -> int:
        """The number of the last change that counted."""
        ...

    @property
    def fence(self) -> int:
        """Records in any log that were checked before this change do not count."""
        ...

    def head(self, log: LogId) -> Head:
        """Return the end of a log."""
        ...

    def places(
        self, keys: Collection[tuple[LogId, RecordId]]
    ) -> dict[tuple[LogId, RecordId], Place]:
        """Return the places of the records that already exist, erased or not; `is_new` is False."""
        ...

    def target(self, log: LogId, seq: int) -> Target | None:
        """Return author and kind of a record, or None if it does not exist or is erased."""
        ...

    def replacing(self, log: LogId, seq: int) -> Collection[int]:
        """Return the sequence numbers of the records that replaced the record `seq`."""
        ...

    def first(self, log: LogId) -> int | None:
        """Return the first record of a log, erased or not."""
        ...

    def first_since(self, log: LogId, time: int, end: int) -> int | None:
        """Return the first record of a log up to `end` that is not older than `time`, erased or
        not."""
        ...

    def last_but(self, log: LogId, count: int) -> int | None:
        """Return the last record that has `count` records after it, not counting erased ones."""
        ...


class State(Known, Protocol):
    """Updates of a state. Those of one commit take effect together or not at all.

    Every update also drops epochs that are neither the latest nor that of an existing record.
    """

    def store(self, decided: Decided) -> None:
        """Store records, and carry out their removals."""
        ...

    def see(self, seen: Sequence[ReadMarker]) -> None:
        """Raise read markers; a marker never goes down."""
        ...

    def trim(self, log: LogId, last: int) -> int:
        """Remove the records up to `last`, with their ids; return their number."""
        ...

    def put(self, values: Sequence[Value]) -> None:
        """Set values, or remove them."""
        ...

    def settle(
        self, base: int, fence: int, epochs: Sequence[Epoch], heads: Mapping[LogId, Head]
    ) -> None:
        """Record a change that counts: its number, the fence, new epochs, and heads of logs."""
        ...
