"""The hub and its rooms: who is where, who may what, what a page of anything holds."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.limits import (
    LOGS_PAGE,
    MEMBERS_PAGE,
    REACTION_BYTES,
    ROOMS_PAGE,
    TEXT_BYTES,
    TOPIC_CHARACTERS,
    Limits,
)
from chat.rooms.errors import (
    BannedError,
    MutedError,
    NickTakenError,
    NoSuchRoomError,
    NotAllowedError,
    NotAMemberError,
    NotInvitedError,
    RoomInvalidError,
    SlowModeError,
    TextEmptyError,
    TextTooLongError,
    TooManyInvitationsError,
    TooManyRoomsError,
)
from chat.rooms.happenings import Left, Renamed
from chat.rooms.hub import Hub, check_reaction, check_text
from chat.rooms.names import name_key
from chat.rooms.people import Account
from chat.rooms.roles import Action, Role, Sanction
from chat.rooms.room import Kind, Room
from tests.rooms.support import enter, hub_with, room_of


def members(room: Room) -> list[str]:
    """Return all pages of a room's list of members."""
    keys: list[str] = []
    more = True
    while more:
        page, more = room.keys_after(keys[-1] if keys else None)
        assert len(page) <= MEMBERS_PAGE
        keys += page
    return keys


# --- Making and joining ---


def test_a_room_is_made_once_and_found_by_any_spelling() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room, is_made = hub.find_or_make(ana, " Python ", "public")
    assert is_made and (room.name, room.kind, room.owner) == ("Python", Kind.PUBLIC, ana.id)
    assert hub.find_or_make(bob, "pYTHON", None) == (room, False)
    assert hub.has_room("PYTHON") and not hub.has_room("perl")


@pytest.mark.parametrize("create", [None, "private", "", "PUBLIC"])
def test_a_room_is_made_only_in_ways_there_are(create: str | None) -> None:
    hub, [ana] = hub_with("ana")
    with pytest.raises(NoSuchRoomError):
        hub.find_or_make(ana, "python", create)
    assert not hub.has_room("python")


def test_a_room_needs_a_name() -> None:
    hub, [ana] = hub_with("ana")
    with pytest.raises(RoomInvalidError):
        hub.find_or_make(ana, "two words", "public")


def test_anybody_joins_a_public_room_once() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    assert hub.join(bob, room, 0)
    assert not hub.join(bob, room, 0)
    assert members(room) == ["ana", "bob"]
    assert hub.room(bob, room.log) is room
    assert bob.logs == {room.log} and hub.rooms_of(bob) == [room] and hub.logs() == [room.log]


def test_other_rooms_need_an_invitation_which_is_used_up() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, kind=Kind.INVITE)
    with pytest.raises(NotInvitedError):
        hub.join(bob, room, 0)
    room.invite(bob)
    assert hub.invited_to(bob) == [room]
    assert hub.join(bob, room, 0)
    assert hub.invited_to(bob) == []
    hub.leave(bob, room)
    with pytest.raises(NotInvitedError):
        hub.join(bob, room, 0)


def test_the_owner_needs_none() -> None:
    hub, [ana] = hub_with("ana")
    room = room_of(hub, ana, kind=Kind.INVITE)
    hub.leave(ana, room)
    assert hub.join(ana, room, 0)


def test_who_is_banned_does_not_come_back() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    room.invite(bob)
    room.standing.apply(Action.BAN, bob.id, Sanction(10, "spam"))
    room.uninvite(bob)
    room.invite(bob)
    assert hub.invited_to(bob) == []
    with pytest.raises(BannedError, match=r"^You are banned from python until .*: spam\.$"):
        hub.join(bob, room, 9)
    assert hub.join(bob, room, 10)


def test_a_member_is_not_invited() -> None:
    hub, [ana] = hub_with("ana")
    room = room_of(hub, ana)
    room.invite(ana)
    assert hub.invited_to(ana) == []


def test_leaving_ends_membership() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    assert hub.leave(bob, room) == Left(room.log, bob.id, "bob")
    assert members(room) == ["ana"] and bob.logs == set()
    with pytest.raises(NotAMemberError):
        hub.room(bob, room.log)


