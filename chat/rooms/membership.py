"""Decisions about membership, and about a room's topic and slow mode."""

from dataclasses import replace
from typing import Final

from chat.ids import LogId
from chat.limits import SLOW_MOST, Limits
from chat.rooms.changes import NOTHING, Change, Event, Put, Told, changed, put
from chat.rooms.errors import InvalidError, NoSuchRoomError, RoomTakenError, TooManyRoomsError
from chat.rooms.happenings import TopicSet
from chat.rooms.hub import Hub
from chat.rooms.names import name_key, prepare_room
from chat.rooms.people import Account
from chat.rooms.roles import Role
from chat.rooms.room import Room
from chat.rooms.texts import check_topic
from chat.rooms.values import (
    InvitedKey,
    Kind,
    Membership,
    MembershipKey,
    RoomKey,
    RoomProfile,
)

__all__ = ["join", "leave", "leaving", "set_slow", "set_topic"]

_RESERVED: Final = frozenset({name_key("private")})
"""Names that users could mistake for a client's mark of private messages."""

_CREATABLE = {kind.value: kind for kind in (Kind.PUBLIC, Kind.INVITE)}


def join(
    hub: Hub,
    account: Account,
    name: str,
    create: str | None,
    new_log: LogId,
    limits: Limits,
    now: int,
    *,
    must_be_new: bool = False,
) -> Change:
    """Make an account a member of a room; create the room as `new_log` if it does not exist.

    For an account that may not know of a room, the room does not exist, but its name is not free.
    Raises BannedError, NoSuchRoomError, MutedError, TooManyRoomsError, RoomTakenError, and as
    `prepare_room`; RoomTakenError also for an existing room, if it `must_be_new`.
    """
    room = hub.find_room_for(account, name, now)
    if room is None:
        return _make_room(hub, account, name, create, new_log, limits, now)
    if must_be_new:
        raise RoomTakenError(name)
    if account.id in room.members:
        return changed([])
    # No room keeps out operators of the server, but a room can keep out its own owner, if one of
    # them has banned the owner.
    if hub.standing.role(account.id) < Role.OPERATOR:
        room.check_not_banned(account, now)
    puts = [put(MembershipKey(room.log, account.id), Membership())]
    if account.id in room.invited:
        puts.append(put(InvitedKey(room.log, account.id), None))
    return changed(puts)


def _make_room(
    hub: Hub,
    account: Account,
    name: str,
    create: str | None,
    new_log: LogId,
    limits: Limits,
    now: int,
) -> Change:
    kind = _CREATABLE.get(create or "")
    if kind is None:
        raise NoSuchRoomError
    hub.check_may_speak(account.id, None, now)  # Everybody can read a room's name.
    name = prepare_room(name)
    # First, so that an account at its limit can no longer find out which names are free.
    if hub.owned_by(account.id) >= limits.rooms_per_account:
        raise TooManyRoomsError(limits.rooms_per_account)
    if name_key(name) in _RESERVED or hub.find_room(name) is not None:
        raise RoomTakenError(name)
    return changed(
        [
            put(RoomKey(new_log), RoomProfile(kind, name, account.id)),
            put(MembershipKey(new_log, account.id), Membership()),
        ]
    )


def leave(account: Account, room: Room) -> Change:
    """End an account's membership."""
    what = "conversation" if room.kind is Kind.PRIVATE else "room"
    told = Told(account.id, f"You have left the {what}.")
    return changed(leaving(room, account), told=told)


def leaving(room: Room, account: Account) -> list[Put]:
    """Return the puts that end a membership."""
    return [put(MembershipKey(room.log, account.id), None)]


def set_topic(account: Account, room: Room, topic: str) -> Change:
    """Set a room's topic. Raises NotAllowedError, TextTooLongError."""
    room.check_shared()
    check_topic(topic)
    puts = (
        [] if room.topic == topic else [put(RoomKey(room.log), replace(room.profile, topic=topic))]
    )
    return changed(puts, happening=TopicSet(room.log, account.id, topic))


def set_slow(account: Account, room: Room, seconds: int, now: int) -> Change:
    """Make everybody but operators wait between two posts; 0 turns it off. Raises InvalidError."""
    if seconds > SLOW_MOST:
        raise InvalidError(f"Slow mode allows at most {SLOW_MOST} seconds between two messages.")
    if seconds == room.slow:
        return NOTHING
    event = Event(now, account.nick, "slow", "", room.name, f"{seconds} s")
    return changed([put(RoomKey(room.log), replace(room.profile, slow=seconds))], event)
