"""From the nickname over the host key to the login."""

from pathlib import Path

import pytest
from msgspec import UNSET

from chat.client.core.login import Credentials
from chat.client.line.interfaces import ExitStatus
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG
from chat.wire import messages as m
from chat.wire.errors import CloseCode
from chat.wire.hostkey import HostKey
from chat.wire.identity import verify_login
from tests.client.model import ModelServer
from tests.client.support import OTHER_KEY, Person


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture
def terminal(tmp_path: Path) -> Person:
    return Person(tmp_path, is_terminal=True)


# --- The nickname ---


def test_with_a_nickname_nothing_is_asked(person: Person) -> None:
    person.start().offer()
    assert person.screen.prompts == []
    [login] = person.link.logins
    assert (login.nick, login.key) == ("ana", person.identities.identity("ana").public)


def test_without_one_a_terminal_is_asked(tmp_path: Path) -> None:
    person = Person(tmp_path, nick=None, is_terminal=True)
    person.begin()
    assert person.screen.prompts == ["Nickname: "]
    for line in ("   ", None, "two words"):
        person.enter_line(line)
    assert person.screen.prompts == ["Nickname: "] * 4
    assert person.screen.notes == [
        "A nickname cannot be empty.",
        "That was not a nickname, because it is not UTF-8 or far too long.",
        "A nickname is made of letters, digits and _ - . and starts with a letter or digit.",
    ]
    assert person.connects == 0
    person.enter_line(" bob ")
    person.connected()
    person.offer()
    assert person.link.logins[0].nick == "bob"
    assert person.lines_done == person.typed


def test_the_first_line_of_a_script_is_its_nickname(tmp_path: Path) -> None:
    person = Person(tmp_path, nick=None)
    person.begin()
    person.enter_line("bob")
    person.enter_line("hello")
    person.connected()
    person.offer()
    person.carry()
    assert person.screen.prompts == []
    assert person.server.room("lobby").texts() == ["hello"]


@pytest.mark.parametrize("line", ["", "  ", None, "two words"])
def test_a_script_whose_first_line_is_no_nickname_ends(tmp_path: Path, line: str | None) -> None:
    person = Person(tmp_path, nick=None)
    person.begin()
    person.enter_line(line)
    person.check_ended(ExitStatus.REFUSED)
    assert len(person.screen.notes) == 1


def test_a_nickname_that_is_none_ends_a_script(tmp_path: Path) -> None:
    person = Person(tmp_path, nick="a\nb")
    person.begin()
    person.check_ended(ExitStatus.REFUSED)
    assert person.connects == 0


def test_an_input_that_ends_before_the_nickname_ends_it(tmp_path: Path) -> None:
    person = Person(tmp_path, nick=None)
    person.begin()
    person.end()
    person.check_ended(ExitStatus.REFUSED)


def test_a_taken_nickname_is_asked_for_again_at_a_terminal(terminal: Person) -> None:
    terminal.server.account("ana")
    terminal.enter()
    assert terminal.screen.notes[-2:] == [
        "The nickname ana is taken.",
        "If it is yours, type /link on a device that has it, and start here with --link CODE.",
    ]
    assert terminal.screen.prompts == ["Nickname: "]
    terminal.type("anna")
    assert [login.nick for login in terminal.link.all(m.Login)] == ["ana", "anna"]
    assert terminal.link.last(m.Login).key == terminal.identities.identity("anna").public
    assert "You are anna in lobby" in terminal.screen.notes[-1]


def test_a_taken_nickname_ends_a_script(person: Person) -> None:
    person.server.account("ana")
    person.enter()
    assert person.screen.errors[-2:] == [
        "The nickname ana is taken.",
        "If it is yours, type /link on a device that has it, and start here with --link CODE.",
    ]
    person.check_ended(ExitStatus.REFUSED)


def test_a_key_for_a_nickname_that_is_taken_is_not_kept(tmp_path: Path) -> None:
    server = ModelServer()
    server.account("ana")
    person = Person(tmp_path, server, is_terminal=True).enter()
    assert not person.identities.path("ana").exists()
    person.type("anna")
    assert person.identities.path("anna").exists()
    person.cut()
    person.come_back()
    person.refuse(person.link.logins[0], code="nick_taken")
    assert person.identities.path("anna").exists()


