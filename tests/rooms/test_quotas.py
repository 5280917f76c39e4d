"""What is counted, and how much of it in a day."""

from typing import Final

import pytest

from chat.ids import NOBODY, LogId
from chat.limits import Limits
from chat.rooms import accounts, contacts, invitations, membership, moderation
from chat.rooms.accounts import Credentials, LoginPolicy
from chat.rooms.addresses import LOCAL, AddressGroup
from chat.rooms.changes import Change, Event
from chat.rooms.errors import OverQuotaError, OverRateError, TooManyInvitationsError
from chat.rooms.moderation import Order
from chat.rooms.quotas import Allowances, Made, Maker, made
from chat.rooms.roles import Action, Role
from chat.rooms.values import DeviceOf, Invitation
from tests.rooms.support import (
    NETWORK,
    NOW,
    account_id,
    decide,
    device,
    do,
    hub_with,
    log_id,
    room_of,
    set_role,
    token,
)

NO_ROOM: Final = LogId(b"")
EVENT: Final = Event(NOW, "ana", "token", "", "", "")
ELSEWHERE: Final = AddressGroup("198.51.100.7")


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def seconds(self) -> float:
        return self.now


def _allowances(**limits: int) -> tuple[Allowances, _Clock]:
    clock = _Clock()
    return Allowances(Limits(**limits), clock.seconds), clock


def _count(allowances: Allowances, it: Made, maker: Maker, most: int = 10_000) -> int:
    """Return how many of `most` may be made before one is refused."""
    for count in range(most):
        try:
            allowances.take([it], maker)
        except OverRateError:
            return count
    return most


# --- What is made ---


def test_a_login_makes_an_account_and_a_device() -> None:
    hub, _ = hub_with("ana")
    shown = Credentials(device("eva"), "eva", NETWORK)
    change = decide(hub, accounts.enter, hub, shown, LoginPolicy(), account_id("eva"), NOW)
    assert made(hub, NOBODY, change) == [Made.ACCOUNT, Made.DEVICE]
    known = Credentials(device("ana"), "ana", NETWORK)
    change = decide(hub, accounts.enter, hub, known, LoginPolicy(), account_id("x"), NOW)
    assert made(hub, NOBODY, change) == []


def test_rooms_and_conversations_are_counted_when_they_are_new() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    limits = Limits()
    change = do(hub, membership.join, hub, ana, "r", "public", log_id("r"), limits, NOW)
    assert made(hub, ana.id, change) == []  # Now it exists.
    change = decide(hub, membership.join, hub, bob, "r", "public", log_id("x"), limits, NOW)
    assert made(hub, bob.id, change) == []
    change = decide(hub, membership.join, hub, ana, "q", "invite", log_id("q"), limits, NOW)
    assert made(hub, ana.id, change) == [Made.ROOM]
    change = decide(hub, contacts.converse, hub, ana, bob, log_id("c"), limits, NOW)
    assert made(hub, ana.id, change) == [Made.CONVERSATION]


def test_invitations_and_links_are_who_made_them_s() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana)
    change = decide(hub, invitations.invite, hub, ana, room, "bob", Limits(), NOW)
    assert made(hub, ana.id, change) == [Made.INVITATION]
    link = Invitation(room.log, ana.id, 2, NOW + 1)
    issue = (hub, token("t"), link, EVENT, Limits(), NOW)
    change = decide(hub, invitations.issue_token, *issue)
    assert made(hub, ana.id, change) == [Made.TOKEN, Made.ACTION]
    hub.put_all(change.puts)
    # Using the link makes nothing.
    used = Change(tuple(invitations.redeem_token(hub, bob.id, token("t"), NOW)))
    assert made(hub, NOBODY, used) == []


def test_every_entry_of_the_audit_log_is_an_action() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob)
    for action in (Action.BAN, Action.MUTE, Action.KICK, Action.OP):
        order = Order(action)
        change = decide(hub, moderation.moderate, hub, order, "ana", bob, room, Limits(), NOW)
        assert [it for it in made(hub, ana.id, change) if it is not Made.BAN] == [Made.ACTION]
    # Not at a login with a key that the operator listed (--operator).
    assert made(hub, NOBODY, Change(event=EVENT)) == []


