"""What a place that keeps the state can do. The rest of the server knows only this.

The state is a function of one sequence of commits (docs/architecture.md). A commit brings records
for logs, and at most one change of what is known beside them; it is applied whole or not at all,
and which of its items count is decided by the rules below, from the commits so far and nothing
else. Every engine decides alike, so two that are given the same sequence are equal.

A log is an append-only sequence of records, numbered from 1 without gaps by the commits that
brought them. Records are kept as sealed: a store needs no key. What it has to know of a record
(who wrote it, what kind it is, what it replaces or erases) comes beside it.

The rules, in the order in which items are looked at: records, read markers, trims, and the change.

* **Repeated.** A record whose id its log has is not stored again, whether it was erased since or
  not; where it is now is the answer.
* **Stale.** A record is void if `Commit.base` is older than the log's fence or the server's; if
  its epoch is not the log's, or the log is stale; or if its time is more than a second before the
  log's latest.
* **Gone.** A record that replaces another one is void unless that is there, a TEXT by the same
  author. One that erases is void unless what it erases is there, a TEXT or EDIT by the same author.
* **Conflict.** A change is void unless `Commit.base` is the number of the last change that counted.
  It is void too if one of its records is void, or one of its epochs is not the next of its log. If
  it counts its number is one more.

A change that counts stores its records first, which stand or fall with it. Then it sets values and
epochs. A new epoch makes its log stale no longer. Then it puts fences: no record that was checked
on an earlier state counts behind it, in `lost` and `silenced` logs, or anywhere if
`silences_all`; those in `lost` are stale until a new epoch begins.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Final, NamedTuple, Protocol

from twisted.internet.defer import Deferred

from chat.ids import AccountId, LogId, RecordId

__all__ = [
    "AUDIT",
    "CLOCK_MILLISECONDS",
    "Commit",
    "Epoch",
    "Found",
    "Head",
    "LogStore",
    "Outcome",
    "Place",
    "ReadMarker",
    "Record",
    "RecordKind",
    "StateChange",
    "StoreError",
    "Stored",
    "Trim",
    "Value",
    "Void",
]

AUDIT: Final = LogId(b"encchat's audits")
"""The log of what was done to whom. It has no epochs, and no rule of staleness holds for it."""

CLOCK_MILLISECONDS: Final = 1_000
"""How far a record's time may lie before the latest of its log."""


class StoreError(Exception):
    """The store could not do it; the text says why, for the operator's log."""


class RecordKind(IntEnum):
    """What a record is, as far as a store must know."""

    OTHER = 0
    TEXT = 1
    EDIT = 2


class Record(NamedTuple):
    """A record to be stored."""

    log: LogId
    id: RecordId
    """Makes a repetition recognisable, for as long as the log keeps it."""
    author: AccountId
    kind: RecordKind
    epoch: int
    """Under whose key it is sealed; 0 in `AUDIT`."""
    time: int
    """Milliseconds of UTC."""
    data: bytes
    """As it is sealed."""
    words: str = ""
    """What the search index gets to know of it, in clear; nothing, if empty."""
    replaces: int = 0
    """Sequence number of a record that is no longer to be found by its words; 0 for none."""
    erases: int = 0
    """Sequence number of a record that is removed with its words, for good, and with all that ever
    replaced it; 0 for none. Their ids stay known, so that a repetition brings nothing back."""


class ReadMarker(NamedTuple):
    """An account has seen a log up to a record. The largest number holds, if it is above 0."""

    log: LogId
    account: AccountId
    seq: int


class Trim(NamedTuple):
    """Remove for good what is older than `before_time`, and all but the last `keep` records.

    Records go in order: all those before the last one that has to. Of those that are erased only
    the age counts. The ids of all are forgotten; sequence numbers go on. None is no bound.
    """

    log: LogId
    before_time: int | None = None
    keep: int | None = None


class Value(NamedTuple):
    """A small value under a key; None for none any more."""

    key: bytes
    value: bytes | None


