"""Decisions about private conversations: requests, blocks, and who may write."""

from typing import Final

import pytest

from chat.limits import Limits
from chat.rooms import contacts, invitations, membership
from chat.rooms.changes import Change, put
from chat.rooms.errors import (
    BlockedError,
    InvalidError,
    NoSuchRequestError,
    NotWelcomeError,
    RequestError,
    TooManyBlocksError,
    TooManyRequestsError,
)
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.rooms.room import Room
from chat.rooms.trial import Losses, losses, try_all
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
from tests.rooms.support import (
    NOW,
    account_id,
    conversation_of,
    decide,
    do,
    hub_with,
    invite,
    log_id,
    room_of,
)

NEW: Final = log_id("new")
LIMITS: Final = Limits()


def converse(
    hub: Hub, account: Account, other: Account, log: str = "new", limits: Limits = LIMITS
) -> Change:
    """Let an account open the conversation with another; return the outcome."""
    return do(hub, contacts.converse, hub, account, other, log_id(log), limits, NOW)


def asked(hub: Hub, account: Account, other: Account) -> Room:
    """Return the conversation that `account` requests of `other`."""
    converse(hub, account, other)
    room = hub.conversation(account.id, other.id)
    assert room is not None
    return room


# --- Requests ---


def test_who_opens_a_conversation_is_in_it_and_the_other_is_asked() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    assert converse(hub, bob, ana).puts == (
        put(RoomKey(NEW), RoomProfile(Kind.PRIVATE, "", bob.id, ana.id)),
        put(MembershipKey(NEW, bob.id), Membership()),
        put(RequestKey(NEW, ana.id), Requested(bob.id, NOW)),
    )
    assert ana.logs == set() and ana.requests == {NEW}
    assert converse(hub, bob, ana, "other").puts == ()
    assert (hub.asked_by(bob.id), hub.asked_by(ana.id)) == (1, 0)


@pytest.mark.parametrize("way", ["accept", "converse"])
def test_a_request_is_accepted(way: str) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = asked(hub, bob, ana)
    if way == "accept":
        change = do(hub, contacts.accept, ana, room)
        assert decide(hub, contacts.accept, ana, room).is_nothing  # On another device.
    else:
        change = converse(hub, ana, bob, "other")
    assert change.puts == (
        put(MembershipKey(NEW, ana.id), Membership()),
        put(RequestKey(NEW, ana.id), None),
    )
    assert list(room.members) == [bob.id, ana.id]
    assert hub.asked_by(bob.id) == 0 and ana.requests == set()


def test_a_request_is_declined_for_good() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = asked(hub, bob, ana)
    change = do(hub, contacts.decline, ana, room)
    assert change.puts == (put(RequestKey(NEW, ana.id), Requested(bob.id, NOW, True)),)
    assert ana.requests == set() and hub.asked_by(bob.id) == 0
    do(hub, membership.leave, bob, room)
    assert converse(hub, bob, ana).puts == (put(MembershipKey(NEW, bob.id), Membership()),)
    for answer in (contacts.accept, contacts.decline):
        with pytest.raises(NoSuchRequestError):
            decide(hub, answer, ana, room)
    # The one who declined can still open it.
    converse(hub, ana, bob)
    assert room.members.keys() == {ana.id, bob.id}


@pytest.mark.parametrize("place", ["nowhere", "others", "room"])
def test_only_a_request_to_oneself_is_answered(place: str) -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    room = None
    if place != "nowhere":
        room = asked(hub, ana, bob) if place == "others" else room_of(hub, ana, eva)
    for answer in (contacts.accept, contacts.decline):
        with pytest.raises(NoSuchRequestError):
            decide(hub, answer, eva, room)


def test_one_can_talk_to_oneself_and_still_to_others() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    assert converse(hub, ana, ana).puts[1:] == (put(MembershipKey(NEW, ana.id), Membership()),)
    assert converse(hub, ana, ana, "other").puts == ()
    room = hub.conversation(ana.id, ana.id)
    assert room is not None and not room.is_deserted
    converse(hub, ana, bob, "other")
    assert hub.conversation(bob.id, ana.id) is hub.known_room(log_id("other"))


def test_who_has_left_is_asked_again_and_once() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = conversation_of(hub, ana, bob)
    assert not room.is_deserted
    assert do(hub, contacts.ask_again, hub, ana, room, LIMITS, NOW).is_nothing
    do(hub, membership.leave, bob, room)
    assert room.is_deserted
    change = do(hub, contacts.ask_again, hub, ana, room, LIMITS, NOW)
    assert change.puts == (put(RequestKey(room.log, bob.id), Requested(ana.id, NOW)),)
    assert not room.is_deserted
    do(hub, membership.leave, ana, room)
    do(hub, contacts.accept, bob, room)  # Back to an empty conversation, where bob may ask ana.
    assert room.is_deserted


