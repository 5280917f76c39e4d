"""Moderation decisions: who may, the result, and what the account concerned is told."""

from typing import Final

import pytest

from chat.limits import REASON_CHARACTERS, Limits
from chat.rooms import membership, moderation
from chat.rooms.addresses import LOCAL, AddressGroup
from chat.rooms.changes import NOTHING, Change, Event, Put, Told, put
from chat.rooms.errors import (
    BannedError,
    InvalidError,
    NoSuchMemberError,
    NotAllowedError,
    SharedNetworkError,
    TextTooLongError,
)
from chat.rooms.hub import Hub
from chat.rooms.moderation import Order, Use, check_network
from chat.rooms.people import Account
from chat.rooms.roles import Action, Role, Sanction
from chat.rooms.room import Room
from chat.rooms.values import (
    SERVER,
    BanKey,
    Kind,
    MembershipKey,
    MuteKey,
    NetworkKey,
    RoleKey,
    Scope,
)
from tests.rooms.support import (
    NETWORK,
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

ON_SERVER: Final = (Role.MEMBER, Role.OPERATOR, Role.OWNER)
FOR_MEMBERS: Final = (Action.KICK, Action.BAN, Action.MUTE, Action.OP)


def may(hub: Hub, action: Action, actor: Account, target: Account, room: Room | None) -> bool:
    """Return whether one account may act on the other."""
    try:
        decide(hub, moderation.check_may_moderate, hub, action, actor, target, room)
    except NotAllowedError:
        return False
    return True


def moderate(hub: Hub, order: Order, target: Account, room: Room | None) -> Change:
    """Act on an account, and return the result."""
    return do(hub, moderation.moderate, hub, order, "ana", target, room, Limits(), NOW)


def give(hub: Hub, account: Account, role: Role, room: Room) -> None:
    """Give an account a role in a room; `Role.OWNER` makes it the room's owner."""
    if role is Role.HOST:
        set_role(hub, account, Role.OWNER)
    elif role is Role.OPERATOR:
        set_role(hub, account, Role.OPERATOR, room)
    elif role is Role.OWNER:
        set_role(hub, account, Role.OWNER, room)


# --- Who may ---


@pytest.mark.parametrize("action", Action)
def test_in_a_room_one_may_do_things_to_those_below(action: Action) -> None:
    for actor_role in Role:
        for target_role in Role:
            hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
            room = room_of(hub, eva, ana, bob)
            give(hub, ana, actor_role, room)
            give(hub, bob, target_role, room)
            is_above = actor_role >= action.needed and actor_role > target_role
            assert may(hub, action, ana, bob, room) == is_above


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("actor_role", ON_SERVER)
@pytest.mark.parametrize("target_role", ON_SERVER)
def test_on_the_server_one_may_do_things_to_those_below(
    action: Action, actor_role: Role, target_role: Role
) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    set_role(hub, ana, actor_role)
    set_role(hub, bob, target_role)
    is_above = actor_role >= action.needed and actor_role > target_role
    assert may(hub, action, ana, bob, None) == is_above


def test_a_room_s_owner_may_nothing_on_the_server() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room_of(hub, ana, bob)
    assert not any(may(hub, action, ana, bob, None) for action in Action)


def test_roles_on_the_server_count_in_rooms() -> None:
    hub, [host, owner, operator, bob] = hub_with("host", "owner", "operator", "bob")
    room = room_of(hub, owner, bob)
    set_role(hub, host, Role.OWNER)
    set_role(hub, operator, Role.OPERATOR)
    ranks = [host, owner, operator, bob]
    for index, actor in enumerate(ranks):
        below = [may(hub, Action.KICK, actor, target, room) for target in ranks]
        can = actor is not bob
        assert below == [can and other > index for other in range(len(ranks))]


def test_nobody_does_anything_to_themselves() -> None:
    for role in Role:
        hub, [ana, eva] = hub_with("ana", "eva")
        room = room_of(hub, eva, ana)
        give(hub, ana, role, room)
        for action in Action:
            assert not may(hub, action, ana, ana, room)
            assert not may(hub, action, ana, ana, None)


@pytest.mark.parametrize("action", Action)
def test_a_conversation_has_nobody_who_keeps_order(action: Action) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    set_role(hub, ana, Role.OWNER)
    assert not may(hub, action, ana, bob, conversation_of(hub, ana, bob))


def test_an_action_is_one_of_those_there_are() -> None:
    assert [moderation.parse_action(action.value) for action in Action] == list(Action)
    for text in ("", "KICK", "own"):
        with pytest.raises(InvalidError):
            moderation.parse_action(text)


# --- Results ---


@pytest.mark.parametrize("in_room", [True, False])
def test_what_is_done_is_kept_noted_and_told(in_room: bool) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob) if in_room else None
    scope = SERVER if room is None else room.log
    where = "this server" if room is None else 'the room "python"'
    out = () if room is None else (put(MembershipKey(room.log, bob.id), None),)
    sanction = Sanction(NOW + 10_000, "spam", "ana")
    when = "until 1970-01-01 00:16 UTC"
    expected: dict[Action, tuple[tuple[Put, ...], str]] = {
        Action.BAN: (
            (put(BanKey(scope, bob.id), sanction), *out),
            f"banned you from {where} {when}",
        ),
        Action.UNBAN: ((put(BanKey(scope, bob.id), None),), f"lifted your ban from {where}"),
        Action.MUTE: ((put(MuteKey(scope, bob.id), sanction),), f"muted you in {where} {when}"),
        Action.UNMUTE: (
            (put(MuteKey(scope, bob.id), None),),
            f"unmuted you in {where}",
        ),
        Action.OP: (
            (put(RoleKey(scope, bob.id), Role.OPERATOR),),
            f"made you an operator of {where}",
        ),
        Action.DEOP: (
            (put(RoleKey(scope, bob.id), None),),
            f"removed you as an operator of {where}",
        ),
        Action.KICK: (out, f"removed you from {where}"),
    }
    before = {
        Action.UNBAN: (put(BanKey(scope, bob.id), Sanction()),),
        Action.UNMUTE: (put(MuteKey(scope, bob.id), Sanction()),),
        Action.DEOP: (put(RoleKey(scope, bob.id), Role.OPERATOR),),
    }
    for action, (puts, sentence) in expected.items():
        if action is Action.KICK and room is None:
            continue
        back = hub.put_all(before[action]) if action in before else []
        order = Order(action, 10, "spam")
        assert decide(
            hub, moderation.moderate, hub, order, "ana", bob, room, Limits(), NOW
        ) == Change(
            puts,
            Event(NOW, "ana", action.value, "bob", "python" if in_room else "", "10 s spam"),
            Told(
                bob.id,
                f'ana has {sentence}. ana wrote: "spam"',
                None if room is None else room.log,
            ),
        )
        hub.put_all(back)


