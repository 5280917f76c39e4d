"""Many rooms: coming and going, what is shown first, lists, and referring to messages."""

from pathlib import Path

import pytest

from chat.client.line.interfaces import ExitStatus
from chat.ids import LogId
from chat.testing.ids import ANY_ACCOUNT, ANY_RECORD
from chat.wire import messages as m
from chat.wire.records import Delivered
from tests.client.model import ModelServer
from tests.client.support import Person


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def ana(tmp_path: Path, server: ModelServer) -> Person:
    server.room("lobby", "bob")
    return Person(tmp_path, server, is_terminal=True).enter()


def known(server: ModelServer, home: Path, *rooms: str) -> None:
    """Let ana have been here, as a member of these rooms."""
    person = Person(home, server).enter()
    for room in rooms:
        person.type(f"/create {room}")
    person.end()


# --- What is shown first ---


@pytest.mark.parametrize(
    ("history", "count", "pages"), [(0, 0, 0), (3, 3, 1), (50, 50, 1), (70, 70, 2), (200, 120, 3)]
)
def test_a_newcomer_sees_the_last_messages(
    tmp_path: Path, server: ModelServer, history: int, count: int, pages: int
) -> None:
    lobby = server.room("lobby", "bob")
    for number in range(120):
        server.says("bob", lobby, str(number))
    person = Person(tmp_path, server, history=history).enter()
    assert person.screen.shown == [f"bob: {number}" for number in range(120 - count, 120)]
    assert len(person.link.all(m.History)) == pages
    person.client.tick()
    assert person.link.last(m.Seen).seq == lobby.seq


def test_an_empty_room_has_no_past_to_ask_for(tmp_path: Path, server: ModelServer) -> None:
    person = Person(tmp_path, server).enter()
    assert person.link.all(m.History) == []


def test_a_past_that_cannot_be_read_does_not_keep_the_present(
    tmp_path: Path, server: ModelServer
) -> None:
    lobby = server.room("lobby", "bob")
    server.says("bob", lobby, "old")
    server.refusals[m.History] = "not_read", "The store could not be read."
    person = Person(tmp_path, server).enter()
    assert person.screen.notes[-1] == "The store could not be read."
    server.says("bob", lobby, "new")
    person.carry()
    assert person.screen.shown == ["bob: new"]


def test_whoever_comes_back_sees_a_mark_before_what_was_missed(
    tmp_path: Path, server: ModelServer
) -> None:
    known(server, tmp_path, "python", "empty")
    server.says("bob", server.room("lobby"), "one")
    server.says("bob", server.room("lobby"), "two")
    server.says("bob", server.room("python"), "three")
    server.says("bob", server.private("ana", "bob"), "four")
    person = Person(tmp_path, server, is_terminal=True).enter()
    assert person.screen.everything[0].startswith("* You are ana in lobby")
    shown = [line for line in person.screen.everything if not line.startswith("* You")]
    assert sorted(shown) == sorted(
        [
            "* --- new in lobby since you left ---",
            *("bob: one", "bob: two"),
            "* --- new in python since you left ---",
            "[python] bob: three",
            "* --- new between you and bob since you left ---",
            "[private] bob: four",
        ]
    )
    for mark, first in (("lobby", "bob: one"), ("python", "[python] bob: three")):
        at = shown.index(f"* --- new in {mark} since you left ---")
        assert shown[at + 1] == first
    assert person.screen.everything[1] == "* You read empty, python as well."


def test_what_was_missed_and_is_gone_is_not_what_comes_next(
    tmp_path: Path, server: ModelServer
) -> None:
    known(server, tmp_path)
    lobby = server.room("lobby")
    server.says("bob", lobby, "gone")
    lobby.records.clear()
    person = Person(tmp_path, server).enter()
    server.says("bob", lobby, "new")
    person.carry()
    assert person.screen.everything[-1] == "bob: new"
    assert not any("since you left" in line for line in person.screen.everything)


