"""What a face shows of the moment: who is writing, what another device reads, what is not sent."""

import pytest

from chat.client.core.commands import Edit, Send
from chat.client.core.events import (
    LatencyMeasured,
    ReadMarkerMoved,
    TypingChanged,
    UnsentChanged,
)
from chat.client.core.model import Author, Handle
from chat.limits import ClientLimits
from chat.testing.ids import ANY_LOG, ANY_RECORD
from chat.wire import messages as m
from tests.client.core.support import CoreCase, text
from tests.client.model import Log, ModelServer

LIMITS = ClientLimits()


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def lobby(server: ModelServer) -> Log:
    return server.room("lobby", "bob", "cat")


@pytest.fixture
def case(server: ModelServer, lobby: Log) -> CoreCase:
    return CoreCase(server).enter()


def typing(case: CoreCase, log: Log, nick: str) -> None:
    """Let somebody write something."""
    server = case.server
    server.passing(log, m.TypingBody(0, server.account(nick), nick))
    case.carry()


def names(case: CoreCase) -> list[str]:
    """Return who is shown as writing in the lobby."""
    return [author.nick for author in case.room().typing]


# --- Who is writing ---


def test_who_is_writing_is_shown_and_told_once(case: CoreCase, lobby: Log) -> None:
    for nick in ("bob", "cat", "bob"):
        typing(case, lobby, nick)
    assert case.room().typing == tuple(
        Author(case.server.account(nick), nick) for nick in ("bob", "cat")
    )
    assert case.told(TypingChanged) == [TypingChanged(case.room())] * 2
    assert case.texts() == []


def test_it_ends_by_itself_unless_it_is_repeated(case: CoreCase, lobby: Log) -> None:
    typing(case, lobby, "bob")
    typing(case, lobby, "cat")
    for _ in range(LIMITS.typing_shown - 1):
        case.core.tick()
    assert names(case) == ["bob", "cat"]
    typing(case, lobby, "cat")
    case.forget()
    case.core.tick()
    assert names(case) == ["cat"] and len(case.told(TypingChanged)) == 1
    for _ in range(LIMITS.typing_shown):
        case.core.tick()
    assert names(case) == [] and len(case.told(TypingChanged)) == 2


@pytest.mark.parametrize("what", ["post", "edit", "leave"])
def test_it_ends_with_what_was_written_or_with_leaving(
    case: CoreCase, lobby: Log, what: str
) -> None:
    bob = case.server.account("bob")
    seq = case.server.says("bob", lobby, "one")
    typing(case, lobby, "bob")
    typing(case, lobby, "cat")
    match what:
        case "post":
            case.server.says("bob", lobby, "two")
        case "edit":
            case.server.add(lobby, m.EditBody(0, bob, "bob", seq, "two"))
        case _:
            case.server.passing(lobby, m.LeftBody(0, bob, "bob"))
    case.carry()
    assert names(case) == ["cat"]


def test_a_lost_connection_ends_it(case: CoreCase, lobby: Log) -> None:
    typing(case, lobby, "bob")
    case.forget()
    case.cut()
    assert names(case) == [] and len(case.told(TypingChanged)) == 1
    case.be_back()
    assert names(case) == []


def test_ones_own_other_device_does_not_show_as_somebody(case: CoreCase, lobby: Log) -> None:
    typing(case, lobby, "ana")
    assert names(case) == [] and case.told(TypingChanged) == []


def test_a_server_cannot_make_the_names_grow(case: CoreCase, lobby: Log) -> None:
    for number in range(LIMITS.typing_names + 5):
        typing(case, lobby, f"u{number}")
    assert len(names(case)) == LIMITS.typing_names


# --- That oneself is writing ---


def told_typing(case: CoreCase) -> int:
    """Return how often the server was told on this connection."""
    return len(case.link.all(m.Typing))


def test_the_server_is_told_every_few_seconds_while_one_types(case: CoreCase, lobby: Log) -> None:
    room = case.room()
    for _ in range(LIMITS.typing_every):
        for _ in range(5):
            case.core.typing(room)
        case.core.tick()
    assert case.link.all(m.Typing) == [m.Typing(lobby.log)]
    case.core.typing(room)
    assert told_typing(case) == 2
    for _ in range(3 * LIMITS.typing_every):
        case.core.tick()
    assert told_typing(case) == 2


