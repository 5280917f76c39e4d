"""Codes and invitations: limits on uses, time, wrong attempts and number."""

from typing import Final

import pytest

from chat.ids import NOBODY, LogId
from chat.limits import Limits
from chat.rooms import accounts, invitations, membership, moderation
from chat.rooms.changes import NOTHING, Change, Event, Put, put
from chat.rooms.errors import (
    BadCodeError,
    BadTokenError,
    InvalidError,
    NoSuchNickError,
    NoSuchRoomError,
    NotAllowedError,
    TooManyInvitationsError,
)
from chat.rooms.hub import Hub
from chat.rooms.moderation import Order
from chat.rooms.people import Account
from chat.rooms.roles import Action, Role
from chat.rooms.room import Room
from chat.rooms.values import (
    Invitation,
    InvitationKey,
    InvitedBy,
    InvitedKey,
    Kind,
    LinkCode,
    LinkCodeKey,
    TokenHash,
)
from tests.rooms.support import (
    NOW,
    account_id,
    ban,
    conversation_of,
    decide,
    do,
    hub_with,
    log_id,
    room_of,
    set_role,
    token,
)

RIGHT: Final = token("right")
WRONG: Final = token("wrong")
UNTIL: Final = NOW + 1
ANA: Final = account_id("ana")
BOB: Final = account_id("bob")
EVENT: Final = Event(NOW, "ana", "token", "", "", "")
NO_ROOM: Final = LogId(b"")


# --- Codes ---


def try_code(hub: Hub, hash: TokenHash, now: int = NOW) -> list[Put]:
    """Try a code for ana, and return the puts. Raises BadCodeError."""
    puts = decide(hub, invitations.redeem_code, hub, ANA, hash, now)
    hub.put_all(puts)
    return puts


def hub_with_code(tries: int = 0) -> Hub:
    """Return a hub with a code and a number of wrong attempts."""
    hub, _ = hub_with("ana", "bob")
    hub.put_all(decide(hub, invitations.issue_code, ANA, RIGHT, UNTIL))
    for _ in range(tries):
        with pytest.raises(BadCodeError):
            try_code(hub, WRONG)
    return hub


@pytest.mark.parametrize("tries", [0, 1, 5, 1_000])
def test_a_code_is_right_once_however_many_wrong_ones_were_tried(tries: int) -> None:
    hub = hub_with_code(tries)
    assert hub.codes == {ANA: LinkCode(RIGHT, UNTIL)}
    assert try_code(hub, RIGHT) == [put(LinkCodeKey(ANA), None)]
    with pytest.raises(BadCodeError):
        try_code(hub, RIGHT)


@pytest.mark.parametrize("hash", [RIGHT, WRONG])
def test_a_code_that_is_over_is_wrong(hash: TokenHash) -> None:
    hub = hub_with_code()
    with pytest.raises(BadCodeError):
        try_code(hub, hash, now=UNTIL)


def test_a_code_is_one_account_s() -> None:
    hub = hub_with_code()
    with pytest.raises(BadCodeError):
        decide(hub, invitations.redeem_code, hub, BOB, RIGHT, NOW)
    assert hub.codes == {ANA: LinkCode(RIGHT, UNTIL)}


def test_a_new_code_takes_the_place_of_the_old() -> None:
    hub = hub_with_code()
    second = token("second")
    hub.put_all(decide(hub, invitations.issue_code, ANA, second, UNTIL))
    with pytest.raises(BadCodeError):
        try_code(hub, RIGHT)
    try_code(hub, second)


# --- Tokens ---


def issue(hub: Hub, uses: int = 1, until: int = UNTIL, log: LogId = NO_ROOM) -> Change:
    """Issue an invitation."""
    invitation = Invitation(log, ANA, uses, until)
    return do(hub, invitations.issue_token, hub, RIGHT, invitation, EVENT, Limits(), NOW)