def test_what_is_not_there_is_refused_like_what_is_not_one_s_own() -> None:
    hub, [ana] = hub_with("ana")
    with pytest.raises(NotAMemberError):
        hub.room(ana, bytes(16))


# --- Limits ---


def test_an_account_has_so_many_rooms() -> None:
    hub, [ana, bob] = hub_with("ana", "bob", limits=Limits(rooms_per_account=2))
    one, two = room_of(hub, ana, name="one"), room_of(hub, ana, name="two", kind=Kind.INVITE)
    with pytest.raises(TooManyRoomsError, match=r"^You have made 2 rooms, "):
        hub.find_or_make(ana, "three", "public")
    assert not hub.has_room("three")
    assert hub.find_or_make(ana, "one", "public") == (one, False)
    assert hub.conversation(ana, bob)[1]
    room_of(hub, bob, name="three")
    hub.leave(ana, two)
    with pytest.raises(TooManyRoomsError):
        hub.find_or_make(ana, "four", "public")


def test_a_room_counts_while_its_maker_owns_it() -> None:
    hub, [ana, bob] = hub_with("ana", "bob", limits=Limits(rooms_per_account=1))
    room = room_of(hub, ana, name="one")
    room.owner = bob.id
    room = room_of(hub, ana, name="two")
    room.remove(ana)
    hub.remove_room(room)
    room_of(hub, ana, name="three")
    room_of(hub, bob, name="four")


def test_rooms_of_earlier_count() -> None:
    hub, [ana] = hub_with("ana", limits=Limits(rooms_per_account=1))
    hub.add_room(Room(b"r" * 16, Kind.PUBLIC, "python", ana.id))
    with pytest.raises(TooManyRoomsError):
        hub.find_or_make(ana, "perl", "public")


def test_an_account_has_so_many_invitations() -> None:
    hub, [ana, bob, eva] = hub_with(
        "ana", "bob", "eva", limits=Limits(invitations_per_account=2, rooms_per_account=4)
    )
    rooms = [room_of(hub, ana, name=f"r{number}") for number in range(4)]
    for room in rooms[:2]:
        hub.invite(bob, room)
    with pytest.raises(TooManyInvitationsError):
        hub.invite(bob, rooms[2])
    assert hub.invited_to(bob) == rooms[:2] and not rooms[2].invited
    hub.invite(bob, rooms[0])
    hub.invite(eva, rooms[2])
    hub.join(bob, rooms[0], 0)
    hub.invite(bob, rooms[2])
    assert hub.invited_to(bob) == rooms[1:3]


def test_a_room_has_so_many_invitations() -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva", limits=Limits(invitations_per_room=1))
    room = room_of(hub, ana)
    hub.invite(bob, room)
    with pytest.raises(TooManyInvitationsError):
        hub.invite(eva, room)
    hub.join(bob, room, 0)
    hub.invite(eva, room)
    assert room.invited == {eva.id}


# --- Rights ---


def test_an_operator_of_the_server_is_one_in_every_room() -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    room = room_of(hub, ana, bob, eva)
    assert [hub.role(who, room) for who in (ana, bob)] == [Role.OWNER, Role.MEMBER]
    hub.standing.operators.add(bob.id)
    hub.standing.owners.add(eva.id)
    assert [hub.role(who, room) for who in (ana, bob, eva)] == [
        Role.OWNER,
        Role.OPERATOR,
        Role.OWNER,
    ]
    assert hub.role(ana, None) is Role.MEMBER
    # They need no invitation either, and no room keeps them out.
    hub.leave(bob, room)
    room.standing.banned[bob.id] = Sanction()
    assert hub.join(bob, room, 0)


def test_who_may_do_what_to_whom_in_a_room() -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    room = room_of(hub, ana, bob)
    hub.check_moderation(Action.KICK, ana, bob, room)
    hub.check_moderation(Action.BAN, ana, eva, room)
    for action, actor, target, refusal in (
        (Action.KICK, bob, ana, NotAllowedError),
        (Action.KICK, ana, ana, NotAllowedError),
        (Action.KICK, ana, eva, NotAMemberError),
        (Action.OP, ana, eva, NotAMemberError),
    ):
        with pytest.raises(refusal):
            hub.check_moderation(action, actor, target, room)
    with pytest.raises(NotAllowedError):
        hub.check_moderation(Action.BAN, ana, bob, None)
    private, _ = hub.conversation(ana, bob)
    with pytest.raises(NotAllowedError):
        hub.check_moderation(Action.KICK, ana, bob, private)


