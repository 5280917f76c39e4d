"""What can be asked for with a typed line. Which line asks for what, `parsing` knows."""

from dataclasses import dataclass
from typing import Final

__all__ = [
    "HELP",
    "Command",
    "CommandError",
    "Delete",
    "Edit",
    "Help",
    "History",
    "Invite",
    "Join",
    "Kick",
    "Leave",
    "Quit",
    "React",
    "Rename",
    "Reply",
    "Rooms",
    "Say",
    "Search",
    "Tell",
    "Topic",
    "Who",
]

HELP: Final = """\
/join ROOM [invite-only]  read and write ROOM; made where there is none
/leave [ROOM]             be a member no longer
/rooms                    the public rooms
/topic [TEXT]             what the room is about; or say so
/invite NICK              let NICK join the room
/kick NICK, /ban NICK     put NICK out of the room; for good
/msg NICK TEXT            say TEXT to NICK alone
/history [ROOM|@NICK]     what was said before, with numbers
/search WORDS             find what was said
/edit [#N] TEXT           change your message N, or the last one
/delete [#N]              take it back
/reply [#N] TEXT          answer message N, or the last one of others
/react [#N] [SIGN]        react to it; without SIGN, take that back
/who                      who is a member of the room
/nick NAME                be known as NAME
/quit                     leave
/help                     this list
A line that does not begin with / is sent; // at its beginning sends a line that begins with /."""


class CommandError(Exception):
    """A line that means nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send a text to the current room."""

    text: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a text to one person."""

    nick: str
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Change a message of one's own; the last one, without a number."""

    seq: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Take back a message of one's own."""

    seq: int | None


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a message; the last one of others, without a number."""

    seq: int | None
    text: str


@dataclass(frozen=True, slots=True)
class React:
    """Put a sign to a message, or take it back."""

    seq: int | None
    sign: str


@dataclass(frozen=True, slots=True)
class Join:
    """Go to a room."""

    room: str
    is_invite_only: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """Be a member of a room no longer."""

    room: str


@dataclass(frozen=True, slots=True)
class Rooms:
    """List public rooms."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Say, or show, what the room is about."""

    topic: str


@dataclass(frozen=True, slots=True)
class Invite:
    """Let somebody join."""

    nick: str


@dataclass(frozen=True, slots=True)
class Kick:
    """Put somebody out."""

    nick: str
    ban: bool


@dataclass(frozen=True, slots=True)
class History:
    """Show what was said before, in the current room if no name is given."""

    name: str
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """Find what was said."""

    words: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Take another nickname."""

    nick: str


@dataclass(frozen=True, slots=True)
class Who:
    """List who is here."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class Help:
    """Show the commands."""


Command = (
    Say
    | Tell
    | Edit
    | Delete
    | Reply
    | React
    | Join
    | Leave
    | Rooms
    | Topic
    | Invite
    | Kick
    | History
    | Search
    | Rename
    | Who
    | Quit
    | Help
)
