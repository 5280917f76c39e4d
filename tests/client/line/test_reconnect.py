"""Losing the connection, and coming back."""

from pathlib import Path

import pytest

from chat.client.line.interfaces import ExitStatus
from chat.limits import ClientLimits
from chat.wire import messages as m
from chat.wire.connection import Delivered
from chat.wire.errors import CloseCode
from chat.wire.hostkey import HostKey
from tests.client.model import ModelServer
from tests.client.support import OTHER_KEY, Person


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def back(person: Person) -> None:
    person.come_back()
    person.carry()


def test_it_is_said_once_and_again_when_it_is_over(person: Person) -> None:
    person.enter()
    person.screen.clear()
    person.cut()
    person.connected()
    person.cut()
    assert person.screen.everything == ["* The connection was lost; trying again."]
    back(person)
    assert person.screen.everything[1:] == ["* Connected again."]
    person.cut("The server has fallen silent.")
    assert person.screen.notes[-1] == (
        "* The connection was lost: the server has fallen silent; trying again."
    )
    assert person.is_dialing and person.statuses == []


def test_a_script_is_not_told_unless_it_lasts(person: Person) -> None:
    person.enter()
    person.screen.clear()
    person.cut()
    person.clock.advance(59)
    person.client.tick()
    back(person)
    person.cut()
    for seconds in (59, 59, 1_000):
        person.client.tick()
        person.clock.advance(seconds)
        if seconds == 59:
            assert person.screen.errors == []
    assert person.screen.errors == [
        "The connection to the server was lost, and has not come back yet."
    ]
    back(person)
    assert person.screen.errors[1:] == ["* Connected again."]
    person.cut()
    back(person)
    assert len(person.screen.errors) == 2


def test_a_person_is_told_once(tmp_path: Path) -> None:
    person = Person(tmp_path, is_terminal=True).enter()
    person.screen.clear()
    person.cut()
    person.clock.advance(1_000)
    person.client.tick()
    back(person)
    assert person.screen.notes == [
        "* The connection was lost; trying again.",
        "* Connected again.",
    ]


def test_lines_without_an_answer_are_sent_again_as_they_were(person: Person) -> None:
    person.enter()
    person.enter_line("one")
    person.enter_line("two")
    before = person.link.all(m.Post)
    person.carry_up()
    person.cut()
    person.enter_line("three")
    back(person)
    assert person.link.all(m.Post)[:2] == before
    assert person.server.room("lobby").texts() == ["one", "two", "three"]
    assert person.lines_done == 3
    assert person.screen.shown == []


def test_ones_own_record_above_the_cursor_is_not_shown(person: Person) -> None:
    person.enter()
    lobby = person.server.room("lobby")
    session = person.link.session
    assert session is not None
    session.is_slow = True
    person.server.says("bob", lobby, "before")
    person.type("mine")
    assert person.lines_done == 1
    person.cut()
    person.server.says("bob", lobby, "after")
    back(person)
    assert person.screen.shown == ["bob: before", "bob: after"]


def test_only_so_many_of_ones_own_are_remembered(tmp_path: Path) -> None:
    person = Person(tmp_path, limits=ClientLimits(own=1)).enter()
    session = person.link.session
    assert session is not None
    session.is_slow = True
    person.server.says("bob", person.server.room("lobby"), "before")
    person.type("one", "two")
    person.cut()
    back(person)
    assert person.screen.shown == ["bob: before", "ana: one"]


def test_questions_are_asked_again(person: Person) -> None:
    person.enter()
    person.type("hello")
    for line in ("/who", "/create python", "here"):
        person.enter_line(line)
    person.cut()
    back(person)
    assert person.screen.shown == ["* 1 here: ana"]
    assert person.server.room("python").texts() == ["here"]
    assert person.lines_done == 4


def test_edits_are_sent_once_as_well(person: Person) -> None:
    person.enter()
    person.type("hello")
    person.enter_line("/edit bye")
    person.carry_up()
    person.cut()
    back(person)
    assert len(person.server.room("lobby").records) == 2
    assert person.lines_done == 2 and person.screen.shown == []


