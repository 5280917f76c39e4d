"""Talking: what is typed, what is shown, and how it ends."""

from pathlib import Path

import pytest

from chat.client.line.interfaces import ExitStatus
from chat.limits import TEXT_BYTES, ClientLimits
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG, ANY_RECORD
from chat.wire import messages as m
from chat.wire.connection import Delivered
from chat.wire.errors import CloseCode
from chat.wire.messages import Unknown
from tests.client.model import ModelServer
from tests.client.support import Person

LOST = "The connection to the server was lost."


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture
def terminal(tmp_path: Path) -> Person:
    return Person(tmp_path, is_terminal=True)


def test_whoever_is_in_no_log_joins_the_lobby(person: Person) -> None:
    person.enter()
    [join] = person.link.all(m.Join)
    assert (join.room, join.create) == ("lobby", "public")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], "nobody else is a member"),
        (["bob"], "one other is a member"),
        (["bob", "cat"], "2 others are"),
    ],
)
def test_on_arrival_it_says_where_one_is(person: Person, others: list[str], said: str) -> None:
    person.server.room("lobby", *others)
    person.enter()
    assert f"You are ana in lobby; {said}" in person.screen.notes[-1]


def test_a_refused_lobby_ends_it(terminal: Person) -> None:
    terminal.server.refusals[m.Join] = "not_invited", "You are not invited."
    terminal.enter()
    assert terminal.screen.notes[-1] == "You are not invited."
    terminal.check_ended(ExitStatus.REFUSED)


def test_logs_that_cannot_be_listed_end_it(terminal: Person) -> None:
    terminal.server.refusals[m.Logs] = "not_read", "The store could not be read."
    terminal.enter()
    terminal.check_ended(ExitStatus.REFUSED)


def test_lines_become_posts_with_different_ids(person: Person) -> None:
    person.enter()
    person.type("one", "//two")
    one, two = person.link.all(m.Post)
    assert (one.text, two.text) == ("one", "/two")
    assert one.id != two.id and one.message != two.message and one.log == two.log


def test_lines_typed_early_wait_for_the_room(person: Person) -> None:
    person.begin()
    person.enter_line("one")
    person.connected()
    person.offer()
    person.enter_line("two")
    person.carry_up()
    person.carry_down()
    person.enter_line("three")
    assert person.link.all(m.Post) == []
    person.carry()
    assert person.server.room("lobby").texts() == ["one", "two", "three"]


def test_at_the_end_it_waits_for_every_acknowledgement(person: Person) -> None:
    person.enter()
    for text in ("one", "two", "three"):
        person.enter_line(text)
    person.client.end_of_input()
    one, two, three = person.link.all(m.Post)
    log = one.log
    person.receive(m.Posted(log, 9, [(three.id, 9, 0), (one.id, 3, 0)]))
    assert person.link.closed is None
    person.receive(m.Posted(log, 9, [(two.id, 6, 0)]))
    assert person.link.closed is CloseCode.NORMAL
    assert person.link.sent[-1] == m.Seen(log, 9)
    assert person.lines_done == 3
    person.check_ended(ExitStatus.OK)


def test_an_input_that_ended_before_the_room_is_sent_all_the_same(person: Person) -> None:
    person.begin()
    person.enter_line("one")
    person.client.end_of_input()
    person.connected()
    person.offer()
    person.carry()
    assert person.server.room("lobby").texts() == ["one"]
    person.check_ended(ExitStatus.OK)


def test_a_script_prints_the_past_before_it_leaves(person: Person) -> None:
    person.server.says("bob", person.server.room("lobby", "bob"), "earlier")
    person.client.end_of_input()
    person.enter()
    assert person.screen.shown == ["bob: earlier"]
    person.check_ended(ExitStatus.OK)


def test_a_script_prints_what_was_missed_before_it_leaves(tmp_path: Path) -> None:
    server = ModelServer()
    Person(tmp_path, server).enter().end()
    lobby = server.room("lobby")
    for text in ("one", "two"):
        server.says("bob", lobby, text)
    person = Person(tmp_path, server)
    person.client.end_of_input()
    person.start().offer()
    while not person.link.all(m.Read):
        assert person.carry_up() or person.carry_down()
    session = person.link.session
    assert session is not None
    session.is_slow = True
    person.carry()
    assert person.statuses == []
    session.catch_up()
    person.carry()
    assert person.screen.shown == ["bob: one", "bob: two"]
    assert lobby.seen[server.account("ana")] == lobby.seq
    person.check_ended(ExitStatus.OK)


