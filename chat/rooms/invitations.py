"""Decisions about codes for another device, and about invitations.

This module only sees hashes; the caller hashes codes and tokens.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final

from chat.ids import NOBODY, AccountId, LogId
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
    "Registration",
    "invite",
    "issue_code",
    "issue_token",
    "redeem_code",
    "redeem_token",
    "withdraw",
    "withdrawn",
]


_LOOKED_AT: Final = 4
"""Invitations examined whenever one is made: those that end first."""


class Registration(Enum):
    """Who may create an account."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


# --- Codes ---


def issue_code(account: AccountId, hash: TokenHash, until: int) -> list[Put]:
    """Issue a code for an account, in place of an earlier one. `until` is in ms since 1970 UTC."""
    return [put(LinkCodeKey(account), LinkCode(hash, until))]


def redeem_code(hub: Hub, account: AccountId, hash: TokenHash, now: int) -> list[Put]:
    """Use up an account's code. Raises BadCodeError if it has no such code.

    A wrong attempt changes nothing: anybody can make one, so it must not use up the owner's code.
    Guessers have to wait (`failures.py`).
    """
    code = hub.codes.get(account)
    if code is None or code.hash != hash or now >= code.until:
        raise BadCodeError
    return [put(LinkCodeKey(account), None)]


# --- Tokens: invitations for anybody who has the link ---


def issue_token(
    hub: Hub, hash: TokenHash, invitation: Invitation, event: Event, limits: Limits, now: int
) -> Change:
    """Add an invitation for anybody with its token, and remove dead ones to the same room.

    Only some of them, unless there is no room left: many must not cost more than a few. Dead ones
    of the same maker go as well if they would count. The operator's own are not counted by account.
    Raises InvalidError if it would expire at once, TooManyInvitationsError.
    """
    if not invitation.is_good(now):
        raise InvalidError("An invitation must last at least one second.")
    what, log, by = "invitation links", invitation.log, invitation.by
    is_full = hub.tokens.count(log, now) >= limits.invitations_per_room
    known = hub.tokens.of(log, None if is_full else _LOOKED_AT)
    over = dict.fromkeys(_dead_tokens(hub, known, now))
    if is_full:
        open_ = len(known) - len(over)
        _check_open(open_, f"{what} to this room", limits, "invitations_per_room")
    if by != NOBODY and hub.tokens_by.count(by, now) >= limits.tokens_per_account:
        known = hub.tokens_by.of(by)
        dead = _dead_tokens(hub, known, now)
        _check_open(len(known) - len(dead), f"{what} of yours", limits, "tokens_per_account")
        over |= dict.fromkeys(dead)
    return changed(
        [
            *(put(it, None) for it in over),
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
    if invitation is None or not hub.is_open(invitation, now):
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

    Raises NoSuchNickError, NotAllowedError, BlockedError, NotWelcomeError,
    TooManyInvitationsError.
    """
    room.check_shared()
    target = hub.people.exactly(nick)
    if not hub.is_invitable(target.id, room, now):
        return NOTHING
    hub.check_may_approach(actor, target)
    to_target = f"invitations to {target.nick}"
    of_actor = sum(invited.by == actor.id for _, invited in hub.invited_to(target, now))
    _check_open(of_actor, f"{to_target} of yours", limits, "invitations_per_pair")
    of_target = (InvitedKey(log, target.id) for log in target.invitations)
    of_room = (InvitedKey(room.log, account) for account in room.invited)
    of_maker = hub.invitees_of(actor.id)
    over: dict[InvitedKey, None] = {}
    for count, keys, what, limit in (
        (len(target.invitations), of_target, to_target, "invitations_per_account"),
        (len(room.invited), of_room, "invitations to this room", "invitations_per_room"),
        (len(of_maker), of_maker, "invitations of yours", "invitations_by_account"),
    ):
        if count >= getattr(limits, limit):
            dead = [key for key in keys if not hub.is_invited(key, now)]
            _check_open(count - len(dead), what, limits, limit)
            over |= dict.fromkeys(dead)
    invited = InvitedKey(room.log, target.id)
    over.pop(invited, None)
    return changed([*(put(key, None) for key in over), put(invited, InvitedBy(actor.id))])


def withdrawn(hub: Hub, maker: AccountId, room: Room | None) -> list[Put]:
    """Return the puts that withdraw an account's invitations by token to a room, or (None) to the
    server."""
    log = LogId(b"") if room is None else room.log
    tokens = sorted(it.hash for it in hub.tokens_by.of(maker))
    return [put(InvitationKey(it), None) for it in tokens if hub.invitations[it].log == log]


def _dead_tokens(hub: Hub, keys: Iterable[InvitationKey], now: int) -> list[InvitationKey]:
    """Return the invitations by token that nobody can use any longer."""
    return [key for key in keys if not hub.is_open(hub.invitations[key.hash], now)]


def _check_open(count: int, what: str, limits: Limits, limit: str) -> None:
    most: int = getattr(limits, limit)
    if count >= most:
        raise TooManyInvitationsError(what, most, limit)
