"""The way in: the first minute, refusals, a password, a host key, and a server that goes away."""

from pathlib import Path

import pytest
from textual.widgets import Input

from chat.client.core.address import Address
from chat.client.core.login import Credentials
from chat.client.core.model import Phase
from chat.client.tui.entrance import Start
from chat.client.tui.welcome import (
    ChangedKeyScreen,
    PasswordScreen,
    TrustScreen,
    WelcomeScreen,
)
from chat.wire import messages as m
from tests.client.model import ModelServer
from tests.client.support import ADDRESS, OTHER_KEY
from tests.client.tui.support import Desk, run


async def fill(desk: Desk, *values: str) -> None:
    """Type into the fields of a sheet, and go on."""
    fields = list(desk.app.screen.query(Input))
    for field, value in zip(fields, values, strict=True):
        field.value = value
    fields[-1].focus()
    await desk.press("enter")


async def reach(desk: Desk, *, is_loopback: bool = True) -> None:
    """Let a connection be made and carry everything."""
    desk.connected()
    desk.offer(is_loopback=is_loopback)
    desk.carry()
    await desk.settle()


def test_a_first_start_asks_where_to_and_as_whom(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.settle()
        assert isinstance(desk.app.screen, WelcomeScreen)
        await fill(desk, "not an address:x", "ana")
        assert "no address" in desk.text() and not desk.links
        await fill(desk, str(ADDRESS), "ana")
        await reach(desk)
        assert desk.is_in_rooms
        assert desk.screen.room is not None and desk.screen.room.name == "lobby"

    run(Desk(tmp_path, is_asked=False), test, (80, 30))


def test_with_a_link_the_nickname_is_all_there_is_to_type(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.settle()
        await fill(desk, "ana")
        await reach(desk)
        assert desk.screen.room is not None and desk.client.nick == "ana"

    run(Desk(tmp_path, nick=None), test, (80, 30))


@pytest.mark.parametrize("is_typed", [True, False])
def test_a_taken_nickname_is_refused_where_it_was_typed(tmp_path: Path, is_typed: bool) -> None:
    server = ModelServer()
    server.account("ana")

    async def test(desk: Desk) -> None:
        await desk.settle()
        if is_typed:
            await fill(desk, "ana")
        await reach(desk)
        assert isinstance(desk.app.screen, WelcomeScreen)
        assert "The nickname ana is taken." in " ".join(desk.text().split())
        assert desk.app.screen.query_one(Input).value == "ana"
        await fill(desk, "anna")
        if not is_typed:
            await reach(desk)
        assert desk.is_in_rooms and desk.client.nick == "anna"

    run(Desk(tmp_path, server, nick=None if is_typed else "ana"), test, (80, 30))


def test_a_password_is_asked_for_and_refused_and_taken(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.settle()
        desk.server.refusals[m.Login] = ("wrong_password", "The password is wrong.")
        await reach(desk)
        assert isinstance(desk.app.screen, PasswordScreen)
        assert desk.app.screen.query_one(Input).password
        await fill(desk, "first")
        assert "The password is wrong." in desk.text() and "first" not in desk.text()
        del desk.server.refusals[m.Login]
        await fill(desk, "second")
        assert desk.is_in_rooms and desk.screen.room is not None

    run(Desk(tmp_path), test, (80, 30))


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_new_host_key_is_shown_first(tmp_path: Path, is_trusted: bool) -> None:
    async def test(desk: Desk) -> None:
        await desk.settle()
        desk.connected()
        desk.offer(is_loopback=False)
        await desk.settle()
        assert isinstance(desk.app.screen, TrustScreen)
        assert not desk.link.logins
        await desk.press("y", "e", "s")  # No letter answers it.
        assert isinstance(desk.app.screen, TrustScreen)
        if is_trusted:
            await desk.pilot.click("#yes")
            await desk.settle()
            await reach(desk, is_loopback=False)
            assert desk.client.is_verified and " verified" in desk.text()
        else:
            await desk.press("escape")
            assert not desk.link.logins
            assert "not accepted" in desk.text()

    run(Desk(tmp_path), test, (80, 30))


def test_a_changed_host_key_stops_there(tmp_path: Path) -> None:
    async def first(desk: Desk) -> None:
        await desk.enter()

    async def second(desk: Desk) -> None:
        await desk.settle()
        desk.connected()
        desk.offer(OTHER_KEY)
        await desk.settle()
        assert isinstance(desk.app.screen, ChangedKeyScreen)
        assert "CHANGED" in desk.text() and not desk.link.logins
        await desk.press("escape")
        await desk.settle()
        assert not desk.app.is_running or desk.app._exit
        assert desk.app.return_code == 4

    run(Desk(tmp_path), first)
    run(Desk(tmp_path), second, (80, 30))


def test_no_server_at_the_start_can_be_tried_again(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.settle()
        desk.core.disconnected(None, "Nothing listens there.")
        await desk.settle()
        assert "Nothing listens there." in desk.text()
        await desk.pilot.click("#yes")
        await desk.settle()
        await reach(desk)
        assert desk.screen.room is not None and len(desk.screen.clients) == 1
        await desk.press("ctrl+q")
        assert desk.app.return_code == 0 and desk.app.why_ended == ""

    run(Desk(tmp_path), test)


def test_a_lost_connection_says_when_it_tries_again_and_what_is_not_sent(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.type("before")
        desk.cut()
        desk.core.retry_delay(desk.clock())
        await desk.settle()
        assert "reconnecting in 2 s" in desk.text()
        desk.composer.insert("meanwhile")
        await desk.pilot.press("enter")
        await desk.settle()
        assert "1 not sent yet" in desk.text() and "○ meanwhile" in desk.log_lines()
        desk.come_back()
        desk.carry()
        await desk.settle()
        assert "not sent" not in desk.text() and "  meanwhile" in desk.log_lines()
        assert desk.server.room("lobby").texts() == ["before", "meanwhile"]

    run(Desk(tmp_path), test, (120, 24))


def test_leaving_with_something_unsent_is_asked_about(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        desk.cut()
        desk.composer.insert("precious")
        await desk.pilot.press("enter", "ctrl+q")
        await desk.settle()
        assert "1 message is not sent yet" in desk.text() and desk.app.is_running
        await desk.pilot.press("escape")
        await desk.settle()
        assert "○ precious" in desk.log_lines()
        await desk.pilot.press("ctrl+q", "y")
        await desk.settle()
        assert desk.app.return_code == 0

    run(Desk(tmp_path), test)


def test_two_servers_are_side_by_side(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        first = desk.core
        await desk.press("ctrl+p")
        desk.app.screen.query_one(Input).value = "another server"
        await desk.press("enter")
        await fill(desk, "other.example", "zed")
        second = desk.core
        assert second is not first and desk.client.core is first
        desk.connected()
        desk.offer()
        while desk.carry_up() or desk.carry_down():
            pass
        await desk.settle()
        assert second.connection.phase is Phase.ONLINE
        assert desk.screen.room is not None and desk.client.core is first
        screen = desk.text()
        assert "other.example:5555" in screen and str(ADDRESS) in screen
        desk.composer.insert("for the first")
        await desk.click("#lobby", last=True)
        assert desk.client.core is second and desk.composer.text == ""
        await desk.pilot.click("#rooms", offset=(3, 2))
        await desk.settle()
        assert desk.client.core is first and desk.composer.text == "for the first"

    run(Desk(tmp_path), test, (100, 30))


def test_a_link_joins_its_room(tmp_path: Path) -> None:
    server = ModelServer()
    server.room("python", "bob")
    start = Start(Address(ADDRESS.host, ADDRESS.port), "ana", "python", credentials=Credentials())

    async def test(desk: Desk) -> None:
        await desk.enter()
        assert desk.screen.room is not None and desk.screen.room.name == "python"

    run(Desk(tmp_path, server, start=start), test)
