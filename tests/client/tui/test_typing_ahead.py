"""What is typed faster than the application does it: as it comes over a slow link, in one piece."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from textual.events import Key, Paste
from textual.widgets import Input

from chat.wire import messages as m
from tests.client.tui.support import Desk, run

_CHARACTERS = {"enter": "\r", "tab": "\t", "ctrl+k": "\x0b", "escape": "\x1b"}


def at_once(desk: Desk, keys: Iterable[str]) -> None:
    """Press keys, without letting the application do anything between them."""
    for key in keys:
        name = {" ": "space", "/": "slash"}.get(key, key)
        desk.app.post_message(Key(name, _CHARACTERS.get(key, key)))


@pytest.mark.parametrize("text", ["hello", "eddy reads it", "d"])
def test_a_reply_is_typed_right_behind_its_key(tmp_path: Path, text: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        seq = await desk.say("bob", "a question")
        await desk.press("ctrl+up")
        at_once(desk, ["r", *text, "enter", *"next"])
        await desk.settle()
        desk.carry()
        await desk.settle()
        body = desk.server.room("lobby").records[-1].body
        assert isinstance(body, m.TextBody) and (body.text, body.reply) == (text, seq)
        assert desk.composer.text == "next"

    run(Desk(tmp_path), test)


def test_what_is_pasted_behind_a_key_goes_where_the_key_led(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.say("bob", "a question")
        await desk.press("ctrl+up")
        desk.app.post_message(Key("r", "r"))
        desk.app.post_message(Paste("an answer"))
        await desk.settle()
        assert desk.composer.text == "an answer"

    run(Desk(tmp_path), test)


def test_fields_are_filled_in_one_go(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.settle()
        at_once(desk, [*"chat.example", "tab", *"ana"])
        await desk.settle()
        assert [it.value for it in desk.app.screen.query(Input)] == ["chat.example", "ana"]

    run(Desk(tmp_path, is_asked=False), test, (80, 30))
