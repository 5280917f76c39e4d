"""The view of a room's rows: what stays in its place, whatever happens around it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from chat.client.core.rooms import Room
from chat.client.look import Theme
from chat.client.tui.document import Document
from chat.client.tui.log import LogView
from chat.client.tui.paint import Painter
from chat.client.tui.rows import Note, NoteKind
from chat.client.tui.styles import Styles, theme_name, toolkit_theme
from tests.client.tui.support import NOON
from tests.client.tui.test_document import add, make_room, waiting

LONG = "word " * 60


class Shown(App[None]):
    """A log and nothing else."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.register_theme(toolkit_theme(Theme.DARK))
        self.theme = theme_name(Theme.DARK)
        self.room = room
        self.rows = Document(room)
        self.older = 0

    def compose(self) -> ComposeResult:
        yield LogView(Painter(lambda: NOON, UTC), Styles(Theme.DARK), id="log")

    def on_mount(self) -> None:
        self.log_view.show(self.rows)
        self.log_view.focus()

    def on_log_view_older_wanted(self) -> None:
        self.older += 1

    @property
    def log_view(self) -> LogView:
        return self.query_one(LogView)

    def lines(self) -> list[str]:
        view = self.log_view
        return [view.render_line(y).text.rstrip() for y in range(view.size.height)]

    def top(self) -> str:
        return self.lines()[0]


def play(
    room: Room,
    test: Callable[[Shown, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (60, 12),
) -> None:
    async def run() -> None:
        app = Shown(room)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await test(app, pilot)

    asyncio.run(asyncio.wait_for(run(), 60))


def talk(*seqs: int, text: str = "message {}") -> Room:
    room = make_room()
    for seq in seqs:
        add(room, seq, text.format(seq))
    return room


def test_it_begins_at_the_end_and_stays_there() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        assert app.lines()[-1] == "  message 100"
        for seq in range(101, 140):
            app.rows.add([add(app.room, seq, LONG if seq % 3 else "short")])
            app.log_view.settle()
            assert app.log_view.is_at_end
        app.rows.add([add(app.room, 140, "the last")])
        app.log_view.settle()
        assert app.lines()[-1] == "  the last"

    play(talk(*range(1, 101)), test)


def test_a_few_messages_stand_at_the_bottom() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        lines = app.lines()
        assert lines[-1] == "  message 1" and lines[0] == ""

    play(talk(1), test)


@pytest.mark.parametrize("text", ["short", LONG])
def test_what_one_reads_does_not_move_when_something_comes(text: str) -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        await pilot.press("pageup", "pageup", "pageup")
        seen = app.lines()
        for seq in range(301, 330):  # Below.
            app.rows.add([add(app.room, seq, text)])
            app.log_view.settle()
        assert app.lines() == seen
        app.rows.add([add(app.room, seq, text) for seq in range(1, 90)])  # Above, far away.
        app.log_view.settle()
        assert app.lines() == seen
        app.rows.note(Note(NoteKind.ANSWER, "note", NOON))
        app.rows.send(waiting(app.room, 1))
        app.log_view.settle()
        assert app.lines() == seen

    play(talk(*range(100, 300)), test)


def test_what_one_reads_does_not_move_when_something_above_is_edited() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        await pilot.press("pageup", "pageup")
        seen = app.lines()
        add(app.room, 101, LONG)
        app.rows.touch_quoted(101)
        app.log_view.settle()
        assert app.lines() == seen

    play(talk(*range(100, 300)), test)


@pytest.mark.parametrize("width", [40, 80, 120, 300])
def test_the_row_at_the_top_stays_when_the_width_changes(width: int) -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        for _ in range(4):
            await pilot.press("pageup")
        key = app.log_view._anchor.key
        await pilot.resize_terminal(width, 12)
        await pilot.pause()
        assert app.log_view._anchor.key == key
        await pilot.resize_terminal(60, 12)
        await pilot.pause()
        assert app.log_view._anchor.key == key

    play(talk(*range(1, 200), text=LONG + "{}"), test)


def test_scrolling_up_and_down_shows_every_line_once() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        up = []
        while app.log_view.scroll_y > 0:
            app.log_view.scroll_lines(-1)
            up.append(app.top())
        down = [app.top()]
        while not app.log_view.is_at_end:
            app.log_view.scroll_lines(1)
            down.append(app.top())
        assert len(up) > 100
        assert up[::-1] == down[: len(up)]

    play(talk(*range(1, 60), text="message {} " + "word " * 20), test)


def test_older_messages_are_wanted_at_the_top() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        await pilot.press("pageup")
        assert app.older == 0
        await pilot.press("home")
        await pilot.pause()
        assert app.older > 0

    play(talk(*range(1, 100)), test)


def test_messages_are_selected_one_after_the_other() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        app.rows.note(Note(NoteKind.ANSWER, "a note is no message", NOON))
        app.log_view.settle()
        for expected in (100, 99, 98):
            await pilot.press("up")
            assert app.log_view.selected == expected
        await pilot.press("down")
        assert app.log_view.selected == 99
        for _ in range(30):
            await pilot.press("up")
        assert any("▶" in line for line in app.lines())
        await pilot.press("end")
        assert app.log_view.selected is None and app.log_view.is_at_end

    play(talk(*range(1, 101)), test)


def test_the_selection_stays_on_a_message_that_is_stored() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        mine = waiting(app.room, 7)
        app.rows.send(mine)
        app.log_view.settle()
        await pilot.press("up")
        app.rows.settle(mine.handle.record, 11)
        app.rows.add([add(app.room, 11)])
        app.log_view.settle()
        assert app.log_view.selected == 11

    play(talk(10), test)


def test_a_click_selects_what_is_under_it() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        y = app.lines().index("  message 97")
        await pilot.click("#log", offset=(5, y))
        assert app.log_view.selected == 97

    play(talk(*range(1, 101)), test)


@pytest.mark.parametrize("seq", [1, 2, 50, 199, 200])
def test_one_goes_to_a_message(seq: int) -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        assert app.log_view.scroll_to_key(seq)
        assert f"▶ message {seq}" in app.lines()
        assert not app.log_view.scroll_to_key(1_000)

    play(talk(*range(1, 201)), test)


def test_an_empty_room_takes_every_key() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        for key in ("up", "down", "pageup", "pagedown", "home", "end"):
            await pilot.press(key)
        await pilot.click("#log", offset=(3, 3))
        assert app.log_view.selected is None

    play(make_room(), test)


def test_where_one_left_off_is_marked() -> None:
    async def test(app: Shown, pilot: Pilot[None]) -> None:
        app.rows.mark(95, 5)
        app.log_view.settle()
        lines = app.lines()
        assert lines[lines.index("  message 96") - 2].startswith("── new ──")
        app.rows.mark(0, 1_204)
        app.log_view.scroll_to_key(1, is_selected=False)
        assert any("1,204 new; last 100 shown" in line for line in app.lines())

    play(talk(*range(1, 101)), test)
