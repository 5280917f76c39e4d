"""What is asked of a server, and what comes of it: one outcome for each command."""

from collections.abc import Callable
from dataclasses import fields
from typing import get_args

import pytest
from msgspec import UNSET

from chat.client.core import commands as c
from chat.client.core.address import parse_address
from chat.client.core.commands import Command
from chat.client.core.events import Arrival, Page, RoomOpened
from chat.client.core.interfaces import StorageError
from chat.client.core.model import (
    Device,
    DeviceCode,
    Handle,
    Invitation,
    Member,
    Message,
    PublicRoom,
    Refusal,
)
from chat.client.core.requests import Renaming
from chat.client.core.rooms import Room
from chat.content import Content
from chat.ids import LogId
from chat.limits import ClientLimits
from chat.rooms.roles import Action, Role
from chat.testing.ids import ANY_LOG, ANY_RECORD
from chat.wire import messages as m
from chat.wire.hostkey import fingerprint
from chat.wire.identity import Identity, identity_fingerprint
from chat.wire.records import Delivered
from tests.client.core.support import CoreCase, only, text
from tests.client.model import Log, ModelServer
from tests.client.support import ADDRESS, KEY


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def lobby(server: ModelServer) -> Log:
    return server.room("lobby", "bob")


@pytest.fixture
def case(server: ModelServer, lobby: Log) -> CoreCase:
    return CoreCase(server).enter()


# --- Rooms ---


def test_joining_makes_a_room_or_finds_one(case: CoreCase, server: ModelServer) -> None:
    room = case.done(c.Create("den", True), Room)
    assert room is case.room("den") and server.room("den").kind == "invite"
    assert case.last(RoomOpened) == RoomOpened(room, Arrival.JOINED)
    assert case.done(c.Create("python"), Room) is case.room("python")
    assert server.room("python").kind == "public"
    assert case.done(c.Join("zoo"), Refusal).code == "no_such_room"
    assert case.done(c.Create("python"), Refusal).code == "room_taken"
    sent = len(case.link.sent)
    assert case.done(c.Join("DEN"), Room) is room
    assert len(case.link.sent) == sent


def test_a_room_that_was_joined_elsewhere_meanwhile_is_what_comes_of_it(
    case: CoreCase, server: ModelServer
) -> None:
    python = server.room("python", "ana")
    outcomes = case.do(c.Join("python"))
    case.receive(m.Opened(python.log, "public", "python", 0, 0, 1, ""))
    case.refuse(case.link.last(m.Join), "It is being read.", "already_reading")
    assert only(outcomes, Room) is case.room("python")


def test_a_join_whose_answer_is_lost_finds_the_room_on_the_next_connection(
    case: CoreCase,
) -> None:
    case.server.room("python")
    outcomes = case.do(c.Join("python"))
    case.carry_up()
    case.cut()
    case.be_back()
    assert only(outcomes, Room) is case.room("python")


def test_a_conversation_is_opened_once(case: CoreCase) -> None:
    room = case.done(c.OpenPrivate("bob"), Room)
    assert room is case.private("bob") and room.is_private
    assert case.done(c.OpenPrivate("BOB"), Room) is room
    assert len(case.link.all(m.Private)) == 1
    assert case.done(c.OpenPrivate("zoe"), Refusal).code == "no_such_nick"


def test_what_is_said_to_one_person_opens_the_conversation_first(
    case: CoreCase, server: ModelServer
) -> None:
    asked = [case.do(c.SendPrivate("bob", text(words))) for words in ("one", "two")]
    case.carry()
    assert [only(outcomes, Message).text for outcomes in asked] == ["one", "two"]
    assert server.private("ana", "bob").texts() == ["one", "two"]
    assert case.done(c.SendPrivate("bob", text("three")), Message).handle.seq == 9
    assert case.done(c.SendPrivate("zoe", text("x")), Refusal).code == "no_such_nick"


def test_leaving_gives_back_the_room(case: CoreCase, lobby: Log) -> None:
    room = case.room()
    assert case.done(c.Leave(lobby.log), Room) is room
    assert case.core.room("lobby") is None
    assert case.server.account("ana") not in lobby.members
    assert case.done(c.Leave(lobby.log), Refusal).code == "not_a_member"


