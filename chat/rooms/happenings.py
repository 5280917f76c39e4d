"""Happenings in a log that everybody there is told about. Values only.

A `Kept` happening becomes a record of the log. A `Passing` one reaches only connected members.
"""

from dataclasses import dataclass

from chat.content import Content
from chat.ids import AccountId, LogId
from chat.rooms.roles import Role

__all__ = [
    "Arrived",
    "Deleted",
    "Departed",
    "Edited",
    "Happening",
    "Kept",
    "Passing",
    "Ranked",
    "Reacted",
    "Renamed",
    "Said",
    "TopicSet",
    "Writing",
]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something an account did in a log."""

    log: LogId
    account: AccountId


@dataclass(frozen=True, slots=True)
class Kept(Happening):
    """A happening that the log stores."""


@dataclass(frozen=True, slots=True)
class Said(Kept):
    """Posted a message, perhaps in reply to the record `reply` (0 for none)."""

    content: Content
    reply: int

    @property
    def text(self) -> str:
        """The text alone."""
        return self.content.text


@dataclass(frozen=True, slots=True)
class Edited(Kept):
    """Changed the text of the record `seq` to `text`."""

    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Deleted(Kept):
    """Removed the record `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Reacted(Kept):
    """Reacted to the record `seq`; an empty reaction takes the earlier one back."""

    seq: int
    reaction: str


@dataclass(frozen=True, slots=True)
class TopicSet(Kept):
    """Set the room's topic."""

    topic: str


@dataclass(frozen=True, slots=True)
class Passing(Happening):
    """A happening that no log stores."""


@dataclass(frozen=True, slots=True)
class Arrived(Passing):
    """Became a member, or opened its first connection."""

    is_new: bool = False
    """Whether it became a member."""


@dataclass(frozen=True, slots=True)
class Departed(Passing):
    """Is no longer a member, or closed its last connection."""

    is_gone: bool = False
    """Whether it is no longer a member."""


@dataclass(frozen=True, slots=True)
class Ranked(Passing):
    """Was given another role."""

    role: Role


@dataclass(frozen=True, slots=True)
class Renamed(Passing):
    """Changed its nickname from `was` to `nick`."""

    was: str
    nick: str


@dataclass(frozen=True, slots=True)
class Writing(Passing):
    """Is writing something."""