def test_what_only_passes_is_nothing_missed(tmp_path: Path, server: ModelServer) -> None:
    known(server, tmp_path)
    lobby = server.room("lobby")
    server.says("bob", lobby, "one")
    person = Person(tmp_path, server)
    person.start().offer()
    while not person.link.all(m.Read):
        assert person.carry_up() or person.carry_down()
    session = person.link.session
    assert session is not None
    session.is_slow = True
    person.carry()
    server.passing(lobby, m.JoinedBody(0, ANY_ACCOUNT, "cat"))
    session.catch_up()
    person.carry()
    assert person.screen.everything[-3:] == [
        "* cat joined",
        "* --- new in lobby since you left ---",
        "bob: one",
    ]


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, 10), (False, 0)])
def test_whoever_has_missed_nothing_sees_a_little_of_the_current_room(
    tmp_path: Path, server: ModelServer, is_terminal: bool, shown: int
) -> None:
    lobby, python = server.room("lobby", "bob"), server.room("python", "bob")
    for number in range(20):
        server.says("bob", lobby, str(number))
        server.says("bob", python, "x")
    first = Person(tmp_path, server).enter()
    first.type("/join python")
    first.end()
    person = Person(tmp_path, server, is_terminal=is_terminal).enter()
    assert person.screen.shown == [f"bob: {number}" for number in range(20 - shown, 20)]


@pytest.mark.parametrize(
    ("rooms", "current"), [(["zoo", "lobby", "art"], "lobby"), (["zoo", "art"], "art")]
)
def test_the_current_room_is_the_lobby_or_the_first(
    tmp_path: Path, server: ModelServer, rooms: list[str], current: str
) -> None:
    person = Person(tmp_path, server)
    for room in rooms:
        server.room(room, "ana")
    server.private("ana", "bob")
    server.accounts[person.identities.identity("ana").public] = server.account("ana")
    person.enter()
    assert f"You are ana in {current}" in person.screen.notes[1]
    person.type("hi")
    assert server.room(current).texts() == ["hi"]


def test_the_room_to_begin_in_is_waited_for(tmp_path: Path, server: ModelServer) -> None:
    known(server, tmp_path, "python")
    person = Person(tmp_path, server, is_terminal=True)
    person.start().offer()
    person.carry_until(m.Read)
    den = server.room("den", "ana")
    person.receive(m.Opened(den.log, "public", "den", 0, 0, 1, ""))
    assert "* Another device of yours joined den." in person.screen.notes
    assert not any("You are ana" in note for note in person.screen.notes)
    person.carry()
    person.type("hi")
    assert server.room("lobby").texts() == ["hi"]


def test_if_the_room_to_begin_in_cannot_be_read_no_other_takes_its_place(
    tmp_path: Path, server: ModelServer
) -> None:
    known(server, tmp_path, "python")
    person = Person(tmp_path, server, is_terminal=True)
    person.start().offer()
    person.carry_until(m.Read)
    [refused] = [it for it in person.link.all(m.Read) if it.log == server.room("lobby").log]
    person.link.sent.remove(refused)
    person.refuse(refused, "The store could not be read.", "not_read")
    person.carry()
    assert person.screen.notes[-1] == "* You are ana, in no room; /join ROOM enters one."


def test_whoever_is_in_no_room_is_told_so(tmp_path: Path, server: ModelServer) -> None:
    person = Person(tmp_path, server, is_terminal=True)
    server.private("ana", "bob")
    server.accounts[person.identities.identity("ana").public] = server.account("ana")
    person.enter()
    assert "in no room" in person.screen.notes[-1]
    person.type("hi", "/who")
    assert person.screen.notes[-2:] == ["You are in no room; /join ROOM enters one."] * 2


def test_a_past_that_is_gone_is_no_past(tmp_path: Path, server: ModelServer) -> None:
    lobby = server.room("lobby", "bob")
    server.says("bob", lobby, "old")
    lobby.records.clear()
    person = Person(tmp_path, server).enter()
    person.type("/history")
    assert person.screen.shown == []
    assert person.screen.notes[-1] == "* --- nothing was said in lobby before this ---"


# --- Coming and going ---


def test_what_was_said_in_a_room_before_one_was_put_out_is_acknowledged(
    ana: Person, server: ModelServer
) -> None:
    ana.enter_line("last words")
    [post] = ana.link.all(m.Post)
    ana.receive(m.Removed(post.log, "Out."), m.Posted(post.log, 3, [(post.id, 3, 0)]))
    assert ana.lines_done == 1


def test_a_room_is_joined_and_lines_go_there(ana: Person, server: ModelServer) -> None:
    ana.type("one", "/create #python", "two", "/join lobby", "three")
    assert server.room("lobby").texts() == ["one", "three"]
    assert server.room("python").texts() == ["two"]
    assert server.room("python").kind == "public"
    ana.type("/create secret invite-only")
    assert server.room("secret").kind == "invite"
    assert ana.screen.notes[-1] == "* You are in secret now."


