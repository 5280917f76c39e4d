"""What the core refuses by itself, because it would cost the connection or go astray."""

from pathlib import Path
from typing import cast

import pytest

from chat.client.core import commands as c
from chat.client.core.login import Credentials
from chat.client.core.model import Handle, Refusal
from chat.client.line.interfaces import ExitStatus
from chat.content import Content
from chat.ids import AccountId, LogId
from chat.limits import SEQ_MAX, ClientLimits
from chat.rooms.roles import Action
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG, ANY_RECORD
from chat.wire import messages as m
from tests.client.model import ModelServer
from tests.client.support import Person


@pytest.fixture
def ana(tmp_path: Path) -> Person:
    return Person(tmp_path).enter()


@pytest.mark.parametrize(
    "command",
    [
        c.PageBack(ANY_LOG, 0),
        c.SetSlowMode(ANY_LOG, -1),
        c.SetSlowMode(ANY_LOG, 10**9 + 1),
        c.MakeInvitation(None, 0, 1),
        c.Moderate(None, Action.BAN, "bob", -1),
        c.SetTopic(ANY_LOG, "x" * 20_000),
        c.Search("\ud800"),
        c.Join("\ud800"),
        c.React(Handle(ANY_LOG, ANY_RECORD, SEQ_MAX + 1), "x"),
        c.Edit(Handle(ANY_LOG, ANY_RECORD, 3), "\ud800"),
    ],
)
def test_what_no_server_takes_is_not_sent(ana: Person, command: c.Command) -> None:
    sent, outcomes = len(ana.link.sent), list[object]()
    ana.core.do(command, outcomes.append)
    ana.carry()
    [outcome] = outcomes
    assert isinstance(outcome, Refusal) and outcome.text.endswith(".")
    assert len(ana.link.sent) == sent and ana.link.closed is None


def test_a_reply_stays_in_its_room(ana: Person) -> None:
    server: ModelServer = ana.server
    seq = server.says("bob", server.room("lobby"), "hi")
    ana.type("/create python")
    lobby, python = ana.core.room("lobby"), ana.core.room("python")
    assert lobby is not None and python is not None
    outcomes: list[object] = []
    ana.core.do(c.Send(python.log, Content("astray"), lobby.timeline.handle(seq)), outcomes.append)
    assert outcomes == [Refusal("invalid", "That message is in another room.")]
    assert server.room("python").texts() == []


@pytest.mark.parametrize("password", ["x" * 1_100, "\ud800"])
def test_a_password_that_fits_no_login_is_a_sentence(tmp_path: Path, password: str) -> None:
    person = Person(tmp_path, credentials=Credentials(password=password))
    person.start().offer()
    assert person.link.sent == []
    assert person.screen.errors[-1] == "The code or the password is too long, or is not text."
    person.check_ended(ExitStatus.REFUSED)


def test_a_connection_that_comes_too_late_is_none(tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.begin()
    person.client.interrupt()
    person.is_dialing = True
    person.connected()
    person.offer()
    person.cut()
    assert person.statuses == [ExitStatus.OK] and person.link.sent == []


def test_a_server_cannot_make_the_client_grow(tmp_path: Path) -> None:
    ana = Person(tmp_path, limits=ClientLimits(logs=5, listed=7, reactions=2)).enter()
    lobby = ana.server.room("lobby")
    for number in range(20):
        ana.server.passing(lobby, m.JoinedBody(0, ANY_ACCOUNT, f"n{number}"))
    outcomes: list[object] = []
    ana.core.do(c.ListMembers(lobby.log), outcomes.append)
    for number in range(9):
        who = ana.link.last(m.Who)
        member = AccountId(bytes([number]) * 16), f"m{number}", True, "member"
        ana.receive(m.Members(who.id, lobby.log, [member], True))
        if outcomes:
            break
    assert outcomes and len(cast(tuple[object, ...], outcomes[0])) == 7
    ana.carry()
    room = ana.core.room("lobby")
    assert room is not None and len(room.members or ()) <= 7 + 7
    seq = ana.server.says("bob", lobby, "hi")
    for number in range(5):
        author = AccountId(bytes([number]) * 16)
        ana.server.add(lobby, m.ReactionBody(0, author, f"n{number}", seq, "x"))
    ana.carry()
    message = room.timeline.message(seq)
    assert message is not None and len(message.reactions) == 2
    for number in range(5):
        log = LogId(bytes([number]) * 16)
        ana.receive(m.Opened(log, "public", f"r{number}", 0, 0, 1, ""))
    assert ana.screen.errors[-1] == "The server opens rooms without end."
    ana.check_ended(ExitStatus.CONNECTION)