def redeem(hub: Hub, account: Account, hash: TokenHash = RIGHT, now: int = NOW) -> None:
    """Use an invitation once."""
    hub.put_all(decide(hub, invitations.redeem_token, hub, account.id, hash, now))


def hub_of_ana(*nicks: str) -> tuple[Hub, list[Account]]:
    """Return a hub in which ana may invite to the server."""
    hub, them = hub_with(*nicks)
    set_role(hub, hub.people.named("ana"), Role.OPERATOR)
    return hub, them


def test_an_invitation_is_made_and_noted() -> None:
    hub, _ = hub_of_ana("ana")
    change = issue(hub)
    assert change.event == EVENT
    assert hub.invitations == {RIGHT: Invitation(NO_ROOM, ANA, 1, UNTIL)}


@pytest.mark.parametrize(("uses", "until"), [(1, NOW), (1, NOW - 1), (0, UNTIL)])
def test_an_invitation_is_worth_something(uses: int, until: int) -> None:
    hub, _ = hub_with("ana")
    with pytest.raises(InvalidError):
        issue(hub, uses, until)


def test_what_is_worth_nothing_is_forgotten_when_another_is_made() -> None:
    hub, _ = hub_of_ana("ana")
    hub.put(InvitationKey(token("eve's")), Invitation(NO_ROOM, BOB, 1, UNTIL))
    for name, uses, until in (("good", 1, UNTIL), ("used", 0, UNTIL), ("old", 1, NOW)):
        hub.put(InvitationKey(token(name)), Invitation(NO_ROOM, ANA, uses, until))
    issue(hub)
    assert set(hub.invitations) == {token("good"), RIGHT}


def test_only_so_many_may_be_open_into_a_room() -> None:
    hub, [ana] = hub_of_ana("ana")
    room = room_of(hub, ana, kind=Kind.INVITE)
    limits = Limits(invitations_per_room=2)

    def issue_into(log: LogId, name: str, until: int = UNTIL, now: int = NOW) -> None:
        invitation = Invitation(log, ANA, 1, until)
        do(hub, invitations.issue_token, hub, token(name), invitation, EVENT, limits, now)

    issue_into(room.log, "one", UNTIL + 1)
    issue_into(room.log, "two")
    with pytest.raises(TooManyInvitationsError):
        issue_into(room.log, "three")
    issue_into(NO_ROOM, "into none")
    # An expired, withdrawn or used-up one makes room for another.
    issue_into(room.log, "three", UNTIL + 1, UNTIL)
    assert set(hub.invitations) == {token("one"), token("three"), token("into none")}
    do(hub, invitations.withdraw, token("one"), EVENT)
    issue_into(room.log, "four", UNTIL + 1, UNTIL)
    assert hub.tokens.count(room.log, UNTIL) == 2
    assert hub.tokens.count(NO_ROOM, UNTIL) == 0
    assert hub.tokens.ended(NO_ROOM, UNTIL) == [InvitationKey(token("into none"))]


def test_an_invitation_is_used_so_often() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, kind=Kind.INVITE)
    issue(hub, uses=2, log=room.log)
    redeem(hub, bob)
    assert hub.invitations == {RIGHT: Invitation(room.log, ANA, 1, UNTIL)}
    assert room.invited == {bob.id: InvitedBy(ANA)}
    redeem(hub, bob)
    assert hub.invitations == {}
    with pytest.raises(BadTokenError):
        redeem(hub, bob)


def test_an_invitation_is_over_at_its_millisecond() -> None:
    hub, [_, bob] = hub_of_ana("ana", "bob")
    issue(hub)
    for hash, now in ((RIGHT, UNTIL), (WRONG, NOW)):
        with pytest.raises(BadTokenError):
            redeem(hub, bob, hash, now)


def test_an_invitation_of_a_room_that_is_gone_is_bad() -> None:
    hub, [_, bob] = hub_of_ana("ana", "bob")
    issue(hub, log=log_id("gone"))
    with pytest.raises(BadTokenError):
        redeem(hub, bob)