def test_lines_after_a_join_wait_for_it_and_are_refused_with_it(
    ana: Person, server: ModelServer
) -> None:
    server.room("club", "bob", kind="invite")
    ana.enter_line("/join club")
    ana.enter_line("/rooms")
    assert ana.link.all(m.Rooms) == []
    ana.carry()
    assert ana.screen.notes[-1] == "You are not invited."
    assert len(ana.link.all(m.Rooms)) > 0


def test_a_room_that_another_device_just_joined_is_entered(
    ana: Person, server: ModelServer
) -> None:
    python = server.room("python", "ana")
    ana.enter_line("/join python")
    ana.receive(m.Opened(python.log, "public", "python", 0, 0, 1, "snakes"))
    ana.refuse(ana.link.last(m.Join), "It is being read.", "already_reading")
    assert ana.screen.notes[-2:] == [
        "* Another device of yours joined python.",
        '* You are in python now; its topic is "snakes"',
    ]
    assert ana.lines_done == 1


def test_leaving_a_room_leads_to_no_other(ana: Person, server: ModelServer) -> None:
    ana.type("/create python", "/create zoo", "/leave python", "/leave", "hi")
    assert server.room("lobby").texts() == []
    assert ana.screen.notes[-4:] == [
        "* You left python.",
        "* You left zoo.",
        "* You are in no room now; /join ROOM enters one.",
        "You are in no room; /join ROOM enters one.",
    ]
    ana.type("/join lobby", "hi")
    assert server.room("lobby").texts() == ["hi"]


def test_an_invitation_is_shown_once(ana: Person, server: ModelServer) -> None:
    club = server.room("club", "bob", kind="invite")
    club.invited.add(server.account("ana"))
    ana.receive(m.Invited("club", "bob\x07"), m.Invited("club", "bob"), m.Invited("club", "bob"))
    assert ana.screen.shown == [
        r'* You are invited by bob\x07 to the room "club"; /join club',
        '* You are invited by bob to the room "club"; /join club',
    ]
    for number in range(101):
        ana.receive(m.Invited(f"room-{number}", "bob"))
    ana.receive(m.Invited("club", "bob"))
    assert ana.screen.shown[-1] == '* You are invited by bob to the room "club"; /join club'
    ana.type("/join club")
    assert ana.screen.notes[-1] == "* You are in club now."
    ana.receive(m.Invited("club", "bob"))
    assert ana.screen.shown[-2:] == ['* You are invited by bob to the room "club"; /join club'] * 2


def test_being_put_out_is_said_and_no_other_room_takes_its_place(
    ana: Person, server: ModelServer
) -> None:
    ana.type("/create python")
    server.remove(server.room("python"), "ana", "You were put out\x07.")
    server.remove(server.room("lobby"), "ana", "You were put out of lobby.")
    ana.carry()
    ana.type("hello")
    assert ana.screen.notes[-4:] == [
        r"* You were put out\x07.",
        "* You are in no room now; /join ROOM enters one.",
        "* You were put out of lobby.",
        "You are in no room; /join ROOM enters one.",
    ]


def test_topic_invite_kick_and_ban(ana: Person, server: ModelServer) -> None:
    ana.type("/topic", "/topic all things", "/topic", "/invite cat", "/kick bob", "/ban cat")
    assert server.room("lobby").topic == "all things"
    assert ana.link.last(m.Moderate).action == "ban"
    assert ana.screen.shown[-2:] == ["* lobby has no topic.", '* lobby is about: "all things"']
    assert ana.screen.notes[-4:] == [
        "* You set the topic of lobby: all things",
        "* cat may join lobby.",
        "* bob was put out of lobby.",
        "* cat was banned from lobby for good.",
    ]
    ana.screen.clear()
    server.add(server.room("lobby"), m.TopicBody(0, ANY_ACCOUNT, "bob", "less"))
    ana.carry()
    ana.type("/topic")
    assert ana.screen.shown == ["* bob set the topic: less", '* lobby is about: "less"']


# --- What is held for a page ---


@pytest.fixture
def holding(tmp_path: Path, server: ModelServer) -> Person:
    """Return somebody whose page of python is on its way, while something new has come there."""
    person = Person(tmp_path, server, is_terminal=True).enter()
    python = server.room("python", "bob")
    server.says("bob", python, "old")
    person.enter_line("/join python")
    person.carry_until(m.History)
    server.says("bob", python, "new")
    while person.carry_down():
        pass
    assert person.screen.shown == []
    return person


