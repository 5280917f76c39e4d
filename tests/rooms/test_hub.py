"""The hub: lookups, pages, and rights."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from chat.limits import LOGS_PAGE, ROOMS_PAGE
from chat.rooms.errors import BannedError, MutedError, NoSuchRoomError, NotAMemberError
from chat.rooms.names import name_key
from chat.rooms.roles import Role, Sanction
from chat.rooms.values import (
    SERVER,
    InvitedBy,
    Kind,
    MembershipKey,
    MuteKey,
    NetworkKey,
    RoomKey,
    RoomProfile,
)
from tests.rooms.support import (
    NETWORK,
    NOW,
    ban,
    conversation_of,
    hub_with,
    invite,
    log_id,
    room_of,
    set_role,
    snapshot,
)


def test_a_room_is_found_by_any_spelling() -> None:
    hub, [ana] = hub_with("ana")
    room = room_of(hub, ana, name="Python")
    assert room is hub.find_room(" pYTHON ") is hub.named_room("PYTH0N") is hub.known_room(room.log)


def test_what_is_not_there_is_not_found() -> None:
    hub, _ = hub_with("ana")
    assert hub.find_room("python") is hub.known_room(log_id("python")) is None
    with pytest.raises(NoSuchRoomError):
        hub.named_room("python")


def test_a_log_is_found_by_its_members() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    assert hub.room(ana, room.log) is room
    # A log that does not exist is refused like one the account is not a member of.
    for account, log in ((bob, room.log), (ana, log_id("perl"))):
        with pytest.raises(NotAMemberError):
            hub.room(account, log)


def test_a_conversation_is_found_by_either() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room, notes = conversation_of(hub, ana, bob), conversation_of(hub, ana, ana)
    assert room is hub.conversation(ana.id, bob.id) is hub.conversation(bob.id, ana.id)
    assert hub.conversation(ana.id, ana.id) is notes
    assert hub.conversation(bob.id, bob.id) is None


def test_rooms_and_conversations_are_told_apart() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    secret = room_of(hub, ana, name="secret", kind=Kind.INVITE)
    room, private = room_of(hub, ana), conversation_of(hub, ana, bob)
    assert hub.shared_rooms() == [secret, room]
    assert hub.logs() == [secret.log, room.log, private.log]
    logs = sorted(it.log for it in (secret, room, private))
    assert ana.logs_after(None, 9) == logs and bob.logs_after(None, 9) == [private.log]
    assert ana.logs_after(logs[0], 1) == logs[1:2]


def test_rooms_in_slow_mode_and_those_where_somebody_is_muted_are_found() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    slow, muted, other = (room_of(hub, ana, bob, name=name) for name in ("a", "b", "c"))
    hub.put(RoomKey(slow.log), replace(slow.profile, slow=5))
    for scope in (muted.log, SERVER):
        hub.put(MuteKey(scope, bob.id), Sanction(0))
    assert hub.slow_rooms_of(bob) == [slow] and hub.muted_rooms_of(bob) == [muted]
    assert hub.slow_rooms_of(ana) == [slow] and hub.muted_rooms_of(ana) == []
    for room in (slow, muted, other):
        hub.put(MembershipKey(room.log, bob.id), None)
    assert hub.slow_rooms_of(bob) == hub.muted_rooms_of(bob) == []
    hub.put(RoomKey(slow.log), replace(slow.profile, slow=0))
    hub.put(MuteKey(muted.log, bob.id), None)
    assert hub.slow_rooms_of(ana) == [] and not hub._muted


def test_a_room_counts_while_its_maker_owns_it() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    room_of(hub, ana, name="secret", kind=Kind.INVITE)
    conversation_of(hub, ana, bob)
    hub.put(MembershipKey(room.log, ana.id), None)
    assert (hub.owned_by(ana.id), hub.owned_by(bob.id)) == (2, 0)
    hub.put(RoomKey(room.log), RoomProfile(Kind.PUBLIC, "python", bob.id))
    assert (hub.owned_by(ana.id), hub.owned_by(bob.id)) == (1, 1)


def test_invitations_are_listed_until_they_are_taken_up() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    one, other = room_of(hub, ana, name="b"), room_of(hub, ana, name="a")
    for room in (one, other):
        invite(hub, bob, room)
    assert hub.invited_to(bob, NOW) == [(other, InvitedBy(ana.id)), (one, InvitedBy(ana.id))]
    assert hub.invited_to(ana, NOW) == []


# --- A room that becomes another ---


def test_a_room_is_known_by_what_it_has_become() -> None:
    hub, [ana] = hub_with("ana")
    room = room_of(hub, ana)
    hub.put(RoomKey(room.log), RoomProfile(Kind.PUBLIC, "perl", ana.id))
    assert hub.find_room("python") is None and hub.public_after(None) == ([room], False)
    hub.put(RoomKey(room.log), RoomProfile(Kind.INVITE, "ruby", ana.id))
    assert hub.find_room("ruby") is room and hub.public_after(None) == ([], False)


def test_two_rooms_that_are_one_by_now_both_live_on() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    later = room_of(hub, ana, name="perl")
    first = room_of(hub, bob, name="peri", kind=Kind.INVITE)
    assert name_key("perl") == name_key("peri") and first.log < later.log
    assert hub.find_room("perl") is first and hub.shared_rooms() == [later, first]
    assert hub.public_after(None) == ([later], False)  # And not the room that is not public.
    hub.put(MembershipKey(first.log, bob.id), None)
    hub.put(RoomKey(first.log), None)
    assert hub.find_room("perl") is later


# --- Pages ---


def test_a_page_of_logs() -> None:
    hub, [ana] = hub_with("ana")
    rooms = [room_of(hub, ana, name=f"r{number:02}") for number in range(LOGS_PAGE)]
    assert hub.logs_after(ana, None) == (rooms, False)
    rooms.append(room_of(hub, ana, name=f"r{LOGS_PAGE}"))
    assert hub.logs_after(ana, None) == (rooms[:LOGS_PAGE], True)
    assert hub.logs_after(ana, rooms[-2].log) == (rooms[-1:], False)
    assert hub.logs_after(ana, rooms[-1].log) == ([], False)


def test_a_page_of_public_rooms() -> None:
    hub, [ana] = hub_with("ana")
    names = sorted((f"r{number}" for number in range(ROOMS_PAGE + 1)), key=name_key)
    rooms = [room_of(hub, ana, name=name) for name in reversed(names)][::-1]
    room_of(hub, ana, name="hidden", kind=Kind.INVITE)
    assert hub.public_after(None) == (rooms[:ROOMS_PAGE], True)
    assert hub.public_after(names[0]) == (rooms[1:], False)
    assert hub.public_after(names[-1]) == ([], False)


# --- Rights ---


def test_roles_on_the_server_hold_in_rooms() -> None:
    hub, [ana, bob, eva, max_] = hub_with("ana", "bob", "eva", "max")
    room = room_of(hub, ana, bob, eva)
    set_role(hub, bob, Role.OPERATOR)
    set_role(hub, eva, Role.OWNER)
    set_role(hub, max_, Role.OPERATOR, room)
    people = (ana, bob, eva, max_)
    assert [hub.role(it.id, room) for it in people] == [2, 1, Role.HOST, 1]
    assert [hub.role(it.id, None) for it in people] == [0, 1, Role.OWNER, 0]


def test_the_higher_of_two_roles_holds() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    set_role(hub, ana, Role.OPERATOR)
    assert hub.role(ana.id, room) is Role.OWNER
    set_role(hub, ana, Role.OWNER)
    assert hub.role(ana.id, room) is Role.HOST


def test_bans_of_accounts_and_networks_end_by_themselves() -> None:
    hub, [ana] = hub_with("ana")
    checks: list[Callable[[int], None]] = [
        partial(hub.check_may_enter, ana.id),
        partial(hub.check_network, NETWORK),
    ]
    for check in checks:
        check(0)
    ban(hub, ana, until=10_000)
    hub.put(NetworkKey(NETWORK), Sanction(10_000, "spam"))
    was = snapshot(hub)
    for check in checks:
        with pytest.raises(BannedError) as refusal:
            check(9_999)
        assert str(refusal.value).startswith("You are banned from this server until ")
        check(10_000)
    assert snapshot(hub) == was


def test_who_is_muted_says_nothing() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    hub.check_may_speak(bob.id, room, 0)
    hub.put(MuteKey(room.log, bob.id), Sanction(10_000))
    with pytest.raises(MutedError, match=r'^You are muted in the room "python" until .*\.$'):
        hub.check_may_speak(bob.id, room, 9_999)
    was = snapshot(hub)
    hub.check_may_speak(bob.id, room, 10_000)
    assert snapshot(hub) == was
    hub.put(MuteKey(SERVER, bob.id), Sanction())
    with pytest.raises(MutedError, match=r"^You are muted in this server permanently\.$"):
        hub.check_may_speak(bob.id, room, 10_000)
