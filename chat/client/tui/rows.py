"""What a row of a log can be, and how much room it takes, as far as one can guess."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from chat.client.core.model import Message
from chat.ids import RecordId

__all__ = ["Note", "NoteKind", "Presence", "Row", "Unsent", "measures", "text_of"]

_SIZE_MOST: Final = 65_535
"""So that a size has two bytes."""
_LINES_MOST: Final = 255


class NoteKind(Enum):
    """What a note is about."""

    EVENT = auto()
    """Something that happened in the room."""
    ANSWER = auto()
    """What a command is answered with."""
    TROUBLE = auto()
    """Something that was not done."""


@dataclass(frozen=True, slots=True)
class Note:
    """Lines that nobody said."""

    kind: NoteKind
    text: str
    """May have line breaks and text of other people in it."""
    time: int
    """Milliseconds of UTC since 1970."""


@dataclass(slots=True)
class Presence:
    """Who came and went, one after the other, with nothing in between."""

    time: int
    is_here: dict[str, bool] = field(default_factory=dict)
    """By nickname; in the order of the latest."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message of one's own that is not stored."""

    record: RecordId


Row = Message | Note | Presence
"""What is drawn."""


def measures(text: str) -> tuple[int, int]:
    """Return the characters and the lines of a text, as far as they are counted."""
    return min(len(text), _SIZE_MOST), min(text.count("\n") + 1, _LINES_MOST)


def text_of(other: Note | Presence | Unsent) -> str:
    """Return the text of a row that nobody said, as far as it has one."""
    return other.text if isinstance(other, Note) else ""