@pytest.mark.parametrize(
    "code",
    [CloseCode.SHUTDOWN, CloseCode.TIMEOUT, CloseCode.BUSY, CloseCode.SLOW_CONSUMER],
)
def test_some_closes_pass(person: Person, code: CloseCode) -> None:
    person.enter()
    person.closed(code, 20)
    assert person.statuses == [] and person.is_dialing
    assert "trying again" in person.screen.notes[-1]
    assert person.backoff.delay() == 25


@pytest.mark.parametrize("code", [*sorted(set(CloseCode) - {CloseCode.SHUTDOWN, 8, 9, 10}), 77])
def test_other_closes_are_final(person: Person, code: int) -> None:
    person.enter()
    person.enter_line("lost")
    person.closed(code)
    assert person.screen.notes[-1].endswith("1 line was not acknowledged.")
    person.check_ended(ExitStatus.CONNECTION)


def test_a_server_that_breaks_the_protocol_is_not_troubled_again(person: Person) -> None:
    person.enter()
    person.cut("The server broke the protocol.", is_final=True)
    person.check_ended(ExitStatus.CONNECTION)


def test_a_changed_host_key_is_final(person: Person) -> None:
    person.enter()
    person.cut()
    person.connected()
    person.offer(OTHER_KEY)
    assert person.link.sent == []
    person.check_ended(ExitStatus.HOST_KEY)


def test_a_host_key_that_was_rotated_in_between_is_followed(person: Person) -> None:
    old = HostKey.generate()
    new = old.succeed()
    person.start().offer(old.public)
    person.carry()
    person.cut()
    person.connected()
    person.offer(new.public, new.successions)
    assert "signed with the old one" in person.screen.notes[-1]
    assert person.link.logins


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_refused_login_is_final(tmp_path: Path, is_terminal: bool) -> None:
    person = Person(tmp_path, is_terminal=is_terminal).enter()
    person.cut()
    person.come_back()
    person.refuse(person.link.logins[0], "You are banned.")
    assert person.screen.notes[-1] == "You are banned." and person.screen.prompts == []
    person.check_ended(ExitStatus.REFUSED)


# --- A server that is busy from the start ---


BUSY = "* The server has too many connections; trying again."


def test_a_busy_server_is_tried_again(person: Person) -> None:
    person.start()
    person.enter_line("one")
    for _ in range(3):
        person.closed(CloseCode.BUSY, 20)
        assert person.statuses == [] and person.is_dialing
        assert person.backoff.delay() == 25
        person.connected()
    assert person.screen.notes == [BUSY] and person.screen.errors == []
    person.offer()
    person.carry()
    assert "You are ana in lobby" in person.screen.notes[-1]
    assert person.server.room("lobby").texts() == ["one"]
    person.end()
    person.check_ended(ExitStatus.OK)


def test_a_busy_server_is_tried_for_a_minute_when_the_input_has_ended(person: Person) -> None:
    person.start()
    person.client.end_of_input()
    person.closed(CloseCode.BUSY)
    for seconds in (0, 59):
        person.clock.advance(seconds)
        person.client.tick()
    assert person.statuses == []
    person.clock.advance(1)
    person.client.tick()
    assert person.screen.errors == ["The server has too many connections; try again in a moment."]
    person.check_ended(ExitStatus.CONNECTION)


def test_a_script_is_told_that_a_server_stays_busy(person: Person) -> None:
    person.start()
    person.closed(CloseCode.BUSY)
    person.clock.advance(60)
    person.client.tick()
    assert person.screen.errors == [
        "The server still has too many connections; the client goes on trying."
    ]


def test_another_end_after_a_busy_server_is_waited_out_as_well(person: Person) -> None:
    person.start()
    person.closed(CloseCode.BUSY)
    person.connected()
    person.cut()
    assert person.statuses == [] and person.is_dialing


def test_a_person_does_not_wait_for_a_busy_server_to_quit(tmp_path: Path) -> None:
    person = Person(tmp_path, is_terminal=True).start()
    person.closed(CloseCode.BUSY)
    assert person.screen.notes == [BUSY]
    person.enter_line("/quit")
    person.check_ended(ExitStatus.OK)


