"""Decisions about membership, and about a room's topic and slow mode."""

from typing import Final

import pytest

from chat.limits import SLOW_MOST, TOPIC_CHARACTERS, Limits
from chat.rooms import membership
from chat.rooms.changes import NOTHING, Change, Event, Told, put
from chat.rooms.errors import (
    BannedError,
    InvalidError,
    NoSuchRoomError,
    NotAllowedError,
    RequestError,
    RoomEmptyError,
    RoomInvalidError,
    RoomTakenError,
    RoomTooLongError,
    TextTooLongError,
    TooManyRoomsError,
)
from chat.rooms.happenings import TopicSet
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.rooms.roles import Role
from chat.rooms.values import (
    InvitedKey,
    Kind,
    Membership,
    MembershipKey,
    RoomKey,
    RoomProfile,
)
from tests.rooms.support import (
    NOW,
    ban,
    conversation_of,
    decide,
    do,
    hub_with,
    invite,
    log_id,
    room_of,
    set_role,
)

NEW: Final = log_id("new")


def join(
    hub: Hub, account: Account, name: str = "python", create: str | None = None, now: int = NOW
) -> Change:
    """Let an account join a room, and return the result."""
    return do(hub, membership.join, hub, account, name, create, NEW, Limits(), now)


# --- Making rooms ---


@pytest.mark.parametrize("kind", [Kind.PUBLIC, Kind.INVITE])
def test_a_room_is_made_by_who_owns_it_and_once(kind: Kind) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    assert join(hub, ana, " Python ", kind.value).puts == (
        put(RoomKey(NEW), RoomProfile(kind, "Python", ana.id)),
        put(MembershipKey(NEW, ana.id), Membership()),
    )
    assert join(hub, ana, "PYTHON", "public") == NOTHING
    if kind is Kind.INVITE:
        with pytest.raises(RoomTakenError):
            join(hub, bob, "python", "public")


@pytest.mark.parametrize("create", [None, "private", "", "PUBLIC"])
def test_a_room_is_made_only_in_ways_there_are(create: str | None) -> None:
    hub, [ana] = hub_with("ana")
    with pytest.raises(NoSuchRoomError):
        join(hub, ana, "python", create)


@pytest.mark.parametrize(
    ("name", "refusal"),
    [(" ", RoomEmptyError), ("two words", RoomInvalidError), ("x" * 33, RoomTooLongError)],
)
def test_a_room_needs_a_name(name: str, refusal: type[RequestError]) -> None:
    hub, [ana] = hub_with("ana")
    with pytest.raises(refusal):
        join(hub, ana, name, "public")


@pytest.mark.parametrize("name", ["private", "PRIVATE", "pr\u0456vate"])
def test_no_room_is_called_what_conversations_are(name: str) -> None:
    hub, [ana] = hub_with("ana")
    with pytest.raises(RoomTakenError):
        join(hub, ana, name, "public")


@pytest.mark.parametrize("name", ["python", "PYTHON", "club"])
def test_a_room_that_has_to_be_new_is_not_joined(name: str) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room_of(hub, ana, bob, name="python")
    room_of(hub, ana, name="club", kind=Kind.INVITE)
    arguments = "public", NEW, Limits(), NOW
    with pytest.raises(RoomTakenError, match=rf"called {name}: that name is taken\.$"):
        decide(hub, membership.join, hub, bob, name, *arguments, must_be_new=True)
    new = decide(hub, membership.join, hub, bob, "other", *arguments, must_be_new=True)
    assert len(new.puts) == 2


def test_an_account_has_so_many_rooms() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    limits = Limits(rooms_per_account=2)
    room_of(hub, ana, name="one")
    conversation_of(hub, ana, bob)
    room_of(hub, bob, ana, name="other")
    do(hub, membership.join, hub, ana, "two", "invite", NEW, limits, NOW)
    hub.put(MembershipKey(NEW, ana.id), None)  # They own it all the same.
    with pytest.raises(TooManyRoomsError, match=r"^You own 2 rooms, "):
        decide(hub, membership.join, hub, ana, "three", "public", log_id("3"), limits, NOW)
    # Joining still works.
    decide(hub, membership.join, hub, ana, "two", "public", log_id("3"), limits, NOW)
    decide(hub, membership.join, hub, bob, "three", "public", log_id("3"), limits, NOW)


@pytest.mark.parametrize("name", ["private", "Private", "prlvate"])
def test_no_room_is_called_what_marks_private_messages(name: str) -> None:
    hub, [ana] = hub_with("ana")
    with pytest.raises(RoomTakenError, match=rf"called {name}: that name is taken\.$"):
        join(hub, ana, name, "public")


