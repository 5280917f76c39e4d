"""The stored state of accounts, rooms and rights: one value under each key, and nothing else.

Everything else that `chat.rooms` knows follows from these. A key's type gives its value's type.
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
    "BlockKey",
    "Blocked",
    "Claim",
    "ClaimKey",
    "Contact",
    "ContactKey",
    "Device",
    "DeviceOf",
    "Granted",
    "GrantedKey",
    "Held",
    "HeldKey",
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
    "Moment",
    "MomentKey",
    "MuteKey",
    "NetworkKey",
    "Profile",
    "RequestKey",
    "Requested",
    "RoleKey",
    "RoomKey",
    "RoomProfile",
    "Scope",
    "TokenHash",
]

V = TypeVar("V")

TokenHash = NewType("TokenHash", bytes)
"""The hash of an invitation's token, or of a code."""

Scope = LogId
"""Where a role or a sanction applies: in a room, or on the whole `SERVER`."""

SERVER: Final = Scope(LogId(bytes(16)))
"""Never the id of a log: those are random."""


class Key(Generic[V]):
    """The key of a value of type V."""

    __slots__ = ()


class Kind(Enum):
    """Who may join a room."""

    PUBLIC = "public"
    INVITE = "invite"
    PRIVATE = "private"
    """Nobody: a conversation of two accounts, or of one with itself."""


@dataclass(frozen=True, slots=True)
class Profile:
    """An account's nickname."""

    nick: str


@dataclass(frozen=True, slots=True)
class AccountKey(Key[Profile]):
    """Key of an account."""

    account: AccountId


@dataclass(frozen=True, slots=True)
class Held:
    """A nickname that an account has given up. Until it expires, nobody else can have it."""

    account: AccountId
    nick: str
    until: int
    """Milliseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class HeldKey(Key[Held]):
    """Key of a given-up nickname: its `name_key`."""

    name: str


@dataclass(frozen=True, slots=True)
class Device:
    """The account that a device's key belongs to."""

    account: AccountId
    added: int
    """Milliseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class DeviceOf(Key[Device]):
    """Key of a device."""

    key: DeviceKey


@dataclass(frozen=True, slots=True)
class RoomProfile:
    """The properties of a room or a private conversation."""

    kind: Kind
    name: str
    """Empty for a private conversation."""
    owner: AccountId
    """The account that created it."""
    other: AccountId = NOBODY
    """The other account of a private conversation."""
    topic: str = ""
    slow: int = 0
    """Seconds between two posts by a member who is not an operator; 0 for no slow mode."""


@dataclass(frozen=True, slots=True)
class RoomKey(Key[RoomProfile]):
    """Key of a room."""

    log: LogId


@dataclass(frozen=True, slots=True)
class Membership:
    """The account is a member of the log."""


@dataclass(frozen=True, slots=True)
class MembershipKey(Key[Membership]):
    """Key of a membership."""

    log: LogId
    account: AccountId


@dataclass(frozen=True, slots=True)
class InvitedBy:
    """The account may join the room; `by` invited it."""

    by: AccountId


@dataclass(frozen=True, slots=True)
class InvitedKey(Key[InvitedBy]):
    """Key of an account's invitation to a room."""

    log: LogId
    account: AccountId


@dataclass(frozen=True, slots=True)
class Requested:
    """`by` wants to talk to the account, which is not a member of their conversation."""

    by: AccountId
    at: int
    """Milliseconds since 1970 UTC."""
    is_declined: bool = False
    """Whether the account has declined; then `by` cannot ask again."""


@dataclass(frozen=True, slots=True)
class RequestKey(Key[Requested]):
    """Key of a request to an account to become a member of a private conversation."""

    log: LogId
    account: AccountId


class Contact(Enum):
    """Who may send an account requests and invitations."""

    EVERYBODY = "everybody"
    MEMBERS = "members"
    """Accounts that share a room with it."""
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ContactKey(Key[Contact]):
    """Key of an account's choice; without an entry it is everybody."""

    account: AccountId


@dataclass(frozen=True, slots=True)
class Blocked:
    """One account has blocked another."""

    at: int
    """Milliseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class BlockKey(Key[Blocked]):
    """Key of a block: `account` has blocked `other`."""

    account: AccountId
    other: AccountId


@dataclass(frozen=True, slots=True)
class RoleKey(Key[Role]):
    """Key of a role above a member's. A room's owner has none: the profile names the owner."""

    scope: Scope
    account: AccountId


@dataclass(frozen=True, slots=True)
class BanKey(Key[Sanction]):
    """Key of a ban."""

    scope: Scope
    account: AccountId


@dataclass(frozen=True, slots=True)
class MuteKey(Key[Sanction]):
    """Key of a mute."""

    scope: Scope
    account: AccountId


@dataclass(frozen=True, slots=True)
class NetworkKey(Key[Sanction]):
    """Key of a ban of a group of addresses."""

    group: AddressGroup


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation for anybody who has its token."""

    log: LogId
    """The room it invites to; empty for none."""
    by: AccountId
    """The account that made it."""
    uses: int
    """Uses left."""
    until: int
    """Milliseconds since 1970 UTC."""

    def is_good(self, now: int) -> bool:
        """Return whether it is valid at `now`: neither used up nor expired."""
        return self.uses > 0 and now < self.until


@dataclass(frozen=True, slots=True)
class InvitationKey(Key[Invitation]):
    """Key of an invitation."""

    hash: TokenHash


@dataclass(frozen=True, slots=True)
class LinkCode:
    """A code that adds another device to an account, once."""

    hash: TokenHash
    until: int
    """Milliseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class LinkCodeKey(Key[LinkCode]):
    """Key of an account's code, of which it can have one."""

    account: AccountId


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to become an owner of the server, once, for the holder of its token."""

    hash: TokenHash
    until: int
    """Milliseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class ClaimKey(Key[Claim]):
    """Key of the claim; there is at most one."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The account that became an owner of the server with a key that the operator listed."""

    account: AccountId


@dataclass(frozen=True, slots=True)
class GrantedKey(Key[Granted]):
    """Key of the entry for such a key, which works once."""

    key: DeviceKey


@dataclass(frozen=True, slots=True)
class Moment:
    """The last time that the server saved."""

    time: int
    """Milliseconds since 1970 UTC."""
    boot: str
    """Which boot of the machine it was; empty if unknown."""
    uptime: float
    """Seconds since then."""


@dataclass(frozen=True, slots=True)
class MomentKey(Key[Moment]):
    """Key of the saved time."""


AnyKey = (
    AccountKey
    | HeldKey
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
    | ClaimKey
    | GrantedKey
    | MomentKey
    | RequestKey
    | ContactKey
    | BlockKey
)
AnyValue = (
    Profile
    | Held
    | Device
    | RoomProfile
    | Membership
    | InvitedBy
    | Role
    | Sanction
    | Invitation
    | LinkCode
    | Claim
    | Granted
    | Moment
    | Requested
    | Contact
    | Blocked
)