def test_a_host_key_is_still_asked_about_when_the_server_was_busy(tmp_path: Path) -> None:
    person = Person(tmp_path, is_terminal=True).start()
    person.closed(CloseCode.BUSY)
    person.connected()
    person.offer(is_loopback=False)
    person.enter_line("yes")
    person.connected()
    person.closed(CloseCode.BUSY)
    person.connected()
    person.offer(is_loopback=False)
    person.carry()
    assert person.server.account("ana") in person.server.room("lobby").members


# --- The end of the input, without a connection ---


def test_with_nothing_left_to_say_it_leaves(person: Person) -> None:
    person.enter()
    person.cut()
    person.client.end_of_input()
    person.check_ended(ExitStatus.OK)


def test_quit_leaves_without_a_connection(tmp_path: Path) -> None:
    person = Person(tmp_path, is_terminal=True).enter()
    person.cut()
    person.enter_line("/quit")
    person.check_ended(ExitStatus.OK)
    assert person.lines_done == 1


def test_an_end_while_the_last_answer_is_lost_leaves_as_well(person: Person) -> None:
    person.enter()
    person.client.line("/who")
    person.client.end_of_input()
    person.cut()
    assert person.statuses == []
    back(person)
    person.check_ended(ExitStatus.OK)
    assert person.screen.shown == ["* 1 here: ana"]


def test_lines_are_tried_for_a_minute_more(person: Person) -> None:
    person.enter()
    person.enter_line("one")
    person.enter_line("two")
    person.cut()
    person.clock.advance(1_000)
    person.client.tick()
    person.client.end_of_input()
    person.client.tick()
    person.clock.advance(59)
    person.client.tick()
    assert person.statuses == []
    person.clock.advance(1)
    person.client.tick()
    assert person.screen.notes[-1] == (
        "The connection to the server did not come back. 2 lines were not acknowledged."
    )
    person.check_ended(ExitStatus.CONNECTION)


def test_quitting_does_not_wait_longer_than_that_either(tmp_path: Path) -> None:
    person = Person(tmp_path, is_terminal=True).enter()
    person.enter_line("one")
    person.enter_line("/quit")
    person.cut()
    person.client.tick()
    person.clock.advance(60)
    person.client.tick()
    person.check_ended(ExitStatus.CONNECTION)


def test_the_minute_begins_anew_with_each_loss(person: Person) -> None:
    person.enter()
    person.enter_line("one")
    person.client.end_of_input()
    for _ in range(3):
        person.cut()
        person.client.tick()
        person.clock.advance(40)
        person.come_back()
        while not person.link.all(m.Post):
            assert person.carry_up() or person.carry_down()
        person.client.tick()
    person.carry()
    person.check_ended(ExitStatus.OK)


def test_an_interrupt_does_not_wait_for_a_connection(person: Person) -> None:
    person.enter()
    person.enter_line("one")
    person.cut()
    person.client.interrupt()
    assert person.screen.errors[-1] == "1 line was not acknowledged."
    person.check_ended(ExitStatus.CONNECTION)


# --- What became of the logs meanwhile ---


def test_a_room_that_was_lost_is_not_replaced_by_another(person: Person) -> None:
    person.enter()
    person.type("/create python")
    person.enter_line("one")
    person.cut()
    person.enter_line("two")
    python = person.server.room("python")
    python.members.clear()
    back(person)
    assert "* You are no member of python any more." in person.screen.notes
    assert any("could not be sent" in note for note in person.screen.notes)
    assert any("in no room" in note for note in person.screen.notes)
    assert python.texts() == person.server.room("lobby").texts() == []
    assert person.lines_done == 3
    person.end()
    person.check_ended(ExitStatus.REFUSED)


def test_with_no_logs_left_it_joins_the_lobby_but_says_nothing_there(person: Person) -> None:
    person.enter()
    lobby = person.server.room("lobby")
    person.cut()
    lobby.members.clear()
    person.enter_line("for whom?")
    back(person)
    assert person.server.account("ana") in lobby.members
    assert lobby.texts() == []


def test_a_room_joined_elsewhere_meanwhile_is_read(person: Person) -> None:
    person.enter()
    person.cut()
    python = person.server.room("python", "ana", "bob")
    person.server.says("bob", python, "hi")
    back(person)
    assert person.screen.shown == ["[python] bob: hi"]


