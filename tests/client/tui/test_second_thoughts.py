"""The first minute of somebody who is refused: by one server, and then not by another; or without
a password, and then not with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from chat.client.tui.welcome import PasswordScreen, WelcomeScreen
from chat.wire import messages as m
from tests.client.support import ADDRESS
from tests.client.tui.support import Desk, run


async def fill(desk: Desk, where: str, nick: str) -> None:
    """Type a server and a nickname, and go there."""
    assert isinstance(desk.app.screen, WelcomeScreen)
    fields = list(desk.app.screen.query(Input))
    for field, value in zip(fields, (where, nick), strict=True):
        field.value = value
    fields[-1].focus()
    await desk.press("enter")


def no_name(desk: Desk) -> None:
    """The core refuses the nickname itself."""


def taken(desk: Desk) -> None:
    """The server has the nickname for somebody else."""
    desk.server.account("bob")
    desk.connected()
    desk.offer()
    desk.carry()


@pytest.mark.parametrize(("nick", "refuse"), [("not a name", no_name), ("bob", taken)])
def test_a_server_that_was_given_up_is_not_shown(
    tmp_path: Path, nick: str, refuse: Callable[[Desk], None]
) -> None:
    async def test(desk: Desk) -> None:
        await desk.settle()
        await fill(desk, "mistyped.example", nick)
        refuse(desk)
        await desk.settle()
        await fill(desk, str(ADDRESS), "ana")
        desk.connected()
        desk.offer()
        desk.carry()
        await desk.settle()
        assert desk.screen.room is not None and desk.screen.room.name == "lobby"
        assert "mistyped" not in desk.text() and "no connection" not in desk.text()
        assert [client.address for client in desk.screen.clients] == [ADDRESS]

    run(Desk(tmp_path, is_asked=False), test, (80, 30))


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_a_password_that_is_taken_leads_into_the_rooms(tmp_path: Path, wrong: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.settle()
        desk.server.refusals[m.Login] = ("wrong_password", "The password is wrong.")
        await fill(desk, str(ADDRESS), "ana")
        desk.connected()
        desk.offer()
        desk.carry()
        await desk.settle()
        for attempt in range(wrong + 1):
            assert isinstance(desk.app.screen, PasswordScreen)
            if attempt == wrong:
                del desk.server.refusals[m.Login]
            await desk.press("p", "enter")
        assert desk.app.screen is desk.screen
        assert desk.screen.room is not None and desk.screen.room.name == "lobby"

    run(Desk(tmp_path, is_asked=False), test, (80, 30))