def test_what_was_missed_is_not_waited_for_without_end(tmp_path: Path) -> None:
    server = ModelServer()
    Person(tmp_path, server).enter().end()
    server.says("bob", server.room("lobby"), "one")
    person = Person(tmp_path, server)
    person.client.end_of_input()
    person.start().offer()
    while not person.link.all(m.Read):
        assert person.carry_up() or person.carry_down()
    session = person.link.session
    assert session is not None
    session.is_slow = True
    person.carry()
    for seconds in (0, 59):
        person.clock.advance(seconds)
        person.client.tick()
    assert person.statuses == []
    person.clock.advance(1)
    person.client.tick()
    person.check_ended(ExitStatus.OK)


def test_a_script_that_goes_well_has_no_errors(tmp_path: Path) -> None:
    server = ModelServer()
    Person(tmp_path, server).enter().end()
    server.says("bob", server.room("lobby"), "one")
    person = Person(tmp_path, server).enter()
    person.type(
        "hi", "/who", "/topic x", "/topic", "/create python", "/leave", "/join lobby", "/nick anna"
    )
    person.type("/link", "/history", "/history", "/devices", "/search hi", "/invite bob")
    person.end()
    person.check_ended(ExitStatus.OK)
    assert person.screen.errors == []


def test_that_a_key_is_pinned_is_said_even_to_a_script(person: Person) -> None:
    person.enter()
    [error] = person.screen.errors
    assert "is new, and pinned from now on" in error


def test_an_empty_input_leaves_at_once(person: Person) -> None:
    person.enter()
    person.end()
    person.check_ended(ExitStatus.OK)


def test_quit_waits_for_acknowledgements_too(terminal: Person) -> None:
    terminal.enter()
    terminal.enter_line("bye")
    terminal.enter_line("/quit")
    assert terminal.link.closed is None
    terminal.carry()
    assert terminal.server.room("lobby").texts() == ["bye"]
    terminal.check_ended(ExitStatus.OK)


def test_quit_before_the_room_leaves_as_soon_as_there_is_one(terminal: Person) -> None:
    terminal.start()
    terminal.enter_line("/quit")
    terminal.offer()
    terminal.carry()
    terminal.check_ended(ExitStatus.OK)


def test_records_are_shown_and_unknown_ones_skipped(person: Person) -> None:
    person.enter()
    lobby = person.server.room("lobby")
    person.server.says("bob", lobby, "hi\x07")
    person.server.passing(lobby, m.JoinedBody(0, ANY_ACCOUNT, "cat"))
    person.carry()
    person.receive(Delivered(lobby.log, 99, ANY_RECORD, Unknown("sung")))
    person.receive(Delivered(ANY_LOG, 1, ANY_RECORD, m.LeftBody(0, ANY_ACCOUNT, "x")))
    person.receive(Delivered(lobby.log, 100, ANY_RECORD, m.LeftBody(0, ANY_ACCOUNT, "x"), 7))
    assert person.screen.shown == [r"bob: hi\x07", "* cat joined"]
    person.client.tick()
    assert person.link.last(m.Seen) == m.Seen(lobby.log, 99)


def test_a_record_that_comes_twice_is_shown_once(person: Person) -> None:
    person.enter()
    lobby = person.server.room("lobby")
    record = Delivered(lobby.log, 5, ANY_RECORD, m.TextBody(0, ANY_ACCOUNT, "bob", "hi"))
    person.receive(record, record)
    assert person.screen.shown == ["bob: hi"]


def test_nothing_is_shown_when_it_is_over(person: Person) -> None:
    person.enter()
    lobby = person.server.room("lobby")
    person.client.end_of_input()
    person.receive(
        Delivered(lobby.log, 5, ANY_RECORD, m.TextBody(0, ANY_ACCOUNT, "bob", "late")), m.Ok(99)
    )
    person.enter_line("late as well")
    person.core.peer_closed(CloseCode.NORMAL, None)
    assert person.screen.shown == [] and person.link.all(m.Post) == []
    assert person.lines_done == 1


def test_help_and_empty_lines_send_nothing(person: Person) -> None:
    person.enter()
    sent = len(person.link.sent)
    person.type("/help", "")
    assert len(person.link.sent) == sent
    assert any(line.startswith("/nick NAME ") for line in person.screen.shown)
    assert person.lines_done == 2


@pytest.mark.parametrize("line", ["/dance", None, "x" * (TEXT_BYTES + 1), "/leave nowhere"])
def test_a_line_that_cannot_be_sent_is_a_scripts_failure(person: Person, line: str | None) -> None:
    person.enter()
    person.enter_line(line)
    assert person.link.all(m.Post) == [] and person.lines_done == 1
    assert person.screen.notes[-1].endswith(".")
    person.end()
    person.check_ended(ExitStatus.REFUSED)


