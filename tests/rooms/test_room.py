"""A room: members, who may join, and the order of the member list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.limits import MEMBERS_PAGE
from chat.rooms.errors import BannedError, NotAllowedError, NotAMemberError
from chat.rooms.people import Account
from chat.rooms.roles import Role
from chat.rooms.room import Room
from chat.rooms.values import AccountKey, Kind, MembershipKey, Profile, RoomProfile
from tests.rooms.support import (
    account_id,
    ban,
    conversation_of,
    hub_with,
    invite,
    log_id,
    room_of,
    set_role,
)


def members(room: Room) -> list[str]:
    """Return all pages of a room's list of members."""
    listed: list[Account] = []
    more = True
    while more:
        page, more = room.members_after(listed[-1] if listed else None)
        assert len(page) <= MEMBERS_PAGE
        listed += page
    return [account.nick for account in listed]


def test_a_room_is_what_its_profile_says() -> None:
    profile = RoomProfile(Kind.INVITE, "python", account_id("ana"), topic="snakes", slow=7)
    room = Room(log_id("python"), profile)
    assert (room.kind, room.name, room.owner) == (Kind.INVITE, "python", account_id("ana"))
    assert (room.topic, room.slow) == ("snakes", 7)


def test_a_conversation_is_called_like_the_other() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room, notes = conversation_of(hub, ana, bob), conversation_of(hub, ana, ana)
    names = [hub.name_of(it, ana.id) for it in (room, notes, room_of(hub, ana))]
    assert names == ["bob", "ana", "python"] and hub.name_of(room, bob.id) == "ana"


def test_roles_are_those_of_the_room_alone() -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    room = room_of(hub, ana, bob, eva)
    set_role(hub, bob, Role.OPERATOR, room)
    set_role(hub, eva, Role.OWNER)
    roles = [room.role(it.id) for it in (ana, bob, eva)]
    assert roles == [Role.OWNER, Role.OPERATOR, Role.MEMBER]


def test_a_room_is_unused_that_nothing_refers_to() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    assert not room.is_unused
    hub.put(MembershipKey(room.log, ana.id), None)
    assert room.is_unused
    invite(hub, bob, room)
    assert not room.is_unused


def test_a_member_is_one() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    room.check_member(ana)
    with pytest.raises(NotAMemberError):
        room.check_member(bob)


def test_a_conversation_is_not_shared() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room_of(hub, ana).check_shared()
    with pytest.raises(NotAllowedError):
        conversation_of(hub, ana, bob).check_shared()


# --- Who may join ---


def test_a_room_that_is_not_public_is_known_to_who_is_invited_or_keeps_order() -> None:
    hub, [ana, bob, eva, max_, zoe] = hub_with("ana", "bob", "eva", "max", "zoe")
    room = room_of(hub, ana, kind=Kind.INVITE)
    invite(hub, bob, room)
    set_role(hub, eva, Role.OPERATOR, room)
    ban(hub, zoe, room, until=1)
    for account in (ana, bob, eva, zoe):
        assert room.is_known_to(account.id, account is bob, 0)
    for account in (max_, zoe):
        assert not room.is_known_to(account.id, False, 1)
    assert room_of(hub, ana, name="perl").is_known_to(max_.id, False, 0)
    assert not conversation_of(hub, ana, bob).is_known_to(eva.id, False, 0)


@pytest.mark.parametrize("nick", ["ana", "bob", "eva"])
def test_a_ban_is_for_everybody_until_it_ends(nick: str) -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    room = room_of(hub, ana)
    invite(hub, bob, room)
    set_role(hub, eva, Role.OPERATOR, room)
    account = hub.people.named(nick)
    ban(hub, account, room, until=10_000)
    with pytest.raises(BannedError) as refusal:
        room.check_not_banned(account, 9_999)
    assert str(refusal.value) == (
        'You are banned from the room "python" until 1970-01-01 00:00 UTC. '
        'The reason given was: "spam"'
    )
    room.check_not_banned(account, 10_000)


# --- The member list ---


@given(st.sets(st.text("abcdefgh", min_size=1, max_size=5), min_size=1, max_size=300))
def test_pages_hold_everybody_once_in_order(nicks: set[str]) -> None:
    hub, people = hub_with(*sorted(nicks, key=hash))
    assert members(room_of(hub, *people)) == sorted(nicks)  # As their ids are, in these tests.


def test_a_full_page_has_nothing_behind_it() -> None:
    hub, people = hub_with(*(f"u{number:03}" for number in range(MEMBERS_PAGE + 1)))
    room = room_of(hub, *people[:-1])
    assert room.members_after(None)[1] is False
    room = room_of(hub, *people, name="more")
    page, more = room.members_after(None)
    assert len(page) == MEMBERS_PAGE and more
    assert room.members_after(page[-1]) == (people[-1:], False)


def test_a_page_begins_behind_somebody_who_is_gone() -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    room = room_of(hub, ana, bob, eva)
    hub.put(MembershipKey(room.log, bob.id), None)
    assert room.members_after(bob) == ([eva], False)


def test_a_member_is_listed_by_its_new_name() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    hub.put(AccountKey(ana.id), Profile("eva"))
    assert members(room) == ["eva", "bob"]
