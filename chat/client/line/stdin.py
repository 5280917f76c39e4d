"""Standard input: bytes to lines, read in a thread because no platform lets every kind of input be
polled."""

import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Semaphore, Thread
from typing import Final

from twisted.internet.interfaces import IReactorFromThreads

__all__ = ["INPUT_LINE_BYTES", "LineSplitter", "start_reading"]

INPUT_LINE_BYTES: Final = 65_536
"""A longer line is not kept while it is read; a post is far smaller (`chat.limits.TEXT_BYTES`)."""

_CHUNK: Final = 65_536


class LineSplitter:
    """Cuts chunks into lines. What is no text, or too long, comes out as None."""

    def __init__(self) -> None:
        self._buffer = b""
        self._is_overlong = False

    def feed(self, chunk: bytes) -> list[str | None]:
        """Return the lines that `chunk` completes, without their ends."""
        *complete, rest = (self._buffer + chunk).split(b"\n")
        lines = [self._decode(line) for line in complete]
        self._is_overlong = self._is_overlong or len(rest) > INPUT_LINE_BYTES
        self._buffer = b"" if self._is_overlong else rest
        return lines

    def finish(self) -> list[str | None]:
        """Return the last line, if it has no end."""
        return [self._decode(self._buffer)] if self._buffer or self._is_overlong else []

    def _decode(self, line: bytes) -> str | None:
        is_overlong, self._is_overlong = self._is_overlong, False
        if is_overlong or len(line) > INPUT_LINE_BYTES:
            return None
        try:
            return line.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError:
            return None


def start_reading(
    reactor: IReactorFromThreads,
    window: Semaphore,
    on_line: Callable[[str | None], None],
    on_end: Callable[[], None],
) -> None:
    """Read standard input in a thread; `on_line` and `on_end` are called in the reactor's.

    Each line takes one place of `window` and waits while there is none, so a script cannot run
    ahead of what the server has acknowledged.
    """

    def read() -> None:
        splitter = LineSplitter()
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

    def pass_on(lines: list[str | None]) -> None:
        for line in lines:
            window.acquire()
            reactor.callFromThread(on_line, line)

    Thread(target=read, name="stdin", daemon=True).start()
