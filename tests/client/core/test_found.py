"""Faults that were found by looking for them: each was one, and is none any more."""

from pathlib import Path

import pytest

from chat.client.commands import CommandError, parse_line
from chat.client.core.commands import (
    Command,
    Create,
    Leave,
    ListMembers,
    MakeInvitation,
    Moderate,
    PageBack,
    Rename,
    RevokeDevice,
    Send,
    SendPrivate,
    SetSlowMode,
)
from chat.client.core.events import MessageArrived, ReadMarkerMoved
from chat.client.core.login import Credentials
from chat.client.core.model import Handle, Message, Phase, Refusal
from chat.client.core.rooms import Room
from chat.client.core.timeline import Timeline
from chat.ids import AccountId, RecordId
from chat.limits import ClientLimits
from chat.rooms.roles import Action
from chat.testing.ids import ANY_LOG, ANY_RECORD
from chat.wire import messages as m
from chat.wire.errors import CloseCode
from chat.wire.identity import Identity, identity_fingerprint
from tests.client.core.support import CoreCase, only, text
from tests.client.model import Log, ModelServer
from tests.client.support import Person


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def lobby(server: ModelServer) -> Log:
    return server.room("lobby", "bob")


@pytest.fixture
def case(server: ModelServer, lobby: Log) -> CoreCase:
    return CoreCase(server).enter()


# --- Messages that are never shown ---


def test_reactions_to_numbers_that_nothing_has_yet_silence_nobody(
    server: ModelServer, lobby: Log
) -> None:
    case = CoreCase(server, limits=ClientLimits(timeline=3)).enter()
    eve = server.account("eve")
    for number in range(3):
        server.add(lobby, m.ReactionBody(0, eve, "eve", 10**9 + number, "👍"))
    server.says("bob", lobby, "hello")
    case.carry()
    assert [it.message.text for it in case.told(MessageArrived)] == ["hello"]
    assert case.texts() == ["hello"] and case.room().unread == 1


def test_a_reaction_to_what_is_yet_to_be_said_is_none(case: CoreCase, lobby: Log) -> None:
    eve = case.server.account("eve")
    case.server.add(lobby, m.ReactionBody(0, eve, "eve", 6, "👎"))
    assert case.server.says("bob", lobby, "hello") == 6
    case.carry()
    assert case.message("hello").reactions == ()


def test_what_comes_late_is_shown_even_if_the_timeline_has_no_place_for_it(
    server: ModelServer, lobby: Log
) -> None:
    case = CoreCase(server, limits=ClientLimits(timeline=2)).enter()
    case.session.is_slow = True
    server.says("bob", lobby, "late")
    for words in ("one", "two"):
        case.done(Send(lobby.log, text(words)), Message)
    case.session.catch_up()
    case.carry()
    assert [it.message.text for it in case.told(MessageArrived)] == ["late"]


# --- What was deleted ---


def test_a_deleted_edit_is_gone_even_if_somebody_reacted_to_it(case: CoreCase, lobby: Log) -> None:
    bob, server = case.server.account("bob"), case.server
    said = server.says("bob", lobby, "hello")
    edit = server.add(lobby, m.EditBody(0, bob, "bob", said, "my password is 1234"))
    server.add(lobby, m.ReactionBody(0, server.account("eve"), "eve", edit, "👍"))
    server.add(lobby, m.DeleteBody(0, bob, "bob", edit))
    case.carry()
    assert case.texts() == ["hello"]


def test_an_edit_that_comes_after_its_deletion_changes_nothing() -> None:
    ana = AccountId(bytes(16))
    timeline = Timeline(ANY_LOG, ana)
    for seq, body in (
        (3, m.TextBody(0, ana, "ana", "1")),
        (9, m.DeleteBody(0, ana, "ana", 6)),
        (6, m.EditBody(0, ana, "ana", 3, "2")),
    ):
        timeline.take(seq, RecordId(bytes([seq]) * 16), body)
    assert [it.text for it in timeline] == ["1"]


# --- What has been read ---


def test_what_was_read_is_told_again_if_the_connection_lost_it(case: CoreCase, lobby: Log) -> None:
    seq = case.server.says("bob", lobby, "hello")
    case.carry()
    case.core.mark_read(case.room())
    case.core.tick()
    assert case.link.all(m.Seen) == [m.Seen(lobby.log, seq)]
    case.cut()
    case.be_back()
    case.core.tick()
    assert case.link.all(m.Seen) == [m.Seen(lobby.log, seq)]


