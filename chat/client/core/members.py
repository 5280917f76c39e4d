"""Who is in a room, with presence and role: listed once, and kept up to date from then on."""

from dataclasses import replace

from chat.client.core.model import Member
from chat.ids import AccountId
from chat.rooms.roles import Role, role_called
from chat.wire.messages import JoinedBody, LeftBody, RenamedBody, RoleBody

__all__ = ["Change", "Members"]

Change = JoinedBody | LeftBody | RenamedBody | RoleBody
"""What the server tells of a member."""


class Members:
    """The members of a room, at most `most` of them."""

    def __init__(self, most: int) -> None:
        self.listed: dict[AccountId, Member] | None = None
        """None before they were asked for."""
        self._most = most
        self._meanwhile: list[Change] | None = None
        """What was told while they are being listed."""

    def begin(self) -> None:
        """They are being listed, in several answers."""
        self._meanwhile = []

    def list(self, members: list[Member]) -> None:
        """Keep the members that were listed, and what was told of them meanwhile."""
        changes, self._meanwhile = self._meanwhile or [], None
        self.listed = {member.account: member for member in members}
        for change in changes:
            self._apply(self.listed, change)

    def forget(self) -> None:
        """Know nothing: what happened is not told without a connection."""
        self.listed = self._meanwhile = None

    def note(self, change: Change) -> None:
        """Note what the server tells of a member."""
        if self._meanwhile is not None and len(self._meanwhile) < self._most:
            self._meanwhile.append(change)
        if self.listed is not None:
            self._apply(self.listed, change)

    def _apply(self, listed: dict[AccountId, Member], change: Change) -> None:
        account, nick = change.account, change.nick
        member = listed.get(account)
        if isinstance(change, LeftBody) and change.gone:
            listed.pop(account, None)
            return
        if member is None:
            if isinstance(change, RenamedBody | RoleBody) or len(listed) >= self._most:
                return  # Told in the same moment as a departure, or not kept.
            member = Member(account, nick, False, Role.MEMBER)
        match change:
            case JoinedBody() | LeftBody():
                member = replace(member, is_here=isinstance(change, JoinedBody))
            case RoleBody(role=role):
                member = replace(member, role=role_called(role))
        listed[account] = replace(member, nick=nick)