def test_bans_of_accounts_and_networks_end() -> None:
    hub, [ana] = hub_with("ana")
    hub.check_may_enter(ana, 0)
    hub.check_network("192.0.2.1", 0)
    hub.standing.banned[ana.id] = hub.networks["192.0.2.1"] = Sanction(10, "spam")
    checks: list[Callable[[int], None]] = [
        partial(hub.check_may_enter, ana),
        partial(hub.check_network, "192.0.2.1"),
    ]
    for check in checks:
        with pytest.raises(BannedError, match=r"^You are banned from this server until"):
            check(9)
        check(10)
    assert hub.networks == {}


def test_who_is_muted_says_nothing() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    hub.check_may_speak(bob, room, 0)
    room.standing.muted[bob.id] = Sanction(10)
    with pytest.raises(MutedError, match=r"^You may not say anything in python until .*\.$"):
        hub.check_may_speak(bob, room, 9)
    hub.check_may_speak(bob, room, 10)
    hub.standing.muted[bob.id] = Sanction()
    with pytest.raises(MutedError, match=r"^You may not say anything in this server for good\.$"):
        hub.check_may_speak(bob, room, 10)


def test_slow_mode_is_for_those_who_are_no_operators() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    hub.check_pace(bob, room, b"0", 0)
    hub.set_pace(room, 10)
    for message in (b"1", b"2"):
        hub.check_pace(ana, room, message, 5_000)
    hub.check_pace(bob, room, b"3", 100_000)
    with pytest.raises(SlowModeError, match=r" in 10 seconds\.$"):
        hub.check_pace(bob, room, b"4", 100_001)
    hub.check_pace(bob, room, b"3", 105_000)  # Its answer was lost.
    with pytest.raises(SlowModeError, match=r" in 1 seconds\.$"):
        hub.check_pace(bob, room, b"4", 109_999)
    hub.check_pace(bob, room, b"4", 110_000)
    hub.set_pace(room, 0)
    hub.check_pace(bob, room, b"5", 110_001)


def test_what_slow_mode_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.rooms.hub._POSTED_MOST", 2)
    hub, [ana, bob, eva, max_] = hub_with("ana", "bob", "eva", "max")
    room = room_of(hub, ana, bob, eva, max_)
    hub.set_pace(room, 10)
    day = 86_400_000
    for number, account in enumerate((bob, eva, max_)):
        hub.check_pace(account, room, b"x", number * day)
    assert set(hub._posted) == {(room.log, max_.id)}


def test_rooms_are_found_whoever_asks() -> None:
    hub, [ana] = hub_with("ana")
    room = room_of(hub, ana)
    hub.conversation(ana, ana)
    assert hub.known_room(room.log) is room is hub.named_room(" Python ")
    assert hub.shared_rooms() == [room]
    assert hub.known_room(bytes(16)) is None
    with pytest.raises(NoSuchRoomError):
        hub.named_room("nowhere")


def test_a_topic_has_a_bound() -> None:
    hub, [ana] = hub_with("ana")
    room = room_of(hub, ana)
    room.check_topic("\u00e9" * TOPIC_CHARACTERS)
    with pytest.raises(TextTooLongError, match=r"at most 200 characters\.$"):
        room.check_topic("x" * (TOPIC_CHARACTERS + 1))