@pytest.mark.parametrize("in_room", [True, False])
@pytest.mark.parametrize("action", [Action.UNBAN, Action.UNMUTE, Action.OP, Action.DEOP])
def test_what_is_so_already_is_nothing(action: Action, in_room: bool) -> None:
    """Nobody is told twice, and the audit log has only real changes."""
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob) if in_room else None
    if action is Action.OP:
        hub.put(RoleKey(SERVER if room is None else room.log, bob.id), Role.OPERATOR)
    assert (
        decide(hub, moderation.moderate, hub, Order(action), "ana", bob, room, Limits(), NOW)
        == NOTHING
    )


@pytest.mark.parametrize("action", [Action.BAN, Action.MUTE])
def test_what_lasts_no_time_is_for_good(action: Action) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    change = moderate(hub, Order(action), bob, room_of(hub, ana, bob))
    assert change.puts[0].value == Sanction()
    assert change.told is not None and change.told.sentence.endswith(" permanently.")
    assert change.event is not None and change.event.detail == ""


@pytest.mark.parametrize("in_room", [True, False])
@pytest.mark.parametrize(
    ("action", "opposite"),
    [(Action.BAN, Action.UNBAN), (Action.MUTE, Action.UNMUTE), (Action.OP, Action.DEOP)],
)
def test_each_action_has_its_opposite(action: Action, opposite: Action, in_room: bool) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob) if in_room else None
    scope: Scope = SERVER if room is None else room.log
    keys = (BanKey(scope, bob.id), MuteKey(scope, bob.id), RoleKey(scope, bob.id))
    moderate(hub, Order(action), bob, room)
    assert [hub.get(key) for key in keys].count(None) == 2
    for _ in range(2):  # Undoing what is not there does nothing.
        moderate(hub, Order(opposite), bob, room)
        assert [hub.get(key) for key in keys].count(None) == 3


