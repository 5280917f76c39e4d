"""Standard output and standard error, as the line client writes to them."""

import os
import sys
from collections.abc import Callable, Mapping
from shutil import get_terminal_size
from typing import Final, TextIO

__all__ = ["TextScreen", "can_edit"]

_POOR: Final = frozenset({"", "dumb", "unknown"})
"""Values of TERM of terminals that cannot move the cursor."""


def can_edit(environment: Mapping[str, str], platform: str) -> bool:
    """Tell whether a terminal can do what a line editor needs, going by what it says of itself."""
    return platform != "win32" and environment.get("TERM", "") not in _POOR


class TextScreen:
    """A `chat.client.core.interfaces.Screen` made of standard output and standard error.

    When nobody reads the one or the other any more, what would go there is dropped. Unless a person
    watches, remarks are dropped, too: whatever starts scripts mails what they print to standard
    error.
    """

    def __init__(self, on_broken: Callable[[], None], *, is_watched: bool) -> None:
        self._on_broken = on_broken
        self._is_watched = is_watched
        self._is_hidden = False
        self._out: TextIO | None = sys.stdout
        self._err: TextIO | None = sys.stderr

    @property
    def columns(self) -> int | None:
        """How wide the terminal is, if a person watches."""
        return max(20, get_terminal_size().columns) if self._is_watched else None

    def show(self, line: str) -> None:
        """Print to standard output, at once."""
        self._print(line + "\n")

    def prompt(self, text: str, *, is_secret: bool = False) -> None:
        """Print to standard output, without ending the line."""
        self._print(text)
        if is_secret and not self._is_hidden:
            self._is_hidden = _set_echo(on=False)

    def answered(self) -> None:
        """Let the terminal show again what is typed, behind the line that was hidden."""
        if self._is_hidden:
            self._is_hidden = False
            _set_echo(on=True)
            self._print("\n")

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


def _set_echo(*, on: bool) -> bool:
    """Let the terminal show what is typed, or not. Return whether there is such a terminal."""
    if not sys.stdin.isatty():
        return False
    try:
        import termios
    except ImportError:  # Not on Windows.
        return False
    settings = termios.tcgetattr(sys.stdin)
    settings[3] = settings[3] | termios.ECHO if on else settings[3] & ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, settings)
    return True