def test_texts_have_bounds() -> None:
    check_text("x" * TEXT_BYTES)
    check_text("\u00e9" * (TEXT_BYTES // 2))
    with pytest.raises(TextTooLongError, match=r"at most 8192 bytes\.$"):
        check_text("\u00e9" * (TEXT_BYTES // 2) + "x")
    with pytest.raises(TextEmptyError):
        check_text("")
    check_reaction("")
    check_reaction("x" * REACTION_BYTES)
    with pytest.raises(TextTooLongError):
        check_reaction("x" * (REACTION_BYTES + 1))


# --- Private conversations ---


def test_a_conversation_is_made_once_whoever_asks() -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    room, is_made = hub.conversation(ana, bob)
    assert is_made and set(room.members) == {ana.id, bob.id} and room.kind is Kind.PRIVATE
    assert hub.conversation(bob, ana) == (room, False)
    assert hub.conversation(ana, eva)[0] is not room
    assert (room.name_for(ana), room.name_for(bob)) == ("bob", "ana")


def test_one_can_talk_to_oneself_and_still_to_others() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    notes, _ = hub.conversation(ana, ana)
    other, _ = hub.conversation(ana, bob)
    assert hub.conversation(ana, ana) == (notes, False)
    assert hub.conversation(ana, bob) == (other, False)
    assert notes.name_for(ana) == "ana"
    room = room_of(hub, ana)
    assert room.name_for(ana) == "python"
    room.check_shared()


def test_nobody_leaves_a_conversation() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room, _ = hub.conversation(ana, bob)
    with pytest.raises(NotAllowedError):
        hub.leave(ana, room)
    with pytest.raises(NotInvitedError):
        room.check_may_join(enter(hub.people, 3, b"eva", "eva"), 0)


def test_what_came_to_nothing_is_forgotten() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    conversation, _ = hub.conversation(ana, bob)
    hub.remove_room(conversation)
    assert hub.conversation(ana, bob)[1]
    for kind in (Kind.PUBLIC, Kind.INVITE):
        room = room_of(hub, ana, kind=kind)
        room.remove(ana)
        hub.remove_room(room)
        assert not hub.has_room("python") and hub.public_after(None) == ([], False)


# --- Names ---


def test_every_room_is_told_of_a_new_name() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    one, two = room_of(hub, ana, name="one"), room_of(hub, ana, bob, name="two")
    assert hub.rename(ana, "eva") == [
        Renamed(one.log, ana.id, "eva", "ana"),
        Renamed(two.log, ana.id, "eva", "ana"),
    ]
    assert members(two) == ["bob", "eva"]
    assert hub.rename(ana, "eva") == []
    with pytest.raises(NickTakenError):
        hub.rename(ana, "bob")
    assert members(two) == ["bob", "eva"]


# --- Pages ---


@given(st.sets(st.text("abcdefgh", min_size=1, max_size=5), max_size=300))
def test_pages_hold_everybody_once_in_order(nicks: set[str]) -> None:
    hub, people = hub_with(*sorted(nicks, key=hash))
    if not people:
        return
    room = room_of(hub, *people)
    assert members(room) == sorted(map(name_key, nicks))


def test_a_page_of_logs() -> None:
    hub, [ana] = hub_with("ana")
    rooms = [room_of(hub, ana, name=f"r{number}") for number in range(LOGS_PAGE + 1)]
    page, more = hub.logs_after(ana, None)
    assert len(page) == LOGS_PAGE and more
    rest, more = hub.logs_after(ana, page[-1].log)
    assert len(rest) == 1 and not more
    assert {room.log for room in [*page, *rest]} == {room.log for room in rooms}
    assert hub.logs_after(ana, rest[0].log) == ([], False)


def test_a_page_of_public_rooms() -> None:
    hub, [ana] = hub_with("ana")
    names = sorted((f"r{number}" for number in range(ROOMS_PAGE + 1)), key=name_key)
    for name in reversed(names):
        room_of(hub, ana, name=name)
    room_of(hub, ana, name="hidden", kind=Kind.INVITE)
    page, more = hub.public_after(None)
    assert [room.name for room in page] == names[:ROOMS_PAGE] and more
    rest, more = hub.public_after(names[ROOMS_PAGE - 1])
    assert [room.name for room in rest] == names[ROOMS_PAGE:] and not more


def test_rooms_and_conversations_of_earlier_are_known() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = Room(b"r" * 16, Kind.PUBLIC, "python", b"")
    hub.add_room(room)
    room.add(ana)
    conversation = Room(b"c" * 16, Kind.PRIVATE, "", ana.id)
    hub.add_room(conversation)
    for account in (ana, bob):
        conversation.add(account)
    hub.settle(conversation)
    assert hub.find_or_make(bob, "python", None) == (room, False)
    assert hub.conversation(bob, ana) == (conversation, False)


def test_an_account_is_nobody_else() -> None:
    assert Account(bytes(16), "ana") != Account(bytes(16), "ana")
    assert isinstance(Hub(lambda: b"").people.get(b""), type(None))
