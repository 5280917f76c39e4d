"""The first minute of somebody who tries one server and then another."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from chat.client.tui.welcome import WelcomeScreen
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