def test_what_is_only_done_or_refused(case: CoreCase, lobby: Log) -> None:
    log = lobby.log
    asked: list[tuple[Command, Callable[[int], m.Request]]] = [
        (c.Invite(log, "cat"), lambda number: m.Invite(number, log, "cat")),
        (c.SetTopic(log, "all"), lambda number: m.Topic(number, log, "all")),
        (c.SetSlowMode(log, 5), lambda number: m.Slow(number, log, 5)),
        (
            c.Moderate(log, Action.MUTE, "bob", 60, "spam"),
            lambda number: m.Moderate(number, "mute", "bob", log, 60, "spam"),
        ),
        (
            c.Moderate(None, Action.BAN, "bob", network=True),
            lambda number: m.Moderate(number, "ban", "bob", UNSET, UNSET, UNSET, True),
        ),
    ]
    for command, request in asked:
        case.done(command, type(None))
        sent = case.link.last(m.Request)
        assert sent == request(sent.id)
        case.server.refusals[type(sent)] = "not_allowed", "You may not do that here."
        assert case.done(command, Refusal) == Refusal("not_allowed", "You may not do that here.")
        case.server.refusals.clear()


# --- Lists ---


def test_public_rooms_are_listed_whole(case: CoreCase, server: ModelServer) -> None:
    for name in ("art", "zoo", "den"):
        server.room(name, "bob", "cat").topic = f"about {name}"
    server.room("secret", "bob", kind="invite")
    assert case.done(c.ListRooms(), tuple) == (
        *(PublicRoom("art", 2, "about art"), PublicRoom("den", 2, "about den")),
        *(PublicRoom("lobby", 2, ""), PublicRoom("zoo", 2, "about zoo")),
    )
    assert [it.after for it in case.link.all(m.Rooms)] == [UNSET, "den"]


def test_members_are_listed_whole(case: CoreCase, server: ModelServer, lobby: Log) -> None:
    server.room("lobby", "cat", "dan")
    outcome = case.done(c.ListMembers(lobby.log), tuple)
    assert outcome == tuple(
        Member(server.account(nick), nick, nick == "ana", Role.MEMBER)
        for nick in ("ana", "bob", "cat", "dan")
    )
    assert [it.after for it in case.link.all(m.Who)] == [UNSET, "bob"]


