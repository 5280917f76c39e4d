"""What operators type, and what comes of it."""

import shlex
from pathlib import Path

import pytest
from msgspec import UNSET

from chat.client.core.address import parse_address
from chat.client.line.interfaces import ExitStatus
from chat.wire import messages as m
from chat.wire.identity import Identity, identity_fingerprint
from tests.client.model import ModelServer
from tests.client.support import Person


@pytest.fixture
def ana(tmp_path: Path) -> Person:
    """Return somebody at a terminal, in the lobby with bob."""
    server = ModelServer()
    server.room("lobby", "bob")
    return Person(tmp_path, server, is_terminal=True).enter()


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("/kick bob", "* bob was put out of lobby."),
        ("/ban bob 7d spam", "* bob was banned from lobby for 1 week."),
        ("/unban bob", "* bob may come to lobby again."),
        ("/mute bob", "* bob may say nothing in lobby for good."),
        ("/unmute bob", "* bob may speak in lobby again."),
        ("/op bob", "* bob is an operator of lobby now."),
        ("/deop bob", "* bob is no operator of lobby any more."),
        ("/ban --network bob", "* bob was banned from the server for good."),
        ("/ban --network --force bob", "* bob was banned from the server for good."),
        ("/slow 5", "* lobby is now: one message in 5 seconds."),
        ("/slow 0", "* lobby is now: not in slow mode."),
    ],
)
def test_what_was_done_is_said(ana: Person, line: str, note: str) -> None:
    ana.type(line)
    assert ana.screen.notes[-1] == note
    assert ana.lines_done == 1


def test_what_is_asked_for(ana: Person) -> None:
    ana.type("/ban bob 1h spam")
    log = ana.server.room("lobby").log
    request = ana.link.last(m.Moderate)
    assert request == m.Moderate(request.id, "ban", "bob", log, 3_600, "spam")
    ana.type("/mute --server bob")
    request = ana.link.last(m.Moderate)
    assert (request.log, request.seconds, request.reason) == (UNSET, UNSET, UNSET)


@pytest.mark.parametrize("line", ["/mute bob", "/ban bob forever", "/mute --server bob forever x"])
def test_forever_is_a_time_left_out(ana: Person, line: str) -> None:
    ana.type(line)
    assert ana.link.last(m.Moderate).seconds is UNSET


@pytest.mark.parametrize(
    "line",
    [
        *("/mute bob 0", "/mute bob 0s", "/ban bob 0 minutes", "/ban --server bob 0h0m spam"),
        *("/invitation 0s", "/invitation 3 0 days", "/slow 0s"),
    ],
)
def test_a_time_of_0_is_refused_and_never_means_forever(ana: Person, line: str) -> None:
    sent = len(ana.link.sent)
    ana.type(line)
    assert len(ana.link.sent) == sent
    assert ana.screen.notes[-1].endswith((".", "/slow SECONDS, at most 86400"))


def test_a_refusal_is_shown(ana: Person) -> None:
    ana.server.refusals[m.Moderate] = ("not_allowed", "You may not do that here.")
    ana.type("/kick bob")
    assert ana.screen.notes[-1] == "You may not do that here." and ana.lines_done == 1


def test_an_invitation_is_a_link_and_a_picture_of_it(ana: Person) -> None:
    ana.type("/invitation 3 1d")
    request = ana.link.last(m.Token)
    assert (request.uses, request.seconds) == (3, 86_400)
    address = parse_address(ana.screen.shown[-1])
    assert (address.room, address.token) == ("lobby", bytes(16))
    assert address.fingerprint is not None
    assert all(set(row) <= set("\u2580\u2584\u2588 ") for row in ana.screen.shown[:-1])
    assert len(ana.screen.shown) > 20
    ana.type("/invitation --server")
    assert ana.link.last(m.Token).log is UNSET
    assert parse_address(ana.screen.shown[-1]).room is None


def test_a_script_is_shown_the_link_alone(tmp_path: Path) -> None:
    person = Person(tmp_path).enter()
    person.type("/invitation")
    [link] = person.screen.shown
    assert parse_address(link).token == bytes(16)


def test_another_device(ana: Person) -> None:
    ana.type("/link")
    start = 'python -m chat.client "encchat://chat.example.org:5555/#SHA256:'
    assert ana.screen.shown[-1].startswith(start)
    assert ana.screen.shown[-1].endswith('" --nick ana --link ABCDE-FGHJK')
    assert "within 10 minutes" in ana.screen.notes[-1]


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_what_is_to_be_copied_is_one_line(ana: Person, columns: int) -> None:
    ana.screen.columns = columns
    ana.type("/link")
    words = shlex.split(ana.screen.shown[-1])
    assert words[:3] == ["python", "-m", "chat.client"]
    assert words[4:] == ["--nick", "ana", "--link", "ABCDE-FGHJK"]
    assert parse_address(words[3]).fingerprint is not None
    for line in ("/invitation", "/invitation --server"):
        ana.type(line)
        assert parse_address(ana.screen.shown[-1]).token == bytes(16)


def test_devices_are_listed_and_taken_away(ana: Person) -> None:
    own = identity_fingerprint(ana.identities.identity("ana").public)
    other = Identity.from_seed(bytes(32)).public
    ana.server.accounts[other] = ana.server.account("ana")
    ana.type("/devices")
    assert f"* {own} since 1970-01-02 (this one)" in ana.screen.shown
    phone = identity_fingerprint(other)
    assert f"* {phone} since 1970-01-02 (here)" in ana.screen.shown
    ana.type(f"/revoke {phone.removeprefix('SHA256:')[:8]}")
    assert ana.screen.notes[-1] == "* That device is none of yours any more."
    assert other not in ana.server.accounts
    ana.type("/revoke nothing")
    assert ana.screen.notes[-1] == "nothing is none of your devices; /devices lists them."
    ana.server.accounts[other] = ana.server.account("ana")
    ana.type("/revoke SHA256:")
    assert "more than one of your devices" in ana.screen.notes[-1]
    assert ana.lines_done == 4


def test_a_notice_is_shown(ana: Person) -> None:
    [session] = ana.server.sessions
    session.say(m.Notice("bob has muted you in lobby for good\x07."))
    ana.carry()
    assert ana.screen.notes[-1] == r"* bob has muted you in lobby for good\x07."


def test_a_script_that_is_refused_ends_so(tmp_path: Path) -> None:
    person = Person(tmp_path).enter()
    person.server.refusals[m.Moderate] = ("not_allowed", "You may not do that here.")
    person.type("/kick bob")
    person.end()
    person.check_ended(ExitStatus.REFUSED)
