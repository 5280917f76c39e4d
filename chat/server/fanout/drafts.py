"""Drafts: happenings that are not records yet, and how to answer the session that caused them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from chat.ids import RecordId
from chat.rooms.errors import RequestError
from chat.rooms.happenings import Edited, Happening, Kept, Said
from chat.server.session import Session, refuse
from chat.store.interface import Place

__all__ = ["Acknowledge", "Author", "Draft", "Exclude", "Reply"]

_BYTES: Final = 128
"""Size of a draft besides its text, so that drafts without text are bounded too."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The session that asked gets the record's place in `posted`, and not the record."""

    session: Session
    request: int
    refused: Callable[[RequestError], None]
    """Called with the reason before it answers with a refusal."""

    def refuse(self, error: RequestError) -> None:
        """Answer with a refusal."""
        self.refused(error)
        refuse(self.session, self.request, error)


@dataclass(frozen=True, slots=True)
class Exclude:
    """The session that caused it, if any, does not get the record. It is answered elsewhere."""

    session: Session | None

    def refuse(self, error: RequestError) -> None:
        """Do nothing."""


Reply = Acknowledge | Exclude


@dataclass(slots=True, eq=False)
class Draft:
    """A happening that is not stored yet, or is passing."""

    happening: Happening
    record_id: RecordId
    reply: Reply
    check: Callable[[], None] | None = None
    """Raises RequestError unless its author may still post it; None if there is nothing to
    check."""
    base: int = 0
    """The number of the last change before the latest check."""
    is_kept: bool = field(init=False)
    """Whether it becomes a stored record; otherwise it is passing."""
    size: int = field(init=False, default=_BYTES)
    """Its size in bytes for the bound on waiting drafts."""

    def __post_init__(self) -> None:
        happening = self.happening
        self.is_kept = isinstance(happening, Kept)
        if isinstance(happening, Said | Edited):
            text = happening.text
            self.size += len(text) if text.isascii() else len(text.encode())


@dataclass(slots=True)
class Author:
    """A session with drafts in a commit."""

    session: Session
    drafts: list[tuple[Draft, Place]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Indexes of its own lines in the batch, because passing ones have no sequence number."""