@pytest.mark.parametrize("action", Action)
def test_some_things_are_for_members_only(action: Action) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    if action in FOR_MEMBERS:
        with pytest.raises(NoSuchMemberError, match=r"^bob is not in that room\.$"):
            moderate(hub, Order(action), bob, room)
    else:
        moderate(hub, Order(action), bob, room)


def test_nobody_is_kicked_from_the_server() -> None:
    hub, [_, bob] = hub_with("ana", "bob")
    with pytest.raises(InvalidError):
        moderate(hub, Order(Action.KICK), bob, None)


@pytest.mark.parametrize("action", Action)
def test_a_reason_has_a_bound(action: Action) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    with pytest.raises(TextTooLongError):
        moderate(hub, Order(action, 0, "x" * (REASON_CHARACTERS + 1)), bob, room)
    moderate(hub, Order(action, 0, "x" * REASON_CHARACTERS), bob, room)


def test_a_reason_is_no_template() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    change = moderate(hub, Order(Action.KICK, 0, "{by} {0}"), bob, room_of(hub, ana, bob))
    assert change.told == Told(
        bob.id,
        'ana has removed you from the room "python". ana wrote: "{by} {0}"',
        log_id("python"),
    )


# --- Bans ---


def test_a_ban_from_a_room_leaves_nothing_to_come_back_by() -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    room = room_of(hub, ana, bob, kind=Kind.INVITE)
    set_role(hub, bob, Role.OPERATOR, room)
    moderate(hub, Order(Action.BAN), bob, room)
    assert room.role(bob.id) is Role.MEMBER and bob.id not in room.members
    # The invited account hears of the room from the inviter, and of nothing else.
    invite(hub, eva, room)
    with pytest.raises(NoSuchMemberError):
        moderate(hub, Order(Action.BAN), eva, room)
    with pytest.raises(BannedError):
        decide(hub, membership.join, hub, bob, "python", None, log_id("x"), Limits(), NOW)


def test_an_owner_of_the_server_keeps_a_room_s_owner_out_of_it() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, bob, ana)
    set_role(hub, ana, Role.OWNER)
    assert may(hub, Action.BAN, ana, bob, room)
    moderate(hub, Order(Action.BAN), bob, room)
    with pytest.raises(BannedError):
        decide(hub, membership.join, hub, bob, "python", None, log_id("x"), Limits(), NOW)
    assert room.owner == bob.id


def test_a_ban_from_the_server_takes_what_an_operator_may_do_and_no_membership() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    set_role(hub, bob, Role.OPERATOR)
    moderate(hub, Order(Action.BAN), bob, None)
    assert hub.role(bob.id, None) is Role.MEMBER and bob.id in room.members
    with pytest.raises(BannedError):
        hub.check_may_enter(bob.id, NOW)


def test_a_later_ban_takes_the_place_of_the_one_before() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    ban(hub, bob, room)
    moderate(hub, Order(Action.BAN, 1), bob, room)
    assert room.standing.ban(bob.id, NOW + 999) == Sanction(NOW + 1_000)
    assert room.standing.ban(bob.id, NOW + 1_000) is None


@pytest.mark.parametrize(
    ("action", "lift"), [(Action.BAN, Action.UNBAN), (Action.MUTE, Action.UNMUTE)]
)
def test_who_has_left_is_told_only_that_it_is_over(action: Action, lift: Action) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    assert moderate(hub, Order(action), bob, room).told is not None
    if action is Action.MUTE:
        do(hub, membership.leave, bob, room)
    for seconds in (1, 2, 3):  # Changed silently.
        change = moderate(hub, Order(action, seconds, "your key leaked"), bob, room)
        assert change.puts and change.told is None
    other = Action.MUTE if action is Action.BAN else Action.BAN
    for wrong in (other, Action.KICK, Action.OP):
        with pytest.raises(NoSuchMemberError):
            moderate(hub, Order(wrong), bob, room)
    assert moderate(hub, Order(lift), bob, room).told is not None
    with pytest.raises(NoSuchMemberError):
        moderate(hub, Order(action), bob, room)
    assert moderate(hub, Order(lift), bob, room) == NOTHING


OTHER = AddressGroup("198.51.100.1")


