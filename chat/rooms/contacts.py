"""Decisions about private conversations: requests, answers, and blocks.

A conversation has two accounts, and each is a member only if it wants to be. The one that opens it
becomes a member, and the other gets a request, which says who asks and nothing else. It stays until
the other answers, so one account can ask another only once.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Final

from chat.ids import AccountId, LogId
from chat.limits import Limits
from chat.rooms.changes import Change, Put, changed, put
from chat.rooms.errors import (
    InvalidError,
    NoSuchRequestError,
    OverQuotaError,
    TooManyBlocksError,
    TooManyRequestsError,
)
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.rooms.room import Room
from chat.rooms.values import (
    Blocked,
    BlockKey,
    Contact,
    ContactKey,
    InvitedKey,
    Kind,
    Membership,
    MembershipKey,
    Requested,
    RequestKey,
    RoomKey,
    RoomProfile,
)

__all__ = [
    "NetworkOf",
    "accept",
    "ask_again",
    "block",
    "converse",
    "decline",
    "set_contact",
    "unblock",
]

_DAY: Final = 86_400_000
"""In milliseconds."""


NetworkOf = Callable[[AccountId], Hashable]
"""Returns the network that an account comes from, or the account if that is not known."""


def _unknown(account: AccountId) -> AccountId:
    return account


def converse(
    hub: Hub,
    account: Account,
    other: Account,
    new_log: LogId,
    limits: Limits,
    now: int,
    network_of: NetworkOf = _unknown,
) -> Change:
    """Make `account` a member of its conversation with `other`; create it as `new_log` if needed.

    This accepts a request from `other`. If `other` is not a member, it gets a request. Raises
    BlockedError, NotWelcomeError, TooManyRequestsError, OverQuotaError.
    """
    room = hub.conversation(account.id, other.id)
    if room is not None:
        if account.id not in room.members:
            # Otherwise the other would see it join, leave, and join again.
            hub.check_not_blocked(account, other)
        return changed(
            [
                *_entering(room, account),
                *_asking(hub, account, room, limits, now, network_of),
            ]
        )
    puts = [
        put(RoomKey(new_log), RoomProfile(Kind.PRIVATE, "", account.id, other.id)),
        put(MembershipKey(new_log, account.id), Membership()),
    ]
    if account is not other:
        puts += _request(hub, account, other, new_log, limits, now, network_of)
    most = limits.conversations_per_account
    if hub.begun_by(account.id) >= most:  # Declined and abandoned ones still exist.
        what = "private conversations that you began"
        raise OverQuotaError(what, most, "conversations_per_account")
    return changed(puts)


def ask_again(
    hub: Hub,
    account: Account,
    room: Room,
    limits: Limits,
    now: int,
    network_of: NetworkOf = _unknown,
) -> Change:
    """Ask the other account of a conversation, if it has left. Raises as `converse`, except for the
    quota: the conversation exists already."""
    return changed(_asking(hub, account, room, limits, now, network_of))


def _entering(room: Room, account: Account) -> list[Put]:
    puts = []
    if account.id not in room.members:
        puts.append(put(MembershipKey(room.log, account.id), Membership()))
    if account.id in room.requested:
        puts.append(put(RequestKey(room.log, account.id), None))
    return puts


def _asking(
    hub: Hub, account: Account, room: Room, limits: Limits, now: int, network_of: NetworkOf
) -> list[Put]:
    other = hub.people.get(room.other(account.id))
    if other is None or other is account or other.id in room.members or other.id in room.requested:
        return []
    return _request(hub, account, other, room.log, limits, now, network_of)


def _request(
    hub: Hub,
    account: Account,
    other: Account,
    log: LogId,
    limits: Limits,
    now: int,
    network_of: NetworkOf,
) -> list[Put]:
    hub.check_may_approach(account, other)
    if hub.asked_by(account.id) >= limits.requests_by_account:
        raise TooManyRequestsError
    request = put(RequestKey(log, other.id), Requested(account.id, now))
    if len(other.requests) < limits.requests_to_account:
        return [request]
    return [_make_place(hub, account, other, limits, now, network_of), request]


def _make_place(
    hub: Hub, account: Account, other: Account, limits: Limits, now: int, network_of: NetworkOf
) -> Put:
    """Return what withdraws a request to `other` for one from `account`. Raises
    TooManyRequestsError.

    The oldest one if it is old, or else the oldest from the network that has the most, if it keeps
    at least as many as the new one's then has. So strangers with few networks cannot fill all
    places.
    """
    waiting: list[tuple[int, LogId, Hashable]] = []
    for log in other.requests:
        room = hub.known_room(log)
        assert room is not None
        requested = room.requested[other.id]
        waiting.append((requested.at, log, network_of(requested.by)))
    counts = Counter(network for *_, network in waiting)
    waiting.sort(key=lambda it: it[:2])
    own, most = counts[network_of(account.id)], max(counts.values())
    for at, log, network in waiting:
        is_old = now - at >= limits.request_days * _DAY
        if is_old or counts[network] == most > own + 1:
            return put(RequestKey(log, other.id), None)
    raise TooManyRequestsError


def accept(account: Account, room: Room | None) -> Change:
    """Become a member of a conversation that somebody requested. Raises NoSuchRequestError."""
    if room is not None and room.kind is Kind.PRIVATE and account.id in room.members:
        return changed([])  # Accepted on another device.
    if room is None or room.log not in account.requests:
        raise NoSuchRequestError
    return changed(_entering(room, account))


def decline(account: Account, room: Room | None) -> Change:
    """Decline a request, so that it cannot be made again. Raises NoSuchRequestError."""
    if room is None or room.log not in account.requests:
        raise NoSuchRequestError
    return changed([_declining(account, room)])


def _declining(account: Account, room: Room) -> Put:
    requested = replace(room.requested[account.id], is_declined=True)
    return put(RequestKey(room.log, account.id), requested)


def block(hub: Hub, account: Account, nick: str, limits: Limits, now: int) -> Change:
    """Block everything to `account` from the account known as `nick`.

    This declines its request and its invitations. Raises NoSuchNickError, InvalidError,
    TooManyBlocksError.
    """
    other = hub.people.named(nick)
    if other is account:
        raise InvalidError("You cannot block yourself.")
    if other.id in account.blocked:
        return changed([])
    if len(account.blocked) >= limits.blocks_per_account:
        raise TooManyBlocksError(limits.blocks_per_account)
    puts = [put(BlockKey(account.id, other.id), Blocked(now))]
    room = hub.conversation(account.id, other.id)
    if room is not None and room.log in account.requests:
        puts.append(_declining(account, room))
    invitations = hub.invited_to(account, now)
    puts += [
        put(InvitedKey(it.log, account.id), None) for it, by in invitations if by.by == other.id
    ]
    return changed(puts)


def unblock(hub: Hub, account: Account, nick: str) -> Change:
    """Lift a block, and let the other account ask again. Raises NoSuchNickError, InvalidError."""
    other = hub.people.named(nick)
    if other.id not in account.blocked:
        raise InvalidError(f"{other.nick} is not blocked.")
    puts = [put(BlockKey(account.id, other.id), None)]
    room = hub.conversation(account.id, other.id)
    if room is not None and account.id in room.requested:
        puts.append(put(RequestKey(room.log, account.id), None))
    return changed(puts)


def set_contact(account: Account, who: str) -> Change:
    """Choose who may send an account requests and invitations. Raises InvalidError."""
    try:
        contact = Contact(who)
    except ValueError:
        choices = ", ".join(it.value for it in Contact)
        raise InvalidError(f"Choose who may write to you: {choices}.") from None
    chosen = None if contact is Contact.EVERYBODY else contact
    return changed([put(ContactKey(account.id), chosen)] if chosen is not account.contact else [])
