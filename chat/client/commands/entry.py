"""What a command is made of, and what it needs of the face it is typed at."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Protocol

from chat.client.core.commands import Command
from chat.client.core.core import Core
from chat.client.core.rooms import Room

__all__ = ["NO_ROOM", "CommandError", "Entry", "Face", "Where", "need_room"]

NO_ROOM: Final = "You are in no room; /join ROOM enters one."


class CommandError(Exception):
    """A line that means nothing; the text is a sentence that says why."""


class Where(Enum):
    """Where a command means something."""

    ANYWHERE = auto()
    IN_CONVERSATION = auto()
    """Where the user is in a room or looks at a private conversation."""
    IN_ROOM = auto()
    """Only in a room."""


class Face(Protocol):
    """What commands need of the client they are typed at."""

    @property
    def core(self) -> Core:
        """The core that it shows."""
        ...

    @property
    def room(self) -> Room | None:
        """The room or conversation that what is typed goes to."""
        ...

    def enter(self, room: Room) -> None:
        """Let what is typed go to another room."""
        ...

    def show(self, text: str) -> None:
        """Show one or more lines. They may have text of other people in them."""
        ...

    def quit(self) -> None:
        """Leave, once everything typed before is done."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A command. Help, completion and everything else that lists commands is made of these."""

    name: str
    """Without the slash."""
    usage: str
    """Its arguments; capitals stand for what is to be filled in, brackets for what may be left
    out."""
    help: str
    """What it does: half a sentence."""
    parse: Callable[[str], Any]
    """Makes of what follows the name what `run` takes. Raises CommandError."""
    run: Callable[[Face, Any], Command | None]
    """Returns what the core has to do; or does it, where that concerns the face alone. Raises
    CommandError."""
    where: Where = Where.ANYWHERE
    more: str = ""
    """What else `/help COMMAND` says."""

    @property
    def line(self) -> str:
        """How it is typed."""
        return f"/{self.name} {self.usage}".rstrip()

    def check(self, face: Face) -> None:
        """Raise CommandError where the command means nothing."""
        if self.where is not Where.ANYWHERE:
            room = need_room(face)
            if self.where is Where.IN_ROOM and room.is_private:
                raise CommandError(f"/{self.name} is for rooms, not for private conversations.")


def need_room(face: Face) -> Room:
    """Return the room that the user is in. Raises CommandError if there is none."""
    room = face.room
    if room is None:
        raise CommandError(NO_ROOM)
    return room