def test_a_refused_line_is_a_scripts_failure_and_does_not_end_it(person: Person) -> None:
    person.enter()
    person.enter_line("one")
    person.enter_line("two")
    one, _ = person.link.all(m.Post)
    person.refuse(one, "Not \x1b[1mnow.", "not_stored")
    person.link.carried += 1
    assert person.screen.notes[-1] == r'Line 1 ("one"): Not \x1b[1mnow.'
    person.end()
    assert person.server.room("lobby").texts() == ["two"]
    assert person.lines_done == 2
    person.check_ended(ExitStatus.REFUSED)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/topic x", "You may not do that here."),
        ("/msg nobody hi", "There is nobody with that name."),
        (
            "/nick two words",
            "A nickname is made of letters, digits and _ - . and starts with a letter or digit.",
        ),
        ("/revoke SHA256:?", "SHA256:? is none of your devices; /devices lists them."),
        (
            "/join secret",
            "There is no such room; /rooms lists those there are, and /create ROOM makes one.",
        ),
        (
            "/create lobby",
            "A room cannot be called lobby: that name is taken; /join ROOM joins it, if you may.",
        ),
        ("/dance", "There is no such command; /help lists them."),
        ("/who me", "It takes nothing after it."),
        ("/leave nowhere", "You are not in nowhere."),
    ],
)
@pytest.mark.parametrize("is_early", [True, False])
def test_a_script_ends_with_the_first_command_that_fails(
    tmp_path: Path, line: str, why: str, is_early: bool
) -> None:
    person = Person(tmp_path, nick=None)
    person.server.refusals[m.Topic] = "not_allowed", "You may not do that here."
    person.begin()
    lines = ("ana", "before", "", line, "the door code is 4711", "/who", None, "4712")
    for typed in lines if is_early else lines[:1]:
        person.enter_line(typed)
    person.connected()
    person.offer()
    person.carry()
    for typed in () if is_early else lines[1:]:
        person.enter_line(typed)
    person.carry()
    assert person.screen.errors[-2:] == [
        f'Line 4 ("{line}"): {why}',
        "Nothing after line 4 was sent.",
    ]
    assert person.server.room("lobby").texts() == ["before"]
    assert person.link.all(m.Who) == []
    person.check_ended(ExitStatus.REFUSED)
    person.enter_line("and the input goes on")
    assert person.lines_done == person.typed


def test_a_text_that_is_refused_does_not_end_a_script(person: Person) -> None:
    person.enter()
    person.server.refusals[m.Post] = "muted", "You may not say anything."
    person.type("hi")
    person.server.refusals.clear()
    person.enter_line(None)
    person.type("ho")
    assert person.screen.errors[-2:] == [
        'Line 1 ("hi"): You may not say anything.',
        "Line 2: That is not UTF-8, and was not sent.",
    ]
    assert person.server.room("lobby").texts() == ["ho"]


@pytest.mark.parametrize("is_member", [True, False])
def test_a_script_talks_in_its_room_or_nowhere(tmp_path: Path, is_member: bool) -> None:
    server = ModelServer()
    den = server.room("den", "bob", *["ana"] * is_member, kind="invite")
    person = Person(tmp_path, server, room="den")
    server.accounts[person.identities.identity("ana").public] = server.account("ana")
    person.begin()
    for line in ("the door code is 4711", "hello"):
        person.enter_line(line)
    person.connected()
    person.offer()
    person.carry()
    assert server.room("lobby").texts() == []
    if is_member:
        assert den.texts() == ["the door code is 4711", "hello"]
        return
    assert den.texts() == []
    assert person.screen.errors[-2:] == ["You are not invited.", "Nothing was sent."]
    person.check_ended(ExitStatus.REFUSED)


def test_literal_lines_are_no_commands(tmp_path: Path) -> None:
    person = Person(tmp_path, is_literal=True).enter()
    lines = ["/etc/passwd changed", "//two", "/join den", "/quit", "/me too"]
    person.type(*lines, "")
    assert person.server.room("lobby").texts() == lines
    assert person.lines_done == person.typed
    person.end()
    person.check_ended(ExitStatus.OK)


