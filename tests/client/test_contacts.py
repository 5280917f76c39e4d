"""Private conversations that one is asked for: told, listed, answered; blocks."""

from pathlib import Path

import pytest

from chat.ids import LogId
from chat.limits import ClientLimits
from chat.testing.ids import ANY_ACCOUNT
from chat.wire import messages as m
from tests.client.model import ModelServer
from tests.client.support import Person


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def ana(tmp_path: Path, server: ModelServer) -> Person:
    server.room("lobby", "bob")
    person = Person(tmp_path, server, is_terminal=True).enter()
    person.screen.clear()
    return person


ASKED = "* You are asked by eve to talk alone; /accept eve, /decline eve or /block eve"


def test_a_request_is_told_once_and_without_what_was_said(ana: Person, server: ModelServer) -> None:
    log = server.asks("eve", "ana")
    server.says("eve", log, "your key leaked")
    ana.carry()
    assert ana.screen.everything == [ASKED]
    ana.receive(m.Requested(log.log, server.account("eve"), "eve"))
    assert ana.screen.everything == [ASKED]
    assert [it.nick for it in ana.core.requests] == ["eve"]


@pytest.mark.parametrize("line", ["/accept eve", "/accept @EVE"])
def test_once_accepted_what_was_said_is_shown(ana: Person, server: ModelServer, line: str) -> None:
    log = server.asks("eve", "ana")
    server.says("eve", log, "hello")
    ana.carry()
    ana.type(line)
    assert "[private] eve: hello" in ana.screen.everything
    assert any(it.startswith("* You talk to ") for it in ana.screen.everything)
    assert not ana.core.requests and server.account("ana") in log.members
    ana.type("/msg eve hi")
    assert log.texts() == ["hello", "hi"]


def test_what_is_declined_is_gone(ana: Person, server: ModelServer) -> None:
    log = server.asks("eve", "ana")
    ana.carry()
    ana.type("/decline eve", "/requests", "/accept eve")
    assert ana.screen.everything[1:] == [
        "* You do not talk to eve.",
        "* There is nobody who asks to talk to you alone.",
        "eve does not ask for a conversation.",
    ]
    assert server.account("ana") not in log.members


def test_who_comes_back_hears_how_many_wait(tmp_path: Path, server: ModelServer) -> None:
    server.room("lobby", "bob")
    first = Person(tmp_path, server).enter()
    first.end()
    for nick in ("eve", "mallory", "trudy"):
        server.asks(nick, "ana")
    person = Person(tmp_path, server, is_terminal=True).enter()
    told = "* There are 3 requests to talk to you alone; /requests lists them."
    assert person.screen.everything.count(told) == 1
    assert not any("eve" in line for line in person.screen.everything)
    person.type("/requests")
    names = [line.split()[5] for line in person.screen.everything if "asked by" in line]
    assert names == ["eve;", "mallory;", "trudy;"]
    person.type("/decline eve", "/decline trudy", "/accept mallory")
    assert len(server.requests) == 0
    person.cut()
    person.come_back()
    person.carry()
    assert person.screen.everything.count(told) == 1


def test_the_request_that_was_told_is_answered_whoever_has_the_name_now(
    ana: Person, server: ModelServer
) -> None:
    first = server.asks("eve", "ana")
    ana.carry()
    server.nicks[server.account("eve")] = "other"
    second = server.asks("eve", "ana")  # Another account. Told, too, but later.
    ana.carry()
    ana.type("/accept eve")
    me = server.account("ana")
    assert me in first.members and me not in second.members


def test_blocks_and_who_may_write(ana: Person, server: ModelServer) -> None:
    server.asks("eve", "ana")
    ana.carry()
    ana.type("/block eve", "/block mallory", "/block trudy", "/blocked", "/unblock eve")
    ana.type("/blocked", "/contact", "/contact members", "/contact friends")
    assert ana.screen.everything[1:] == [
        "* You take nothing from eve any more.",
        "* You take nothing from mallory any more.",
        "* You take nothing from trudy any more.",
        "* You have blocked eve, mallory, trudy.",
        "* You take what eve writes to you again.",
        "* You have blocked mallory, trudy.",
        "* You can be asked to talk, and be invited, by everybody.",
        "* You can be asked to talk, and be invited, by members.",
        "It is used like this: /contact [everybody|members|nobody]",
    ]
    assert not ana.core.requests and server.contact == "members"


def test_one_is_told_once_that_the_other_does_not_read_it_yet(
    ana: Person, server: ModelServer
) -> None:
    log = server.private("ana", "bob")
    server.passing(log, m.LeftBody(0, server.account("bob"), "bob"))
    ana.carry()
    ana.type("/msg bob one", "/msg bob two")
    server.passing(log, m.JoinedBody(0, server.account("bob"), "bob"))
    ana.carry()
    assert ana.screen.everything == [
        "[private] * bob left",
        "* That shows to bob once they accept.",
        "[private] * bob joined",
    ]
    room = ana.core.private("bob")
    assert room is not None and not room.is_unread_by_other("ana")


def test_a_conversation_is_left(ana: Person, server: ModelServer) -> None:
    log = server.private("ana", "bob")
    server.says("bob", log, "hi")
    ana.type("/msg bob hello", "/leave @bob", "/leave @bob")
    assert ana.screen.everything[-2:] == [
        "* You left bob.",
        "There is no conversation with bob.",
    ]
    assert server.account("ana") not in log.members


def test_a_server_cannot_make_the_client_remember_without_end(
    tmp_path: Path, server: ModelServer
) -> None:
    server.room("lobby", "bob")
    person = Person(tmp_path, server, limits=ClientLimits(requests=5, blocked=3)).enter()
    for number in range(20):
        person.receive(m.Requested(LogId(bytes([number] * 16)), ANY_ACCOUNT, f"n{number}"))
    assert [it.nick for it in person.core.requests] == [f"n{number}" for number in range(15, 20)]
    for number in range(20):
        server.asks(f"e{number:02}", "ana")
        server.blocked.append(f"b{number:02}")
    person.carry()
    person.screen.clear()
    person.type("/requests", "/blocked")
    assert len([it for it in person.screen.shown if "asked by" in it]) == 6
    assert person.screen.shown[-1] == "* You have blocked b00, b01, b02, b03."