def test_what_is_held_is_shown_when_one_leaves(holding: Person, server: ModelServer) -> None:
    holding.enter_line("/leave")
    holding.receive(m.Ok(holding.link.last(m.Leave).id))
    assert holding.screen.everything[-3:] == [
        *("bob: new", "* You left python."),
        "* You are in no room now; /join ROOM enters one.",
    ]
    holding.carry()  # The page comes after all, and is for nobody.
    assert holding.screen.shown == ["bob: new"]


def test_what_is_held_is_shown_when_one_is_put_out(holding: Person, server: ModelServer) -> None:
    holding.receive(m.Removed(server.room("python").log, "You were put out."))
    assert holding.screen.shown == ["bob: new"]
    assert holding.screen.notes[-2] == "* You were put out."
    holding.carry()
    assert holding.screen.shown == ["bob: new"]


def test_what_is_held_is_shown_when_the_room_is_lost_meanwhile(
    holding: Person, server: ModelServer
) -> None:
    holding.cut()
    server.room("python").members.clear()
    holding.come_back()
    holding.carry()
    assert holding.screen.shown == ["bob: new"]


def test_what_is_held_is_shown_when_the_room_cannot_be_read_any_more(
    holding: Person, server: ModelServer
) -> None:
    holding.cut()
    server.refusals[m.Read] = "not_read", "The store could not be read."
    holding.come_back()
    holding.carry()
    assert holding.screen.shown == ["bob: new"]


def test_the_first_of_two_pages_is_shown_when_one_leaves_before_the_second(
    tmp_path: Path, server: ModelServer
) -> None:
    python = server.room("python", "bob")
    for number in range(60):
        server.says("bob", python, str(number))
    person = Person(tmp_path, server, history=60).enter()
    person.enter_line("/join python")
    while len(person.link.all(m.History)) < 2:
        assert person.carry_up() or person.carry_down()
    assert person.screen.shown == []
    person.receive(m.Removed(python.log, "You were put out."))
    assert person.screen.shown == [f"bob: {number}" for number in range(10, 60)]


# --- Private conversations ---


def test_a_private_conversation_is_opened_once_and_the_room_stays(
    ana: Person, server: ModelServer
) -> None:
    ana.type("/msg Bob one", "/msg bob two", "three")
    private = server.private("ana", "bob")
    assert private.texts() == ["one", "two"]
    assert server.room("lobby").texts() == ["three"]
    assert len(ana.link.all(m.Private)) == 1
    server.says("bob", private, "hi")
    server.says("ana", private, "from elsewhere")
    ana.carry()
    assert ana.screen.shown == ["[private] bob: hi", "[private to bob] ana: from elsewhere"]


def test_somebody_else_can_open_it(ana: Person, server: ModelServer) -> None:
    notes = len(ana.screen.notes)
    server.says("bob", server.private("ana", "bob"), "hi")
    ana.carry()
    assert ana.screen.shown == ["[private] bob: hi"]
    assert len(ana.screen.notes) == notes
    ana.type("/msg bob hello")
    assert ana.link.all(m.Private) == []


def test_both_can_open_it_at_once(ana: Person, server: ModelServer) -> None:
    ana.enter_line("/msg bob hello")
    private = server.private("ana", "bob")
    ana.carry()
    assert private.texts() == ["hello"] and ana.lines_done == 1


def test_nobody_of_that_name(ana: Person) -> None:
    ana.type("/msg zoe hello")
    assert ana.screen.notes[-1] == "There is nobody with that name."
    assert ana.lines_done == 1


def test_a_conversation_follows_the_others_new_name(ana: Person, server: ModelServer) -> None:
    private = server.private("ana", "bob")
    server.passing(private, m.RenamedBody(0, server.account("bob"), "rob", "bob"))
    ana.carry()
    ana.type("/msg rob hello")
    assert private.texts() == ["hello"] and ana.link.all(m.Private) == []


def test_what_was_said_in_it_before_is_shown(ana: Person, server: ModelServer) -> None:
    private = server.private("bob", "cat")
    server.accounts[ana.identities.identity("cat").public] = server.account("cat")
    server.says("bob", private, "old")
    private.members = {server.account("bob"), server.account("ana")}
    ana.type("/msg bob hello")
    assert ana.screen.shown == ["[private] bob: old"]


# --- Lists ---


