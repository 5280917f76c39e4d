"""Decisions about codes for another device, and about invitations.

This module only sees hashes; the caller hashes codes and tokens.
"""

from enum import Enum
from typing import Final

from chat.ids import AccountId
from chat.limits import Limits
from chat.rooms.changes import NOTHING, Change, Event, Put, changed, put
from chat.rooms.errors import (
    BadCodeError,
    BadTokenError,
    InvalidError,
    TooManyInvitationsError,
)
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.rooms.room import Room
from chat.rooms.values import (
    Invitation,
    InvitationKey,
    InvitedBy,
    InvitedKey,
    LinkCode,
    LinkCodeKey,
    TokenHash,
)

__all__ = [
    "CODE_TRIES",
    "Registration",
    "invite",
    "issue_code",
    "issue_token",
    "redeem_token",
    "try_code",
    "withdraw",
]

CODE_TRIES: Final = 5
"""Wrong attempts that invalidate a code: it is short, because people type it."""


class Registration(Enum):
    """Who may create an account."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


# --- Codes ---


def issue_code(account: AccountId, hash: TokenHash, until: int) -> list[Put]:
    """Issue a code for an account, in place of an earlier one. `until` is in ms since 1970 UTC."""
    return [put(LinkCodeKey(account), LinkCode(hash, until))]


def try_code(
    hub: Hub, account: AccountId, hash: TokenHash, now: int
) -> tuple[list[Put], BadCodeError | None]:
    """Use up an account's code, or count a wrong attempt and return the refusal.

    Raises BadCodeError if the account has no code.
    """
    code = hub.codes.get(account)
    if code is None:
        raise BadCodeError
    is_over = now >= code.until
    if code.hash == hash and not is_over:
        return [put(LinkCodeKey(account), None)], None
    is_over = is_over or code.tries + 1 >= CODE_TRIES
    left = None if is_over else LinkCode(code.hash, code.until, code.tries + 1)
    return [put(LinkCodeKey(account), left)], BadCodeError()


# --- Tokens: invitations for anybody who has the link ---


def issue_token(
    hub: Hub, hash: TokenHash, invitation: Invitation, event: Event, limits: Limits, now: int
) -> Change:
    """Add an invitation for anybody who has its token, and remove expired ones to the same room.

    Raises InvalidError if it would expire at once, and TooManyInvitationsError.
    """
    if not invitation.is_good(now):
        raise InvalidError("An invitation must last at least one second.")
    known = hub.tokens_of(invitation.log)
    over = [it for it in known if not hub.invitations[it].is_good(now)]
    if len(known) - len(over) >= limits.invitations_per_room:
        raise TooManyInvitationsError
    return changed(
        [
            *(put(InvitationKey(it), None) for it in over),
            put(InvitationKey(hash), invitation),
        ],
        event,
    )


def withdraw(hash: TokenHash, event: Event) -> Change:
    """Withdraw an invitation."""
    return changed([put(InvitationKey(hash), None)], event)


def redeem_token(hub: Hub, account: AccountId, hash: TokenHash, now: int) -> list[Put]:
    """Use an invitation once, and invite the account to its room. Raises BadTokenError."""
    invitation = hub.invitations.get(hash)
    if invitation is None or not invitation.is_good(now):
        raise BadTokenError
    left = None
    if invitation.uses > 1:
        left = Invitation(invitation.log, invitation.by, invitation.uses - 1, invitation.until)
    puts = [put(InvitationKey(hash), left)]
    room = hub.known_room(invitation.log)
    if room is not None and room.standing.ban(account, now) is None:
        puts.append(put(InvitedKey(room.log, account), InvitedBy(invitation.by)))
    return puts


# --- Invitations of an account ---


def invite(hub: Hub, actor: Account, room: Room, nick: str, limits: Limits, now: int) -> Change:
    """Invite the account known as `nick` to a room, unless it is a member, invited, or banned.

    Raises NoSuchNickError, NotAllowedError, TooManyInvitationsError.
    """
    room.check_shared()
    target = hub.people.exactly(nick)
    if not room.is_invitable(target.id, now):
        return NOTHING
    if (
        len(target.invitations) >= limits.invitations_per_account
        or len(room.invited) >= limits.invitations_per_room
    ):
        raise TooManyInvitationsError
    return changed([put(InvitedKey(room.log, target.id), InvitedBy(actor.id))])
