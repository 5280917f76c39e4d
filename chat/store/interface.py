"""The interface of a store, which is all that the rest of the server knows.

The state is a function of one sequence of commits (docs/architecture.md). A commit contains records
for logs, and at most one change of other state; it is applied completely or not at all. The rules
below decide which of its items count, based only on the commits so far. Every engine decides alike,
so two engines that get the same sequence are equal.

A log is an append-only sequence of records, numbered from 1 without gaps by the commits that
contain them. Records are stored sealed: a store needs no key. What it needs to know about a record
(its author, its kind, what it replaces or erases) comes with the record.

The rules, in the order in which items are processed: records, read markers, trims, and the change.

* **Repeated.** If the log has a record with the same id, even an erased one, the record is not
  stored again; the answer is the place of the existing one.
* **Stale.** A record is void if `Commit.base` is older than the log's fence or the server's; if
  its epoch is not the log's; or if its time is more than a second before the log's latest.
* **Gone.** A record that replaces another one is void unless that one is there, and is a TEXT by
  the same author. A record that erases another one is void unless that one is there, and is a TEXT
  or EDIT by the same author.
* **Too many.** A record that replaces one that `EDITS` records have already replaced is void.
* **Conflict.** A change is void unless `Commit.base` is the number of the last change that counted.
  It is void too if one of its records is void, or one of its epochs is not the next one of its log.
  If it counts, its number is one higher.

A change that counts stores its records first; they count only together with it. Then it sets
values, begins epochs, and sets fences: after it, no record counts that was checked on an earlier
state, in `silenced` logs, or in any log if `silences_all`.

Of a log's epochs, the store keeps the latest one and those of existing records. So joining and
leaving adds nothing that stays.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from math import inf
from typing import Final, NamedTuple, Protocol

from twisted.internet.defer import Deferred

from chat.ids import AccountId, LogId, RecordId
from chat.limits import SEQ_MAX

__all__ = [
    "AUDIT",
    "CLOCK_MILLISECONDS",
    "Commit",
    "DiskFullError",
    "Epoch",
    "Found",
    "Head",
    "LogStore",
    "Outcome",
    "Place",
    "ReadMarker",
    "Record",
    "RecordKind",
    "SlowSearchError",
    "StateChange",
    "StoreError",
    "Stored",
    "Trim",
    "Value",
    "Void",
    "audit_of",
    "is_audit",
]

AUDIT: Final = LogId(b"encchat's audits")
"""The server's audit log. Audit logs have no epochs, and the stale rule does not apply to them."""

_AUDIT_BYTES: Final = 8
"""Prefix of the ids of audit logs; other ids are random."""


def audit_of(log: LogId) -> LogId:
    """Return the id of a room's own audit log."""
    return LogId(AUDIT[:_AUDIT_BYTES] + hashlib.sha256(log).digest()[:_AUDIT_BYTES])


def is_audit(log: LogId) -> bool:
    """Return whether a log is an audit log, of a room or of the server."""
    return log.startswith(AUDIT[:_AUDIT_BYTES])


CLOCK_MILLISECONDS: Final = 1_000
"""How far a record's time may lie before the latest of its log."""


class StoreError(Exception):
    """The store failed; the text says why, for the operator's log."""


class DiskFullError(StoreError):
    """There is no space for it on the disk; the text says how much is free, and where."""


class SlowSearchError(Exception):
    """A search was interrupted because it took too long."""


class RecordKind(IntEnum):
    """The kind of a record, as far as a store must know."""

    OTHER = 0
    TEXT = 1
    EDIT = 2


class Record(NamedTuple):
    """A record to store."""

    log: LogId
    id: RecordId
    """Identifies repetitions, for as long as the log keeps the id."""
    author: AccountId
    kind: RecordKind
    epoch: int
    """The epoch whose key seals it; 0 in `AUDIT`."""
    time: int
    """Milliseconds since 1970 UTC."""
    data: bytes
    """The sealed record."""
    words: str = ""
    """Text for the search index, in the clear; empty for none."""
    replaces: int = 0
    """Sequence number of a record that searches no longer find; 0 for none."""
    erases: int = 0
    """Sequence number of a record to remove permanently, with its words and every record that
    replaced it; 0 for none. Their ids stay known, so that a repetition brings nothing back."""


class ReadMarker(NamedTuple):
    """An account has seen a log up to a record. The largest number counts, if it is above 0."""

    log: LogId
    account: AccountId
    seq: int