def test_who_asks_for_every_page_and_marks_who_is_away(ana: Person, server: ModelServer) -> None:
    server.room("lobby", "b\x1b", "cat")
    ana.type("/who")
    assert ana.screen.shown == [r"* 1 of 4 here: ana, b\x1b (away), bob (away), cat (away)"]
    assert [it.after for it in ana.link.all(m.Who)][1:] == ["b\x1b"]
    assert ana.lines_done == 1
    server.room("lobby").members = {server.account("ana")}
    ana.type("/who")
    assert ana.screen.shown[-1] == "* 1 here: ana"


def test_lists_end_even_with_a_server_that_promises_more_and_gives_nothing(ana: Person) -> None:
    ana.enter_line("/who")
    who = ana.link.last(m.Who)
    ana.receive(m.Members(who.id, who.log, [], True))
    ana.enter_line("/rooms")
    ana.receive(m.RoomList(ana.link.last(m.Rooms).id, [], True))
    assert ana.lines_done == 2
    assert ana.screen.shown[-1] == "* There are no public rooms."


def test_rooms(ana: Person, server: ModelServer) -> None:
    server.room("art", "bob", "cat").topic = "paint\x07"
    server.room("zoo")
    ana.type("/rooms")
    assert ana.screen.shown == [r'* art (2): "paint\x07"', "* lobby (2)", "* zoo (0)"]


def test_search_shows_the_latest_last(ana: Person, server: ModelServer) -> None:
    server.says("bob", server.room("lobby"), "red apple")
    server.says("bob", server.room("python", "ana"), "green apple")
    server.says("bob", server.room("hidden", "ana"), "hidden apple")
    ana.receive(m.Opened(server.room("python").log, "public", "python", 3, 3, 1, ""))
    ana.carry()
    ana.screen.clear()
    ana.type("/search apple", "/search pear")
    assert ana.screen.shown == [
        "#3 bob: red apple",
        "#3 [python] bob: green apple",
        "* Nothing was found.",
    ]
    for _ in range(51):
        server.says("bob", server.room("lobby"), "plum")
    ana.type("/search plum")
    assert ana.screen.shown[-1] == "* There is more; other words find less."


def test_what_is_found_and_not_understood_is_left_out(ana: Person, server: ModelServer) -> None:
    lobby = server.room("lobby")
    ana.enter_line("/search x")
    number = ana.link.last(m.Search).id
    ana.receive(m.Page(number, 1, False))
    ana.receive(unknown_record(lobby.log, number))
    assert ana.screen.shown == ["* Nothing was found."] and ana.lines_done == 1


def unknown_record(log: LogId, page: int) -> Delivered:
    return Delivered(log, 5, ANY_RECORD, m.Unknown("sung"), page)


# --- History on demand ---


def test_history_goes_back_page_by_page(tmp_path: Path, server: ModelServer) -> None:
    lobby = server.room("lobby", "bob")
    for number in range(60):
        server.says("bob", lobby, str(number))
    person = Person(tmp_path, server, history=5).enter()
    person.screen.clear()
    person.type("/history")
    assert person.screen.shown == [f"#{3 * n + 3} bob: {n}" for n in range(5, 55)]
    assert person.screen.notes == []
    person.screen.clear()
    person.type("/history lobby")
    assert person.screen.everything == [
        "* --- nothing was said in lobby before this ---",
        *(f"#{3 * n + 3} bob: {n}" for n in range(5)),
    ]
    person.type("/history")
    assert person.screen.notes[-1] == "* --- nothing was said in lobby before this ---"
    assert person.lines_done == 3


def test_history_of_others_and_while_the_first_page_is_on_its_way(
    ana: Person, server: ModelServer
) -> None:
    server.says("bob", server.room("python", "bob"), "old")
    for line in ("/join python", "/history", "/join lobby", "/msg bob hi", "/history @bob"):
        ana.enter_line(line)
    ana.carry()
    assert ana.screen.shown == ["bob: old"]
    assert "* --- nothing was said in python before this ---" in ana.screen.notes
    assert ana.screen.notes[-1] == "* --- nothing was said between you and bob before this ---"
    ana.type("/history @zoe")
    assert ana.screen.notes[-1] == "There is no conversation with zoe."
    assert ana.lines_done == ana.typed


@pytest.fixture
def pager(tmp_path: Path, server: ModelServer) -> Person:
    """Return somebody in a lobby with a past that was not shown."""
    server.says("bob", server.room("lobby", "bob"), "old")
    return Person(tmp_path, server, history=0).enter()


