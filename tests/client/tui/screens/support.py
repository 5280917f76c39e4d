"""A screen alone, in front of a test that presses keys and clicks."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, Input

from chat.client.tui.screens.sheet import Done

__all__ = [
    "HOSTILE",
    "SIZES",
    "Asked",
    "check_reachable",
    "click",
    "on_screen",
    "screen_text",
    "sizes",
    "type_in",
]

SIZES = [(40, 20), (80, 24), (160, 50)]
sizes = pytest.mark.parametrize("size", SIZES)

HOSTILE = "[@click=app.quit]x[/] [/x] \x1b]52;c;AAAA\x07\x9b2J\u202eabc\u2067 " + "e\u0301" * 30
"""What a name, topic or reason may be when a server sends it."""

Act = Callable[["Pilot[None]"], Awaitable[None]]


class Asked:
    """A callback that notes what it is given; the last argument is answered by hand."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._done: Done = lambda _: None

    def __call__(self, *arguments: object) -> None:
        """Note a call."""
        *values, done = arguments
        assert callable(done)
        self.calls.append(tuple(values))
        self._done = done

    def answer(self, refusal: str | None = None) -> None:
        """Answer the last call."""
        self._done(refusal)


def on_screen(screen: Screen[None], act: Act, size: tuple[int, int] = (80, 24)) -> None:
    """Show a screen, and act."""

    async def run() -> None:
        app: App[None] = App()
        async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
            await app.push_screen(screen)
            await pilot.pause()
            await act(pilot)
        assert app.return_code in (None, 0)

    asyncio.run(asyncio.wait_for(run(), 120))


def screen_text(pilot: "Pilot[None]") -> str:
    """Return what is on the screen, row by row."""
    width, height = pilot.app.size
    strips = pilot.app.screen._compositor.render_strips()
    rows = ["".join(segment.text for segment in strip) for strip in strips[:height]]
    return "\n".join(row[:width].rstrip() for row in rows)


async def click(pilot: "Pilot[None]", selector: str) -> bool:
    """Click on something, once a button has come back up from the last time."""
    widget = pilot.app.screen.query_one(selector)
    while widget.has_class("-active"):
        await pilot.pause(0.05)
    is_hit = await pilot.click(selector)
    await pilot.pause()
    return is_hit


async def type_in(pilot: "Pilot[None]", selector: str, text: str) -> None:
    """Put a text into a field, as pasting does."""
    pilot.app.screen.query_one(f"{selector} Input", Input).value = text
    await pilot.pause()


def check_reachable(pilot: "Pilot[None]") -> None:
    """Fail unless every button can be seen, also on a small terminal."""
    width, height = pilot.app.size
    for button in pilot.app.screen.query(Button):
        region = button.region
        assert region.height >= 1 and region.width >= 4, button
        assert region.bottom <= height and region.right <= width, button
