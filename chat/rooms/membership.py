"""Decisions on who is in which log, and what a room is about."""

from dataclasses import replace

from chat.ids import LogId
from chat.limits import SLOW_MOST, Limits
from chat.rooms.changes import NOTHING, Change, Event, Put, Told, changed, put
from chat.rooms.errors import InvalidError, NoSuchRoomError, TooManyRoomsError
from chat.rooms.happenings import TopicSet
from chat.rooms.hub import Hub
from chat.rooms.names import prepare_room
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

__all__ = ["converse", "join", "leave", "leaving", "set_slow", "set_topic"]

_CREATABLE = {kind.value: kind for kind in (Kind.PUBLIC, Kind.INVITE)}


def join(
    hub: Hub,
    account: Account,
    name: str,
    create: str | None,
    new_log: LogId,
    limits: Limits,
    now: int,
) -> Change:
    """Make an account a member of a room, which is made, as `new_log`, if there is none.

    Raises BannedError, NotInvitedError, NoSuchRoomError, TooManyRoomsError, and as `prepare_room`.
    """
    room = hub.find_room(name)
    if room is None:
        return _make_room(hub, account, name, create, new_log, limits)
    if account.id in room.members:
        return changed([])
    # No room keeps those out who keep order on the server, but it does its own owner, if they did.
    if hub.standing.role(account.id) < Role.OPERATOR:
        room.check_may_join(account, now)
    puts = [put(MembershipKey(room.log, account.id), Membership())]
    if account.id in room.invited:
        puts.append(put(InvitedKey(room.log, account.id), None))
    return changed(puts)


def _make_room(
    hub: Hub, account: Account, name: str, create: str | None, new_log: LogId, limits: Limits
) -> Change:
    kind = _CREATABLE.get(create or "")
    if kind is None:
        raise NoSuchRoomError
    name = prepare_room(name)
    if hub.owned_by(account.id) >= limits.rooms_per_account:
        raise TooManyRoomsError(limits.rooms_per_account)
    return changed(
        [
            put(RoomKey(new_log), RoomProfile(kind, name, account.id)),
            put(MembershipKey(new_log, account.id), Membership()),
        ]
    )


def converse(hub: Hub, account: Account, nick: str, new_log: LogId) -> Change:
    """Make the private conversation with somebody, as `new_log`, if there is none.

    Raises NoSuchNickError.
    """
    other = hub.people.named(nick)
    if hub.conversation(account.id, other.id) is not None:
        return changed([])
    profile = RoomProfile(Kind.PRIVATE, "", account.id, other.id)
    members = sorted({account.id, other.id})
    return changed(
        [
            put(RoomKey(new_log), profile),
            *(put(MembershipKey(new_log, member), Membership()) for member in members),
        ]
    )


def leave(account: Account, room: Room) -> Change:
    """Make a member one no longer. Raises NotAllowedError for a private conversation."""
    room.check_shared()
    told = Told(account.id, "You have left the room.")
    return changed(leaving(room, account), told=told)


def leaving(room: Room, account: Account) -> list[Put]:
    """Return what makes a member one no longer."""
    return [put(MembershipKey(room.log, account.id), None)]


def set_topic(account: Account, room: Room, topic: str) -> Change:
    """Say what a room is about. Raises NotAllowedError, TextTooLongError."""
    room.check_shared()
    check_topic(topic)
    puts = (
        [] if room.topic == topic else [put(RoomKey(room.log), replace(room.profile, topic=topic))]
    )
    return changed(puts, happening=TopicSet(room.log, account.id, topic))


def set_slow(account: Account, room: Room, seconds: int, now: int) -> Change:
    """Let everybody who is no operator wait between two posts; 0 ends that. Raises InvalidError."""
    if seconds > SLOW_MOST:
        raise InvalidError(f"Slow mode lasts at most {SLOW_MOST} seconds between two messages.")
    if seconds == room.slow:
        return NOTHING
    event = Event(now, account.nick, "slow", "", room.name, f"{seconds} s")
    return changed([put(RoomKey(room.log), replace(room.profile, slow=seconds))], event)
