"""Removing accounts and rooms: everything that refers to them goes, and nothing else."""

import pytest

from chat.ids import NOBODY, AccountId, DeviceKey, LogId
from chat.rooms.errors import NoSuchNickError, NoSuchRoomError
from chat.rooms.hub import Hub
from chat.rooms.names import name_key
from chat.rooms.removal import conversations, delete_account, delete_room, empty_account
from chat.rooms.roles import Role, Sanction
from chat.rooms.values import (
    SERVER,
    AccountKey,
    BanKey,
    Blocked,
    BlockKey,
    Contact,
    ContactKey,
    Device,
    DeviceOf,
    Granted,
    GrantedKey,
    Held,
    HeldKey,
    Invitation,
    InvitationKey,
    InvitedBy,
    InvitedKey,
    Kind,
    LinkCode,
    LinkCodeKey,
    Membership,
    MembershipKey,
    MuteKey,
    Profile,
    Requested,
    RequestKey,
    RoleKey,
    RoomKey,
    RoomProfile,
    TokenHash,
)

ASKED, LEFT = (LogId(bytes([number]) * 16) for number in (15, 16))
ANA, BOB, EVE = (AccountId(bytes([number]) * 16) for number in (1, 2, 3))
OWN, OTHER, PRIVATE, LONELY = (LogId(bytes([number]) * 16) for number in (11, 12, 13, 14))
NOW = 1_000


def a_hub() -> Hub:
    """Return a hub in which ana and bob each have some of everything."""
    hub = Hub()
    for account, nick in ((ANA, "ana"), (BOB, "bob"), (EVE, "eve")):
        hub.put(AccountKey(account), Profile(nick))
        for number in range(2):
            key = DeviceKey(account * 2)[:31] + bytes([number])
            hub.put(DeviceOf(DeviceKey(key)), Device(account, NOW))
        hub.put(LinkCodeKey(account), LinkCode(TokenHash(account * 2), NOW))
    hub.put(RoomKey(OWN), RoomProfile(Kind.INVITE, "own", ANA))
    hub.put(RoomKey(OTHER), RoomProfile(Kind.PUBLIC, "other", BOB))
    hub.put(RoomKey(PRIVATE), RoomProfile(Kind.PRIVATE, "", BOB, ANA))
    hub.put(RoomKey(LONELY), RoomProfile(Kind.PRIVATE, "", BOB, EVE))
    for log in (OWN, OTHER, PRIVATE):
        hub.put(MembershipKey(log, ANA), Membership())
        hub.put(MembershipKey(log, BOB), Membership())
    for account, by in ((ANA, BOB), (BOB, ANA)):
        hub.put(InvitedKey(OTHER, account), InvitedBy(by))
        hub.put(InvitedKey(OWN, account), InvitedBy(by))
        for scope in (SERVER, OWN, OTHER):
            hub.put(RoleKey(scope, account), Role.OPERATOR)
            hub.put(BanKey(scope, account), Sanction(0, "x"))
            hub.put(MuteKey(scope, account), Sanction(0, "x"))
        for log in (OWN, LogId(b"")):
            hash = TokenHash((account + log).ljust(32))
            hub.put(InvitationKey(hash), Invitation(log, account, 1, NOW))
    hub.put(RoomKey(ASKED), RoomProfile(Kind.PRIVATE, "", EVE, ANA))
    hub.put(MembershipKey(ASKED, EVE), Membership())
    hub.put(RequestKey(ASKED, ANA), Requested(EVE, NOW))
    hub.put(RoomKey(LEFT), RoomProfile(Kind.PRIVATE, "", ANA, ANA))
    hub.put(MembershipKey(LEFT, ANA), Membership())
    for account, other in ((ANA, EVE), (EVE, ANA), (BOB, EVE)):
        hub.put(BlockKey(account, other), Blocked(NOW))
    for account, nick in ((ANA, "anna"), (BOB, "rob")):
        hub.put(ContactKey(account), Contact.NOBODY)
        hub.put(HeldKey(name_key(nick)), Held(account, nick, NOW))
        hub.put(GrantedKey(DeviceKey(account * 2)), Granted(account))
    return hub