def test_a_key_that_was_there_is_kept_when_its_nickname_is_taken(person: Person) -> None:
    key = person.identities.identity("ana").public
    other = Person(person.identities.path("ana").parent, person.server)
    person.server.account("ana")
    other.enter()
    other.check_ended(ExitStatus.REFUSED)
    assert person.identities.identity("ana").public == key


@pytest.mark.parametrize("code", ["too_many_attempts", "bad_code", "wrong_password"])
def test_a_key_is_kept_where_the_next_attempt_may_go_well(person: Person, code: str) -> None:
    person.server.refusals[m.Login] = code, "No."
    person.enter()
    assert person.identities.path("ana").exists()


def test_a_code_that_is_no_good_is_explained(person: Person) -> None:
    person.server.refusals[m.Login] = "bad_code", "That code is wrong."
    person.enter()
    assert person.screen.errors[-2:] == [
        "That code is wrong.",
        "A device that is linked already shows a new one when you type /link there.",
    ]
    person.check_ended(ExitStatus.REFUSED)


def test_a_taken_nickname_ends_it_when_nobody_can_answer_any_more(terminal: Person) -> None:
    terminal.server.account("ana")
    terminal.end()
    terminal.enter()
    terminal.check_ended(ExitStatus.REFUSED)


def test_the_same_nickname_twice_is_one_account(tmp_path: Path) -> None:
    server = ModelServer()
    one, two = Person(tmp_path, server).enter(), Person(tmp_path, server, "ANA").enter()
    assert one.link.logins[0].key == two.link.logins[0].key
    one.type("hello")
    two.carry()
    assert two.screen.shown == ["ana: hello"]


def test_two_nicknames_of_one_home_are_two_people(tmp_path: Path) -> None:
    server = ModelServer()
    one, two = Person(tmp_path, server).enter(), Person(tmp_path, server, "bob").enter()
    assert one.link.logins[0].key != two.link.logins[0].key


@pytest.mark.parametrize("is_early", [True, False])
def test_a_key_that_cannot_be_used_ends_it(tmp_path: Path, is_early: bool) -> None:
    person = Person(tmp_path)
    path = tmp_path / "identity-ana.pem"
    if is_early:
        path.mkdir(mode=0o700)
    else:
        path.touch(0o600)
    person.enter()
    assert str(path) in person.screen.notes[-1] and person.screen.notes[-1].endswith(".")
    person.check_ended(ExitStatus.REFUSED)


def test_who_the_server_says_one_is_counts(person: Person) -> None:
    person.start().offer()
    person.receive(m.Welcome(person.link.logins[0].id, ANY_ACCOUNT, "anna", "x", 0, "disk", {}, []))
    person.receive(m.LogList(person.link.last(m.Logs).id, [], False))
    person.receive(m.Joined(ANY_LOG, "public", "lobby", 0, 0, 1, "", person.link.last(m.Join).id))
    assert "You are anna in lobby" in person.screen.notes[-1]


def test_who_comes_under_an_earlier_name_is_told_why_it_is_another(tmp_path: Path) -> None:
    server = ModelServer()
    Person(tmp_path, server, "carla").enter().type("/nick carl")
    person = Person(tmp_path, server, "Carla", is_terminal=True).enter()
    told = "* Your key for Carla is that of carl, so that is what you are called here."
    assert person.screen.notes[0] == told
    person.cut()
    person.come_back()
    person.carry()
    assert person.screen.notes.count(told) == 1
    same = Person(tmp_path, server, "CARL").enter()
    assert not any("Your key" in note for note in same.screen.notes)


def test_an_answer_that_does_not_fit_is_a_refusal(person: Person) -> None:
    person.start().offer()
    person.receive(m.Ok(person.link.logins[0].id))
    assert "does not fit" in person.screen.notes[-1]
    person.check_ended(ExitStatus.REFUSED)


# --- The host key ---


def test_on_a_loopback_address_a_new_key_is_pinned_with_a_line(person: Person) -> None:
    person.start().offer()
    [note] = person.screen.notes
    assert "pinned" in note and "SHA256:" in note
    assert person.link.logins


def test_a_script_elsewhere_is_refused_and_says_nothing_to_the_server(person: Person) -> None:
    person.start().offer(is_loopback=False)
    assert person.link.sent == []
    person.check_ended(ExitStatus.HOST_KEY)