def lose(hub: Hub, what: str, ana: Account, room: Room) -> None:
    """Take a right from ana, by a decision or behind the decisions' back."""
    scope = None if what.startswith("server") else room
    action = what.removeprefix("server ")
    if action == "leave":
        do(hub, membership.leave, ana, room)
    elif action == "disown":
        do(hub, accounts.disown, hub, "ana", "root", NOW)
    else:
        order = Order(Action(action), 0, "")
        do(hub, moderation.moderate, hub, order, "root", ana, scope, Limits(), NOW)


LOSSES: Final = ("kick", "ban", "deop", "leave", "server ban")


@pytest.mark.parametrize("what", LOSSES)
def test_a_token_to_a_room_is_worth_what_its_maker_may(what: str) -> None:
    hub, [root, ana, bob] = hub_with("root", "ana", "bob")
    room = room_of(hub, root, ana, kind=Kind.INVITE)
    set_role(hub, ana, Role.OPERATOR, room)
    issue(hub, uses=5, log=room.log)
    redeem(hub, bob)
    lose(hub, what, ana, room)
    with pytest.raises(BadTokenError):
        redeem(hub, bob)
    is_invited = hub.is_invited(InvitedKey(room.log, bob.id), NOW)
    # Every member may invite, so the invitations of somebody who is still a member stay.
    assert is_invited is (what == "deop") and bool(hub.invited_to(bob, NOW)) is is_invited
    assert what in ("leave", "kick", "server ban") or hub.invitations == {}
    do(
        hub,
        invitations.issue_token,
        hub,
        WRONG,
        Invitation(room.log, root.id, 1, UNTIL),
        EVENT,
        Limits(),
        NOW,
    )
    assert set(hub.invitations) == {WRONG}


@pytest.mark.parametrize("what", ["server deop", "server ban", "server disown"])
def test_a_token_to_the_server_is_worth_what_its_maker_may(what: str) -> None:
    hub, [ana, bob] = hub_of_ana("ana", "bob")
    set_role(hub, ana, Role.OWNER if what.endswith("disown") else Role.OPERATOR)
    issue(hub, uses=5)
    redeem(hub, bob)
    lose(hub, what, ana, room_of(hub, ana))
    assert hub.invitations == {}
    with pytest.raises(BadTokenError):
        redeem(hub, bob)


def test_the_operator_s_tokens_are_good_whoever_is_what() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    hub.put(InvitationKey(RIGHT), Invitation(room.log, NOBODY, 1, UNTIL))
    redeem(hub, bob)
    assert hub.is_invited(InvitedKey(room.log, bob.id), NOW)


@pytest.mark.parametrize("what", ["kick", "ban", "leave", "server ban"])
def test_an_invitation_is_worth_what_its_maker_may(what: str) -> None:
    hub, [root, ana, bob] = hub_with("root", "ana", "bob")
    room = room_of(hub, root, ana, kind=Kind.INVITE)
    assert invite(hub, room, "bob") != NOTHING
    lose(hub, what, ana, room)
    with pytest.raises(NoSuchRoomError):
        decide(hub, membership.join, hub, bob, "python", None, log_id("new"), Limits(), NOW)
    assert hub.invited_to(bob, NOW) == []
    # It does not keep others from inviting him, and does not use up their share.
    limits = Limits(invitations_per_account=1, invitations_per_room=1)
    change = do(hub, invitations.invite, hub, root, room, "bob", limits, NOW)
    assert change.puts == (put(InvitedKey(room.log, bob.id), InvitedBy(root.id)),)