@pytest.mark.parametrize("is_lost", [True, False])
def test_lines_typed_behind_a_command_that_pages_wait_for_the_page(
    pager: Person, server: ModelServer, is_lost: bool
) -> None:
    lobby = server.room("lobby")
    for line in ("/history", "one", "/edit two"):
        pager.enter_line(line)
    if is_lost:
        pager.cut()
        pager.come_back()
        pager.carry_until(m.History)
    assert pager.link.all(m.Post) == []
    pager.carry()
    assert pager.screen.shown == ["#3 bob: old"]
    assert lobby.texts() == ["old", "one"] and pager.lines_done == 3


def test_a_last_message_is_looked_for_in_the_page_as_well(pager: Person) -> None:
    for line in ("/history", "/react 👍"):
        pager.enter_line(line)
    pager.carry()
    assert pager.link.last(m.React).seq == 3
    assert pager.screen.errors[1:] == []


def test_texts_do_not_wait_for_each_other_but_what_is_asked_does(pager: Person) -> None:
    for line in ("one", "two", "/search one", "/who"):
        pager.enter_line(line)
    assert [it.text for it in pager.link.all(m.Post)] == ["one", "two"]
    assert not pager.link.all(m.Search) and not pager.link.all(m.Who)
    pager.carry()
    assert len(pager.link.all(m.Search)) == len(pager.link.all(m.Who)) == 1
    assert any(line.endswith("ana: one") for line in pager.screen.shown)


def test_history_that_cannot_be_read_is_a_failure(tmp_path: Path, server: ModelServer) -> None:
    server.says("bob", server.room("lobby", "bob"), "old")
    person = Person(tmp_path, server, history=0).enter()
    server.refusals[m.History] = "not_read", "The store could not be read."
    person.type("/history")
    person.end()
    person.check_ended(ExitStatus.REFUSED)


# --- Referring to messages ---


def test_my_last_message_and_that_of_others(ana: Person, server: ModelServer) -> None:
    lobby = server.room("lobby")
    server.says("bob", lobby, "first")
    ana.carry()
    for line in ("mine", "/edit changed", "/reply yes", "/react 👍", "/delete"):
        ana.enter_line(line)
    ana.carry()
    edit, delete = ana.link.last(m.Edit), ana.link.last(m.Delete)
    reply, react = ana.link.all(m.Post)[-1], ana.link.last(m.React)
    assert (edit.seq, edit.text) == (6, "changed")
    assert (reply.reply, reply.text) == (3, "yes")
    assert (react.seq, react.reaction) == (3, "👍")
    assert delete.seq == lobby.records[-2].seq - 3 or delete.seq == 12
    assert ana.lines_done == 5 and ana.screen.shown == ["bob: first"]


def test_by_number(ana: Person, server: ModelServer) -> None:
    server.says("bob", server.room("lobby"), "first")
    ana.type("/reply #3 yes", "/react #3 👍", "/react #3", "mine", "/edit #15 your", "/delete #15")
    assert [it.seq for it in ana.link.all(m.React)] == [3, 3]
    assert ana.link.last(m.Edit).seq == ana.link.last(m.Delete).seq == 15


@pytest.mark.parametrize("line", ["/edit x", "/delete", "/reply x", "/react x"])
def test_without_such_a_message_nothing_is_sent(ana: Person, line: str) -> None:
    ana.type(line)
    assert "There is no message of" in ana.screen.notes[-1] and ana.lines_done == 1


def test_what_others_do_to_messages_is_shown_with_quotes(ana: Person, server: ModelServer) -> None:
    lobby = server.room("lobby")
    bob = server.account("bob")
    ana.type("hello")
    server.add(lobby, m.ReactionBody(0, bob, "bob", 3, "👍"))
    server.says("bob", lobby, "me too", reply=3)
    server.add(lobby, m.EditBody(0, bob, "bob", 9, "me three"))
    server.add(lobby, m.DeleteBody(0, bob, "bob", 9))
    ana.carry()
    ana.type("/edit bye")
    server.says("bob", lobby, "so soon?", reply=3)
    ana.carry()
    assert ana.screen.shown == [
        '* bob reacted 👍 to "hello"',
        'bob (to ana: "hello"): me too',
        '* bob edited "me too": me three',
        '* bob deleted "me three"',
        'bob (to ana: "bye"): so soon?',
    ]