def test_a_script_may_trust_a_new_key(tmp_path: Path) -> None:
    person = Person(tmp_path, trust_new=True)
    person.start().offer(is_loopback=False)
    assert person.link.logins


def test_a_person_is_asked_and_the_connection_made_anew(terminal: Person) -> None:
    terminal.start().offer(is_loopback=False)
    first = terminal.link
    assert first.closed is CloseCode.NORMAL and first.sent == []
    assert not terminal.is_dialing
    assert any("SHA256:" in note for note in terminal.screen.notes)
    terminal.enter_line("what?")
    terminal.enter_line(None)
    assert terminal.screen.prompts[1:] == ["Please type yes or no: "] * 2
    terminal.enter_line(" Yes ")
    # The old connection's end may come late, and means nothing.
    terminal.cut()
    assert terminal.statuses == []
    terminal.connected()
    terminal.offer(is_loopback=False)
    assert terminal.link.logins
    assert terminal.lines_done == 3


def test_another_key_after_the_question_is_refused(terminal: Person) -> None:
    terminal.start().offer(is_loopback=False)
    terminal.enter_line("yes")
    terminal.connected()
    terminal.offer(OTHER_KEY, is_loopback=False)
    assert any("CHANGED" in note for note in terminal.screen.notes)
    terminal.check_ended(ExitStatus.HOST_KEY)


@pytest.mark.parametrize("answer", ["no", "N"])
def test_a_person_can_decline(terminal: Person, answer: str) -> None:
    terminal.start().offer(is_loopback=False)
    terminal.cut()
    terminal.enter_line(answer)
    assert terminal.statuses == [ExitStatus.HOST_KEY]


@pytest.mark.parametrize("is_early", [True, False])
def test_the_end_of_input_is_no_consent(terminal: Person, is_early: bool) -> None:
    terminal.start()
    if is_early:
        terminal.client.end_of_input()
    terminal.offer(is_loopback=False)
    if not is_early:
        terminal.client.end_of_input()
    assert terminal.statuses == [ExitStatus.HOST_KEY]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_changed_key_is_refused_before_anything_is_said(
    tmp_path: Path, is_terminal: bool
) -> None:
    Person(tmp_path).enter()
    person = Person(tmp_path, is_terminal=is_terminal, trust_new=True)
    person.start().offer(OTHER_KEY)
    assert "CHANGED" in person.screen.notes[0]
    assert "known_hosts" in person.screen.notes[-1]
    assert person.link.sent == []
    person.check_ended(ExitStatus.HOST_KEY)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_key_that_the_pinned_one_signed_is_followed_with_a_line(
    tmp_path: Path, is_terminal: bool
) -> None:
    old = HostKey.generate()
    new = old.succeed()
    Person(tmp_path).start().offer(old.public)
    person = Person(tmp_path, is_terminal=is_terminal)
    person.start().offer(new.public, new.successions, is_loopback=False)
    [note] = person.screen.notes
    assert "signed with the old one" in note and new.fingerprint in note
    assert person.link.logins
    again = Person(tmp_path)
    again.start().offer(new.public, new.successions, is_loopback=False)
    assert again.screen.notes == [] and again.link.logins


def test_a_key_that_cannot_be_pinned_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.write_text("")
    person = Person(path)
    person.start().offer()
    assert person.link.sent == []
    person.check_ended(ExitStatus.HOST_KEY)


def test_a_key_that_is_new_and_cannot_be_kept_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").symlink_to(tmp_path / "nowhere" / "known_hosts")
    person = Person(tmp_path)
    person.start().offer()
    assert person.link.sent == []
    person.check_ended(ExitStatus.HOST_KEY)


def test_a_person_whose_yes_cannot_be_kept_is_told(tmp_path: Path) -> None:
    person = Person(tmp_path / "x", is_terminal=True)
    person.start().offer(is_loopback=False)
    (tmp_path / "x").write_text("")
    person.enter_line("yes")
    assert person.connects == 1
    assert person.statuses == [ExitStatus.HOST_KEY]