def test_a_full_list_has_room_for_networks_that_have_fewer() -> None:
    nicks = [f"{place}{number}" for place in "abc" for number in range(6)]
    hub, people = hub_with("victim", *nicks)
    victim, others = people[0], dict(zip(nicks, people[1:], strict=True))
    limits = Limits(requests_to_account=6)
    made = 0

    def ask(nick: str) -> str | None:
        """Let somebody ask; return whose request is withdrawn for that."""
        nonlocal made
        made += 1
        before = set(waiting())
        change = decide(
            hub,
            contacts.converse,
            *(hub, others[nick], victim, log_id(str(made)), limits, NOW + made),
            lambda account: hub.people.nick_of(account)[0],
        )
        hub.put_all(change.puts)
        gone = before - set(waiting())
        return gone.pop() if gone else None

    def waiting() -> list[str]:
        rooms = [hub.known_room(it) for it in victim.requests]
        return [hub.people.nick_of(it.requested[victim.id].by) for it in rooms if it is not None]

    assert [ask(f"a{number}") for number in range(6)] == [None] * 6
    assert [ask(f"b{number}") for number in range(2)] == ["a0", "a1"]
    assert ask("b2") == "a2"  # Three of each.
    for nick in ("a0", "b3"):
        with pytest.raises(TooManyRequestsError):
            ask(nick)
    assert ask("c0") == "a3" and ask("c1") == "b0"  # Two of each.
    for nick in ("a1", "b4", "c2"):
        with pytest.raises(TooManyRequestsError):
            ask(nick)
    assert sorted(waiting()) == ["a4", "a5", "b1", "b2", "c0", "c1"]


@pytest.mark.parametrize(("days", "is_old"), [(29.9, False), (30, True), (400, True)])
def test_an_old_request_makes_room(days: float, is_old: bool) -> None:
    hub, [ana, bob, eva, dan] = hub_with("ana", "bob", "eva", "dan")
    limits = Limits(requests_to_account=2)
    converse(hub, bob, ana, "1", limits)
    converse(hub, eva, ana, "2", limits)
    later = NOW + round(days * 86_400_000)
    asking = (hub, dan, ana, log_id("3"), limits, later)
    if is_old:
        do(hub, contacts.converse, *asking)
        assert ana.requests == {log_id("2"), log_id("3")}
        # Whose request was withdrawn can ask again.
        room = hub.known_room(log_id("1"))
        assert room is not None
        do(hub, contacts.ask_again, hub, bob, room, Limits(), later)
        assert ana.requests == {log_id("1"), log_id("2"), log_id("3")}
    else:
        with pytest.raises(TooManyRequestsError):
            do(hub, contacts.converse, *asking)


def test_requests_are_bounded_by_who_gets_and_by_who_makes_them() -> None:
    hub, [ana, bob, eva, dan] = hub_with("ana", "bob", "eva", "dan")
    limits = Limits(requests_to_account=1, requests_by_account=2)
    converse(hub, bob, ana, "1", limits)
    with pytest.raises(TooManyRequestsError):
        converse(hub, eva, ana, "2", limits)
    converse(hub, bob, eva, "3", limits)
    with pytest.raises(TooManyRequestsError):
        converse(hub, bob, dan, "4", limits)
    do(hub, contacts.decline, ana, hub.known_room(log_id("1")))
    converse(hub, bob, dan, "4", limits)
    converse(hub, eva, ana, "2", limits)


def test_requests_are_listed_in_pages() -> None:
    hub, accounts = hub_with("ana", *(f"n{number}" for number in range(90)))
    ana, *others = accounts
    for number, other in enumerate(others):
        asking = contacts.converse(hub, other, ana, log_id(f"{number:02}"), LIMITS, NOW)
        hub.put_all(asking.puts)
    first, more = hub.requests_after(ana, None)
    assert (len(first), more) == (80, True)
    rest, more = hub.requests_after(ana, first[-1].log)
    assert (len(rest), more) == (10, False)
    assert {it.log for it in (*first, *rest)} == ana.requests


# --- Who may ---


@pytest.mark.parametrize(
    ("contact", "is_near", "is_welcome"),
    [
        ("everybody", False, True),
        ("members", False, False),
        ("members", True, True),
        ("nobody", True, False),
    ],
)
def test_one_chooses_who_may_ask_and_invite(contact: str, is_near: bool, is_welcome: bool) -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    den = room_of(hub, bob, eva, name="den")
    conversation_of(hub, ana, eva)  # Not a room.
    if is_near:
        room_of(hub, ana, bob)
    do(hub, contacts.set_contact, ana, contact)
    assert decide(hub, contacts.set_contact, ana, contact).is_nothing
    if is_welcome:
        converse(hub, bob, ana)
        do(hub, invitations.invite, hub, bob, den, "ana", LIMITS, NOW)
        return
    with pytest.raises(NotWelcomeError, match=r"^ana does not accept messages from you\.$"):
        converse(hub, bob, ana)
    with pytest.raises(NotWelcomeError):
        decide(hub, invitations.invite, hub, bob, den, "ana", LIMITS, NOW)
    converse(hub, ana, bob)  # Accepting a request is allowed all the same.
    do(hub, contacts.accept, bob, hub.conversation(ana.id, bob.id))
    converse(hub, ana, ana, "notes")


