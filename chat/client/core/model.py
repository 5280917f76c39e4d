"""The values of the client's model. All are frozen; a newer state is a new value."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

from chat.content import Content
from chat.ids import AccountId, DeviceKey, LogId, RecordId
from chat.rooms.roles import Role

__all__ = [
    "Account",
    "Author",
    "Connection",
    "ContactRequest",
    "Device",
    "DeviceCode",
    "End",
    "Handle",
    "Invitation",
    "Member",
    "Message",
    "MessageState",
    "Phase",
    "PublicRoom",
    "Reaction",
    "Refusal",
    "Reply",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done."""

    code: str
    """Of docs/protocol.md 6.5, or one of the core's own; for programs."""
    text: str
    """A sentence for the user. From the server, so it has to be made visible."""


# --- The connection ---


class Phase(Enum):
    """How far the client is on its way to a server."""

    IDLE = auto()
    """Not started, or nobody has chosen a nickname."""
    CONNECTING = auto()
    """On the way to a login: connecting, exchanging keys, logging in."""
    ASKING_TRUST = auto()
    """The host key is new and the user has to decide. There is no connection meanwhile."""
    LOGIN_REFUSED = auto()
    """The first login was refused; another nickname may be tried."""
    SYNCING = auto()
    """Logged in; the rooms are being opened."""
    ONLINE = auto()
    WAITING = auto()
    """The connection was lost; `Connection.retry_at` says when the next attempt is."""
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Connection:
    """The state of the connection to the server."""

    phase: Phase = Phase.IDLE
    reason: str = ""
    """Why there is no connection: a sentence, empty where there is nothing to explain."""
    retry_at: float | None = None
    """When the next attempt is made, in seconds of the clock that `Core.tick` is given."""


class End(Enum):
    """Why the core has stopped for good."""

    CLOSED = auto()
    """The user closed it."""
    REFUSED = auto()
    """The login was refused."""
    CONNECTION = auto()
    """No connection, or one that was lost for good."""
    HOST_KEY = auto()
    """The host key is not trusted."""


# --- People ---


@dataclass(frozen=True, slots=True)
class Account:
    """Who the user is on this server."""

    account: AccountId
    nick: str


@dataclass(frozen=True, slots=True)
class Author:
    """Who did something, by the name they had then."""

    account: AccountId
    nick: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a room."""

    account: AccountId
    nick: str
    is_here: bool
    """Whether they are connected."""
    role: Role
    """In this room."""


@dataclass(frozen=True, slots=True)
class Device:
    """A key of the user's account."""

    key: DeviceKey
    fingerprint: str
    added: int
    """Milliseconds of UTC since 1970."""
    is_here: bool
    """Whether it is connected."""
    is_this: bool


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What another device logs in with, as the same account."""

    code: str
    seconds: int
    """For how long."""
    link: str
    """The server's address, with the fingerprint of its host key."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """The link that lets whoever has it join a room, or the server."""

    link: str


@dataclass(frozen=True, slots=True)
class PublicRoom:
    """A line of the list of public rooms."""

    name: str
    member_count: int
    topic: str


@dataclass(frozen=True, slots=True)
class ContactRequest:
    """Somebody asks for a private conversation. What they said shows once it is accepted."""

    log: LogId
    account: AccountId
    nick: str


# --- Messages ---


@dataclass(frozen=True, slots=True)
class Handle:
    """Names a message, wherever it came from: to edit it, reply to it, react to it."""

    log: LogId
    record: RecordId
    """Stays the same from typing to storing. Empty where only the number is known."""
    seq: int
    """Its number in the log; 0 while it is not stored."""


class MessageState(Enum):
    """What became of a message of one's own. Those of others are stored."""

    WAITING = auto()
    """Not acknowledged yet; it is sent, and sent again on the next connection."""
    STORED = auto()
    REFUSED = auto()
    """`Message.refusal` says why. It stays until it is discarded."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The message that another one answers, as far as it is known here."""

    seq: int
    author: Author | None = None
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """One account's reaction to a message."""

    author: Author
    sign: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it reads now: edits applied, reactions gathered, the reply resolved."""

    handle: Handle
    author: Author
    time: int
    """Milliseconds of UTC since 1970; 0 while it waits."""
    content: Content
    """Empty where it was deleted."""
    is_own: bool
    reply: Reply | None = None
    is_edited: bool = False
    is_deleted: bool = False
    reactions: tuple[Reaction, ...] = ()
    """The latest of each account, in their order."""
    state: MessageState = MessageState.STORED
    refusal: Refusal | None = field(default=None)

    @property
    def text(self) -> str:
        """The text alone."""
        return self.content.text

    @property
    def reaction_counts(self) -> dict[str, int]:
        """How many accounts reacted with each sign."""
        return dict(Counter(reaction.sign for reaction in self.reactions))
