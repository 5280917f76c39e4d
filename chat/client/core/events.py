"""What the core tells a face. `Core` calls its listener with one after the other.

When an event is handed on, the model has it already; it may even be further, as far as everything
goes that came in one piece with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from chat.client.core.address import Address
from chat.client.core.model import (
    Account,
    Author,
    Connection,
    ContactRequest,
    End,
    Message,
    Refusal,
)
from chat.client.core.rooms import Room
from chat.content import Content
from chat.rooms.roles import Role

__all__ = [
    "Arrival",
    "Closing",
    "ConnectionChanged",
    "Ended",
    "Ending",
    "Event",
    "Found",
    "HostKeyPinned",
    "Invited",
    "Jumped",
    "LatencyMeasured",
    "LoggedIn",
    "LoginRefused",
    "MemberArrived",
    "MemberLeft",
    "MemberRanked",
    "MemberRenamed",
    "MessageArrived",
    "MessageChanged",
    "MessageDeleted",
    "MessageEdited",
    "MessageReacted",
    "Noticed",
    "Page",
    "PageItem",
    "ReadMarkerMoved",
    "Ready",
    "RequestArrived",
    "RequestsWait",
    "RoomClosed",
    "RoomOpened",
    "RoomsListed",
    "TopicChanged",
    "TrustAsked",
    "TypingChanged",
    "UnsentChanged",
    "WindowMoved",
]


# --- The connection ---


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """The state of the connection changed."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class LatencyMeasured:
    """`Core.latency` is known, or newer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class UnsentChanged:
    """`Core.unsent` changed: how much of what was said here the server has not stored yet."""

    count: int


@dataclass(frozen=True, slots=True)
class TrustAsked:
    """The host key is new, and the user has to compare it. `Core.answer_trust` goes on."""

    address: Address
    fingerprint: str
    words: Sequence[str]
    """The same, to be read aloud."""


@dataclass(frozen=True, slots=True)
class HostKeyPinned:
    """The host key is remembered from now on."""

    address: Address
    fingerprint: str
    is_successor: bool
    """Whether the one before has signed it: the server's operator changed it."""


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """Nobody is logged in yet. `Core.log_in_as` tries another nickname, `Core.close` gives up."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The server knows the user."""

    account: Account
    asked: str
    """The nickname that was asked for. The account of one's key may have another."""


@dataclass(frozen=True, slots=True)
class RoomsListed:
    """The first login of this core is followed by these rooms; they are being opened."""

    rooms: Sequence[str]
    """Names, without private conversations, in order."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Every room is open: one can talk."""

    is_first: bool
    """False after a connection that was lost."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The core stops. The connection is still being closed."""

    end: End
    sentences: Sequence[str]
    """Why, for the user; none where the user closed it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing is left to wait for."""


# --- Rooms ---


class Arrival(Enum):
    """How one came to a room."""

    JOINED = auto()
    """Just now: new to it, or to what was said in it."""
    BACK = auto()
    """A member who was away. What was missed follows."""
    ELSEWHERE = auto()
    """On another device, or because somebody opened a conversation. What is new follows."""


@dataclass(frozen=True, slots=True)
class RoomOpened:
    """A room is there that was not, as far as this core knows."""

    room: Room
    arrival: Arrival


class Closing(Enum):
    """How one lost a room."""

    LEFT = auto()
    REMOVED = auto()
    """Put out, or left on another device, just now."""
    LOST = auto()
    """The same, while there was no connection."""
    UNREADABLE = auto()
    """The server could not open it."""


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """A room is there no more. If it could not be opened at all, it never was."""

    room: Room
    closing: Closing
    text: str = ""
    """The server's sentence, where it said one."""


@dataclass(frozen=True, slots=True)
class ReadMarkerMoved:
    """`Room.unread` or `Room.mentions` changed because the user read something, here or on another
    device."""

    room: Room


@dataclass(frozen=True, slots=True)
class WindowMoved:
    """The room's timeline shows another stretch of the log: what it shows has to be read anew.

    Not told of where messages are added at either end, or dropped at the other.
    """

    room: Room


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """`Room.typing` changed: others began or stopped writing."""

    room: Room


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody may join a room; told once, however often the server repeats it."""

    room: str
    by: str
    """A nickname; empty where it was the server's operator."""


@dataclass(frozen=True, slots=True)
class RequestArrived:
    """Somebody asks for a private conversation; told once, until it is answered."""

    request: ContactRequest
    is_other: bool = False
    """Whether the user has talked to another account by that nickname."""


@dataclass(frozen=True, slots=True)
class RequestsWait:
    """So many requests for private conversations waited for the first login of this core."""

    count: int


@dataclass(frozen=True, slots=True)
class Noticed:
    """The server says something to the user."""

    text: str


# --- In a room ---


@dataclass(frozen=True, slots=True)
class _InRoom:
    room: Room
    seq: int
    """The number of the record; 0 for what the log does not keep."""
    author: Author
    """Who did it."""


@dataclass(frozen=True, slots=True)
class MessageArrived(_InRoom):
    """A new message, of somebody else or from another device."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A message that was sent here waits, is stored, or was refused."""

    room: Room
    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited(_InRoom):
    """Somebody changed a message."""

    target: int
    content: Content
    """What this edit makes of it."""
    before: Message | None
    """None where the message is not known here."""


@dataclass(frozen=True, slots=True)
class MessageDeleted(_InRoom):
    """Somebody deleted a message, or an edit of it."""

    target: int
    before: Message | None


@dataclass(frozen=True, slots=True)
class MessageReacted(_InRoom):
    """Somebody reacted to a message; took the reaction back if the sign is empty."""

    target: int
    sign: str
    message: Message | None


@dataclass(frozen=True, slots=True)
class TopicChanged(_InRoom):
    """Somebody said what the room is about."""

    topic: str


@dataclass(frozen=True, slots=True)
class MemberArrived(_InRoom):
    """Somebody became a member or connected."""


@dataclass(frozen=True, slots=True)
class MemberLeft(_InRoom):
    """Somebody left or disconnected."""


@dataclass(frozen=True, slots=True)
class MemberRanked(_InRoom):
    """Somebody has another role in the room."""

    role: Role


@dataclass(frozen=True, slots=True)
class MemberRenamed(_InRoom):
    """Somebody has another nickname; `author` has the new one."""

    was: str


# --- Outcomes that have records in them ---

PageItem = Message | MessageEdited | TopicChanged
"""What a page of older records shows. Edits stand for messages that are not in the page."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of older records, ascending: each message once, as it reads now."""

    room: Room
    items: Sequence[PageItem]
    count: int
    """Records of the page, those included that only changed others."""


@dataclass(frozen=True, slots=True)
class Jumped:
    """A room's timeline shows a place of its log."""

    room: Room
    seq: int | None
    """The first message that is not before that place; None where there is none."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, the latest first."""

    items: Sequence[tuple[Room, PageItem]]
    more: bool
    """Whether others were left out."""


Event = (
    ConnectionChanged
    | LatencyMeasured
    | UnsentChanged
    | TrustAsked
    | HostKeyPinned
    | LoginRefused
    | LoggedIn
    | RoomsListed
    | Ready
    | Ending
    | Ended
    | RoomOpened
    | RoomClosed
    | ReadMarkerMoved
    | WindowMoved
    | TypingChanged
    | Invited
    | RequestArrived
    | RequestsWait
    | Noticed
    | MessageArrived
    | MessageChanged
    | MessageEdited
    | MessageDeleted
    | MessageReacted
    | TopicChanged
    | MemberArrived
    | MemberLeft
    | MemberRanked
    | MemberRenamed
)
