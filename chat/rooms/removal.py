"""Decisions of the operator that remove an account or a room, and everything that refers to it."""

from dataclasses import replace

from chat.ids import NOBODY
from chat.rooms.changes import Change, Event, Put, changed, put
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.rooms.room import Room
from chat.rooms.values import (
    SERVER,
    AccountKey,
    BanKey,
    BlockKey,
    ContactKey,
    DeviceOf,
    GrantedKey,
    HeldKey,
    InvitationKey,
    InvitedBy,
    InvitedKey,
    Kind,
    LinkCodeKey,
    MembershipKey,
    MuteKey,
    RequestKey,
    RoleKey,
    RoomKey,
    Scope,
)

__all__ = ["conversations", "delete_account", "delete_room", "empty_account"]


def delete_room(hub: Hub, name: str, by: str, now: int) -> Change:
    """Remove a room, its members, sanctions and invitations. Raises NoSuchRoomError."""
    room = hub.named_room(name)
    return changed(_room(hub, room), Event(now, by, "delete-room", "", "", room.name))


def empty_account(hub: Hub, nick: str, by: str, now: int) -> Change:
    """Remove everything of an account but its name, which the notices to others still need.

    Its private conversations end for the others as well. Rooms that it owned have no owner
    afterwards. Raises NoSuchNickError.
    """
    account = hub.people.named(nick)
    return changed(_account(hub, account), Event(now, by, "delete-account", account.nick, "", ""))


def delete_account(hub: Hub, account: Account) -> Change:
    """Remove an account after `empty_account`, with anything that it acquired since."""
    return changed([*_account(hub, account), put(AccountKey(account.id), None)])


def conversations(hub: Hub, nick: str) -> list[Room]:
    """Return an account's private conversations, including those that it left or has not accepted.

    Raises NoSuchNickError.
    """
    return _conversations(hub, hub.people.named(nick))


def _conversations(hub: Hub, account: Account) -> list[Room]:
    logs = map(hub.known_room, hub.logs())
    return [
        room
        for room in logs
        if room is not None
        and room.kind is Kind.PRIVATE
        and account.id in (room.owner, room.profile.other)
    ]


def _room(hub: Hub, room: Room) -> list[Put]:
    log, standing = room.log, room.standing
    return [
        *(put(MembershipKey(log, it), None) for it in sorted(room.members)),
        *(put(InvitedKey(log, it), None) for it in sorted(room.invited)),
        *(put(RequestKey(log, it), None) for it in sorted(room.requested)),
        *(put(RoleKey(log, it), None) for it in sorted(standing.roles)),
        *(put(BanKey(log, it), None) for it in sorted(standing.banned)),
        *(put(MuteKey(log, it), None) for it in sorted(standing.muted)),
        *(put(InvitationKey(it), None) for it in sorted(hub.tokens_of(log))),
        put(RoomKey(log), None),
    ]


def _account(hub: Hub, account: Account) -> list[Put]:
    puts: list[Put] = []
    for room in _conversations(hub, account):
        puts += _room(hub, room)
    for log in account.sorted_logs:
        joined = hub.known_room(log)
        if joined is not None and joined.kind is not Kind.PRIVATE:
            puts.append(put(MembershipKey(log, account.id), None))
    for room in hub.shared_rooms():
        if account.id in room.invited:
            puts.append(put(InvitedKey(room.log, account.id), None))
        puts += [
            put(InvitedKey(room.log, other), InvitedBy(NOBODY))
            for other, invited in sorted(room.invited.items())
            if invited.by == account.id and other != account.id
        ]
        puts += _rights(hub, room.log, account)
        if room.owner == account.id:
            puts.append(put(RoomKey(room.log), replace(room.profile, owner=NOBODY)))
    puts += _rights(hub, SERVER, account)
    puts += [
        put(InvitationKey(hash), None)
        for hash, invitation in hub.invitations.items()
        if invitation.by == account.id
    ]
    puts += [put(BlockKey(account.id, it), None) for it in sorted(account.blocked)]
    puts += [
        put(BlockKey(it.id, account.id), None)
        for it in hub.people.all()
        if account.id in it.blocked
    ]
    if account.contact is not None:
        puts.append(put(ContactKey(account.id), None))
    puts += [put(HeldKey(it), None) for it in sorted(account.held)]
    puts += [
        put(GrantedKey(key), None)
        for key, granted in sorted(hub.granted.items())
        if granted.account == account.id
    ]
    if account.id in hub.codes:
        puts.append(put(LinkCodeKey(account.id), None))
    puts += [put(DeviceOf(key), None) for key in sorted(account.devices)]
    return puts


def _rights(hub: Hub, scope: Scope, account: Account) -> list[Put]:
    rights = (
        put(RoleKey(scope, account.id), None),
        put(BanKey(scope, account.id), None),
        put(MuteKey(scope, account.id), None),
    )
    return [it for it in rights if hub.get(it.key) is not None]
