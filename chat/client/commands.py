"""What can be asked for with a typed line. Which line asks for what, `parsing` knows."""

from dataclasses import dataclass
from typing import Final

from chat.rooms.roles import Action

__all__ = [
    "HELP",
    "Command",
    "CommandError",
    "Delete",
    "Devices",
    "Edit",
    "Help",
    "History",
    "Invite",
    "Join",
    "Leave",
    "Link",
    "MakeInvitation",
    "Moderate",
    "Quit",
    "React",
    "Rename",
    "Reply",
    "Revoke",
    "Rooms",
    "Say",
    "Search",
    "Slow",
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
/kick NICK [REASON]       put NICK out of the room
/ban NICK [TIME] [REASON] and keep NICK out, for 30m, 12h, 7d, or for good; /unban NICK
/mute NICK [TIME] [REASON] let NICK read only; /unmute NICK
/op NICK, /deop NICK      let NICK do this, too; or no longer
                          (with --server: on the whole server; /ban --network: addresses, too)
/slow SECONDS             wait so long between two messages; 0 ends that
/invitation [USES] [TIME] a link for whoever has it, to the room (--server: to the server)
/link                     a code for another device of yours
/devices, /revoke KEY     your devices; take one away
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
class Moderate:
    """Do something to somebody, in the current room or on the whole server."""

    action: Action
    nick: str
    seconds: int = 0
    """For good, if 0."""
    reason: str = ""
    on_server: bool = False
    network: bool = False


@dataclass(frozen=True, slots=True)
class Slow:
    """Let everybody else wait between two messages."""

    seconds: int


@dataclass(frozen=True, slots=True)
class MakeInvitation:
    """Make a link for others."""

    uses: int
    seconds: int
    on_server: bool


@dataclass(frozen=True, slots=True)
class Link:
    """Get a code for another device."""


@dataclass(frozen=True, slots=True)
class Devices:
    """List one's devices."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take a device away, by the beginning of its key's fingerprint."""

    key: str


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
    | Moderate
    | Slow
    | MakeInvitation
    | Link
    | Devices
    | Revoke
    | History
    | Search
    | Rename
    | Who
    | Quit
    | Help
)
