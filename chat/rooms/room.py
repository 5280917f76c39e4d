"""One log: members, invitations, and rights. Only `Hub.put` changes it."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

from chat.ids import AccountId, LogId
from chat.limits import MEMBERS_PAGE
from chat.rooms.errors import (
    BannedError,
    NotAllowedError,
    NotAMemberError,
)
from chat.rooms.people import Account
from chat.rooms.roles import Role, Standing, reason, until
from chat.rooms.texts import quote
from chat.rooms.values import InvitedBy, Kind, Requested, RoomProfile

__all__ = ["Room"]


@dataclass(slots=True, eq=False)
class Room:
    """A log and its members: a room, or a private conversation."""

    log: LogId
    profile: RoomProfile
    invited: dict[AccountId, InvitedBy] = field(default_factory=dict)
    requested: dict[AccountId, Requested] = field(default_factory=dict)
    """Private conversations only: the accounts that were asked to become members."""
    standing: Standing = field(default_factory=Standing)
    members: dict[AccountId, Account] = field(default_factory=dict)
    _sorted: list[AccountId] = field(default_factory=list)
    """The members, sorted, so that a page of a large room costs no more than one of a small room.
    Not by nickname: then a rename would cost more the more rooms an account is in."""

    # --- Looking ---

    @property
    def kind(self) -> Kind:
        """Who may join."""
        return self.profile.kind

    @property
    def name(self) -> str:
        """The room's name; empty for a private conversation."""
        return self.profile.name

    @property
    def described(self) -> str:
        """How a sentence names a room: the name is quoted, since its owner chose it."""
        return f"the room {quote(self.name)}"

    @property
    def owner(self) -> AccountId:
        """The account that created it."""
        return self.profile.owner

    @property
    def topic(self) -> str:
        """The topic; empty if there is none."""
        return self.profile.topic

    @property
    def slow(self) -> int:
        """Seconds between two posts by a member who is not an operator; 0 for no slow mode."""
        return self.profile.slow

    def other(self, account: AccountId) -> AccountId:
        """Return the other account of a private conversation; the same one if there is no other."""
        profile = self.profile
        return profile.other if account == profile.owner else profile.owner

    def role(self, account: AccountId) -> Role:
        """Return an account's role in this room, leaving its role on the server aside."""
        return Role.OWNER if account == self.owner else self.standing.role(account)

    @property
    def is_deserted(self) -> bool:
        """Whether this is a private conversation whose other account has left and was not asked to
        come back."""
        if self.kind is not Kind.PRIVATE or len(self.members) > 1 or self.requested:
            return False
        return self.owner != self.profile.other

    @property
    def is_unused(self) -> bool:
        """Whether it has no members, no invitations or requests, no roles and no sanctions."""
        is_empty = not (self.members or self.invited or self.requested)
        return is_empty and self.standing == Standing()

    def members_after(self, account: Account | None) -> tuple[list[Account], bool]:
        """Return members after `account`, ordered by id, and whether more follow."""
        start = 0 if account is None else bisect_right(self._sorted, account.id)
        end = start + MEMBERS_PAGE
        return [self.members[it] for it in self._sorted[start:end]], len(self._sorted) > end

    # --- Checks ---

    def check_member(self, account: Account) -> None:
        """Raise NotAMemberError if this account is not a member."""
        if account.id not in self.members:
            raise NotAMemberError

    def check_shared(self) -> None:
        """Raise NotAllowedError if this is a private conversation."""
        if self.kind is Kind.PRIVATE:
            raise NotAllowedError

    def check_not_banned(self, account: Account, now: int) -> None:
        """Raise BannedError if this account is banned from the room."""
        banned = self.standing.ban(account.id, now)
        if banned is not None:
            raise BannedError(self.described, until(banned), reason(banned))

    def is_known_to(self, account: AccountId, is_invited: bool, now: int) -> bool:
        """Return whether an account may know that the room exists: it is public, or the account is
        a member, could be one, or would be one but for a ban."""
        if self.kind is Kind.PUBLIC or account in self.members or is_invited:
            return True
        return self.role(account) >= Role.OPERATOR or self.standing.ban(account, now) is not None

    # --- Changing: see `Hub.put` ---

    def add(self, account: Account) -> None:
        """Make an account a member."""
        self.members[account.id] = account
        insort(self._sorted, account.id)
        account.logs.add(self.log)
        insort(account.sorted_logs, self.log)

    def remove(self, account: Account) -> None:
        """End an account's membership."""
        del self.members[account.id]
        del self._sorted[bisect_left(self._sorted, account.id)]
        account.logs.discard(self.log)
        del account.sorted_logs[bisect_left(account.sorted_logs, self.log)]

    def invite(self, account: Account, invited: InvitedBy | None) -> None:
        """Add or (None) remove an account's invitation."""
        if invited is None:
            del self.invited[account.id]
            account.invitations.discard(self.log)
        else:
            self.invited[account.id] = invited
            account.invitations.add(self.log)

    def request(self, account: Account, requested: Requested | None) -> None:
        """Ask an account to become a member, note that it declined, or (None) forget that."""
        if requested is None:
            del self.requested[account.id]
        else:
            self.requested[account.id] = requested
        if requested is None or requested.is_declined:
            account.requests.discard(self.log)
        else:
            account.requests.add(self.log)
