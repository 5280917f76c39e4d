"""What outlives the application: drafts, where one was, settings and keys."""

from pathlib import Path

import pytest

from chat.client.core.address import Address
from chat.client.look import Theme
from chat.client.tui.entrance import Start
from tests.client.model import ModelServer
from tests.client.support import ADDRESS
from tests.client.tui.support import Desk, run


def test_drafts_are_kept_by_room_and_over_a_restart(tmp_path: Path) -> None:
    server = ModelServer()

    async def first(desk: Desk) -> None:
        await desk.enter()
        await desk.type("/create python")
        await desk.go_to("lobby")
        desk.composer.insert("for the lobby")
        await desk.go_to("python")
        assert desk.composer.text == ""
        desk.composer.insert("for python")
        await desk.go_to("lobby")
        assert desk.composer.text == "for the lobby"
        await desk.press("ctrl+q")

    async def second(desk: Desk) -> None:
        await desk.enter()
        await desk.go_to("lobby")
        assert desk.composer.text == "for the lobby"
        await desk.go_to("python")
        assert desk.composer.text == "for python"
        await desk.press("enter")
        await desk.go_to("lobby")
        await desk.go_to("python")
        assert desk.composer.text == ""

    run(Desk(tmp_path, server), first)
    run(Desk(tmp_path, server), second)
    assert server.room("python").texts() == ["for python"]


def test_a_draft_is_on_disk_within_two_ticks(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        desk.composer.insert("half a thought")
        for _ in range(2):
            desk.conductor.tick()
            await desk.app.workers.wait_for_complete()
        kept = [it.read_text() for it in (tmp_path / "drafts").iterdir()]
        assert kept == ["half a thought"]

    run(Desk(tmp_path), test)


def test_a_later_start_goes_where_one_was(tmp_path: Path) -> None:
    server = ModelServer()

    async def first(desk: Desk) -> None:
        await desk.enter()
        await desk.type("/create python")
        assert desk.screen.room is not None and desk.screen.room.name == "python"

    async def second(desk: Desk) -> None:
        await desk.enter()
        assert desk.client.nick == "ana" and desk.client.name == str(ADDRESS)
        assert desk.screen.room is not None and desk.screen.room.name == "python"

    run(Desk(tmp_path, server), first)
    run(Desk(tmp_path, server, is_asked=False), second)


def test_another_nickname_does_not_take_the_room_of_the_first(tmp_path: Path) -> None:
    server = ModelServer()

    async def first(desk: Desk) -> None:
        await desk.enter()
        await desk.type("/create python")
        assert desk.screen.room is not None and desk.screen.room.name == "python"

    async def second(desk: Desk) -> None:
        await desk.enter()
        assert desk.screen.room is not None and desk.screen.room.name == "lobby"

    run(Desk(tmp_path, server), first)
    start = Start(Address(ADDRESS.host, ADDRESS.port), "bob")
    run(Desk(tmp_path, server, start=start), second)


@pytest.mark.parametrize("key", ["f7", "ctrl+o"])
def test_keys_are_taken_from_the_file(tmp_path: Path, key: str) -> None:
    (tmp_path / "keys.toml").write_text(f'go-to = "{key}"\nreply = "a"\n')

    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.press("ctrl+k")
        assert "Go to a room" not in desk.text()
        await desk.press(key)
        assert "Go to a room" in desk.text()
        await desk.press("escape")
        await desk.say("bob", "hi")
        await desk.press("ctrl+up")
        assert "a reply" in desk.text()
        await desk.press("a")
        assert "to bob" in desk.text()

    run(Desk(tmp_path), test)


@pytest.mark.parametrize("file", ["settings.toml", "keys.toml"])
def test_a_file_that_says_nonsense_ends_it_with_a_sentence(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text("nonsense = 1\n")

    async def test(desk: Desk) -> None:
        await desk.settle()

    desk = Desk(tmp_path)
    run(desk, test)
    assert desk.app.return_code == 1
    assert file in desk.app.why_ended and "nonsense" in desk.app.why_ended


@pytest.mark.parametrize("theme", list(Theme))
def test_every_theme_is_drawn(tmp_path: Path, theme: Theme) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.say("bob", "ana: **look** at `this`")
        strips = desk.app.screen._compositor.render_strips(desk.app.size)
        colours = {
            str(colour)
            for strip in strips
            for segment in strip
            if segment.style is not None
            for colour in (segment.style.color, segment.style.bgcolor)
            if colour is not None and not colour.is_default
        }
        assert bool(colours) == (theme is not Theme.NONE)

    run(Desk(tmp_path, theme=theme), test)
