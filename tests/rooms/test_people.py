"""People: finding accounts by name and by key."""

import pytest

from chat.rooms.errors import NickTakenError, NoSuchNickError
from chat.rooms.hub import Hub
from chat.rooms.names import case_key, name_key
from chat.rooms.people import RESERVED, Account, People
from chat.rooms.values import AccountKey, Device, DeviceOf, Held, HeldKey, Profile
from tests.rooms.support import account_id, device, hub_with


def rename(hub: Hub, account: Account, nick: str) -> None:
    """Rename an account, even if others have the nickname."""
    hub.put(AccountKey(account.id), Profile(nick))


def test_an_account_is_found_by_all_that_is_its() -> None:
    hub, [ana] = hub_with("ana")
    people = hub.people
    assert ana is people.get(ana.id) is people.of_key(device("ana")) is people.named(" ANA ")
    assert (ana.nick, ana.devices) == ("ana", {device("ana"): 0})
    assert people.nick_of(ana.id) == "ana"


def test_nobody_is_found_by_what_is_nobodys() -> None:
    hub, _ = hub_with("ana")
    assert hub.people.get(account_id("bob")) is hub.people.of_key(device("bob")) is None
    assert hub.people.nick_of(account_id("bob")) == ""
    with pytest.raises(NoSuchNickError, match=r"^Nobody here is called bob\.$"):
        hub.people.named("bob")


def test_everybody_is_listed_by_name() -> None:
    hub, [eva, ana, bob] = hub_with("eva", "ana", "bob")
    assert hub.people.all() == [ana, bob, eva]


@pytest.mark.parametrize("nick", ["ana", "ANA", "\u0430na", "\u1d43na"])
def test_a_nickname_is_one_account_s(nick: str) -> None:
    hub, [ana] = hub_with("ana")
    hub.people.check_free(nick, ana)
    with pytest.raises(NickTakenError) as refusal:
        hub.people.check_free(nick, None)
    assert refusal.value.args == (nick,)


def test_a_new_name_frees_the_old_one() -> None:
    hub, [ana] = hub_with("ana")
    rename(hub, ana, "eva")
    hub.people.check_free("ana", None)
    assert hub.people.named("eva") is ana


def test_names_are_one_that_look_alike_and_those_that_differ_in_case() -> None:
    hub, [nikos] = hub_with("N\u03af\u03ba\u03bf\u03c2")
    rename(hub, nikos, "\u039d\u03af\u03ba\u03bf\u03c2")
    lower = "\u03bd\u03af\u03ba\u03bf\u03c2"
    assert name_key(lower) != name_key(nikos.nick)
    assert hub.people.named(lower) is nikos
    with pytest.raises(NickTakenError):
        hub.people.check_free(lower, None)


def test_who_has_a_name_but_for_case_comes_before_who_has_one_that_looks_like_it() -> None:
    hub, [capital, looks] = hub_with("\u039d1x", "v1x")
    assert name_key("\u03bd1x") == name_key("v1x")
    assert hub.people.named("\u03bd1x") is capital
    assert hub.people.named("v1x") is looks


def test_two_that_are_one_by_now_both_live_on() -> None:
    hub, [] = hub_with()
    for id, nick in (("2", "aIice"), ("1", "alice")):
        hub.put(AccountKey(account_id(id)), Profile(nick))
    one, other = hub.people.get(account_id("1")), hub.people.get(account_id("2"))
    assert one is not None and other is not None
    assert hub.people.all() == [other, one] and hub.people.named("ALlCE") is one
    assert hub.people.named("aIice") is other  # By case, in which they differ.
    rename(hub, one, "eva")
    assert hub.people.named("ALlCE") is other
    with pytest.raises(NickTakenError):
        hub.people.check_free("alice", one)


def test_a_key_goes_from_one_account_to_another() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    hub.put(DeviceOf(device("ana")), Device(bob.id, 7))
    assert hub.people.of_key(device("ana")) is bob
    assert (ana.devices, bob.devices) == ({}, {device("bob"): 0, device("ana"): 7})


def test_an_account_is_nobody_else() -> None:
    assert Account(account_id("ana"), "ana") != Account(account_id("ana"), "ana")


@pytest.mark.parametrize("nick", [*sorted(RESERVED), "You", "THE", "Th\u0435re"])
def test_nobody_is_called_what_a_client_calls_the_user(nick: str) -> None:
    with pytest.raises(NickTakenError):
        People().check_free(nick, None)


def hold(hub: Hub, nick: str, account: Account, until: int = 9) -> None:
    """Hold a nickname for an account."""
    hub.put(HeldKey(name_key(nick)), Held(account.id, nick, until))


def test_a_name_that_is_given_up_again_is_held_for_longer() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    hold(hub, "anna", ana, 5)
    hold(hub, "anna", ana, 9)
    assert ana.held == {name_key("anna")}
    hub.people.check_not_held("anna", ana, 7)
    with pytest.raises(NickTakenError):
        hub.people.check_not_held("anna", bob, 7)
    hub.people.check_not_held("anna", bob, 9)


def test_of_two_held_names_that_differ_in_case_each_stays_held() -> None:
    hub, [ana, bob] = hub_with("ana", "bob")
    upper, lower = "\u039d\u03af\u03ba\u03bf\u03c2", "\u03bd\u03af\u03ba\u03bf\u03c2"
    assert name_key(upper) != name_key(lower) and case_key(upper) == case_key(lower)
    hold(hub, upper, ana)
    hold(hub, lower, bob)
    hub.put(HeldKey(name_key(lower)), None)
    hub.people.check_not_held(lower, ana, 0)
    with pytest.raises(NickTakenError):
        hub.people.check_not_held(lower, bob, 0)
