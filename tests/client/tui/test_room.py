"""A room on the screen: what is said, what one says, and what one does with a message."""

from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input, Static

from chat.client.core.model import MessageState
from chat.wire import messages as m
from tests.client.tui.support import Desk, run


def test_what_others_say_is_there_and_grouped(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        for nick, text in (("bob", "hi"), ("bob", "again"), ("carol", "me too")):
            await desk.say(nick, text)
        assert desk.log_lines()[-5:] == [
            " bob  12:00",
            "  hi",
            "  again",
            " carol  12:00",
            "  me too",
        ]

    run(Desk(tmp_path), test)


def test_what_one_says_is_waiting_then_stored(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        desk.composer.insert("hello")
        await desk.pilot.press("enter")
        await desk.settle()
        assert desk.log_lines()[-1] == "○ hello" and desk.composer.text == ""
        desk.carry()
        await desk.settle()
        assert desk.log_lines()[-1] == "  hello"
        assert desk.server.room("lobby").texts() == ["hello"]

    run(Desk(tmp_path), test)


def test_a_refused_message_says_why_and_can_be_tried_again(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        desk.server.refusals[m.Post] = ("muted", "You are muted in lobby.")
        await desk.type("hello")
        assert desk.log_lines()[-2:] == ["✗ hello", "  Not sent: You are muted in lobby."]
        del desk.server.refusals[m.Post]
        await desk.press("ctrl+up", "t")
        assert desk.log_lines()[-1] == "  hello"
        assert desk.server.room("lobby").texts() == ["hello"]

    run(Desk(tmp_path), test)


def test_a_refused_message_can_be_edited_and_given_up(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        desk.server.refusals[m.Post] = ("muted", "You are muted in lobby.")
        await desk.type("one")
        await desk.press("ctrl+up", "e")
        assert desk.composer.text == "one"
        assert "one" not in "\n".join(desk.log_lines())
        await desk.press("enter")
        await desk.press("ctrl+up", "d")
        assert "one" not in "\n".join(desk.log_lines())
        room = desk.screen.room
        assert room is not None
        assert [it.state for it in room.timeline] == [] or MessageState.REFUSED not in [
            it.state for it in room.timeline
        ]

    run(Desk(tmp_path), test)


def test_the_last_message_is_edited_in_place(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.type("coffe")
        await desk.say("bob", "hm")
        await desk.press("up", "e", "enter")
        assert "  coffee (edited)" in desk.log_lines()
        assert desk.composer.text == "" and desk.log_lines()[-1] == "  hm"

    run(Desk(tmp_path), test)


def test_an_edit_that_is_given_up_gives_back_what_was_written(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.type("coffee")
        desk.composer.insert("half a sen")
        await desk.press("ctrl+up", "e", "x", "escape")
        assert desk.composer.text == "half a sen"
        assert "  coffee" in desk.log_lines()

    run(Desk(tmp_path), test)


def test_a_reply_quotes_what_it_answers(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.say("bob", "tea or coffee?")
        await desk.press("ctrl+up", "r")
        assert any("to bob" in line for line in desk.lines())
        await desk.type("tea")
        assert desk.log_lines()[-3:] == [" ana  12:00", "  ╭ bob: tea or coffee?", "  tea"]

    run(Desk(tmp_path), test)


def test_an_edit_shows_in_the_replies_that_quote_it(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        lobby = desk.server.room("lobby")
        seq = await desk.say("bob", "tea?")
        await desk.say("carol", "yes", reply=seq)
        desk.server.add(lobby, m.EditBody(0, desk.server.account("bob"), "bob", seq, "coffee?"))
        desk.carry()
        await desk.settle()
        assert "  ╭ bob: coffee?" in desk.log_lines()
        assert "  coffee? (edited)" in desk.log_lines()

    run(Desk(tmp_path), test)


def test_reactions_are_counted(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        lobby = desk.server.room("lobby")
        seq = await desk.say("bob", "done")
        desk.server.add(lobby, m.ReactionBody(0, desk.server.account("carol"), "carol", seq, "+1"))
        await desk.press("ctrl+up", "plus")
        query = desk.app.screen.query_one(Input)
        query.value = "+1"
        await desk.press("enter")
        assert desk.log_lines()[-1] == "▶ +1 2"

    run(Desk(tmp_path), test)


def test_a_message_is_deleted_after_a_question(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.type("oops")
        await desk.press("ctrl+up", "d", "n")
        assert "oops" in desk.text()
        await desk.press("d", "y")
        assert desk.log_lines()[-1] == "  deleted"
        assert desk.server.room("lobby").texts() == []

    run(Desk(tmp_path), test)


def test_what_arrives_never_touches_what_is_typed(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.press("h", "e")
        await desk.say("bob", "hi")
        desk.server.passing(
            desk.server.room("lobby"), m.JoinedBody(0, desk.server.account("dave"), "dave")
        )
        desk.carry()
        await desk.press("l", "ctrl+j", "o")
        assert desk.composer.text == "hel\no"

    run(Desk(tmp_path), test)


def test_a_refused_command_is_said_where_it_was_typed_and_is_still_there(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        for line in ("/nosuch", "/join nowhere", "/slow x"):
            desk.composer.put("")
            await desk.type(line)
            assert desk.composer.text == line
            trouble = desk.screen.query_one("#trouble", Static)
            assert trouble.display and str(trouble.render()).startswith("! ")
        await desk.press("escape")
        assert not desk.screen.query_one("#trouble", Static).display

    run(Desk(tmp_path), test)


@pytest.mark.parametrize("text", ["/quit", "//x", "one\n/quit", "a\nb\nc\nd\ne"])
def test_what_is_pasted_is_one_message_and_no_command(tmp_path: Path, text: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        desk.composer.post_message(Paste(text))
        await desk.settle()
        assert desk.composer.text == text
        await desk.press("enter")
        assert desk.server.room("lobby").texts() == [text]

    run(Desk(tmp_path), test)


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_many_pasted_lines_are_asked_about(tmp_path: Path, end: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        text = "\n".join("abcdef") + end
        desk.composer.post_message(Paste(text))
        await desk.settle()
        assert desk.composer.text == "" and "Paste 6 lines" in desk.text()
        await desk.press("n")
        desk.composer.post_message(Paste(text))
        await desk.settle()
        await desk.press("y")
        assert desk.composer.text == text

    run(Desk(tmp_path), test)


@pytest.mark.parametrize("place", ["rooms", "lobby", "here (", "The host key"])
def test_what_is_typed_after_a_click_goes_into_the_input(tmp_path: Path, place: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.click(place, last=place == "lobby")
        await desk.press(*"djr?+ 1")
        assert desk.composer.text == "djr?+ 1"
        await desk.press("enter")
        assert desk.server.room("lobby").texts() == ["djr?+ 1"]

    run(Desk(tmp_path), test, (120, 24))


@pytest.mark.parametrize(
    ("lines", "said"),
    [(200, ""), (201, "… 1 more line; info"), (1_500, "… 1,300 more lines; info")],
)
def test_a_very_long_message_is_folded(tmp_path: Path, lines: int, said: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.say("bob", "\n".join(f"* {number}" for number in range(lines)))
        assert "more line" not in desk.text() if not said else said in desk.text()
        assert (f"• {lines - 1}" in desk.text()) is not bool(said)
        await desk.press("ctrl+up", "i", "end")
        assert (f"* {lines - 1}" in desk.text()) is bool(said)

    run(Desk(tmp_path), test)