def test_a_quiet_client_prints_nothing_that_others_say(tmp_path: Path) -> None:
    server = ModelServer()
    server.says("bob", server.room("lobby", "bob"), "old")
    person = Person(tmp_path, server, is_quiet=True).enter()
    server.says("bob", server.room("lobby"), "new")
    person.carry()
    assert person.screen.shown == [] and person.link.all(m.History) == []
    person.type("/who")
    assert person.screen.shown == ["* 1 of 2 here: ana, bob (away)"]
    person.client.tick()
    assert person.link.all(m.Seen)


def test_the_line_is_shown_escaped_and_not_all_of_it(person: Person) -> None:
    person.enter()
    person.type("/dance \x1b[1m" + "x" * 60)
    [*_, error, _] = person.screen.errors
    assert error.startswith(r'Line 1 ("/dance \x1b[1mxx') and 'x…"): ' in error
    assert len(error) < 150


def test_lines_keep_their_number_over_a_lost_connection(person: Person) -> None:
    person.enter()
    person.type("hi")
    person.enter_line("/topic x")
    person.enter_line("ho")
    person.cut()
    person.screen.clear()
    person.server.refusals[m.Topic] = "not_allowed", "You may not do that here."
    person.server.refusals[m.Post] = "muted", "You may not say anything."
    person.come_back()
    person.carry()
    assert sorted(person.screen.errors) == [
        'Line 2 ("/topic x"): You may not do that here.',
        "Nothing after line 2 was sent.",
    ]


def test_a_room_that_a_link_leads_to_in_vain_is_no_line(tmp_path: Path) -> None:
    server = ModelServer()
    server.room("den", "bob", kind="invite")
    person = Person(tmp_path, server, room="den").enter()
    assert person.screen.errors[-2:] == ["You are not invited.", "Nothing was sent."]
    person.end()
    person.check_ended(ExitStatus.REFUSED)


def test_a_refused_line_is_no_failure_of_a_person(terminal: Person) -> None:
    terminal.enter()
    terminal.server.refusals[m.Nick] = "nick_taken", "The nickname bob is taken."
    terminal.type("/nick bob", "/quit")
    assert "The nickname bob is taken." in terminal.screen.notes
    terminal.check_ended(ExitStatus.OK)


def test_answers_nobody_asked_for_change_nothing(person: Person) -> None:
    person.enter()
    notes = len(person.screen.notes)
    person.receive(
        m.Ok(77),
        m.Refused(77, "code", "text"),
        m.Posted(ANY_LOG, 1, [(77, 1, 1)]),
        m.Joined(ANY_LOG, "public", "x", 0, 0, 1, "", 77),
        m.Removed(ANY_LOG, "text"),
        m.Page(77, 1, False),
        m.Pong(0),
        Unknown("sung"),
    )
    assert person.lines_done == 0 and person.link.closed is None
    assert len(person.screen.notes) == notes


# --- What has been seen ---


def test_what_was_shown_is_told_when_it_changed(person: Person) -> None:
    person.enter()
    lobby = person.server.room("lobby")
    person.client.tick()
    assert person.link.all(m.Seen) == []
    person.server.says("bob", lobby, "one")
    person.server.says("bob", lobby, "two")
    person.carry()
    person.client.tick()
    person.client.tick()
    assert person.link.all(m.Seen) == [m.Seen(lobby.log, 6)]
    person.type("three")
    person.client.tick()
    assert person.link.last(m.Seen) == m.Seen(lobby.log, 9)


def test_an_interrupt_tells_what_was_seen(person: Person) -> None:
    person.enter()
    person.server.says("bob", person.server.room("lobby"), "one")
    person.carry()
    person.client.interrupt()
    assert len(person.link.all(m.Seen)) == 1


# --- Nicknames ---


def test_nick(person: Person) -> None:
    person.enter()
    key = person.link.logins[0].key
    person.type("/nick anna")
    assert person.screen.notes[-1] == "* You are now known as anna."
    assert person.identities.identity("anna").public == key
    assert person.lines_done == 1
    person.cut()
    person.come_back()
    assert person.link.logins[0].nick == "anna"


def test_a_nick_that_is_none_is_not_sent(person: Person) -> None:
    person.enter()
    person.type("/nick two words")
    assert person.link.all(m.Nick) == [] and person.lines_done == 1


def test_a_nick_that_cannot_be_kept_is_said(person: Person, tmp_path: Path) -> None:
    person.enter()
    (tmp_path / "identity-anna.pem").mkdir(mode=0o700)
    person.type("/nick anna")
    assert "cannot be written" in person.screen.notes[-1]
    person.end()
    person.check_ended(ExitStatus.REFUSED)


