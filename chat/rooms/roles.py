"""Rights: roles and sanctions, in a room and on the whole server.

Rooms and the server each have a `Standing`. An operator of the server is an operator in every
shared room; an owner of the server ranks above the owner of a room. Nobody can act on an account
with an equal or higher role.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import Final

from chat.ids import AccountId
from chat.rooms.errors import NotAllowedError
from chat.rooms.texts import quote

__all__ = [
    "Action",
    "Role",
    "Sanction",
    "Standing",
    "check_above",
    "reason",
    "role_called",
    "until",
]


class Role(IntEnum):
    """An account's role, in ascending order."""

    MEMBER = 0
    OPERATOR = 1
    OWNER = 2
    HOST = 3
    """In a room only: an owner of the server."""

    @property
    def word(self) -> str:
        """What the protocol calls it."""
        return self.name.lower()


_CALLED: Final = {role.word: role for role in Role}


class Action(Enum):
    """An action on another account."""

    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    MUTE = "mute"
    UNMUTE = "unmute"
    OP = "op"
    DEOP = "deop"

    @property
    def needed(self) -> Role:
        """The lowest role that may do it."""
        return Role.OWNER if self in (Action.OP, Action.DEOP) else Role.OPERATOR


@dataclass(frozen=True, slots=True)
class Sanction:
    """A ban or a mute."""

    until: int = 0
    """When it ends, in milliseconds since 1970 UTC; 0 means never."""
    reason: str = ""
    by: str = ""
    """The nickname at the time of the account that gave the reason."""

    def holds(self, now: int) -> bool:
        """Return whether it is in force at `now`, in milliseconds since 1970 UTC."""
        return not self.until or now < self.until


@dataclass(slots=True)
class Standing:
    """Roles and sanctions of accounts, expired ones included."""

    roles: dict[AccountId, Role] = field(default_factory=dict)
    muted: dict[AccountId, Sanction] = field(default_factory=dict)
    banned: dict[AccountId, Sanction] = field(default_factory=dict)

    def role(self, account: AccountId) -> Role:
        """Return an account's role."""
        return self.roles.get(account, Role.MEMBER)

    def mute(self, account: AccountId, now: int) -> Sanction | None:
        """Return the mute in force for an account, if any."""
        return _in_force(self.muted, account, now)

    def ban(self, account: AccountId, now: int) -> Sanction | None:
        """Return the ban in force for an account, if any."""
        return _in_force(self.banned, account, now)


def role_called(word: str) -> Role:
    """Return the role that the protocol calls so; `MEMBER` for a word that it does not know."""
    return _CALLED.get(word, Role.MEMBER)


def check_above(action: Action, actor: Role, target: Role) -> None:
    """Raise NotAllowedError unless `actor` may do it to `target`."""
    if actor < action.needed or actor <= target:
        raise NotAllowedError


def until(sanction: Sanction) -> str:
    """Return how long a sanction lasts, as part of a sentence."""
    if not sanction.until:
        return "permanently"
    moment = datetime.fromtimestamp(sanction.until / 1_000, UTC)
    return f"until {moment:%Y-%m-%d %H:%M} UTC"


def reason(sanction: Sanction) -> str:
    """Return the end of a sentence about a sanction: a full stop and, if there is a reason, the
    reason as a quotation with its author."""
    if not sanction.reason:
        return "."
    wrote = f"{sanction.by} wrote" if sanction.by else "The reason given was"
    return f". {wrote}: {quote(sanction.reason)}"


def _in_force(
    sanctions: dict[AccountId, Sanction], account: AccountId, now: int
) -> Sanction | None:
    sanction = sanctions.get(account)
    return sanction if sanction is not None and sanction.holds(now) else None
