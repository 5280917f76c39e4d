"""What happens in a log, and everybody there gets to know. Values only.

What is `Kept` becomes a record of the log. What is `Passing` is told to those who are there.
"""

from dataclasses import dataclass

from chat.content import Content
from chat.ids import AccountId, LogId

__all__ = [
    "Arrived",
    "Deleted",
    "Departed",
    "Edited",
    "Happening",
    "Kept",
    "Passing",
    "Reacted",
    "Renamed",
    "Said",
    "TopicSet",
]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that an account did in a log."""

    log: LogId
    account: AccountId


@dataclass(frozen=True, slots=True)
class Kept(Happening):
    """What the log keeps."""


@dataclass(frozen=True, slots=True)
class Said(Kept):
    """Said something, perhaps in reply to the record `reply` (0 for none)."""

    content: Content
    reply: int

    @property
    def text(self) -> str:
        """The text alone."""
        return self.content.text


@dataclass(frozen=True, slots=True)
class Edited(Kept):
    """Made `text` the text of the record `seq`."""

    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Deleted(Kept):
    """Removed the record `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Reacted(Kept):
    """Reacted to the record `seq`; with an empty reaction, took the earlier one back."""

    seq: int
    reaction: str


@dataclass(frozen=True, slots=True)
class TopicSet(Kept):
    """Said what the room is about."""

    topic: str


@dataclass(frozen=True, slots=True)
class Passing(Happening):
    """What no log keeps."""


@dataclass(frozen=True, slots=True)
class Arrived(Passing):
    """Is here now: became a member, or its first connection came."""


@dataclass(frozen=True, slots=True)
class Departed(Passing):
    """Is here no longer."""


@dataclass(frozen=True, slots=True)
class Renamed(Passing):
    """Was known as `was`, and is known as `nick` now."""

    was: str
    nick: str