class Trim(NamedTuple):
    """Permanently remove records older than `before_time`, and all but the last `keep` records.

    Records are removed in order: all records up to the last one that has to go. `keep` does not
    count erased records. The ids of removed records are forgotten; sequence numbers continue. None
    is no bound.
    """

    log: LogId
    before_time: int | None = None
    keep: int | None = None
    most: int = SEQ_MAX
    """Most records to remove, including erased ones, oldest first."""


class Value(NamedTuple):
    """A small value under a key; None removes it."""

    key: bytes
    value: bytes | None


class Epoch(NamedTuple):
    """The wrapped key of an epoch of a log."""

    log: LogId
    number: int
    """From 1. The change is void unless this is the next epoch of its log."""
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change of the state beside the logs; it counts completely or not at all."""

    values: Sequence[Value] = ()
    epochs: Sequence[Epoch] = ()
    records: Sequence[Record] = ()
    """Records that belong to the change: entries of `AUDIT`, a room's new topic."""
    silenced: frozenset[LogId] = frozenset()
    """Logs in which somebody may no longer post."""
    silences_all: bool = False
    """Whether somebody may no longer post in any log."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The next step in the sequence."""

    base: int
    """Number of the last change that the commit is based on."""
    records: Sequence[Record] = ()
    seen: Sequence[ReadMarker] = ()
    trims: Sequence[Trim] = ()
    change: StateChange | None = None


class Place(NamedTuple):
    """Where a record is, and the time it was stored with."""

    seq: int
    time: int
    """Never less than that of the previous record."""
    is_new: bool
    """False if the record was already there."""


class Void(Enum):
    """Why a record does not count."""

    STALE = auto()
    GONE = auto()
    TOO_MANY = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a durable commit."""

    base: int
    """Number of the last change that counted."""
    places: Sequence[Place | Void] = ()
    """Places of the commit's records, in order."""
    trimmed: Sequence[int] = ()
    """Number of records that each trim removed, including erased ones."""
    change: Sequence[Place] | None = None
    """Places of the change's records; None if there was no change, or it was void."""


class Head(NamedTuple):
    """The end of a log, whether or not its last records still exist; zeros if it never began."""

    seq: int = 0
    time: int = 0
    """The latest time."""
    epoch: int = 0
    fence: int = 0
    """Records that were checked before this change do not count."""


class Stored(NamedTuple):
    """A stored record."""

    seq: int
    id: RecordId
    data: bytes


class Found(NamedTuple):
    """A record that a search found, and its time in milliseconds since 1970 UTC."""

    log: LogId
    time: int
    stored: Stored


class LogStore(Protocol):
    """Stores logs and state. A log begins with its first epoch or record."""

    has_search: bool
    """Whether words are indexed, so that `search` can find them."""

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """Apply a commit.

        Fires when the commit is durable; fails with StoreError if nothing has changed, and with
        DiskFullError if that is because there is no space. Commits are applied in the order of
        calls. At most one should be in flight.
        """
        ...

    def base(self) -> Deferred[int]:
        """Return the number of the last change that counted; 0 before the first."""
        ...

    def head(self, log: LogId) -> Deferred[Head]:
        """Return the end of a log."""
        ...

    def epochs(self, log: LogId, numbers: Collection[int]) -> Deferred[list[Epoch]]:
        """Return the epochs of a log with these numbers, as far as they are kept."""
        ...

    def read(
        self,
        log: LogId,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """Return records next to sequence number `after`, at least one if there are any.

        Forward: the lowest above it, ascending. Backward: the highest below it, descending. Stops
        at `limit_bytes` of records, or at `limit` records (at least 1). Erased and trimmed records
        are skipped, however many there are.
        """
        ...

    def seek(self, log: LogId, time: int) -> Deferred[int]:
        """Return a sequence number that divides a log at a time, in milliseconds since 1970 UTC:
        all records up to it are older than `time`, and none above it is."""
        ...

    def search(
        self, words: str, logs: Collection[LogId], limit: int, seconds: float = inf
    ) -> Deferred[list[Found]]:
        """Return the latest records in `logs` that contain all of `words`, latest first.

        Fails with SlowSearchError if that takes longer than `seconds`. No other call waits for it.
        Finds everything that was durable at the time of the call. `words` is what a user typed and
        has no operators. Without any word, nothing is found.

        `logs` is not copied, because it may be large: it may change meanwhile, and another thread
        may use its `in`, `len` and `list`. A set or list can be used like this.
        """
        ...

    def scan(self, prefix: bytes) -> Deferred[list[tuple[bytes, bytes]]]:
        """Return all keys that begin with `prefix`, and their values, sorted."""
        ...

    def seen(self) -> Deferred[list[ReadMarker]]:
        """Return all read markers."""
        ...

    def close(self) -> Deferred[None]:
        """Finish pending work and release all resources. Later calls fail."""
        ...
