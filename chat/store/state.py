"""What the rules of `chat.store.rules` ask of an engine, and what they tell it to do."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from chat.ids import AccountId, LogId, RecordId
from chat.store.interface import Epoch, Head, Place, ReadMarker, Record, Value, Void

__all__ = ["Decided", "Known", "Placed", "State", "Target"]


class Target(NamedTuple):
    """What is to be known of a record that another one replaces or erases."""

    author: AccountId
    kind: int


Placed = tuple[Record, int, int]
"""A record that counts, with the sequence number and the time that it gets."""


@dataclass(slots=True)
class Decided:
    """What becomes of records; nothing of it has happened yet."""

    places: list[Place | Void] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    """Those that are new, in their order."""
    heads: dict[LogId, Head] = field(default_factory=dict)
    """Of the logs that they go to, as they are afterwards."""
    hidden: list[tuple[LogId, int]] = field(default_factory=list)
    """Records that are not to be found by their words any more; some may be among the new ones."""
    erased: list[tuple[LogId, int]] = field(default_factory=list)
    """Records that are removed; some may be among the new ones."""


class Known(Protocol):
    """What a state can say of itself."""

    @property
    def base(self) -> int:
        """The number of the last change that counted."""
        ...

    @property
    def fence(self) -> int:
        """The change before which no record in any log may have been checked."""
        ...

    def head(self, log: LogId) -> Head:
        """Return where a log ends."""
        ...

    def places(
        self, keys: Collection[tuple[LogId, RecordId]]
    ) -> dict[tuple[LogId, RecordId], Place]:
        """Return where those records are that are there already, erased or not; nothing is new."""
        ...

    def target(self, log: LogId, seq: int) -> Target | None:
        """Return what is known of a record that is there."""
        ...

    def replacing(self, log: LogId, seq: int) -> Collection[int]:
        """Return the sequence numbers of the records that replaced another one."""
        ...

    def first_since(self, log: LogId, time: int) -> int | None:
        """Return the first record of a log that is not older than `time`, erased or not."""
        ...

    def last_but(self, log: LogId, count: int) -> int | None:
        """Return the last record that is there, but for `count` of them behind it."""
        ...


class State(Known, Protocol):
    """What a state can be told to do; each is all or nothing together with the whole commit."""

    def store(self, decided: Decided) -> None:
        """Store records, and remove what they remove."""
        ...

    def see(self, seen: Sequence[ReadMarker]) -> None:
        """Let each account have seen each log as far as it has, and at least so far."""
        ...

    def trim(self, log: LogId, last: int) -> int:
        """Remove the records up to `last`, with their ids; return how many of them were there."""
        ...

    def put(self, values: Sequence[Value]) -> None:
        """Set values, or remove them."""
        ...

    def settle(
        self, base: int, fence: int, epochs: Sequence[Epoch], heads: Mapping[LogId, Head]
    ) -> None:
        """Let a change have counted: keep its number, the fence, new epochs, and heads of logs."""
        ...
