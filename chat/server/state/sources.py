"""What commits are made from, and whom they are given to: the logs, as `commits` sees them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chat.ids import LogId
from chat.rooms.changes import Change
from chat.rooms.happenings import Kept
from chat.rooms.values import AnyValue
from chat.server.session import Session
from chat.store.interface import Epoch, Place, Record, Void

__all__ = ["Applied", "Fanout", "Source"]


class Source(Protocol):
    """A log with drafts that wait to be records."""

    @property
    def has_drafts(self) -> bool:
        """Whether any wait."""
        ...

    def next_epoch(self) -> Epoch | None:
        """Return the epoch that has to begin before anything is sealed, if one has."""
        ...

    def take(self, most: int) -> Sequence[Record]:
        """Seal at most so many drafts. Until `given` or `refused` no more are taken."""
        ...

    def seal(self, happening: Kept, asked_by: Session | None) -> Record:
        """Seal what a change leaves in the log; its place comes behind the others of `given`."""
        ...

    def given(self, places: Sequence[Place | Void]) -> None:
        """Deliver what was taken and sealed: it is durable."""
        ...

    def give_up(self) -> None:
        """Tell the authors of all that waits: the epoch that it needs could not begin."""
        ...

    def refused(self) -> None:
        """Tell the authors: nothing of it was stored."""
        ...


class Fanout(Protocol):
    """All logs."""

    def source(self, log: LogId) -> Source:
        """Return a log that is loaded."""
        ...

    def found(self, log: LogId) -> Epoch:
        """Return the first epoch of a log that is to be."""
        ...

    def begun(self, epoch: Epoch) -> None:
        """An epoch that was asked for has begun."""
        ...

    def fence(self, log: LogId, base: int, is_stale: bool) -> None:
        """Somebody may say nothing more in a log or, if `is_stale`, read no more."""
        ...


class Applied(NamedTuple):
    """A change that has taken effect."""

    change: Change
    before: Sequence[AnyValue | None]
    """What each of its puts replaced."""
    asked_by: Session | None