def traces(hub: Hub, account: AccountId) -> list[object]:
    """Return everything that refers to an account except its name."""
    person = hub.people.get(account)
    assert person is not None
    rooms = [hub.known_room(log) for log in hub.logs()]
    found: list[object] = [*person.devices, *person.logs, *person.invitations]
    found += [*person.requests, *person.blocked, *person.held]
    found += [person.contact] if person.contact is not None else []
    found += [it for it in hub.people.all() if account in it.blocked]
    found += [it for it in hub.granted.values() if it.account == account]
    for standing in (hub.standing, *(room.standing for room in rooms if room)):
        found += [it for it in (standing.roles, standing.banned, standing.muted) if account in it]
    found += [it for it in hub.invitations.values() if it.by == account]
    for room in rooms:
        assert room is not None
        found += [it for it in room.invited.values() if it.by == account]
        found += [room] if account in (room.profile.owner, room.profile.other) else []
    return found + ([hub.codes[account]] if account in hub.codes else [])


def test_nothing_of_an_account_is_left_and_all_of_others() -> None:
    hub = a_hub()
    ana = hub.people.named("Ana")
    assert [room.log for room in conversations(hub, "ana")] == [PRIVATE, ASKED, LEFT]
    change = empty_account(hub, "ANA", "the operator", NOW)
    assert change.event is not None
    assert (change.event.action, change.event.target) == ("delete-account", "ana")
    hub.put_all(change.puts)
    assert traces(hub, ANA) == [] and hub.people.named("ana") is ana
    hub.put(MembershipKey(OTHER, ANA), Membership())  # Meanwhile.
    hub.put_all(delete_account(hub, ana).puts)
    with pytest.raises(NoSuchNickError):
        hub.people.named("ana")
    assert hub.logs() == [OWN, OTHER, LONELY]
    own = hub.named_room("own")
    assert own.owner == NOBODY and list(own.members) == [BOB]
    assert own.invited == {BOB: InvitedBy(NOBODY)}
    assert len(traces(hub, BOB)) == 2 + 2 + 2 + 9 + 2 + 1 + 1 + 1 + 4
    hub.put(AccountKey(AccountId(bytes(16))), Profile("ana"))


def test_an_account_that_has_nothing_is_removed() -> None:
    hub = a_hub()
    hub.put(AccountKey(AccountId(b"x" * 16)), Profile("new"))
    new = hub.people.named("new")
    assert empty_account(hub, "new", "the operator", NOW).puts == ()
    hub.put_all(delete_account(hub, new).puts)
    assert hub.people.get(new.id) is None


def test_what_puts_take_away_they_give_back() -> None:
    hub = a_hub()
    before = [traces(hub, account) for account in (ANA, BOB, EVE)]
    back = hub.put_all(empty_account(hub, "ana", "the operator", NOW).puts)
    hub.put_all(back)
    assert [len(traces(hub, account)) for account in (ANA, BOB, EVE)] == [*map(len, before)]


def test_nothing_of_a_room_is_left_and_all_of_others() -> None:
    hub = a_hub()
    change = delete_room(hub, "OWN", "the operator", NOW)
    assert change.event is not None
    assert (change.event.action, change.event.detail) == ("delete-room", "own")
    hub.put_all(change.puts)
    assert hub.known_room(OWN) is None and hub.tokens_of(OWN) == []
    assert hub.logs() == [OTHER, PRIVATE, LONELY, ASKED, LEFT]
    assert all(it.log != OWN for it in hub.invitations.values())
    assert OWN not in hub.people.named("bob").logs and OTHER in hub.people.named("bob").logs
    with pytest.raises(NoSuchRoomError):
        delete_room(hub, "own", "the operator", NOW)
    hub.put(RoomKey(LogId(b"y" * 16)), RoomProfile(Kind.PUBLIC, "own", BOB))


def test_who_is_not_there_cannot_be_removed() -> None:
    for remove in (
        lambda: empty_account(a_hub(), "nobody", "the operator", NOW),
        lambda: conversations(a_hub(), "nobody"),
    ):
        with pytest.raises(NoSuchNickError):
            remove()