@pytest.mark.parametrize("action", [Action.BAN, Action.MUTE])
@pytest.mark.parametrize("is_in_room", [True, False])
def test_bans_and_mutes_are_counted_when_they_are_new(action: Action, is_in_room: bool) -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    room = room_of(hub, ana, bob) if is_in_room else None
    order = Order(action, 60)
    change = decide(hub, moderation.moderate, hub, order, "ana", bob, room, Limits(), NOW)
    assert made(hub, ana.id, change) == [Made.BAN, Made.ACTION]
    assert made(hub, NOBODY, change) == []  # The operator's.
    hub.put_all(change.puts)
    for again in (Order(action, 90), Order({"ban": Action.UNBAN}.get(action.value, Action.UNMUTE))):
        change = decide(hub, moderation.moderate, hub, again, "ana", bob, room, Limits(), NOW)
        assert made(hub, ana.id, change) == [Made.ACTION]


def test_each_network_of_a_ban_is_counted() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    order = Order(Action.BAN, groups={NETWORK, ELSEWHERE})
    change = decide(hub, moderation.moderate, hub, order, "ana", bob, None, Limits(), NOW)
    assert made(hub, ana.id, change) == [*[Made.BAN] * 3, Made.ACTION]
    allowances, _ = _allowances(bans_per_account=2)
    with pytest.raises(OverRateError, match="bans_per_account"):
        allowances.take(made(hub, ana.id, change), Maker(LOCAL, ana.id))
    assert _count(allowances, Made.BAN, Maker(LOCAL, ana.id)) == 2


# --- How much ---


@pytest.mark.parametrize("network", [NETWORK, AddressGroup("2001:db8::/64")])
@pytest.mark.parametrize("it", Made)
def test_a_network_has_an_allowance_of_each(it: Made, network: AddressGroup) -> None:
    limit = f"{it.name.lower()}s_per_network"
    allowances, _ = _allowances(**{limit: 7})
    for number in range(7):
        allowances.take([it], Maker(network, account_id(str(number))))
    with pytest.raises(OverRateError, match=rf"from your network: .* 7 a day \({limit}\); try"):
        allowances.take([it], Maker(network, account_id("x")))
    allowances.take([it], Maker(ELSEWHERE, account_id("x")))
    # A reverse proxy may be everybody.
    for here in (AddressGroup("127.0.0.1"), AddressGroup("::/64"), LOCAL):
        assert _count(allowances, Made.ROOM, Maker(here, account_id("y")), 20) == 20


def test_an_account_has_one_wherever_it_is() -> None:
    allowances, _ = _allowances(actions_per_account=3, reactions_per_account=2, bans_per_account=4)
    groups = [AddressGroup(f"192.0.2.{number}") for number in range(9)]
    for it, most in ((Made.ACTION, 3), (Made.REACTION, 2), (Made.BAN, 4)):
        for group in groups[:most]:
            allowances.take([it], Maker(group, account_id("ana")))
        with pytest.raises(OverRateError, match="from your account"):
            allowances.take([it], Maker(groups[-1], account_id("ana")))
        allowances.take([it], Maker(groups[-1], account_id("bob")))


def test_new_accounts_are_counted_in_total_too() -> None:
    allowances, clock = _allowances(accounts_per_hour=6)
    for number in range(6):
        allowances.take([Made.ACCOUNT], Maker(AddressGroup(f"192.0.2.{number}")))
    local = Maker(AddressGroup("127.0.0.1"))
    with pytest.raises(OverRateError, match=r"6 an hour \(accounts_per_hour\); try again in 600 s"):
        allowances.take([Made.ACCOUNT], local)
    clock.now = 600
    assert _count(allowances, Made.ACCOUNT, local) == 1


def test_an_allowance_comes_back_with_time_and_not_beyond() -> None:
    allowances, clock = _allowances(rooms_per_network=24)
    maker = Maker(NETWORK, account_id("ana"))
    assert _count(allowances, Made.ROOM, maker) == 24
    clock.now = 3 * 3_600 + 1
    assert _count(allowances, Made.ROOM, maker) == 3
    clock.now = 10**7
    assert _count(allowances, Made.ROOM, maker) == 24


def test_what_came_to_nothing_is_given_back() -> None:
    allowances, _ = _allowances(actions_per_account=2, actions_per_network=2, quota_keys_kept=1)
    maker = Maker(NETWORK, account_id("ana"))
    allowances.take([Made.ACTION], maker)
    allowances.give_back([Made.ACTION], maker)
    assert _count(allowances, Made.ACTION, maker) == 2
    allowances.take([Made.ACTION], Maker(ELSEWHERE, account_id("bob")))
    allowances.give_back([Made.ACTION], maker)  # It was pushed out.
    # All or nothing: the refusal by one rate leaves the others as they were.
    allowances, _ = _allowances(actions_per_account=1, tokens_per_network=2)
    allowances.take([Made.TOKEN, Made.ACTION], maker)
    for _ in range(5):
        with pytest.raises(OverRateError, match="moderation actions"):
            allowances.take([Made.TOKEN, Made.ACTION], maker)
    assert _count(allowances, Made.TOKEN, maker) == 1


