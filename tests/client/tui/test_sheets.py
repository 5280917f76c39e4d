"""What is chosen on a sheet is done, and told in the room."""

from pathlib import Path

import pytest
from textual.widgets import Input

from chat.client.look import Theme
from chat.client.tui.screens.devices import DevicesScreen, LinkScreen
from chat.client.tui.screens.invitation import InvitationScreen
from chat.client.tui.screens.keys import KeysScreen
from chat.client.tui.screens.moderation import ModerationScreen
from chat.client.tui.screens.people import BlocksScreen, RequestsScreen
from chat.client.tui.screens.room import RoomSettingsScreen
from chat.client.tui.screens.settings import SettingsScreen
from chat.client.tui.screens.sheet import Pick, Sheet
from chat.wire import messages as m
from tests.client.tui.support import Desk, run

SIZE = (120, 40)


async def choose(desk: Desk, name: str, kind: type[Sheet]) -> Sheet:
    """Choose something from the palette; it opens a sheet."""
    await desk.press("ctrl+p")
    desk.app.screen.query_one(Input).value = name
    await desk.press("enter")
    sheet = desk.app.screen
    assert isinstance(sheet, kind)
    return sheet


async def push(desk: Desk, id_: str) -> None:
    """Push a button of the sheet."""
    desk.app.screen.query_one(f"#{id_}").focus()
    await desk.press("enter")


def test_colours_are_changed_at_once_and_kept(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        sheet = await choose(desk, "settings", SettingsScreen)
        sheet.query_one("#theme", Pick).focus()
        await desk.press("right")
        chosen = desk.conductor.settings.theme
        assert chosen is not Theme.DARK and desk.app.look.theme is chosen
        assert desk.app.theme == f"encchat-{chosen.value}"
        assert f'theme = "{chosen.value}"' in (tmp_path / "settings.toml").read_text()
        await desk.press("escape")
        assert desk.is_in_rooms

    run(Desk(tmp_path), test, SIZE)


def test_typing_is_told_unless_that_is_off(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.press("h")
        assert len(desk.link.all(m.Typing)) == 1
        (tmp_path / "settings.toml").write_text("typing = false\n")
        desk.conductor.settings_changed()
        for _ in range(20):
            desk.conductor.tick()
        await desk.press("i")
        assert len(desk.link.all(m.Typing)) == 1

    run(Desk(tmp_path), test, SIZE)


def test_a_key_is_changed_at_once(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await choose(desk, "keys", KeysScreen)
        await push(desk, "change")
        await desk.press("f7")
        await desk.press("escape")
        await desk.press("f7")
        assert "Go to a room" in desk.text()

    run(Desk(tmp_path), test, SIZE)


def test_a_room_is_muted_on_its_sheet(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        sheet = await choose(desk, "this room", RoomSettingsScreen)
        sheet.query_one("#level", Pick).focus()
        await desk.press("left")  # The last one: none.
        await push(desk, "save")
        room = desk.screen.room
        assert room is not None and desk.conductor.attention.is_muted(desk.client, room)

    run(Desk(tmp_path), test, SIZE)


def test_an_invitation_is_made_and_shown(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await choose(desk, "invite by a link", InvitationScreen)
        await push(desk, "make")
        assert "encchat://" in desk.text()

    run(Desk(tmp_path), test, SIZE)


def test_devices_and_a_link_for_another(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.type("/devices")
        assert isinstance(desk.app.screen, DevicesScreen) and "this one" in desk.text()
        await push(desk, "link")
        assert isinstance(desk.app.screen, LinkScreen) and "--nick ana" in desk.text()

    run(Desk(tmp_path), test, SIZE)


def test_blocks_are_made_and_taken_back(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        desk.server.account("bob")
        await desk.enter()
        await desk.type("/blocked")
        assert isinstance(desk.app.screen, BlocksScreen)
        desk.app.screen.query_one(Input).value = "bob"
        await push(desk, "block")
        assert desk.server.blocked == ["bob"]
        await push(desk, "unblock")
        assert desk.server.blocked == []

    run(Desk(tmp_path), test, SIZE)


@pytest.mark.parametrize("refusal", [None, ("not_allowed", "You may not do that here.")])
def test_a_member_is_moderated_from_the_list(
    tmp_path: Path, refusal: tuple[str, str] | None
) -> None:
    async def test(desk: Desk) -> None:
        desk.server.room("lobby", "bob")
        await desk.enter()
        desk.screen.going.member("bob")
        await desk.settle()
        desk.app.screen.query_one(Input).value = "mute"
        await desk.press("enter")
        sheet = desk.app.screen
        assert isinstance(sheet, ModerationScreen)
        if refusal is not None:
            desk.server.refusals[m.Moderate] = refusal
        await push(desk, "do")
        if refusal is None:
            assert desk.is_in_rooms and "bob was put out of lobby." in desk.text()
        else:
            assert desk.app.screen is sheet and refusal[1] in desk.text()

    run(Desk(tmp_path), test, SIZE)


@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_a_request_is_answered(tmp_path: Path, answer: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        server = desk.server
        log = server.private("bob", "zoe")  # Made for its id alone.
        log.members = {server.account("bob")}
        server.requests[log.log, server.account("ana")] = server.account("bob")
        desk.receive(m.Requested(log.log, server.account("bob"), "bob"))
        await desk.settle()
        assert "?bob" in desk.text()
        await desk.type("/requests")
        assert isinstance(desk.app.screen, RequestsScreen) and "bob" in desk.text()
        await push(desk, answer)
        await desk.press("escape")
        assert "?bob" not in desk.text()

    run(Desk(tmp_path), test, SIZE)