def test_a_log_that_cannot_be_read_is_said_and_left_out(person: Person) -> None:
    person.enter()
    person.enter_line("one")
    person.cut()
    person.server.refusals[m.Read] = "not_read", "The store could not be read."
    back(person)
    assert "* lobby: The store could not be read." in person.screen.notes
    assert person.lines_done == 1
    person.cut()
    person.server.refusals.clear()
    back(person)
    person.server.says("bob", person.server.room("lobby"), "hi")
    person.carry()
    assert person.screen.shown == ["[lobby] bob: hi"]


def test_a_log_whose_first_read_is_refused_is_left_out(tmp_path: Path) -> None:
    server = ModelServer()
    Person(tmp_path, server).enter()
    server.refusals[m.Read] = "not_read", "The store could not be read."
    person = Person(tmp_path, server).enter()
    assert "in no room" in person.screen.notes[-1]
    person.type("for whom?")
    assert person.lines_done == 1


def test_a_read_that_crosses_an_event_is_no_fault(tmp_path: Path) -> None:
    server = ModelServer()
    first = Person(tmp_path, server).enter()
    person = Person(tmp_path, server)
    person.start().offer()
    for _ in range(2):
        person.carry_up()
        person.carry_down()
    lobby = server.room("lobby")
    request = person.link.last(m.Read)
    person.receive(m.Opened(lobby.log, "public", "lobby", 0, 0, 1, ""))
    person.refuse(request, "It is being read.", "already_reading")
    assert "You are ana in lobby" in person.screen.notes[-1]
    assert first.statuses == person.statuses == []


def test_a_log_that_was_opened_before_the_list_is_not_read_again(person: Person) -> None:
    person.start().offer()
    person.carry_up()
    person.carry_down()
    lobby = person.server.room("lobby", "ana")
    person.receive(m.Opened(lobby.log, "public", "lobby", 0, 0, 1, ""))
    person.carry()
    assert person.link.all(m.Read) == [] and person.link.all(m.Join) == []
    assert "You are ana" in person.screen.notes[-1]


def test_a_page_that_is_cut_off_is_asked_for_again_and_still_comes_first(tmp_path: Path) -> None:
    server = ModelServer()
    lobby = server.room("lobby", "bob")
    server.says("bob", lobby, "old")
    person = Person(tmp_path, server)
    person.start().offer()
    while not person.link.all(m.History):
        assert person.carry_up() or person.carry_down()
    server.says("bob", lobby, "new")
    while person.carry_down():
        pass
    assert person.screen.shown == []
    person.client.tick()
    assert person.link.all(m.Seen) == []
    person.cut()
    server.says("bob", lobby, "newer")
    back(person)
    assert person.screen.shown == ["bob: old", "bob: new", "bob: newer"]


def test_too_much_that_is_new_does_not_wait_for_what_is_old(tmp_path: Path) -> None:
    server = ModelServer()
    lobby = server.room("lobby", "bob")
    server.says("bob", lobby, "old")
    person = Person(tmp_path, server, limits=ClientLimits(held=2))
    person.start().offer()
    while not person.link.all(m.History):
        assert person.carry_up() or person.carry_down()
    for text in ("a", "b", "c", "d"):
        server.says("bob", lobby, text)
    while person.carry_down():
        pass
    assert person.screen.shown == ["bob: a", "bob: b", "bob: c", "bob: d"]
    person.carry()
    assert len(person.screen.shown) == 4
    person.client.tick()
    assert person.link.all(m.Seen)


def test_half_a_page_is_forgotten_with_its_connection(person: Person) -> None:
    person.enter()
    lobby = person.server.room("lobby")
    person.server.says("bob", lobby, "hi")
    person.carry()
    person.enter_line("/search hi")
    number = person.link.last(m.Search).id
    record = lobby.records[0]
    person.receive(m.Page(number, 2, False))
    person.receive(Delivered(record.log, record.seq, record.record_id, record.body, number))
    person.cut()
    person.screen.clear()
    back(person)
    assert person.screen.shown == ["#3 bob: hi"]
