"""Who may what: roles and sanctions, in a room and on the whole server.

Both have a `Standing` of their own. An operator of the server is one in every room that is shared,
and its owner an owner. Nobody can do anything to somebody whose role is not below their own.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import assert_never

from chat.rooms.errors import NotAllowedError

__all__ = ["Action", "Role", "Sanction", "Standing", "check_above", "reason", "until"]


class Role(IntEnum):
    """What somebody may do, in ascending order."""

    MEMBER = 0
    OPERATOR = 1
    OWNER = 2


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
    """Roles and sanctions of accounts, by their ids."""

    owners: set[bytes] = field(default_factory=set)
    operators: set[bytes] = field(default_factory=set)
    muted: dict[bytes, Sanction] = field(default_factory=dict)
    banned: dict[bytes, Sanction] = field(default_factory=dict)

    def role(self, account: bytes) -> Role:
        """Return an account's role."""
        if account in self.owners:
            return Role.OWNER
        return Role.OPERATOR if account in self.operators else Role.MEMBER

    def mute(self, account: bytes, now: int) -> Sanction | None:
        """Return what silences an account, if anything does."""
        return _in_force(self.muted, account, now)

    def ban(self, account: bytes, now: int) -> Sanction | None:
        """Return what keeps an account out, if anything does."""
        return _in_force(self.banned, account, now)

    def apply(self, action: Action, account: bytes, sanction: Sanction) -> None:
        """Note what was done to an account; to be kicked leaves no trace here."""
        match action:
            case Action.BAN:
                self.banned[account] = sanction
                self.operators.discard(account)
            case Action.UNBAN:
                self.banned.pop(account, None)
            case Action.MUTE:
                self.muted[account] = sanction
            case Action.UNMUTE:
                self.muted.pop(account, None)
            case Action.OP:
                self.operators.add(account)
            case Action.DEOP:
                self.operators.discard(account)
            case Action.KICK:
                pass
            case _:
                assert_never(action)

    def copy(self) -> "Standing":
        """Return the same, to go back to."""
        return Standing(set(self.owners), set(self.operators), dict(self.muted), dict(self.banned))


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


def _in_force(sanctions: dict[bytes, Sanction], account: bytes, now: int) -> Sanction | None:
    sanction = sanctions.get(account)
    if sanction is not None and not sanction.holds(now):
        del sanctions[account]
        return None
    return sanction
