"""Who may what: roles and sanctions, in a room and on the whole server.

Both have a `Standing`. An operator of the server is one in every shared room; an owner of the
server ranks above the owner of a room there. Nobody can do anything to somebody of an equal or
higher role.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum

from chat.ids import AccountId
from chat.rooms.errors import NotAllowedError

__all__ = ["Action", "Role", "Sanction", "Standing", "check_above", "reason", "until"]


class Role(IntEnum):
    """What somebody may do, in ascending order."""

    MEMBER = 0
    OPERATOR = 1
    OWNER = 2
    HOST = 3
    """In a room: an owner of the server."""


class Action(Enum):
    """What one can do to somebody else."""

    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    MUTE = "mute"
    UNMUTE = "unmute"
    OP = "op"
    DEOP = "deop"

    @property
    def needed(self) -> Role:
        """The least role that may do it."""
        return Role.OWNER if self in (Action.OP, Action.DEOP) else Role.OPERATOR


@dataclass(frozen=True, slots=True)
class Sanction:
    """A ban, or the loss of one's voice."""

    until: int = 0
    """Milliseconds of UTC; 0 for good."""
    reason: str = ""

    def holds(self, now: int) -> bool:
        """Tell whether it is still in force."""
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
        """Return what silences an account, if anything does."""
        return _in_force(self.muted, account, now)

    def ban(self, account: AccountId, now: int) -> Sanction | None:
        """Return what keeps an account out, if anything does."""
        return _in_force(self.banned, account, now)


def check_above(action: Action, actor: Role, target: Role) -> None:
    """Raise NotAllowedError unless somebody with one role may do it to somebody with the other."""
    if actor < action.needed or actor <= target:
        raise NotAllowedError


def until(sanction: Sanction) -> str:
    """Return how long a sanction lasts, for a sentence."""
    if not sanction.until:
        return "for good"
    moment = datetime.fromtimestamp(sanction.until / 1_000, UTC)
    return f"until {moment:%Y-%m-%d %H:%M} UTC"


def reason(sanction: Sanction) -> str:
    """Return why somebody has it, for the end of a sentence."""
    return f": {sanction.reason}." if sanction.reason else "."


def _in_force(
    sanctions: dict[AccountId, Sanction], account: AccountId, now: int
) -> Sanction | None:
    sanction = sanctions.get(account)
    return sanction if sanction is not None and sanction.holds(now) else None