def test_one_message_gets_so_many_reactions_of_one_account() -> None:
    allowances, _ = _allowances(reactions_per_message=3)
    ana = Maker(NETWORK, account_id("ana"))
    for _ in range(3):
        allowances.take_reaction(ana, (log_id("r"), 1))
    with pytest.raises(OverRateError, match="reactions_per_message"):
        allowances.take_reaction(ana, (log_id("r"), 1))
    allowances.take_reaction(ana, (log_id("r"), 2))
    allowances.take_reaction(ana, (log_id("q"), 1))
    allowances.take_reaction(Maker(NETWORK, account_id("bob")), (log_id("r"), 1))


def test_what_is_remembered_is_bounded() -> None:
    allowances, _ = _allowances(quota_keys_kept=10)
    for number in range(100):
        maker = Maker(AddressGroup(f"192.0.2.{number}"), account_id(str(number)))
        allowances.take([Made.ACTION, Made.ROOM, Made.ACCOUNT], maker)
        allowances.take_reaction(maker, number)
    assert max(allowances.sizes().values()) == 10


# --- How many there may be ---


def test_an_account_begins_so_many_conversations() -> None:
    hub, [ana, bob, eva] = hub_with("ana", "bob", "eva")
    limits = Limits(conversations_per_account=1)
    do(hub, contacts.converse, hub, ana, bob, log_id("one"), limits, NOW)
    with pytest.raises(OverQuotaError, match=r"you began: the limit is 1 \(conversations_per_acc"):
        decide(hub, contacts.converse, hub, ana, eva, log_id("two"), limits, NOW)
    do(hub, contacts.converse, hub, ana, bob, log_id("two"), limits, NOW)  # It exists.
    do(hub, contacts.converse, hub, eva, ana, log_id("two"), limits, NOW)  # Not ana's.
    # Declined and abandoned ones still exist.
    do(hub, contacts.decline, bob, hub.known_room(log_id("one")))
    room = hub.conversation(ana.id, bob.id)
    assert room is not None
    do(hub, membership.leave, ana, room)
    with pytest.raises(OverQuotaError):
        decide(hub, contacts.converse, hub, ana, ana, log_id("three"), limits, NOW)
    change = do(hub, contacts.converse, hub, ana, bob, log_id("three"), limits, NOW)
    assert made(hub, ana.id, change) == []
    assert [hub.begun_by(it.id) for it in (ana, bob, eva)] == [1, 0, 1]


def test_an_account_has_so_many_devices() -> None:
    hub, [ana] = hub_with("ana")
    policy = LoginPolicy(wants_passwords=True, limits=Limits(devices_per_account=2))

    def enter(name: str) -> None:
        shown = Credentials(device(name), "ana", NETWORK, has_password=True)
        do(hub, accounts.enter, hub, shown, policy, account_id("new"), NOW)

    enter("two")
    with pytest.raises(OverQuotaError, match=r"the limit is 2 \(devices_per_account\)"):
        enter("three")
    enter("two")  # It is one of them.
    do(hub, accounts.revoke, hub, ana, device("two"))
    enter("three")
    assert hub.get(DeviceOf(device("three"))) is not None


def test_an_account_has_so_many_open_links_and_invitations() -> None:
    hub, [ana, bob, *_] = hub_with("ana", "bob", "eva", "max")
    limits = Limits(tokens_per_account=2, invitations_by_account=2)
    rooms = [room_of(hub, ana, name=f"r{number}") for number in range(3)]
    for account in (ana, bob):
        set_role(hub, account, Role.OPERATOR)

    def issue(name: str, log: LogId, now: int = NOW) -> None:
        link = Invitation(log, ana.id, 1, NOW + 10)
        do(hub, invitations.issue_token, hub, token(name), link, EVENT, limits, now)

    issue("one", rooms[0].log)
    issue("two", NO_ROOM)
    with pytest.raises(TooManyInvitationsError, match=r"of yours: .* 2 \(tokens_per_account\)"):
        issue("three", rooms[1].log)
    by_bob = Invitation(NO_ROOM, bob.id, 1, NOW + 10)
    do(hub, invitations.issue_token, hub, token("x"), by_bob, EVENT, limits, NOW)
    by_operator = Invitation(NO_ROOM, NOBODY, 1, NOW + 10)
    for number in range(3):
        link = token(str(number))
        do(hub, invitations.issue_token, hub, link, by_operator, EVENT, limits, NOW)
    do(hub, invitations.withdraw, token("one"), EVENT)
    issue("three", rooms[1].log)
    for nick in ("bob", "eva"):
        do(hub, invitations.invite, hub, ana, rooms[0], nick, limits, NOW)
    with pytest.raises(TooManyInvitationsError, match="invitations_by_account"):
        decide(hub, invitations.invite, hub, ana, rooms[1], "max", limits, NOW)
    change = do(hub, membership.join, hub, bob, "r0", None, log_id("x"), limits, NOW)
    assert change.puts and len(hub.invitees_of(ana.id)) == 1
    do(hub, invitations.invite, hub, ana, rooms[1], "max", limits, NOW)