def test_what_was_read_on_another_device_is_not_unread_any_more(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    server.says("bob", lobby, "ana?")
    case.carry()
    case.cut()
    phone = CoreCase(server).enter()
    phone.core.mark_read(phone.room())
    phone.core.tick()
    phone.carry()
    case.forget()
    case.be_back()
    assert case.room().read_marker == 3
    assert (case.room().unread, case.room().mentions) == (0, 0)
    assert case.told(ReadMarkerMoved) == [ReadMarkerMoved(case.room())]


# --- Who is there ---


def test_ones_own_new_nickname_is_that_of_the_member(case: CoreCase, lobby: Log) -> None:
    case.done(ListMembers(lobby.log), tuple)
    case.done(Rename("anna"), object)
    members = case.room().members
    assert members is not None
    assert {member.nick for member in members.values()} == {"anna", "bob"}


def test_who_comes_while_members_are_listed_is_here(server: ModelServer) -> None:
    lobby = server.room("lobby", "bob", "cat", "dan")
    case = CoreCase(server).enter()
    case.do(ListMembers(lobby.log))
    case.carry_up()
    case.carry_down()
    bob, cat = server.account("bob"), server.account("cat")
    server.passing(lobby, m.JoinedBody(0, bob, "bob"))
    server.passing(lobby, m.RenamedBody(0, bob, "rob", "bob"))
    server.passing(lobby, m.LeftBody(0, cat, "cat", gone=True))
    case.carry()
    members = case.room().members or {}
    assert (members[bob].nick, members[bob].is_here) == ("rob", True)
    assert cat not in members


def test_notes_to_oneself_are_found_after_a_new_nickname(case: CoreCase) -> None:
    case.receive(m.Opened(ANY_LOG, "private", "ana", 0, 0, 1, ""))
    notes = case.private("ana")
    case.done(Rename("anna"), object)
    assert case.core.private("anna") is notes
    # The server would refuse to open it twice.
    case.do(SendPrivate("anna", text("milk")))
    assert case.link.all(m.Private) == []


# --- The connection ---


def test_while_an_attempt_is_made_it_is_connecting(case: CoreCase) -> None:
    case.cut()
    case.core.retry_delay(100)
    case.connected()
    assert case.core.connection.phase is Phase.CONNECTING
    assert case.core.connection.retry_at is None


def test_what_is_over_does_not_begin_again(case: CoreCase) -> None:
    case.core.close()
    case.cut()
    case.core.log_in_as("ana")
    assert case.core.connection.phase is Phase.OVER and not case.is_dialing


def test_a_nickname_chosen_while_waiting_makes_no_second_connection() -> None:
    case = CoreCase()
    case.server.account("ana")
    case.start()
    case.closed(CloseCode.BUSY)
    case.be_back()
    case.closed(CloseCode.TIMEOUT)
    assert case.core.connection.phase is Phase.WAITING
    case.core.log_in_as("anna")
    assert case.core.connection.phase is Phase.WAITING and case.connects == 1
    case.be_back()
    assert case.core.account.nick == "anna"


def test_a_nickname_chosen_while_connecting_makes_no_second_connection() -> None:
    case = CoreCase().start()
    case.core.log_in_as("anna")
    assert case.connects == 1
    case.offer()
    case.carry()
    assert case.core.account.nick == "anna"


def test_a_nickname_chosen_after_the_login_changes_nothing(case: CoreCase) -> None:
    case.core.log_in_as("anna")
    case.cut()
    case.be_back()
    assert case.core.connection.phase is Phase.ONLINE and case.core.account.nick == "ana"


@pytest.mark.parametrize("code", ["\udcff", "x" * 20_000])
def test_a_code_that_fits_no_login_is_a_sentence(code: str) -> None:
    case = CoreCase(credentials=Credentials(code)).start()
    case.offer()
    assert case.core.connection.phase in (Phase.LOGIN_REFUSED, Phase.OVER)
    assert case.core.connection.reason.endswith(".")


# --- Requests ---


def test_a_leave_whose_answer_is_lost_was_done_all_the_same(
    case: CoreCase, server: ModelServer
) -> None:
    python = case.done(Create("python"), Room)
    outcomes = case.do(Leave(python.log))
    case.carry_up()
    case.cut()
    case.be_back()
    assert server.account("ana") not in server.room("python").members
    assert only(outcomes, Room) is python


def test_a_device_whose_removal_is_not_acknowledged_was_taken_away_all_the_same(
    case: CoreCase, server: ModelServer
) -> None:
    other = Identity.from_seed(bytes(32)).public
    server.accounts[other] = server.account("ana")
    outcomes = case.do(RevokeDevice(identity_fingerprint(other)))
    while not case.link.all(m.Revoke):
        assert case.carry_up() or case.carry_down()
    case.carry_up()
    case.cut()
    case.be_back()
    assert other not in server.accounts
    assert only(outcomes, type(None)) is None


@pytest.mark.parametrize(
    "command",
    [
        PageBack(ANY_LOG, 0),
        PageBack(ANY_LOG, 51),
        SetSlowMode(ANY_LOG, -1),
        SetSlowMode(ANY_LOG, 10**10),
        MakeInvitation(ANY_LOG, 0, 60),
        Moderate(ANY_LOG, Action.BAN, "bob", 10**10),
        Send(ANY_LOG, text("x"), Handle(ANY_LOG, ANY_RECORD, 2**63)),
        Moderate(None, Action.BAN, "bob", 2**64),
    ],
)
def test_a_number_that_fits_no_message_is_a_refusal(case: CoreCase, command: Command) -> None:
    # A server ends the connection for good that brings it such a message.
    case.receive(m.Opened(ANY_LOG, "public", "den", 9, 9, 1, ""))
    assert case.done(command, Refusal).text.endswith(".")


def test_an_invitation_is_none_any_more_in_a_room_that_was_joined_elsewhere(
    case: CoreCase,
) -> None:
    case.receive(m.Invited("club", "bob"))
    case.receive(m.Opened(ANY_LOG, "invite", "club", 0, 0, 2, ""))
    assert list(case.core.invitations) == []


# --- The line client ---


def test_what_is_no_number_is_no_pace() -> None:
    with pytest.raises(CommandError):
        parse_line("/slow ²")


def test_zeros_before_a_number_change_nothing() -> None:
    parsed = parse_line("/slow 0000000005")
    assert parsed is not None and parsed[1] == 5


def test_leaving_while_a_page_is_on_its_way_is_no_error(tmp_path: Path) -> None:
    server = ModelServer()
    server.says("bob", server.room("lobby", "bob"), "old")
    person = Person(tmp_path, server, is_terminal=True)
    person.start().offer()
    person.carry_until(m.History)
    person.screen.clear()
    person.client.interrupt()
    assert person.screen.errors == []
