"""What happens in a log, and everybody there gets to know. Values only.

What is `Passing` is told to those who are there and not kept; all else is kept in the log.
"""

from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "Deleted",
    "Edited",
    "Happening",
    "Joined",
    "Left",
    "Passing",
    "Reacted",
    "Renamed",
    "Said",
    "TopicSet",
]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that `nick`, the account `account`, did in `log`."""

    is_kept: ClassVar[bool] = True
    """Whether the log keeps it."""

    log: bytes
    account: bytes
    nick: str


@dataclass(frozen=True, slots=True)
class Said(Happening):
    """Said `text`, perhaps in reply to the record `reply` (0 for none)."""

    text: str
    reply: int


@dataclass(frozen=True, slots=True)
class Edited(Happening):
    """Made `text` the text of the record `seq`."""

    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Deleted(Happening):
    """Removed the record `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Reacted(Happening):
    """Reacted to the record `seq`; nothing takes an earlier reaction back."""

    seq: int
    reaction: str


@dataclass(frozen=True, slots=True)
class TopicSet(Happening):
    """Said what the room is about."""

    topic: str


@dataclass(frozen=True, slots=True)
class Passing(Happening):
    """What no log keeps."""

    is_kept: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Joined(Passing):
    """Is here now."""


@dataclass(frozen=True, slots=True)
class Left(Passing):
    """Is here no longer."""


@dataclass(frozen=True, slots=True)
class Renamed(Passing):
    """Was known as `was`."""

    was: str
