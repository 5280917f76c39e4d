"""What a place that keeps logs can do.

A log is an append-only sequence of records. Its sequence numbers strictly increase; nobody may
rely on their being consecutive. Records are kept as sealed: a store needs no key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred

__all__ = ["Appended", "Entry", "LogStore", "RecordsGoneError", "Stored"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record to be stored. `record_id` (16 bytes) makes a repetition recognisable."""

    record_id: bytes
    time: int
    """Milliseconds of UTC."""
    record: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an entry is now; where it was already, with the time it was stored with."""

    seq: int
    time: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it is read back."""

    seq: int
    record_id: bytes
    record: bytes


class RecordsGoneError(Exception):
    """Records behind the cursor are no longer kept."""


class LogStore(Protocol):
    """A keeper of logs. Log ids are 16 bytes; a log comes to be with its first entry."""

    def append(self, log: bytes, entries: Sequence[Entry]) -> Deferred[list[Appended]]:
        """Store `entries` in this order, all or none; fires when they are durable.

        Idempotent: an entry whose id the log has is not stored again. Fails with any exception
        when nothing was stored.
        """
        ...

    def read(
        self, log: bytes, after: int, limit_bytes: int, backward: bool = False
    ) -> Deferred[list[Stored]]:
        """Return records next to sequence number `after`, at least one if there is any.

        Forward: the lowest above it, ascending. Backward: the highest below it, descending. Stops
        at `limit_bytes` of records. Fails with RecordsGoneError when a forward read would leave a
        gap.
        """
        ...

    def close(self) -> Deferred[None]:
        """Finish what is under way, and let go of everything."""
        ...
