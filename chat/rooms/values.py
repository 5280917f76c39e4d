"""What is known of accounts, rooms and who may what: a value under each key, and nothing else.

Everything else that `chat.rooms` knows follows from these. A key says what kind of value it has.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, NewType, TypeVar

from chat.ids import NOBODY, AccountId, DeviceKey, LogId
from chat.rooms.addresses import AddressGroup
from chat.rooms.roles import Role, Sanction

__all__ = [
    "SERVER",
    "AccountKey",
    "AnyKey",
    "AnyValue",
    "BanKey",
    "Device",
    "DeviceOf",
    "Invitation",
    "InvitationKey",
    "InvitedBy",
    "InvitedKey",
    "Key",
    "Kind",
    "LinkCode",
    "LinkCodeKey",
    "Membership",
    "MembershipKey",
    "MuteKey",
    "NetworkKey",
    "Profile",
    "RoleKey",
    "RoomKey",
    "RoomProfile",
    "Scope",
    "TokenHash",
]

V = TypeVar("V")

TokenHash = NewType("TokenHash", bytes)
"""What is kept of an invitation's token, or of a code."""

Scope = LogId
"""Where a role or a sanction holds: in a room, or on the whole `SERVER`."""

SERVER: Final = Scope(LogId(bytes(16)))
"""No log's: those are random."""


class Key(Generic[V]):
    """What a value of the type V is found by."""

    __slots__ = ()


class Kind(Enum):
    """Who may join a room."""

    PUBLIC = "public"
    INVITE = "invite"
    PRIVATE = "private"
    """Nobody: a conversation of two, or of one with itself."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account says of itself."""

    nick: str


@dataclass(frozen=True, slots=True)
class AccountKey(Key[Profile]):
    """Of an account."""

    account: AccountId


@dataclass(frozen=True, slots=True)
class Device:
    """A key that shows that a connection is its account's."""

    account: AccountId
    added: int
    """Milliseconds of UTC."""


@dataclass(frozen=True, slots=True)
class DeviceOf(Key[Device]):
    """Of a device."""

    key: DeviceKey


@dataclass(frozen=True, slots=True)
class RoomProfile:
    """What a room, or a private conversation, is."""

    kind: Kind
    name: str
    """Empty for a private conversation."""
    owner: AccountId
    """The account that made it."""
    other: AccountId = NOBODY
    """With whom `owner` has a private conversation."""
    topic: str = ""
    slow: int = 0
    """Seconds between two posts of somebody who is no operator."""


@dataclass(frozen=True, slots=True)
class RoomKey(Key[RoomProfile]):
    """Of a room."""

    log: LogId


@dataclass(frozen=True, slots=True)
class Membership:
    """That an account is a member of a log."""


@dataclass(frozen=True, slots=True)
class MembershipKey(Key[Membership]):
    """Of a membership."""

    log: LogId
    account: AccountId


@dataclass(frozen=True, slots=True)
class InvitedBy:
    """That an account may join a room that is not public."""

    by: AccountId


@dataclass(frozen=True, slots=True)
class InvitedKey(Key[InvitedBy]):
    """Of who is invited."""

    log: LogId
    account: AccountId


@dataclass(frozen=True, slots=True)
class RoleKey(Key[Role]):
    """Of a role above a member's; a room's owner needs none."""

    scope: Scope
    account: AccountId


@dataclass(frozen=True, slots=True)
class BanKey(Key[Sanction]):
    """Of a ban."""

    scope: Scope
    account: AccountId


@dataclass(frozen=True, slots=True)
class MuteKey(Key[Sanction]):
    """Of the loss of one's voice."""

    scope: Scope
    account: AccountId


@dataclass(frozen=True, slots=True)
class NetworkKey(Key[Sanction]):
    """Of a group of addresses that is kept out."""

    group: AddressGroup


@dataclass(frozen=True, slots=True)
class Invitation:
    """Lets whoever has its token in."""

    log: LogId
    """Of the room that one may join with it; empty for none."""
    by: AccountId
    """The account that made it."""
    uses: int
    until: int
    """Milliseconds of UTC."""

    def is_good(self, now: int) -> bool:
        """Tell whether it is worth something."""
        return self.uses > 0 and now < self.until


@dataclass(frozen=True, slots=True)
class InvitationKey(Key[Invitation]):
    """Of an invitation."""

    hash: TokenHash


@dataclass(frozen=True, slots=True)
class LinkCode:
    """Lets another device in, once."""

    hash: TokenHash
    until: int
    """Milliseconds of UTC."""
    tries: int = 0
    """Wrong ones so far."""


@dataclass(frozen=True, slots=True)
class LinkCodeKey(Key[LinkCode]):
    """Of the one code that an account can have."""

    account: AccountId


AnyKey = (
    AccountKey
    | DeviceOf
    | RoomKey
    | MembershipKey
    | InvitedKey
    | RoleKey
    | BanKey
    | MuteKey
    | NetworkKey
    | InvitationKey
    | LinkCodeKey
)
AnyValue = (
    Profile
    | Device
    | RoomProfile
    | Membership
    | InvitedBy
    | Role
    | Sanction
    | Invitation
    | LinkCode
)
