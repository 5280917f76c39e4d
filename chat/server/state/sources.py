"""Logs as `commits` sees them: the sources of drafts, and the receivers of durable records."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from chat.ids import LogId
from chat.rooms.changes import Change
from chat.rooms.happenings import Kept
from chat.rooms.values import AnyValue
from chat.server.session import Session
from chat.store.interface import Epoch, Place, Record, Void

__all__ = ["Applied", "Fanout", "Source"]


class Source(Protocol):
    """A log with waiting drafts."""

    @property
    def waiting(self) -> int:
        """Number of waiting drafts."""
        ...

    def next_epoch(self) -> Epoch:
        """Return the next epoch; the same one until it begins."""
        ...

    def take(self, most: int, deletions: int) -> Sequence[Record]:
        """Seal at most `most` drafts, at most `deletions` of them deletions. No more can be taken
        until `given`, `refused` or `put_back`."""
        ...

    def seal(self, happening: Kept, asked_by: Session | None) -> Record:
        """Seal a change's record in the log; its place comes after the others in `given`."""
        ...

    def given(self, places: Sequence[Place | Void]) -> None:
        """Deliver what was taken and sealed: it is durable."""
        ...

    def refused(self) -> None:
        """Refuse what was taken and sealed: it was not stored."""
        ...

    def put_back(self, tell: Callable[[Session], None]) -> None:
        """Let what was taken wait again, before everything else: there was no space for it. Drop
        the drafts of sessions that are gone, and `tell` the others. What was sealed is dropped."""
        ...


class Fanout(Protocol):
    """All logs."""

    def is_loaded(self, log: LogId) -> bool:
        """Return whether a log is loaded."""
        ...

    async def load(self, logs: Iterable[LogId]) -> None:
        """Load logs. Raises StoreError."""
        ...

    def source(self, log: LogId) -> Source:
        """Return a loaded log."""
        ...

    def found(self, log: LogId) -> Epoch:
        """Return the first epoch of a new log."""
        ...

    def begun(self, epoch: Epoch) -> None:
        """An epoch has begun."""
        ...

    def fence(self, log: LogId, base: int) -> None:
        """Somebody has lost the right to post in a log or to read it."""
        ...


class Applied(NamedTuple):
    """A change that has taken effect."""

    change: Change
    before: Sequence[AnyValue | None]
    """The value that each of its puts replaced."""
    asked_by: Session | None
