"""What a place that keeps logs can do. The rest of the server knows only this.

A log is an append-only sequence of records. Its sequence numbers strictly increase and are never
given twice; nobody may rely on their being consecutive. Records are kept as sealed: a store needs
no key. Beside the logs there are small values under keys, and blobs.

Whatever changes something fires when the change is durable, and fails with `StoreError` when
nothing was changed. Changes are made in the order in which they are asked for: none is durable
before an earlier one is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

__all__ = ["Appended", "Entry", "Found", "Health", "LogStore", "StoreError", "Stored", "Tail"]


class StoreError(Exception):
    """The store could not do it; the text says why, for the operator's log."""


class Entry(NamedTuple):
    """A record to be stored. `record_id` (16 bytes) makes a repetition recognisable."""

    record_id: bytes
    time: int
    """Milliseconds of UTC."""
    record: bytes
    words: str = ""
    """What the search index gets to know of it, in clear; nothing, if empty."""
    replaces: int = 0
    """Sequence number of a record that is no longer to be found by its words; 0 for none."""
    erases: int = 0
    """Sequence number of a record that is removed with its words, for good, and with all that ever
    replaced it; 0 for none. Their ids stay known, so that a repetition brings nothing back."""


class Appended(NamedTuple):
    """Where an entry is now; where it was already, with the time it was stored with."""

    seq: int
    time: int
    is_new: bool


class Stored(NamedTuple):
    """A record as it is read back."""

    seq: int
    record_id: bytes
    record: bytes


class Found(NamedTuple):
    """A record that a search found, and when it was stored (milliseconds of UTC)."""

    log: bytes
    time: int
    stored: Stored


class Tail(NamedTuple):
    """The last sequence number and the latest time a log has ever given; 0 where none."""

    seq: int
    time: int


@dataclass(frozen=True, slots=True)
class Health:
    """How a store is."""

    is_writable: bool
    detail: str
    """A sentence for the operator: what is wrong, or how large it is."""


class LogStore(Protocol):
    """A keeper of logs. Log ids are 16 bytes; a log comes to be with its first entry."""

    has_search: bool
    """Whether words are indexed and `search` finds any."""

    def append(self, log: bytes, entries: Sequence[Entry]) -> Deferred[list[Appended]]:
        """Store `entries` in this order, all or none; fires when they are durable.

        Idempotent: an entry whose id the log has is not stored again, and replaces and erases
        nothing.
        """
        ...

    def find(self, log: bytes, record_id: bytes) -> Deferred[Appended | None]:
        """Return where the entry with this id is, erased or not; None where it is not."""
        ...

    def read(
        self,
        log: bytes,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """Return records next to sequence number `after`, at least one if there is any.

        Forward: the lowest above it, ascending. Backward: the highest below it, descending. Stops
        at `limit_bytes` of records, or at `limit` records (at least 1). Erased and trimmed records
        are passed over.
        """
        ...

    def tail(self, log: bytes) -> Deferred[Tail]:
        """Return where a log ends, whether or not its last records are still kept."""
        ...

    def search(self, words: str, logs: Collection[bytes], limit: int) -> Deferred[list[Found]]:
        """Return the latest records in `logs` that have all of `words`, the latest first.

        `words` is what a user typed: no operator in it means anything. Without a word in it,
        nothing is found.
        """
        ...

    def trim(
        self, log: bytes, before_time: int | None = None, keep: int | None = None
    ) -> Deferred[int]:
        """Remove for good the records stored before `before_time`, and all but the last `keep`.

        Returns how many those were. Their ids are forgotten; sequence numbers go on.
        """
        ...

    def get(self, key: bytes) -> Deferred[bytes | None]:
        """Return the value under a key, None where there is none."""
        ...

    def scan(self, prefix: bytes) -> Deferred[list[tuple[bytes, bytes]]]:
        """Return all keys that begin with `prefix`, and their values, sorted."""
        ...

    def compare_and_set(
        self, key: bytes, expected: bytes | None, value: bytes | None
    ) -> Deferred[bool]:
        """Put `value` under `key` if what is there is `expected`; None is nothing.

        Returns whether it was.
        """
        ...

    def put_blob(self, blob_id: bytes, content: bytes) -> Deferred[None]:
        """Keep `content` under an id (16 bytes), in the place of what was there."""
        ...

    def get_blob(self, blob_id: bytes) -> Deferred[bytes | None]:
        """Return what is kept under an id, None where nothing is."""
        ...

    def delete_blob(self, blob_id: bytes) -> Deferred[None]:
        """Remove for good what is kept under an id, if anything is."""
        ...

    def health(self) -> Deferred[Health]:
        """Return how the store is; never fails."""
        ...

    def close(self) -> Deferred[None]:
        """Finish what is under way, and let go of everything. Whatever is asked later fails."""
        ...