def test_dead_invitations_make_room_for_others() -> None:
    hub, [root, ana, *_] = hub_with("root", "ana", "bob", "eva", "max")
    room, other = (room_of(hub, root, ana, name=name, kind=Kind.INVITE) for name in ("a", "b"))
    limits = Limits(invitations_per_account=2, invitations_per_room=2)
    for it, nick in ((room, "bob"), (room, "eva"), (other, "bob")):
        invite(hub, it, nick, limits)
    with pytest.raises(TooManyInvitationsError):
        decide(hub, invitations.invite, hub, root, room, "max", limits, NOW)
    lose(hub, "kick", ana, room)
    change = do(hub, invitations.invite, hub, root, room, "max", limits, NOW)
    assert len(change.puts) == 3 and len(room.invited) == 1


def test_an_invitation_lifts_no_ban_and_a_ban_that_is_over_is_none() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    issue(hub, uses=2, until=UNTIL + 1, log=room.log)
    ban(hub, bob, room, until=UNTIL)
    redeem(hub, bob, now=NOW)
    assert hub.invited_to(bob, NOW) == []
    redeem(hub, bob, now=UNTIL)
    assert hub.invited_to(bob, NOW) == [(room, InvitedBy(ANA))]


def test_an_invitation_is_withdrawn() -> None:
    hub, [_, bob] = hub_of_ana("ana", "bob")
    issue(hub)
    assert do(hub, invitations.withdraw, RIGHT, EVENT).event == EVENT
    with pytest.raises(BadTokenError):
        redeem(hub, bob)


# --- Invitations of an account ---


def invite(hub: Hub, room: Room, nick: str, limits: Limits | None = None, now: int = NOW) -> Change:
    """Let ana invite somebody to a room."""
    ana = hub.people.named("ana")
    return do(hub, invitations.invite, hub, ana, room, nick, limits or Limits(), now)


@pytest.mark.parametrize("kind", [Kind.PUBLIC, Kind.INVITE])
def test_somebody_is_invited_once(kind: Kind) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, kind=kind)
    assert invite(hub, room, "BOB").puts == (put(InvitedKey(room.log, bob.id), InvitedBy(ana.id)),)
    assert invite(hub, room, "bob") == NOTHING
    assert invite(hub, room, "ana") == NOTHING  # Members.


def test_who_is_banned_is_not_invited_until_that_is_over() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    ban(hub, bob, room, until=UNTIL)
    assert invite(hub, room, "bob") == NOTHING
    assert invite(hub, room, "bob", now=UNTIL) != NOTHING


def test_nobody_is_invited_to_a_conversation_nor_who_is_not_there() -> None:
    hub, [ana, bob, _] = hub_with("ana", "bob", "eva")
    with pytest.raises(NotAllowedError):
        invite(hub, conversation_of(hub, ana, bob), "eva")
    with pytest.raises(NoSuchNickError):
        invite(hub, room_of(hub, ana), "max")


def test_an_account_has_so_many_invitations() -> None:
    hub, [ana, bob, _] = hub_with("ana", "bob", "eva")
    limits = Limits(invitations_per_account=2)
    rooms = [room_of(hub, ana, name=f"r{number}") for number in range(3)]
    for room in rooms[:2]:
        invite(hub, room, "bob", limits)
    with pytest.raises(TooManyInvitationsError):
        invite(hub, rooms[2], "bob", limits)
    # Inviting again somebody who is invited is fine, and others may be invited.
    assert invite(hub, rooms[0], "bob", limits) == NOTHING
    invite(hub, rooms[2], "eva", limits)
    hub.put(InvitedKey(rooms[0].log, bob.id), None)
    invite(hub, rooms[2], "bob", limits)


def test_a_room_has_so_many_invitations() -> None:
    hub, [ana, bob, *_] = hub_with("ana", "bob", "eva", "max")
    limits = Limits(invitations_per_room=2)
    room = room_of(hub, ana)
    for nick in ("bob", "eva"):
        invite(hub, room, nick, limits)
    with pytest.raises(TooManyInvitationsError):
        invite(hub, room, "max", limits)
    hub.put(InvitedKey(room.log, bob.id), None)
    invite(hub, room, "max", limits)
