"""People: who is known by which name, on which connections."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chat.rooms.errors import (
    AlreadyLoggedInError,
    NickEmptyError,
    NickInvalidError,
    NickTakenError,
    NickTooLongError,
    NoSuchNickError,
    NotLoggedInError,
    RequestError,
)
from chat.rooms.names import name_key
from chat.rooms.people import Account, People
from tests.rooms.support import enter, new_ids

ANA, BOB = b"the key of ana", b"the key of bob"


def people(*names: str) -> People:
    """Return people who know these, on sessions 1, 2, …, each with a key like its name."""
    everybody = People(new_ids())
    for session, name in enumerate(names, 1):
        enter(everybody, session, name.encode(), name)
    return everybody


def test_login_makes_an_account_with_the_nickname_prepared() -> None:
    everybody = people()
    ana = enter(everybody, 1, ANA, " e\u0301va ")
    assert (ana.id, ana.devices, ana.nick, ana.sessions) == (new_ids()(), {ANA: 0}, "\u00e9va", {1})
    assert everybody.of_session(1) is ana is everybody.get(ana.id) is everybody.named("\u00c9VA")


def test_who_has_the_key_is_the_account_whatever_name_is_asked_for() -> None:
    everybody = people()
    ana = enter(everybody, 1, ANA, "ana")
    for nick in ("ana", "someone else", ""):
        assert enter(everybody, 2, ANA, nick) is ana
        assert ana.sessions == {1, 2}
        everybody.logout(2)
    assert ana.nick == "ana"


def test_a_nickname_is_one_account_s() -> None:
    with pytest.raises(NickTakenError, match=r"^The nickname ANA is taken\.$"):
        enter(people("ana"), 2, BOB, "ANA")


@pytest.mark.parametrize(
    ("nick", "refusal"),
    [("", NickEmptyError), ("a" * 33, NickTooLongError), ("a\x1bb", NickInvalidError)],
)
def test_a_refused_login_can_be_tried_again(nick: str, refusal: type[RequestError]) -> None:
    everybody = people()
    with pytest.raises(refusal):
        enter(everybody, 1, ANA, nick)
    with pytest.raises(NotLoggedInError):
        everybody.of_session(1)
    assert enter(everybody, 1, ANA, "ana") is everybody.of_session(1)


def test_nobody_logs_in_twice_on_one_connection() -> None:
    with pytest.raises(AlreadyLoggedInError):
        enter(people("ana"), 1, BOB, "bob")


def test_a_nickname_stays_its_account_s_when_that_is_away() -> None:
    everybody = people("ana")
    ana = everybody.of_session(1)
    assert everybody.logout(1) is ana
    assert everybody.logout(1) is None
    assert everybody.named(" ana ") is ana and not ana.sessions
    with pytest.raises(NickTakenError):
        enter(everybody, 2, BOB, "ana")
    assert enter(everybody, 3, b"ana", "") is ana


def test_an_account_that_came_to_nothing_is_forgotten() -> None:
    everybody = people("ana")
    ana = everybody.of_session(1)
    everybody.add_device(ana, b"phone", 1)
    everybody.logout(1)
    everybody.forget(ana)
    with pytest.raises(NoSuchNickError, match=r"^Nobody here is called ana\.$"):
        everybody.named("ana")
    assert everybody.get(ana.id) is everybody.of_key(b"ana") is everybody.of_key(b"phone") is None
    assert everybody.all() == []
    assert enter(everybody, 3, BOB, "ana") is not ana


def test_an_account_has_devices() -> None:
    everybody = people("bob", "ana")
    bob, ana = everybody.of_session(1), everybody.of_session(2)
    assert everybody.all() == [ana, bob]
    everybody.add_device(ana, b"phone", 7)
    assert ana.devices == {b"ana": 0, b"phone": 7}
    assert everybody.of_key(b"phone") is ana
    everybody.remove_device(ana, b"ana")
    assert ana.devices == {b"phone": 7} and everybody.of_key(b"ana") is None


def test_a_key_is_one_account_s() -> None:
    everybody = people("bob", "ana")
    bob, ana = everybody.of_session(1), everybody.of_session(2)
    everybody.add_device(ana, b"bob", 7)
    everybody.remove_device(ana, b"bob")
    everybody.add_device(bob, b"bob", 7)
    assert everybody.of_key(b"bob") is bob
    assert (bob.devices, ana.devices) == ({b"bob": 0}, {b"ana": 0})


def test_an_account_of_earlier_is_known() -> None:
    everybody = people()
    ana = Account(bytes(16), "ana", {ANA: 5})
    everybody.add(ana)
    assert enter(everybody, 1, ANA, "ana") is ana is everybody.by_name_key("ana")


def test_a_new_name_frees_the_old_one() -> None:
    everybody = people("ana", "bob")
    ana = everybody.of_session(1)
    with pytest.raises(NickTakenError):
        everybody.rename(ana, "Bob")
    with pytest.raises(NickEmptyError):
        everybody.rename(ana, " ")
    everybody.rename(ana, "ANA")
    everybody.rename(ana, "eva")
    assert everybody.named("eva") is ana
    assert enter(everybody, 3, BOB, "ana").nick == "ana"


def test_names_are_one_that_look_alike_and_those_that_differ_in_case() -> None:
    everybody = people("N\u03af\u03ba\u03bf\u03c2", "paypal")
    nikos = everybody.of_session(1)
    for nick in ("n\u03af\u03ba\u03bf\u03c2", "p\u0430ypal", "PAYPAL", "paypa1"):
        with pytest.raises(NickTakenError):
            enter(everybody, 9, BOB, nick)
    everybody.rename(nikos, "\u039d\u03af\u03ba\u03bf\u03c2")
    lower = "\u03bd\u03af\u03ba\u03bf\u03c2"
    with pytest.raises(NickTakenError):
        enter(everybody, 9, BOB, lower)
    assert everybody.named(lower) is nikos
    everybody.rename(nikos, "nikos")
    assert enter(everybody, 9, BOB, lower).nick == lower


def test_two_of_earlier_that_are_one_by_now_both_live_on() -> None:
    everybody = people("alice")
    other = Account(bytes(16), "aIice", {BOB: 0})
    everybody.add(other)
    assert everybody.named("alice") is everybody.of_session(1)
    assert everybody.of_key(BOB) is other and len(everybody.all()) == 2
    everybody.rename(other, "bob")
    assert everybody.named("bob") is other
    everybody.rename(everybody.of_session(1), "eva")
    assert enter(everybody, 9, b"x", "alice").nick == "alice"


class PeopleMachine(RuleBasedStateMachine):
    """Logins, logouts and renames, against what must always hold."""

    def __init__(self) -> None:
        super().__init__()
        self.people = People(new_ids())
        self.sessions: dict[int, Account] = {}

    @rule(
        session=st.integers(1, 6),
        key=st.sampled_from([b"a", b"b", b"c"]),
        nick=st.sampled_from(["ana", "ANA", "bob", "eva"]),
    )
    def login(self, session: int, key: bytes, nick: str) -> None:
        try:
            account = enter(self.people, session, key, nick)
        except AlreadyLoggedInError:
            assert session in self.sessions
        except NickTakenError:
            assert key not in self.people.named(nick).devices
        else:
            assert key in account.devices
            self.sessions[session] = account

    @rule(session=st.integers(1, 6))
    def logout(self, session: int) -> None:
        assert self.people.logout(session) is self.sessions.pop(session, None)

    @rule(session=st.integers(1, 6), nick=st.sampled_from(["ana", "Bob", "eva"]))
    def rename(self, session: int, nick: str) -> None:
        if session not in self.sessions:
            return
        account = self.sessions[session]
        try:
            self.people.rename(account, nick)
        except NickTakenError:
            assert self.people.named(nick) is not account
        else:
            assert account.nick == nick

    @invariant()
    def everybody_is_found_by_all_that_is_theirs(self) -> None:
        for session, account in self.sessions.items():
            assert session in account.sessions
            assert self.people.of_session(session) is account
            assert self.people.get(account.id) is account
            assert self.people.by_name_key(name_key(account.nick)) is account


TestPeopleMachine = PeopleMachine.TestCase
TestPeopleMachine.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
