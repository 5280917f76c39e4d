"""Standard input: bytes to lines, read in a thread because no platform lets every kind of input be
polled."""

import sys
from codecs import BOM_UTF8
from collections.abc import Callable
from contextlib import suppress
from threading import Semaphore, Thread
from typing import Final

from twisted.internet.interfaces import IReactorFromThreads

from chat.client.line.interfaces import BadLine

__all__ = ["INPUT_LINE_BYTES", "LineSplitter", "start_reading"]

INPUT_LINE_BYTES: Final = 65_536
"""A longer line is not kept while it is read; a post is far smaller (`chat.limits.TEXT_BYTES`)."""

_CHUNK: Final = 65_536


TERMINAL_LINE_BYTES: Final = 1_024 if sys.platform == "darwin" else 4_096
"""Of a line that is as long, with its end, a terminal in line mode may have dropped the rest."""


class LineSplitter:
    """Cuts chunks into lines. What is no text, or too long, comes out as a `BadLine`.

    So does what a terminal may have cut. A byte order mark at the beginning of the input is not
    part of the first line.
    """

    def __init__(self, *, is_terminal: bool = False) -> None:
        self._most = TERMINAL_LINE_BYTES - 2 if is_terminal else INPUT_LINE_BYTES
        self._too_long = BadLine.CUT if is_terminal else BadLine.TOO_LONG
        self._buffer = b""
        self._is_overlong = False
        self._has_begun = False

    def feed(self, chunk: bytes) -> list[str | BadLine]:
        """Return the lines that `chunk` completes, without their ends."""
        *complete, rest = (self._buffer + chunk).split(b"\n")
        lines = [self._decode(line) for line in complete]
        self._is_overlong = self._is_overlong or len(rest) > self._most
        self._buffer = b"" if self._is_overlong else rest
        return lines

    def finish(self) -> list[str | BadLine]:
        """Return the last line, if it has no end."""
        return [self._decode(self._buffer)] if self._buffer or self._is_overlong else []

    def _decode(self, line: bytes) -> str | BadLine:
        is_overlong, self._is_overlong = self._is_overlong, False
        has_begun, self._has_begun = self._has_begun, True
        if is_overlong or len(line) > self._most:
            return self._too_long
        if not has_begun:
            line = line.removeprefix(BOM_UTF8)
        try:
            return line.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError:
            return BadLine.NOT_UTF8


def start_reading(
    reactor: IReactorFromThreads,
    window: Semaphore,
    on_line: Callable[[str | BadLine], None],
    on_end: Callable[[], None],
) -> None:
    """Read standard input in a thread; `on_line` and `on_end` are called in the reactor's.

    Each line takes one place of `window` and waits while there is none, so a script cannot run
    ahead of what the server has acknowledged.
    """

    def read() -> None:
        splitter = LineSplitter(is_terminal=sys.stdin is not None and sys.stdin.isatty())
        # A closed standard input, or a terminal that went away, is an end like any other. Read
        # without a buffer: its lock, held by this thread, would hinder the end of the process.
        with (
            suppress(OSError, AttributeError),
            open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as raw,
        ):
            while chunk := raw.read(_CHUNK):
                pass_on(splitter.feed(chunk))
        pass_on(splitter.finish())
        reactor.callFromThread(on_end)

    def pass_on(lines: list[str | BadLine]) -> None:
        for line in lines:
            window.acquire()
            reactor.callFromThread(on_line, line)

    Thread(target=read, name="stdin", daemon=True).start()
