"""One log's membership: who is in it, who may come, who may do what."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from enum import Enum

from chat.limits import MEMBERS_PAGE, TOPIC_CHARACTERS
from chat.rooms.errors import (
    BannedError,
    NotAllowedError,
    NotAMemberError,
    NotInvitedError,
    TextTooLongError,
)
from chat.rooms.names import name_key
from chat.rooms.people import Account
from chat.rooms.roles import Standing, reason, until

__all__ = ["Kind", "Room"]


class Kind(Enum):
    """Who may join."""

    PUBLIC = "public"
    INVITE = "invite"
    PRIVATE = "private"
    """Nobody: a conversation of two, or of one with itself."""


@dataclass(slots=True, eq=False)
class Room:
    """A log and its members: a room, or a private conversation."""

    log: bytes
    kind: Kind
    name: str
    owner: bytes
    """The account that made it."""
    topic: str = ""
    slow: int = 0
    """Seconds between two posts of one who is no operator."""
    invited: set[bytes] = field(default_factory=set)
    standing: Standing = field(default_factory=Standing)
    members: dict[bytes, Account] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)
    """Of the members' nicknames, sorted, so that a page of a large room costs no more than one of a
    small room."""

    def name_for(self, account: Account) -> str:
        """Return what the room is called by this member."""
        if self.kind is not Kind.PRIVATE:
            return self.name
        others = [member for member in self.members.values() if member is not account]
        return others[0].nick if others else account.nick

    def __post_init__(self) -> None:
        """Whoever made it may do everything in it."""
        self.standing.owners.add(self.owner)

    def check_may_join(self, account: Account, now: int) -> None:
        """Raise BannedError or NotInvitedError if this account may not become a member."""
        banned = self.standing.ban(account.id, now)
        if banned is not None:
            raise BannedError(self.name, until(banned), reason(banned))
        if self.kind is not Kind.PUBLIC and account.id not in (self.owner, *self.invited):
            raise NotInvitedError

    def invite(self, account: Account) -> None:
        """Let an account join, unless it is banned or in already."""
        if account.id not in self.members and account.id not in self.standing.banned:
            self.invited.add(account.id)
            account.invitations.add(self.log)

    def uninvite(self, account: Account) -> None:
        """Let an account join no more, where one has to be invited."""
        self.invited.discard(account.id)
        account.invitations.discard(self.log)

    def add(self, account: Account) -> None:
        """Make an account a member."""
        self.members[account.id] = account
        account.logs.add(self.log)
        self.uninvite(account)
        insort(self._keys, name_key(account.nick))

    def remove(self, account: Account) -> None:
        """Make a member one no longer."""
        del self.members[account.id]
        account.logs.discard(self.log)
        self.forget_nick(account.nick)

    def forget_nick(self, nick: str) -> None:
        """No longer list this nickname: it is about to change."""
        del self._keys[bisect_left(self._keys, name_key(nick))]

    def list_nick(self, nick: str) -> None:
        """List this nickname of a member."""
        insort(self._keys, name_key(nick))

    def check_member(self, account: Account) -> None:
        """Raise NotAMemberError if this account is none."""
        if account.id not in self.members:
            raise NotAMemberError

    def check_shared(self) -> None:
        """Raise NotAllowedError for a private conversation."""
        if self.kind is Kind.PRIVATE:
            raise NotAllowedError

    def check_topic(self, topic: str) -> None:
        """Raise TextTooLongError."""
        if len(topic) > TOPIC_CHARACTERS:
            raise TextTooLongError(TOPIC_CHARACTERS, "characters")

    def keys_after(self, nick: str | None) -> tuple[list[str], bool]:
        """Return keys of nicknames, sorted, from behind `nick`, and whether more follow."""
        start = 0 if nick is None else bisect_right(self._keys, name_key(nick))
        end = start + MEMBERS_PAGE
        return self._keys[start:end], len(self._keys) > end
