"""`/me`: what somebody does is shown as that wherever a text is shown."""

import re
from pathlib import Path

import pytest

from chat.client import line
from chat.client.commands import parse_line
from chat.content import Content
from chat.rooms.people import RESERVED
from chat.wire import messages as m
from tests.client.model import ModelServer
from tests.client.support import Person


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def bob(tmp_path: Path, server: ModelServer) -> Person:
    """Bob in a room in which ana has waved."""
    lobby = server.room("lobby", "ana")
    account = server.account("ana")
    server.add(lobby, m.TextBody(0, account, "ana", "waves", me=True))
    return Person(tmp_path, server, "bob", is_terminal=True).enter()


def test_it_is_posted_as_an_action(bob: Person, server: ModelServer) -> None:
    bob.type("/me  laughs out loud")
    post = bob.link.last(m.Post)
    assert (post.text, post.me) == ("laughs out loud", True)
    bob.type("/me")
    assert bob.screen.notes[-1] == "It is used like this: /me TEXT"
    bob.type("//me is no action")
    assert (bob.link.last(m.Post).text, bob.link.last(m.Post).me) == ("/me is no action", False)


def test_it_is_shown_everywhere_as_what_somebody_does(bob: Person, server: ModelServer) -> None:
    lobby, ana = server.room("lobby"), server.account("ana")
    assert bob.screen.shown == ["* ana waves"]  # In the page of what was said before.
    server.add(lobby, m.TextBody(0, ana, "ana", "sits down", me=True))  # Live.
    server.says("ana", lobby, "why?", reply=3)
    server.add(lobby, m.TextBody(0, ana, "ana", "points there", 3, me=True))
    server.add(lobby, m.ReactionBody(0, ana, "ana", 3, "\U0001f44d"))
    server.add(lobby, m.EditBody(0, ana, "ana", 6, "stands up"))
    server.add(lobby, m.DeleteBody(0, ana, "ana", 3))
    bob.carry()
    assert bob.screen.shown[1:] == [
        "* ana sits down",
        'ana (to "* ana waves"): why?',
        '* ana (to "* ana waves") points there',
        '* ana reacted \U0001f44d to "* ana waves"',
        '* ana edited "* ana sits down": * ana stands up',
        '* ana deleted "* ana waves"',
    ]


def test_an_edit_leaves_it_an_action(tmp_path: Path, server: ModelServer) -> None:
    lobby, ana = server.room("lobby", "ana"), server.account("ana")
    seq = server.add(lobby, m.TextBody(0, ana, "ana", "waves", me=True))
    server.add(lobby, m.EditBody(0, ana, "ana", seq, "waves twice"))
    bob = Person(tmp_path, server, "bob", is_terminal=True).enter()
    assert bob.screen.shown == ["* ana waves twice (edited)"]
    bob.type("/search waves")
    assert "#3 * ana waves" in bob.screen.shown


def test_in_another_room_and_in_private(bob: Person, server: ModelServer) -> None:
    python, ana = server.room("python", "ana", "bob"), server.account("ana")
    bob.receive(m.Opened(python.log, "public", "python", 0, 0, 2, ""))
    session = bob.link.session
    assert session is not None
    session.reads[python.log] = 0
    private = server.private("ana", "bob")
    bob.screen.clear()
    for log in (python, private):
        server.add(log, m.TextBody(0, ana, "ana", "waves", me=True))
    bob.carry()
    assert bob.screen.shown == ["[python] * ana waves", "[private] * ana waves"]


def test_the_parsed_line_is_a_content() -> None:
    parsed = parse_line("/me waves")
    assert parsed is not None and parsed[0].name == "me" and parsed[1] == "waves"
    assert Content("waves", True) != Content("waves")


def test_no_action_reads_like_a_line_of_the_client() -> None:
    begins = set()
    for path in Path(line.__file__).parent.glob("*.py"):
        begins |= set(re.findall(r'"\* ([A-Z][a-z]+)', path.read_text("utf-8")))
    assert "You" in begins
    assert {word.lower() for word in begins} <= RESERVED