def test_links_and_invitations_that_are_worth_nothing_take_no_place() -> None:
    hub, [root, ana, *_] = hub_with("root", "ana", "bob", "eva")
    limits = Limits(tokens_per_account=1, invitations_by_account=1)
    room, other = (room_of(hub, root, ana, name=name) for name in ("a", "b"))
    for it in (room, other):
        set_role(hub, ana, Role.OPERATOR, it)

    def issue(name: str, log: LogId) -> None:
        link = Invitation(log, ana.id, 1, NOW + 10)
        do(hub, invitations.issue_token, hub, token(name), link, EVENT, limits, NOW)

    issue("one", room.log)
    do(hub, invitations.invite, hub, ana, room, "bob", limits, NOW)
    for limit, decision in (
        ("tokens_per_account", lambda: issue("two", other.log)),
        (
            "invitations_by_account",
            lambda: do(hub, invitations.invite, hub, ana, other, "eva", limits, NOW),
        ),
    ):
        with pytest.raises(TooManyInvitationsError, match=limit):
            decision()
    do(hub, membership.leave, ana, room)  # Her invitations to it are worth nothing now.
    issue("two", other.log)
    do(hub, invitations.invite, hub, ana, other, "eva", limits, NOW)
    assert set(hub.invitations) == {token("two")}
    assert len(hub.invitees_of(ana.id)) == 1 and not room.invited


@pytest.mark.parametrize("in_room", [True, False])
def test_there_are_so_many_bans_and_mutes_and_those_that_ended_go(in_room: bool) -> None:
    hub, [ana, *others] = hub_with("ana", *(f"n{number}" for number in range(20)))
    set_role(hub, ana, Role.OWNER)
    room = room_of(hub, ana, *others) if in_room else None
    limits = Limits(bans_per_room=3, bans_per_server=3)
    scope = "bans_per_room" if in_room else "bans_per_server"

    def act(action: Action, number: int, seconds: int, now: int) -> None:
        order = Order(action, seconds)
        do(hub, moderation.moderate, hub, order, "ana", others[number], room, limits, now)

    act(Action.MUTE, 0, 10, NOW)
    act(Action.BAN, 0, 10, NOW)
    act(Action.BAN, 1, 0, NOW)
    with pytest.raises(OverQuotaError, match=rf"the limit is 3 \({scope}\)"):
        act(Action.MUTE, 2, 10, NOW)
    act(Action.BAN, 0, 20, NOW)  # It has room.
    act(Action.UNBAN, 1, 0, NOW)
    act(Action.MUTE, 2, 30, NOW)
    now = NOW + 20_000
    act(Action.BAN, 3, 0, now)
    standing = hub.standing if room is None else room.standing
    assert set(standing.banned) == {others[3].id}
    assert set(standing.muted) == {others[2].id}


def test_there_are_so_many_banned_networks() -> None:
    hub, _ = hub_with("ana")
    limits = Limits(bans_per_server=2)

    def block(group: str, now: int = NOW) -> None:
        group_ = AddressGroup(group)
        do(hub, moderation.block, hub, group_, 1, "spam", "admin", limits, now)

    block("192.0.2.1")
    block("192.0.2.2")
    with pytest.raises(OverQuotaError, match="bans_per_server"):
        block("192.0.2.3")
    block("192.0.2.2")
    do(hub, moderation.unblock, hub, AddressGroup("192.0.2.1"), "admin", NOW)
    block("192.0.2.3")
    block("192.0.2.4", NOW + 1_000)
    assert list(hub.networks) == ["192.0.2.4"]