class Epoch(NamedTuple):
    """The key of an epoch of a log, wrapped."""

    log: LogId
    number: int
    """From 1. An epoch that is not the next one of its log makes the change void."""
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class StateChange:
    """What happens to what is known beside the logs, all of it or nothing."""

    values: Sequence[Value] = ()
    epochs: Sequence[Epoch] = ()
    records: Sequence[Record] = ()
    """What goes into logs because of it: entries of `AUDIT`, a room's new topic."""
    lost: frozenset[LogId] = frozenset()
    """Logs that somebody may read no more."""
    silenced: frozenset[LogId] = frozenset()
    """Logs in which somebody may say nothing any more."""
    silences_all: bool = False
    """Somebody may say nothing any more in any log."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What is to happen next."""

    base: int
    """Number of the last change that whoever made the commit knew of."""
    records: Sequence[Record] = ()
    seen: Sequence[ReadMarker] = ()
    trims: Sequence[Trim] = ()
    change: StateChange | None = None


class Place(NamedTuple):
    """Where a record is now; where it was already, with the time that it was stored with."""

    seq: int
    time: int
    """Never less than that of the record before."""
    is_new: bool


class Void(Enum):
    """Why a record does not count."""

    STALE = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a commit, when it is durable."""

    base: int
    """Number of the last change that counted."""
    places: Sequence[Place | Void] = ()
    """Of the commit's records, in their order."""
    trimmed: Sequence[int] = ()
    """How many records each trim removed."""
    change: Sequence[Place] | None = None
    """Of the change's records; None where there was no change, or it was void."""


class Head(NamedTuple):
    """Where a log ends, whether or not its last records are still kept; 0 where it never began."""

    seq: int = 0
    time: int = 0
    """The latest."""
    epoch: int = 0
    is_stale: bool = False
    """Whether somebody who has the key of this epoch may read no more."""
    fence: int = 0
    """The change before which no record may have been checked."""


class Stored(NamedTuple):
    """A record as it is read back."""

    seq: int
    id: RecordId
    data: bytes


class Found(NamedTuple):
    """A record that a search found, and when it was stored (milliseconds of UTC)."""

    log: LogId
    time: int
    stored: Stored


class LogStore(Protocol):
    """A keeper of logs. A log comes to be with its first epoch or record."""

    has_search: bool
    """Whether words are indexed and `search` finds any."""

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """Apply a commit; fires when it is durable, and fails with StoreError when nothing was
        changed.

        Commits are applied in the order in which they are given. At most one should be on its way.
        """
        ...

    def base(self) -> Deferred[int]:
        """Return the number of the last change that counted; 0 before there was any."""
        ...

    def head(self, log: LogId) -> Deferred[Head]:
        """Return where a log ends."""
        ...

    def epochs(self, log: LogId) -> Deferred[list[Epoch]]:
        """Return all epochs of a log, in their order."""
        ...

    def read(
        self,
        log: LogId,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """Return records next to sequence number `after`, at least one if there is any.

        Forward: the lowest above it, ascending. Backward: the highest below it, descending. Stops
        at `limit_bytes` of records, or at `limit` records (at least 1). Erased and trimmed records
        are passed over, however many there are.
        """
        ...

    def search(self, words: str, logs: Collection[LogId], limit: int) -> Deferred[list[Found]]:
        """Return the latest records in `logs` that have all of `words`, the latest first.

        Finds whatever was durable when it was asked. `words` is what a user typed: no operator in
        it means anything. Without a word in it, nothing is found.
        """
        ...

    def scan(self, prefix: bytes) -> Deferred[list[tuple[bytes, bytes]]]:
        """Return all keys that begin with `prefix`, and their values, sorted."""
        ...

    def seen(self) -> Deferred[list[ReadMarker]]:
        """Return up to where everybody has seen every log."""
        ...

    def close(self) -> Deferred[None]:
        """Finish what is under way, and let go of everything. Whatever is asked later fails."""
        ...