def test_everybody_is_what_is_not_kept() -> None:
    hub, [ana] = hub_with("ana")
    do(hub, contacts.set_contact, ana, "nobody")
    assert ana.contact is Contact.NOBODY
    change = do(hub, contacts.set_contact, ana, "everybody")
    assert change.puts == (put(ContactKey(ana.id), None),)
    with pytest.raises(InvalidError, match="everybody, members, nobody"):
        decide(hub, contacts.set_contact, ana, "friends")


# --- Blocks ---


def test_a_block_stops_everything_that_can_come_from_an_account() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    den, pub = room_of(hub, bob, name="den"), room_of(hub, ana, name="pub")
    invite(hub, ana, den)
    room = asked(hub, bob, ana)
    change = do(hub, contacts.block, hub, ana, "BOB", LIMITS, NOW)
    assert change.puts == (
        put(BlockKey(ana.id, bob.id), Blocked(NOW)),
        put(RequestKey(room.log, ana.id), Requested(bob.id, NOW, True)),
        put(InvitedKey(den.log, ana.id), None),
    )
    assert decide(hub, contacts.block, hub, ana, "bob", LIMITS, NOW).is_nothing
    refused: list[tuple[Account, type[RequestError]]]
    refused = [(bob, NotWelcomeError), (ana, BlockedError)]
    for account, error in refused:
        with pytest.raises(error):
            hub.check_may_talk(account, room)
    with pytest.raises(NotWelcomeError):
        decide(hub, invitations.invite, hub, bob, den, "ana", LIMITS, NOW)
    with pytest.raises(BlockedError):
        decide(hub, invitations.invite, hub, ana, pub, "bob", LIMITS, NOW)
    assert hub.is_blocked_in(bob, room) and not hub.is_blocked_in(ana, room)
    assert not hub.is_blocked_in(bob, den)
    hub.put(MembershipKey(room.log, bob.id), None)
    with pytest.raises(NotWelcomeError):
        converse(hub, bob, ana)
    assert ana.requests == set()


def test_a_block_before_anything_was_said_refuses_the_first_request() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    do(hub, contacts.block, hub, ana, "bob", LIMITS, NOW)
    with pytest.raises(NotWelcomeError):
        converse(hub, bob, ana)
    with pytest.raises(BlockedError, match=r"^You have blocked bob; unblock them first\.$"):
        converse(hub, ana, bob)
    do(hub, contacts.unblock, hub, ana, "bob")
    converse(hub, bob, ana)


def test_after_a_block_one_can_be_asked_again() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = asked(hub, bob, ana)
    do(hub, contacts.block, hub, ana, "bob", LIMITS, NOW)
    do(hub, contacts.unblock, hub, ana, "bob")
    assert room.requested == {}
    do(hub, contacts.ask_again, hub, bob, room, LIMITS, NOW)
    assert ana.requests == {room.log}


def test_blocks_make_sense_and_are_bounded() -> None:
    hub, [ana, bob, _] = hub_with("ana", "bob", "eva")
    with pytest.raises(InvalidError, match="yourself"):
        decide(hub, contacts.block, hub, ana, "ana", LIMITS, NOW)
    with pytest.raises(InvalidError, match="bob is not blocked"):
        decide(hub, contacts.unblock, hub, ana, "bob")
    limits = Limits(blocks_per_account=1)
    do(hub, contacts.block, hub, ana, "bob", limits, NOW)
    with pytest.raises(TooManyBlocksError, match="1 accounts"):
        decide(hub, contacts.block, hub, ana, "eva", limits, NOW)
    assert hub.blocked_after(ana, None) == (["bob"], False)
    assert hub.blocked_after(ana, "bob") == ([], False)
    assert hub.blocked_after(bob, None) == ([], False)


def test_what_waits_to_be_sealed_is_looked_at_again_after_a_block() -> None:
    hub, [ana, bob, _] = hub_with("ana", "bob", "eva")
    room = conversation_of(hub, ana, bob)
    blocks = [
        lambda nick=nick: contacts.block(hub, ana, nick, LIMITS, NOW) for nick in ("bob", "eva")
    ]
    assert losses(hub, try_all(hub, blocks)) == Losses(silenced=frozenset({room.log}))
    hub.put(BlockKey(ana.id, bob.id), Blocked(NOW))
    lifted = try_all(hub, [lambda: contacts.unblock(hub, ana, "bob")])
    assert losses(hub, lifted) == Losses()


def test_nobody_is_in_a_conversation_whose_other_account_is_gone() -> None:
    hub, [ana] = hub_with("ana")
    profile = RoomProfile(Kind.PRIVATE, "", ana.id, account_id("gone"))
    hub.put(RoomKey(NEW), profile)
    hub.put(MembershipKey(NEW, ana.id), Membership())
    room = hub.known_room(NEW)
    assert room is not None
    hub.check_may_talk(ana, room)
    assert decide(hub, contacts.ask_again, hub, ana, room, LIMITS, NOW).is_nothing