def test_credentials_go_with_the_first_login_only(tmp_path: Path) -> None:
    credentials = Credentials("ABCDE-FGHJK", bytes(16), "open sesame")
    person = Person(tmp_path, credentials=credentials).enter()
    [login] = person.link.logins
    assert (login.code, login.token, login.password) == ("ABCDE-FGHJK", bytes(16), "open sesame")
    person.cut()
    person.come_back()
    [login] = person.link.logins
    assert login.code is login.token is login.password is UNSET


def test_a_login_is_signed_for_its_connection(person: Person) -> None:
    person.start().offer()
    [login] = person.link.logins
    assert verify_login(login.key, login.signature, person.link.binding)


def test_a_link_leads_to_its_room(tmp_path: Path) -> None:
    server = ModelServer()
    server.room("den")
    person = Person(tmp_path, server, room="den").enter()
    assert person.server.account("ana") in server.room("den").members
    person.type("hello")
    assert server.room("den").texts() == ["hello"]
    assert [note for note in person.screen.notes if "den" in note] == ["* You are in den now."]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_link_that_leads_to_where_one_is_says_so_once(tmp_path: Path, is_first: bool) -> None:
    server = ModelServer()
    if not is_first:
        Person(tmp_path, server).enter().end()
    person = Person(tmp_path, server, room="LOBBY", is_terminal=True).enter()
    assert len([note for note in person.screen.notes if "You are" in note]) == 1
    person.type("hello")
    assert server.room("lobby").texts() == ["hello"]


# --- A server that wants more than a nickname ---


def test_a_password_is_asked_for_where_a_server_wants_one_and_again(terminal: Person) -> None:
    terminal.server.refusals[m.Login] = "wrong_password", "Wrong user or password."
    terminal.enter()
    assert terminal.screen.notes[-1] == "This server asks for your password."
    assert terminal.screen.prompts == ["Password: "] and terminal.screen.is_hiding
    terminal.type("open\u00e9")
    assert terminal.link.last(m.Login).password == "open\u00e9"
    assert terminal.screen.notes[-1] == "Wrong user or password."
    assert terminal.screen.prompts == ["Password: "] * 2 and terminal.screen.is_hiding
    terminal.server.refusals[m.Login] = "too_many_attempts", "Try again in 1 second."
    terminal.type("sesame")
    assert terminal.screen.notes[-1] == "Try again in 1 second."
    terminal.server.refusals.clear()
    terminal.type("open sesame")
    assert not terminal.screen.is_hiding
    assert "You are ana in lobby" in terminal.screen.notes[-1]
    logins = terminal.link.all(m.Login)
    assert [it.nick for it in logins] == ["ana"] * 4
    assert len({it.key for it in logins}) == 1
    assert not any("sesame" in line for line in terminal.screen.everything)
    assert terminal.lines_done == terminal.typed


def test_a_password_that_was_given_and_is_wrong_is_asked_for_again(tmp_path: Path) -> None:
    person = Person(tmp_path, is_terminal=True, credentials=Credentials(password="x"))
    person.server.refusals[m.Login] = "wrong_password", "Wrong user or password."
    person.enter()
    assert person.screen.notes[-1] == "Wrong user or password."
    assert person.screen.is_hiding
    person.client.interrupt()
    assert not person.screen.is_hiding


def test_no_password_ends_it_when_nobody_can_answer(terminal: Person) -> None:
    terminal.server.refusals[m.Login] = "wrong_password", "Wrong user or password."
    terminal.enter()
    terminal.end()
    assert terminal.screen.notes[-1] == "No password was given."
    terminal.check_ended(ExitStatus.REFUSED)


def test_a_script_is_not_asked_for_a_password(person: Person) -> None:
    person.server.refusals[m.Login] = "wrong_password", "Wrong user or password."
    person.enter()
    assert person.screen.prompts == []
    assert person.screen.errors[-1] == "Wrong user or password."
    person.check_ended(ExitStatus.REFUSED)


@pytest.mark.parametrize(
    "code",
    [
        *("bad_code", "bad_token", "token_needed", "registration_closed", "banned"),
        *("too_many_attempts", "bad_signature", "a_later_one"),
    ],
)
def test_what_would_only_happen_again_is_a_sentence_and_no_loop(
    terminal: Person, code: str
) -> None:
    terminal.server.refusals[m.Login] = code, "You may not come in."
    terminal.enter()
    assert terminal.screen.prompts == []
    assert "You may not come in." in terminal.screen.errors
    terminal.check_ended(ExitStatus.REFUSED)
