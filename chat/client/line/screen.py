"""Standard output and standard error, as the line client writes to them."""

import os
import sys
from collections.abc import Callable
from typing import TextIO

__all__ = ["TextScreen"]


class TextScreen:
    """A `chat.client.core.interfaces.Screen` made of standard output and standard error.

    When nobody reads the one or the other any more, what would go there is dropped. Unless a person
    watches, remarks are dropped, too: whatever starts scripts mails what they print to standard
    error.
    """

    def __init__(self, on_broken: Callable[[], None], *, is_watched: bool) -> None:
        self._on_broken = on_broken
        self._is_watched = is_watched
        self._out: TextIO | None = sys.stdout
        self._err: TextIO | None = sys.stderr

    def show(self, line: str) -> None:
        """Print to standard output, at once."""
        self._print(line + "\n")

    def prompt(self, text: str) -> None:
        """Print to standard output, without ending the line."""
        self._print(text)

    def note(self, line: str) -> None:
        """Print to standard error."""
        try:
            print(line, file=self._err, flush=True)
        except OSError:
            self._err = None

    def remark(self, line: str) -> None:
        """Print to standard error, if a person watches."""
        if self._is_watched:
            self.note(line)

    def _print(self, text: str) -> None:
        try:
            print(text, end="", file=self._out, flush=True)
        except OSError:
            # Python flushes once more at its end, and must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._on_broken()
