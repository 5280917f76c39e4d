"""What happened and is not yet a record, and how whoever caused it is answered."""

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
"""What a draft counts besides its text, so that those without any are bounded too."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The session that asked gets its place in `posted`, and not the record."""

    session: Session
    request: int

    def refuse(self, error: RequestError) -> None:
        """Answer with a refusal."""
        refuse(self.session, self.request, error)


@dataclass(frozen=True, slots=True)
class Exclude:
    """The session that caused it, if one did, does not get the record. It is answered elsewhere."""

    session: Session | None

    def refuse(self, error: RequestError) -> None:
        """Do nothing."""


Reply = Acknowledge | Exclude


@dataclass(slots=True, eq=False)
class Draft:
    """Something that happened and is not yet stored, or passing."""

    happening: Happening
    record_id: RecordId
    reply: Reply
    check: Callable[[], None] | None = None
    """Raises RequestError unless its author may still say it; None where nobody has to be asked."""
    base: int = 0
    """The change on which that was last asked."""
    is_kept: bool = field(init=False)
    """Whether it becomes a record; else it is passing."""
    size: int = field(init=False, default=_BYTES)
    """How many bytes it counts while it waits."""

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
    """Where its own lines are in the batch, because passing ones have no number."""