def test_a_new_nick_that_has_another_key_already_is_told(person: Person) -> None:
    other = person.identities.identity("anna").public
    person.enter()
    person.type("/nick anna")
    path = person.identities.path("ana")
    assert person.screen.notes[-1] == f"* Log in as anna with --identity {path} from now on."
    assert person.identities.identity("anna").public == other


def test_another_device_can_rename_one(person: Person) -> None:
    person.enter()
    lobby = person.server.room("lobby")
    account = person.server.account("ana")
    person.server.passing(lobby, m.RenamedBody(0, account, "anna", "ana"))
    person.server.passing(lobby, m.RenamedBody(0, ANY_ACCOUNT, "rob", "bob"))
    person.carry()
    assert person.screen.shown == ["* ana is now known as anna", "* bob is now known as rob"]


# --- Ends ---


def test_no_connection_is_a_sentence_and_a_status(person: Person) -> None:
    person.begin()
    person.core.disconnected(None, "Could not connect.")
    assert person.screen.notes == ["Could not connect."]
    person.check_ended(ExitStatus.CONNECTION)


def test_where_the_link_leads_is_no_line_that_is_lost(tmp_path: Path) -> None:
    person = Person(tmp_path, room="den")
    person.begin()
    person.core.disconnected(None, "Could not connect.")
    assert person.screen.notes == ["Could not connect."]


def test_an_attempt_that_fails_too_late_means_nothing(person: Person) -> None:
    person.begin()
    person.client.interrupt()
    person.core.disconnected(None, "Could not connect.")
    person.check_ended(ExitStatus.OK)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (0, LOST),
        (1, LOST + " 1 line was not acknowledged."),
        (2, LOST + " 2 lines were not acknowledged."),
    ],
)
def test_a_first_connection_that_fails_is_the_last(person: Person, lines: int, said: str) -> None:
    person.start().offer()
    for number in range(lines):
        person.enter_line(f"line {number}")
    person.cut()
    assert person.screen.notes[-1] == said
    person.check_ended(ExitStatus.CONNECTION)


def test_a_first_connection_that_is_refused_is_the_last(person: Person) -> None:
    person.start()
    person.core.peer_closed(CloseCode.SHUTDOWN, 5)
    assert person.screen.notes == [
        "The server is stopping. It says to come back in 5 seconds.",
    ]
    person.check_ended(ExitStatus.CONNECTION)


@pytest.mark.parametrize("stage", ["dialing", "start", "enter"])
def test_an_interrupt_ends_it_at_once_from_anywhere(person: Person, stage: str) -> None:
    if stage == "dialing":
        person.begin()
    else:
        getattr(person, stage)()
    person.client.interrupt()
    person.client.interrupt()
    person.check_ended(ExitStatus.OK)


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("stage", ["dialing", "start", "enter"])
def test_an_interrupt_says_what_is_lost_by_it(
    tmp_path: Path, stage: str, is_terminal: bool
) -> None:
    server = ModelServer()
    server.room("den", "bob")
    person = Person(tmp_path, server, is_terminal=is_terminal, room="den")
    if stage == "dialing":
        person.begin()
    else:
        getattr(person, stage)()
    person.enter_line("not waited for")
    person.enter_line("/topic not waited for either")
    person.client.interrupt()
    person.client.interrupt()
    assert person.screen.errors[-1] == "2 lines were not acknowledged."
    person.check_ended(ExitStatus.CONNECTION)


def test_an_interrupt_counts_only_what_was_typed(tmp_path: Path) -> None:
    person = Person(tmp_path, nick=None, is_terminal=True, room="den")
    person.begin()
    person.client.interrupt()
    person.check_ended(ExitStatus.OK)
    assert person.screen.errors == []


def test_a_script_that_is_interrupted_keeps_its_status(person: Person) -> None:
    person.enter()
    person.type("/dance")
    person.client.interrupt()
    person.check_ended(ExitStatus.REFUSED)


def test_the_window_is_released_once_for_each_line(tmp_path: Path) -> None:
    server = ModelServer()
    server.room("python", "bob")
    person = Person(tmp_path, server, limits=ClientLimits()).enter()
    lines = [
        *("hi", "/edit ho", "/who", "/rooms", "/join python", "/topic all", "/topic", "/leave"),
        *("/msg bob hi", "/search hi", "/history", "/history", "/history @bob", "/history @cat"),
        *("/reply x", "/react", "/delete", "/nick anna", "/kick x", "/invite bob", "/help", ""),
        *("/dance", "/leave", "hello", "/who"),
    ]
    person.type(*lines)
    assert person.lines_done == person.typed == len(lines)