def test_a_room_by_invitation_does_not_exist_for_strangers() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room_of(hub, ana, name="secret", kind=Kind.INVITE)
    room_of(hub, bob, name="own")
    for name in ("secret", "SECRET", " secret ", "5ecret", "no-such", "two words"):
        for create in (None, "PUBLIC"):
            with pytest.raises(NoSuchRoomError):
                decide(hub, membership.join, hub, bob, name, create, NEW, Limits(), NOW)
    with pytest.raises(RoomTakenError):
        decide(hub, membership.join, hub, bob, "secret", "invite", NEW, Limits(), NOW)
    # An account at its limit of rooms learns nothing by guessing.
    few = Limits(rooms_per_account=1)
    for name in ("secret", "no-such", "private"):
        with pytest.raises(TooManyRoomsError):
            decide(hub, membership.join, hub, bob, name, "public", NEW, few, NOW)


def test_a_ban_that_is_over_opens_no_room_by_invitation() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, kind=Kind.INVITE)
    ban(hub, bob, room, until=NOW)
    with pytest.raises(BannedError):
        join(hub, bob, now=NOW - 1)
    with pytest.raises(NoSuchRoomError):
        join(hub, bob, now=NOW)


# --- Joining ---


def test_anybody_joins_a_public_room_once() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    assert join(hub, bob, "PYTHON").puts == (put(MembershipKey(room.log, bob.id), Membership()),)
    assert join(hub, bob) == NOTHING


@pytest.mark.parametrize("kind", [Kind.PUBLIC, Kind.INVITE])
def test_an_invitation_is_used_up(kind: Kind) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, kind=kind)
    invite(hub, bob, room)
    assert join(hub, bob).puts[1:] == (put(InvitedKey(room.log, bob.id), None),)
    do(hub, membership.leave, bob, room)
    if kind is Kind.INVITE:
        with pytest.raises(NoSuchRoomError):
            join(hub, bob)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.OWNER])
def test_who_keeps_order_on_the_server_is_kept_out_of_no_room(role: Role) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, kind=Kind.INVITE)
    set_role(hub, bob, role)
    ban(hub, bob, room)
    join(hub, bob)
    assert bob.id in room.members


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_who_keeps_order_in_a_room_comes_back_without_an_invitation(who: str) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, kind=Kind.INVITE)
    set_role(hub, bob, Role.OPERATOR, room)
    account = ana if who == "owner" else bob
    hub.put(MembershipKey(room.log, account.id), None)
    join(hub, account)
    assert account.id in room.members


@pytest.mark.parametrize("who", ["owner", "operator", "invited", "anybody"])
def test_who_is_banned_from_a_room_does_not_come_back_before_it_ends(who: str) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    account = ana if who == "owner" else bob
    hub.put(MembershipKey(room.log, account.id), None)
    if who == "operator":
        set_role(hub, bob, Role.OPERATOR, room)
    if who == "invited":
        invite(hub, bob, room)
    ban(hub, account, room, until=NOW)
    with pytest.raises(
        BannedError, match=r'^You are banned from the room "python" until .*: "spam"$'
    ):
        join(hub, account, now=NOW - 1)
    join(hub, account, now=NOW)


# --- Leaving ---


def test_a_member_leaves() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    change = do(hub, membership.leave, bob, room)
    assert change.puts == (put(MembershipKey(room.log, bob.id), None),)
    assert change.told == Told(bob.id, "You have left the room.")
    assert list(room.members) == [ana.id] and bob.logs == set()


def test_a_conversation_is_left_by_one_of_the_two() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = conversation_of(hub, ana, bob)
    change = do(hub, membership.leave, ana, room)
    assert change.told == Told(ana.id, "You have left the conversation.")
    assert list(room.members) == [bob.id]


# --- Topic and slow mode ---


def test_a_topic_is_set_and_told() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    for topic in ("snakes", "\u00e9" * TOPIC_CHARACTERS, ""):
        change = do(hub, membership.set_topic, bob, room, topic)
        assert change.happening == TopicSet(room.log, bob.id, topic)
        assert room.profile == RoomProfile(Kind.PUBLIC, "python", ana.id, topic=topic)
    # An unchanged topic is announced, but not stored.
    assert do(hub, membership.set_topic, ana, room, "") == Change(
        happening=TopicSet(room.log, ana.id, "")
    )


def test_a_topic_is_not_too_long_nor_a_conversation_s() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    with pytest.raises(TextTooLongError):
        decide(hub, membership.set_topic, ana, room_of(hub, ana), "x" * (TOPIC_CHARACTERS + 1))
    with pytest.raises(NotAllowedError):
        decide(hub, membership.set_topic, ana, conversation_of(hub, ana, bob), "x")


def test_slow_mode_is_set() -> None:
    hub, [ana] = hub_with("ana")
    room = room_of(hub, ana)
    for seconds in (SLOW_MOST, 0):
        change = do(hub, membership.set_slow, ana, room, seconds, NOW)
        assert change.event == Event(NOW, "ana", "slow", "", "python", f"{seconds} s")
        assert room.slow == seconds
    # No change, so no entry in the audit log.
    assert decide(hub, membership.set_slow, ana, room, 0, NOW) == NOTHING
    with pytest.raises(InvalidError):
        decide(hub, membership.set_slow, ana, room, SLOW_MOST + 1, NOW)