@pytest.mark.parametrize(("most", "rows"), [(1, 2), (5, 2), (6, 2), (16, 16), (17, 16)])
def test_a_list_of_rooms_without_end_ends(server: ModelServer, most: int, rows: int) -> None:
    case = CoreCase(server, limits=ClientLimits(listed_rooms=most)).enter()
    outcomes = case.do(c.ListRooms())
    pages = 0
    while not outcomes:
        asked = case.link.last(m.Rooms)
        page = [(f"r{asked.id}x{it}", 1, "topic") for it in range(rows)]
        case.receive(m.RoomList(asked.id, page, True))
        pages += 1
    assert pages == -(-most // rows)


def test_lists_end_even_with_a_server_that_promises_more_and_gives_nothing(
    case: CoreCase, lobby: Log
) -> None:
    rooms, members = case.do(c.ListRooms()), case.do(c.ListMembers(lobby.log))
    case.receive(m.RoomList(case.link.last(m.Rooms).id, [], True))
    case.receive(m.Members(case.link.last(m.Who).id, lobby.log, [], True))
    assert rooms == members == [()]
    assert case.core.is_idle


def test_a_list_that_is_cut_off_begins_anew(case: CoreCase, server: ModelServer) -> None:
    for name in ("art", "zoo"):
        server.room(name)
    outcomes = case.do(c.ListRooms())
    case.carry_up()
    case.carry_down()
    case.cut()
    case.be_back()
    assert [it.name for it in only(outcomes, tuple)] == ["art", "lobby", "zoo"]


# --- The account ---


def test_devices_are_listed_and_kept(case: CoreCase, server: ModelServer) -> None:
    assert case.core.devices is None
    own, other = case.keys.identity("ana").public, Identity.from_seed(bytes(32)).public
    server.accounts[other] = server.account("ana")
    devices = case.done(c.ListDevices(), tuple)
    assert devices == case.core.devices
    assert devices == (
        Device(own, identity_fingerprint(own), 86_400_000, True, True),
        Device(other, identity_fingerprint(other), 86_400_000, True, False),
    )


def test_a_device_is_taken_away_by_the_beginning_of_its_fingerprint(
    case: CoreCase, server: ModelServer
) -> None:
    other = Identity.from_seed(bytes(32)).public
    beginning = identity_fingerprint(other)[:15]
    for known_as in (beginning, beginning.removeprefix("SHA256:")):
        server.accounts[other] = server.account("ana")
        case.done(c.RevokeDevice(known_as), type(None))
        assert other not in server.accounts
    none = case.done(c.RevokeDevice("nothing"), Refusal)
    assert none == Refusal("no_such_device", "nothing is none of your devices.")
    server.accounts[other] = server.account("ana")
    several = case.done(c.RevokeDevice("SHA256:"), Refusal)
    assert several == Refusal("no_such_device", "SHA256: is more than one of your devices.")
    assert other in server.accounts


def test_a_device_that_may_not_be_taken_away_is_said(case: CoreCase, server: ModelServer) -> None:
    server.refusals[m.Revoke] = "last_device", "That is the only key of your account."
    own = identity_fingerprint(case.keys.identity("ana").public)
    assert case.done(c.RevokeDevice(own), Refusal).code == "last_device"


def test_a_code_for_another_device(case: CoreCase) -> None:
    assert case.done(c.MakeDeviceCode(), DeviceCode) == DeviceCode(
        "ABCDE-FGHJK", 600, f"encchat://{ADDRESS}/#{fingerprint(KEY)}"
    )


def test_an_invitation_is_a_link_to_the_room_or_to_the_server(case: CoreCase, lobby: Log) -> None:
    link = case.done(c.MakeInvitation(lobby.log, 3, 86_400), Invitation).link
    request = case.link.last(m.Token)
    assert (request.uses, request.seconds, request.log) == (3, 86_400, lobby.log)
    address = parse_address(link)
    assert (address.room, address.token, address.host) == ("lobby", bytes(16), "chat.example.org")
    link = case.done(c.MakeInvitation(None, 1, 60), Invitation).link
    assert parse_address(link).room is None and case.link.last(m.Token).log is UNSET


def test_a_new_nickname_is_that_of_the_account_and_of_the_next_login(case: CoreCase) -> None:
    assert case.done(c.Rename(" anna "), Renaming) == Renaming("anna", None)
    assert case.core.account.nick == "anna"
    case.cut()
    case.come_back()
    assert case.link.logins[0].nick == "anna"
    assert case.link.logins[0].key == case.keys.identity("ana").public


def test_a_nickname_that_is_taken_changes_nothing(case: CoreCase, server: ModelServer) -> None:
    server.refusals[m.Nick] = "nick_taken", "The nickname bob is taken."
    assert case.done(c.Rename("bob"), Refusal).code == "nick_taken"
    assert case.core.account.nick == "ana"
    case.cut()
    case.come_back()
    assert case.link.logins[0].nick == "ana"


def test_where_the_key_is_or_why_it_is_not_kept_is_said(
    case: CoreCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case.keys, "rename", lambda old, new: f"the key of {old}")
    assert case.done(c.Rename("anna"), Renaming) == Renaming("anna", "the key of ana")

    def fail(old: str, new: str) -> str | None:
        raise StorageError("it cannot be written")

    monkeypatch.setattr(case.keys, "rename", fail)
    assert case.done(c.Rename("anne"), Renaming) == Renaming("anne", None, "it cannot be written")
    assert case.core.account.nick == "anne"


# --- Paging back ---


@pytest.fixture
def paged(server: ModelServer, lobby: Log) -> CoreCase:
    """Return a case in a lobby in which 60 lines were said before."""
    for number in range(60):
        server.says("bob", lobby, str(number))
    return CoreCase(server).enter()


def numbers(page: Page) -> list[int]:
    """Return what a page of numbers says."""
    return [int(it.text) for it in page.items if isinstance(it, Message)]


def test_two_at_once_ask_for_different_pages(paged: CoreCase, lobby: Log) -> None:
    asked = [paged.do(c.PageBack(lobby.log, 10)) for _ in range(3)]
    assert [it.before for it in paged.link.all(m.History)] == [181]
    paged.carry()
    assert [it.before for it in paged.link.all(m.History)] == [181, 153, 123]
    pages = [only(outcomes, Page) for outcomes in asked]
    assert [numbers(page) for page in pages] == [
        *([*range(50, 60)], [*range(40, 50)], [*range(30, 40)])
    ]
    assert paged.texts() == [str(number) for number in range(30, 60)]


def test_pages_of_different_rooms_are_asked_for_at_once(
    paged: CoreCase, server: ModelServer, lobby: Log
) -> None:
    server.says("bob", server.room("den", "bob"), "x")
    den = paged.done(c.Join("den"), Room)
    for log in (lobby.log, den.log):
        paged.do(c.PageBack(log))
    assert {it.log for it in paged.link.all(m.History)} == {lobby.log, den.log}


def test_other_requests_do_not_wait_for_a_page(paged: CoreCase, lobby: Log) -> None:
    for command in (c.PageBack(lobby.log), c.PageBack(lobby.log), c.ListRooms()):
        paged.do(command)
    assert len(paged.link.all(m.History)) == len(paged.link.all(m.Rooms)) == 1


def test_pages_that_are_cut_off_are_asked_for_again_in_order(paged: CoreCase, lobby: Log) -> None:
    asked = [paged.do(c.PageBack(lobby.log, 10)) for _ in range(2)]
    number = paged.link.last(m.History).id
    record = lobby.records[-1]
    paged.receive(m.Page(number, 2, True))
    paged.receive(Delivered(record.log, record.seq, record.record_id, record.body, number))
    paged.cut()
    paged.be_back()
    assert [numbers(only(outcomes, Page)) for outcomes in asked] == [
        *([*range(50, 60)], [*range(40, 50)])
    ]


def test_a_page_that_is_refused_does_not_keep_the_next(paged: CoreCase, lobby: Log) -> None:
    asked = [paged.do(c.PageBack(lobby.log, 10)) for _ in range(2)]
    [refused] = paged.link.all(m.History)
    paged.link.sent.remove(refused)
    paged.refuse(refused, "The store could not be read.", "not_read")
    assert only(asked[0], Refusal).code == "not_read"
    paged.carry()
    assert numbers(only(asked[1], Page)) == [*range(50, 60)]


def test_at_the_beginning_nothing_is_asked_any_more(paged: CoreCase, lobby: Log) -> None:
    asked = [paged.do(c.PageBack(lobby.log)) for _ in range(4)]
    paged.carry()
    assert [only(outcomes, Page).count for outcomes in asked] == [50, 10, 0, 0]
    assert len(paged.link.all(m.History)) == 2 and paged.room().is_whole


def test_what_is_new_is_in_no_page(paged: CoreCase, server: ModelServer, lobby: Log) -> None:
    outcomes = paged.do(c.PageBack(lobby.log, 10))
    server.says("bob", lobby, "60")
    paged.carry()
    assert numbers(only(outcomes, Page)) == [*range(50, 60)]
    assert paged.texts() == [str(number) for number in range(50, 61)]


def test_paging_grows_the_timeline(server: ModelServer, lobby: Log) -> None:
    case = CoreCase(server, limits=ClientLimits(timeline=5)).enter()
    for number in range(8):
        server.says("bob", lobby, str(number))
    case.carry()
    assert case.texts() == ["3", "4", "5", "6", "7"]
    late = CoreCase(server, limits=ClientLimits(timeline=5)).enter("cat")
    late.done(c.PageBack(lobby.log, 8), Page)
    server.says("bob", lobby, "8")
    late.carry()
    assert late.texts() == [str(number) for number in range(9)]


def test_a_room_that_was_left_has_no_pages(
    paged: CoreCase, server: ModelServer, lobby: Log
) -> None:
    asked = [paged.do(c.PageBack(lobby.log)) for _ in range(2)]
    server.remove(lobby, "ana", "Out.")
    paged.receive(m.Removed(lobby.log, "Out."))
    paged.carry()
    assert [only(outcomes, Refusal).code for outcomes in asked] == ["not_a_member"] * 2
    assert paged.done(c.PageBack(lobby.log), Refusal).code == "not_a_member"


# --- What is no text ---

STRANGE = {
    "a surrogate": "\ud800",
    "surrogates": "\udcff" * 40,
    "long": "x" * 20_000,
    "long, of surrogates": "\ud800" * 20_000,
}


def commands_with(words: str, log: LogId) -> list[Command]:
    """Return every command with these words in each of its fields that takes a text."""
    message = Handle(log, ANY_RECORD, 3)
    return [
        *(c.Send(log, text(words)), c.Send(log, text(words), message)),
        *(c.SendPrivate(words, text("hello")), c.SendPrivate("bob", text(words))),
        *(c.Edit(message, words), c.React(message, words)),
        *(c.Join(words), c.Create(words, True), c.OpenPrivate(words)),
        *(c.SetTopic(log, words), c.Invite(log, words)),
        *(c.Moderate(log, Action.MUTE, words), c.Moderate(log, Action.MUTE, "bob", 0, words)),
        *(c.RevokeDevice(words), c.Rename(words), c.Search(words)),
        *(c.AnswerRequest(words, True), c.Block(words), c.Unblock(words), c.KnowAgain(words)),
    ]


@pytest.mark.parametrize("is_online", [True, False])
@pytest.mark.parametrize("words", STRANGE.values(), ids=STRANGE)
def test_what_fits_no_message_is_a_refusal_in_every_field(
    case: CoreCase, lobby: Log, words: str, is_online: bool
) -> None:
    if not is_online:
        case.cut()
    asked = [case.do(command) for command in commands_with(words, lobby.log)]
    if not is_online:
        case.be_back()
    case.carry()
    for outcomes in asked:
        refusal = only(outcomes, Refusal)
        assert refusal.code and refusal.text.endswith(".")
    assert case.core.is_idle
    assert case.done(c.Send(lobby.log, text("all is well")), Message).text == "all is well"


def test_every_field_that_takes_a_text_was_tried(lobby: Log) -> None:
    words = "some words"
    tried = {
        (type(command), field.name)
        for command in commands_with(words, lobby.log)
        for field in fields(command)
        if getattr(command, field.name) in (words, text(words))
    }
    expected = {
        (kind, field.name)
        for kind in get_args(Command)
        for field in fields(kind)
        if field.type in (str, Content)
    }
    assert tried == expected


def test_an_empty_text_has_one_outcome_in_every_field(case: CoreCase, lobby: Log) -> None:
    asked = [(command, case.do(command)) for command in commands_with("", lobby.log)]
    case.carry()
    for command, outcomes in asked:
        [outcome] = outcomes
        if isinstance(command, c.Send | c.SendPrivate | c.Edit | c.OpenPrivate | c.Rename):
            assert isinstance(outcome, Refusal), command


# --- Answers that do not fit ---


def test_an_answer_of_another_kind_is_a_refusal(case: CoreCase, lobby: Log) -> None:
    outcomes = case.do(c.ListMembers(lobby.log))
    number = case.link.last(m.Who).id
    case.receive(m.Ok(number), m.Ok(number))
    assert "does not fit" in only(outcomes, Refusal).text
    outcomes = case.do(c.ListRooms())
    number = case.link.last(m.Rooms).id
    case.receive(m.Page(number, 1, False))
    assert outcomes == []
    case.receive(Delivered(lobby.log, 3, ANY_RECORD, m.Unknown("sung"), number))
    assert "does not fit" in only(outcomes, Refusal).text


def test_answers_nobody_asked_for_change_nothing(case: CoreCase) -> None:
    case.forget()
    case.receive(
        m.Ok(77),
        m.Refused(77, "code", "text"),
        m.Joined(ANY_LOG, "public", "x", 0, 0, 1, "", 77),
        m.Page(77, 1, False),
        Delivered(ANY_LOG, 3, ANY_RECORD, m.Unknown("sung"), 77),
        Delivered(ANY_LOG, 3, ANY_RECORD, m.Unknown("sung"), 78),
        m.Pong(0),
        m.Unknown("sung"),
    )
    assert case.events == [] and case.core.is_idle


def test_a_page_that_nobody_asked_for_is_part_of_no_other(paged: CoreCase, lobby: Log) -> None:
    stray = lobby.records[0]
    paged.receive(m.Page(77, 1, False))
    paged.receive(Delivered(lobby.log, stray.seq, stray.record_id, stray.body, 77))
    page = paged.done(c.PageBack(lobby.log, 10), Page)
    assert numbers(page) == [*range(50, 60)] and page.count == 10