@pytest.mark.parametrize("action", Action)
def test_networks_are_kept_out_with_a_ban_from_the_server_alone(action: Action) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    order = Order(action, 10, "spam", {OTHER, NETWORK})
    assert not any(isinstance(it.key, NetworkKey) for it in moderate(hub, order, bob, room).puts)
    if action is Action.KICK:
        return
    change = moderate(hub, order, bob, None)
    kept_out = Sanction(NOW + 10_000, "spam", "ana") if action is Action.BAN else None
    groups = (NETWORK, OTHER)
    assert [hub.get(NetworkKey(group)) for group in groups] == [kept_out, kept_out]
    if change.event is not None:
        detail = f"10 s {NETWORK} 198.51.100.1 spam" if kept_out else "10 s spam"
        assert change.event.detail == detail


# --- Roles ---


@pytest.mark.parametrize("action", [Action.OP, Action.DEOP, Action.BAN])
def test_nobody_makes_anything_else_of_an_owner(action: Action) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, bob, ana)
    set_role(hub, ana, Role.OWNER)
    for target, where in ((bob, room), (ana, None)):
        change = decide(
            hub, moderation.moderate, hub, Order(action), "ana", target, where, Limits(), NOW
        )
        assert not any(isinstance(it.key, RoleKey) for it in change.puts)


def test_an_operator_is_made_once() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    assert moderate(hub, Order(Action.OP), bob, room).puts != ()
    assert moderate(hub, Order(Action.OP), bob, room).puts == ()
    # An operator of the server is a different matter.
    assert moderate(hub, Order(Action.OP), bob, None).puts != ()
    assert moderate(hub, Order(Action.DEOP), bob, room).puts == (
        put(RoleKey(room.log, bob.id), None),
    )
    assert hub.role(bob.id, None) is Role.OPERATOR


# --- Networks ---


def test_a_network_is_kept_out_and_let_in_again() -> None:
    hub, _ = hub_with("ana")
    change = do(hub, moderation.block, hub, NETWORK, 10, "spam", "admin", Limits(), NOW)
    assert change.event == Event(NOW, "admin", "block", NETWORK, "", "spam")
    with pytest.raises(BannedError):
        hub.check_network(NETWORK, NOW + 9_999)
    hub.check_network(NETWORK, NOW + 10_000)
    change = do(hub, moderation.unblock, hub, NETWORK, "admin", NOW)
    assert change.event == Event(NOW, "admin", "unblock", NETWORK, "", "")
    assert hub.networks == {}
    with pytest.raises(InvalidError, match=rf"^{NETWORK} is not banned\.$"):
        decide(hub, moderation.unblock, hub, NETWORK, "admin", NOW)


def test_a_network_is_kept_out_for_good_and_for_a_reason_that_has_a_bound() -> None:
    hub, _ = hub_with("ana")
    do(hub, moderation.block, hub, NETWORK, 0, "x" * REASON_CHARACTERS, "admin", Limits(), NOW)
    with pytest.raises(BannedError):
        hub.check_network(NETWORK, 10**15)
    with pytest.raises(TextTooLongError):
        long = "x" * (REASON_CHARACTERS + 1)
        decide(hub, moderation.block, hub, NETWORK, 0, long, "admin", Limits(), NOW)


# --- Networks ---

FOREIGN: Final = AddressGroup("203.0.113.9")


@pytest.mark.parametrize(
    ("group", "use"),
    [
        (AddressGroup("127.0.0.1"), Use(False, 0, 0, 9)),
        (AddressGroup("127.9.9.9"), Use(False, 0, 0, 9)),
        (AddressGroup("::/64"), Use(False, 0, 0, 9)),
        (LOCAL, Use(False, 0, 0, 9)),
        (FOREIGN, Use(True, 0, 1, 9)),
        (AddressGroup("2001:db8::/64"), Use(True, 0, 1, 9)),
        (FOREIGN, Use(False, 1, 1, 9)),
        (FOREIGN, Use(False, 0, 3, 6)),
        (FOREIGN, Use(False, 0, 900, 1_000)),
        (FOREIGN, Use(False, 0, 0, 9, True)),
        (AddressGroup("2001:db8::/64"), Use(False, 0, 0, 0, True)),
    ],
)
def test_a_network_that_is_not_only_somebody_else_s(group: AddressGroup, use: Use) -> None:
    with pytest.raises(SharedNetworkError, match="it must be forced"):
        check_network(group, use)


@pytest.mark.parametrize("use", [Use(False, 0, 0, 0), Use(False, 0, 2, 2), Use(False, 0, 3, 7)])
@pytest.mark.parametrize("group", [FOREIGN, AddressGroup("2001:db8::/64")])
def test_a_network_of_somebody_else(group: AddressGroup, use: Use) -> None:
    check_network(group, use)
