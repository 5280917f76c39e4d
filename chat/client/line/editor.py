"""A line editor at a terminal: what is typed stays apart from what arrives.

One line is always being edited, at the bottom; what arrives is printed above it. It needs a reactor
on an asyncio loop. A line may be longer than a terminal's own line mode takes. History is in memory
alone.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Semaphore
from typing import Final

from prompt_toolkit.data_structures import Size
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.layout.processors import (
    ConditionalProcessor,
    Processor,
    Transformation,
    TransformationInput,
)
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.shortcuts import PromptSession
from twisted.internet.defer import Deferred, succeed

from chat.client.line.interfaces import BadLine
from chat.client.line.screen import TextScreen
from chat.client.line.stdin import INPUT_LINE_BYTES

__all__ = ["Editor"]

_WINDOW_SECONDS: Final = 0.05
"""How often it is looked whether more lines may be sent, where many were pasted."""


class _Hidden(Processor):
    """Shows nothing of a line, and not how long it is either."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Return nothing."""
        return Transformation([], source_to_display=lambda _: 0, display_to_source=lambda _: 0)


class _History(InMemoryHistory):
    """Remembers what was typed, but for secrets."""

    def __init__(self, is_secret: Callable[[], bool]) -> None:
        super().__init__()
        self._is_secret = is_secret

    def append_string(self, string: str) -> None:
        """Remember a line."""
        if not self._is_secret():
            super().append_string(string)


class Editor(TextScreen):
    """A `chat.client.line.interfaces.Screen` with a line to type in."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_broken: Callable[[], None]) -> None:
        super().__init__(on_broken, is_watched=True)
        self._loop = loop
        self._question = ""
        self._is_secret = False
        self._reading: asyncio.Task[None] | None = None
        is_secret = Condition(lambda: self._is_secret)
        self._session: PromptSession[str] = PromptSession(
            lambda: self._question,
            history=_History(is_secret),
            input_processors=[ConditionalProcessor(_Hidden(), is_secret)],
            enable_suspend=True,
            # Where the cursor is, is not asked: answers would arrive among what is typed.
            output=Vt100_Output(sys.stdout, _size, enable_cpr=False),
        )

    def start(
        self,
        window: Semaphore,
        on_line: Callable[[str | BadLine], None],
        on_end: Callable[[], None],
        on_interrupt: Callable[[], None],
    ) -> None:
        """Begin to read. `on_interrupt` is called for Ctrl-C, `on_end` for Ctrl-D or a hangup.

        Each line takes a place of `window`, and waits while there is none.
        """

        async def read() -> None:
            lines = _Lines(window, on_line)
            passing = self._loop.create_task(lines.pass_on())
            try:
                await self._read(lines)
                # What was typed before is passed on first.
                await passing
                on_end()
            except KeyboardInterrupt:
                on_interrupt()
            finally:
                passing.cancel()

        self._reading = self._loop.create_task(read())

    def stop(self) -> Deferred[None]:
        """Take the line away; called back when the terminal is as it was."""
        reading = self._reading
        if reading is None or reading.done():
            return succeed(None)
        done: Deferred[None] = Deferred()
        reading.add_done_callback(lambda _: done.callback(None))
        reading.cancel()
        return done

    async def _read(self, lines: "_Lines") -> None:
        # All the time: in line mode, between two lines, a terminal would show what is typed, and
        # cut what is pasted.
        with suppress(EOFError, OSError), self._session.input.raw_mode():
            while True:
                lines.add(await self._session.prompt_async(handle_sigint=False))
        lines.end()

    # --- The screen ---

    def prompt(self, text: str, *, is_secret: bool = False) -> None:
        """Let what is typed next be the answer to a question."""
        self._question, self._is_secret = text, is_secret
        self._session.app.invalidate()

    def answered(self) -> None:
        """Let what is typed be ordinary lines again."""
        self.prompt("")

    def show(self, line: str) -> None:
        """Print above the line that is being edited."""
        self._above(lambda: TextScreen.show(self, line))

    def note(self, line: str) -> None:
        """Print to standard error, likewise."""
        self._above(lambda: TextScreen.note(self, line))

    def _above(self, write: Callable[[], None]) -> None:
        app = self._session.app
        if not app.is_running:
            write()
            return
        app.renderer.erase()
        write()
        # Once for all lines that arrive together.
        app.invalidate()


class _Lines:
    """Lines that were typed and are passed on as fast as they may be."""

    def __init__(self, window: Semaphore, on_line: Callable[[str | BadLine], None]) -> None:
        self._window = window
        self._on_line = on_line
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()

    def add(self, text: str) -> None:
        """Add what was typed. Pasted lines are lines."""
        for line in text.split("\n"):
            self._typed.put_nowait(line)

    def end(self) -> None:
        """Nothing more is typed."""
        self._typed.put_nowait(None)

    async def pass_on(self) -> None:
        """Pass lines on until the end. The line can be edited meanwhile."""
        while (line := await self._typed.get()) is not None:
            while not self._window.acquire(blocking=False):
                await asyncio.sleep(_WINDOW_SECONDS)
            self._on_line(_check(line))


def _size() -> Size:
    """Return how large the terminal is; where it does not know, as large as most are."""
    columns, rows = os.get_terminal_size(sys.stdout.fileno())
    return Size(rows=rows or 24, columns=columns or 80)


def _check(line: str) -> str | BadLine:
    try:
        size = len(line.encode())
    except UnicodeEncodeError:  # What is no UTF-8 arrives as surrogates.
        return BadLine.NOT_UTF8
    return line if size <= INPUT_LINE_BYTES else BadLine.TOO_LONG
