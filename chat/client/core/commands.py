"""What a user can ask the core to do. `chat.client.core.core.Core.do` takes them.

A room or conversation is named by its log, a message by its handle: nothing here depends on what
the user happens to look at.
"""

from dataclasses import dataclass

from chat.client.core.model import Handle
from chat.content import Content
from chat.ids import LogId
from chat.limits import HISTORY_PAGE
from chat.rooms.roles import Action

__all__ = [
    "AnswerRequest",
    "Block",
    "Command",
    "Create",
    "Delete",
    "Edit",
    "Invite",
    "Join",
    "Jump",
    "KnowAgain",
    "Leave",
    "ListBlocked",
    "ListDevices",
    "ListMembers",
    "ListRequests",
    "ListRooms",
    "MakeDeviceCode",
    "MakeInvitation",
    "Moderate",
    "OpenPrivate",
    "PageBack",
    "PageForward",
    "Posting",
    "React",
    "Rename",
    "RevokeDevice",
    "Search",
    "Send",
    "SendPrivate",
    "SetContact",
    "SetSlowMode",
    "SetTopic",
    "Unblock",
]


@dataclass(frozen=True, slots=True)
class Send:
    """Say something. The outcome is the stored `Message`."""

    log: LogId
    content: Content
    reply_to: Handle | None = None


@dataclass(frozen=True, slots=True)
class SendPrivate:
    """Say something to one person, in the conversation that is opened if need be."""

    nick: str
    content: Content


@dataclass(frozen=True, slots=True)
class Edit:
    """Change the text of a message of one's own."""

    target: Handle
    text: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a message of one's own."""

    target: Handle


@dataclass(frozen=True, slots=True)
class React:
    """React to a message with a sign; an empty one takes the reaction back."""

    target: Handle
    sign: str


Posting = Send | Edit | Delete | React
"""What adds a record to a log. These are sent exactly once, over all connections, in their order;
the outcome of all but `Send` is the number of their record."""


@dataclass(frozen=True, slots=True)
class Join:
    """Become a member of a room. The outcome is the `Room`."""

    name: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make a room that does not exist yet, and join it. The outcome is the `Room`."""

    name: str
    is_invite_only: bool = False


@dataclass(frozen=True, slots=True)
class OpenPrivate:
    """Open the private conversation with somebody. The outcome is the `Room`."""

    nick: str


@dataclass(frozen=True, slots=True)
class KnowAgain:
    """Take a nickname for whoever has it now, even if it was another account's."""

    nick: str


@dataclass(frozen=True, slots=True)
class ListRequests:
    """List who asks for a private conversation. The outcome is a tuple of `ContactRequest`."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """Accept or decline a request. The outcome is the `Room` if it was accepted."""

    nick: str
    is_accepted: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Take no requests, private messages and invitations from somebody."""

    nick: str


@dataclass(frozen=True, slots=True)
class Unblock:
    """Take them again."""

    nick: str


@dataclass(frozen=True, slots=True)
class ListBlocked:
    """The outcome is a tuple of nicknames."""


@dataclass(frozen=True, slots=True)
class SetContact:
    """Choose who may send requests and invitations. The outcome is who may."""

    who: str | None
    """A value of `chat.rooms.values.Contact`; None changes nothing."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave a room or a private conversation. The outcome is the `Room` that was left."""

    log: LogId


@dataclass(frozen=True, slots=True)
class SetTopic:
    """Say what a room is about."""

    log: LogId
    topic: str


@dataclass(frozen=True, slots=True)
class Invite:
    """Let somebody join a room."""

    log: LogId
    nick: str


@dataclass(frozen=True, slots=True)
class Moderate:
    """Kick, ban, mute, make an operator: in a room, or on the whole server without a `log`."""

    log: LogId | None
    action: Action
    nick: str
    seconds: int = 0
    """For good, if 0."""
    reason: str = ""
    network: bool = False
    """Ban the addresses that the account is connected from as well."""
    force: bool = False
    """Even if they are the user's own, or others' too."""


@dataclass(frozen=True, slots=True)
class SetSlowMode:
    """Let members wait between two messages."""

    log: LogId
    seconds: int


@dataclass(frozen=True, slots=True)
class MakeInvitation:
    """Make a link for others, into a room or, without a `log`, to the server.

    The outcome is an `Invitation`.
    """

    log: LogId | None
    uses: int
    seconds: int


@dataclass(frozen=True, slots=True)
class MakeDeviceCode:
    """Get a code for another device. The outcome is a `DeviceCode`."""


@dataclass(frozen=True, slots=True)
class ListDevices:
    """The outcome is a tuple of `Device`."""


@dataclass(frozen=True, slots=True)
class RevokeDevice:
    """Take a key away from the account."""

    fingerprint: str
    """Of the key; as much of its beginning as no other one has."""


@dataclass(frozen=True, slots=True)
class Rename:
    """Take another nickname. The outcome is a `chat.client.core.requests.Renaming`."""

    nick: str


@dataclass(frozen=True, slots=True)
class ListRooms:
    """The outcome is a tuple of `PublicRoom`."""


@dataclass(frozen=True, slots=True)
class ListMembers:
    """The outcome is a tuple of `Member`, which the room keeps from then on."""

    log: LogId


@dataclass(frozen=True, slots=True)
class PageBack:
    """Fetch what was said before what the room's timeline shows. The outcome is a `Page`."""

    log: LogId
    limit: int = HISTORY_PAGE
    """Records, 1 to `chat.limits.HISTORY_PAGE`."""


@dataclass(frozen=True, slots=True)
class PageForward:
    """Fetch what was said after what the room's timeline shows, until it shows the end.

    The outcome is a `Page`.
    """

    log: LogId
    limit: int = HISTORY_PAGE
    """Records, 1 to `chat.limits.HISTORY_PAGE`."""


@dataclass(frozen=True, slots=True)
class Jump:
    """Let a room's timeline show what is around a place: the number of a record, or a time.

    The outcome is a `Jumped`. `Core.show_end` comes back.
    """

    log: LogId
    seq: int | None = None
    time: int | None = None
    """Milliseconds of UTC since 1970; of no meaning where there is a number."""


@dataclass(frozen=True, slots=True)
class Search:
    """Find messages in all logs. The outcome is a `Found`."""

    words: str


Command = (
    Send
    | SendPrivate
    | Edit
    | Delete
    | React
    | Join
    | Create
    | OpenPrivate
    | KnowAgain
    | ListRequests
    | AnswerRequest
    | Block
    | Unblock
    | ListBlocked
    | SetContact
    | Leave
    | SetTopic
    | Invite
    | Moderate
    | SetSlowMode
    | MakeInvitation
    | MakeDeviceCode
    | ListDevices
    | RevokeDevice
    | Rename
    | ListRooms
    | ListMembers
    | PageBack
    | PageForward
    | Jump
    | Search
)