def test_another_device_of_others_shows_it(case: CoreCase, server: ModelServer) -> None:
    bob = CoreCase(server).register("bob").enter("bob")
    bob.core.typing(bob.room())
    bob.carry()
    case.carry()
    assert names(case) == ["bob"] and bob.room().typing == ()


def test_nothing_is_told_where_nobody_reads_it(case: CoreCase, server: ModelServer) -> None:
    case.receive(m.Opened(ANY_LOG, "private", "bob", 0, 0, 1, ""))
    case.core.typing(case.private("bob"))
    assert told_typing(case) == 0
    case.receive(m.Removed(ANY_LOG, "gone"))
    gone = case.room()
    case.receive(m.Removed(gone.log, "gone"))
    case.core.typing(gone)
    assert told_typing(case) == 0


def test_nothing_is_told_without_a_connection_nor_later(case: CoreCase) -> None:
    room = case.room()
    case.cut()
    case.core.typing(room)
    case.be_back()
    assert told_typing(case) == 0
    case.core.typing(room)
    assert told_typing(case) == 1


# --- What another device has read ---


def test_what_another_device_reads_is_read_here_at_once(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    phone = CoreCase(server).enter()
    first = server.says("bob", lobby, "ana?")
    server.says("bob", lobby, "hello")
    case.carry()
    phone.carry()
    assert (case.room().unread, case.room().mentions) == (2, 1)
    phone.core.mark_read(phone.room(), first)
    phone.core.tick()
    phone.carry()
    case.forget()
    case.carry()
    assert (case.room().read_marker, case.room().unread, case.room().mentions) == (first, 1, 0)
    assert case.told(ReadMarkerMoved) == [ReadMarkerMoved(case.room())]
    phone.core.mark_read(phone.room())
    phone.core.tick()
    phone.carry()
    case.carry()
    assert case.room().unread == 0
    case.core.tick()
    assert case.link.all(m.Seen) == []  # The server knows.


def test_what_is_read_further_here_is_told_all_the_same(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    first = server.says("bob", lobby, "one")
    last = server.says("bob", lobby, "two")
    case.carry()
    case.core.mark_read(case.room())
    case.forget()
    case.receive(m.SeenElsewhere(lobby.log, first))
    assert case.told(ReadMarkerMoved) == [] and case.room().read_marker == last
    case.core.tick()
    assert case.link.all(m.Seen) == [m.Seen(lobby.log, last)]


def test_a_marker_of_an_unknown_room_or_backwards_changes_nothing(
    case: CoreCase, lobby: Log
) -> None:
    case.receive(m.SeenElsewhere(ANY_LOG, 5))
    case.server.says("bob", lobby, "one")
    case.carry()
    case.receive(m.SeenElsewhere(lobby.log, 0))
    assert case.room().unread == 1


# --- What is not sent yet ---


def test_what_is_not_stored_yet_is_counted(case: CoreCase, lobby: Log) -> None:
    assert case.core.unsent == 0
    case.do(Send(lobby.log, text("one")))
    case.do(Send(lobby.log, text("two")))
    assert case.core.unsent == 2
    case.carry()
    assert case.core.unsent == 0
    assert [it.count for it in case.told(UnsentChanged)] == [1, 2, 1, 0]


def test_it_stays_counted_over_a_lost_connection(case: CoreCase, lobby: Log) -> None:
    case.cut()
    case.do(Send(lobby.log, text("one")))
    assert case.core.unsent == 1
    case.be_back()
    assert case.core.unsent == 0


def test_what_is_refused_is_not_waiting_any_more(case: CoreCase, lobby: Log) -> None:
    case.do(Edit(Handle(lobby.log, ANY_RECORD, 3), "x"))
    assert case.core.unsent == 1
    case.refuse(case.link.last(m.Edit), code="not_yours")
    assert case.core.unsent == 0
    case.do(Send(lobby.log, text("")))  # Never sent at all.
    assert case.told(UnsentChanged)[-1].count == 0


# --- How long the server takes ---


def test_the_latency_is_that_of_this_connection(case: CoreCase) -> None:
    assert case.core.latency is None
    case.core.measured(0.25)
    assert case.core.latency == 0.25
    assert case.told(LatencyMeasured) == [LatencyMeasured(0.25)]
    case.cut()
    assert case.core.latency is None
