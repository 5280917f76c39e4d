"""Programs on a pseudo-terminal: keys go in, and an emulator shows what a person would see.

`Sequences` reads the raw bytes, so that a test can say which control sequences may come at all.
"""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from select import select
from threading import Condition, Thread
from time import monotonic
from typing import Any, Final, NamedTuple

import pyte

from tests.e2e.programs import CHECKOUT

__all__ = ["KEYS", "Piece", "Terminal", "Terminals", "pieces_of", "unexpected"]

PATIENCE: Final = 60
"""Seconds until what has not happened will not happen, also on a slow machine."""

KEYS: Final = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "ctrl-c": "\x03",
    "ctrl-d": "\x04",
    "ctrl-q": "\x11",
    "ctrl-p": "\x10",
    "ctrl-k": "\x0b",
    "backspace": "\x7f",
}

_ON_PURPOSE: Final = {"7", "25"}
"""Modes that are on when nobody has changed them: wrapping, the cursor."""


class Piece(NamedTuple):
    """A piece of what a program writes to its terminal."""

    kind: str
    """`text`, `C0`, `ESC`, `CSI`, `OSC`, or `string` for the other sequences that carry one."""
    value: str
    """The text; the character; everything after the introducer, without the terminator."""


_PIECE: Final = re.compile(
    r"\x1b\[(?P<CSI>[0-?]*[ -/]*[@-~])"
    r"|\x1b\](?P<OSC>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b[PX^_](?P<string>[^\x1b]*)\x1b\\"
    r"|\x1b(?P<ESC>[ -/]*[0-~])"
    r"|(?P<C0>[\x00-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)",
    re.DOTALL,
)


def pieces_of(raw: bytes) -> Iterator[Piece]:
    """Take apart what was written to a terminal. Raises UnicodeDecodeError if it is not UTF-8."""
    text, at = raw.decode(), 0
    while at < len(text):
        found = _PIECE.match(text, at)
        assert found is not None, ascii(text[at : at + 40])
        assert found.lastgroup is not None
        yield Piece(found.lastgroup, found[found.lastgroup])
        at = found.end()


def unexpected(raw: bytes, expected: Mapping[str, str]) -> list[Piece]:
    """Return the pieces that match none of these regular expressions, by kind.

    Text is expected if it has no C1, no separators of lines, and no overrides of direction. (Other
    characters that change the direction of text may stay in isolates.)
    """
    return [
        piece
        for piece in pieces_of(raw)
        if (piece.kind == "text" and _acts(piece.value))
        or (
            piece.kind != "text" and not re.fullmatch(expected.get(piece.kind, "(?!)"), piece.value)
        )
    ]


def _acts(text: str) -> bool:
    return re.search("[\x80-\x9f\u2028\u2029\u202d\u202e]", text) is not None


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(
        self,
        command: Sequence[str | Path],
        directory: Path,
        environment: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self._changed = Condition()
        self.raw = bytearray()
        """All that it has written."""
        self._screen = pyte.HistoryScreen(columns, rows, history=5_000)
        self._stream = pyte.ByteStream(self._screen)
        self._master, self._slave = pty.openpty()
        self._ends = [self._slave, self._master]
        self._set_size(columns, rows)
        self._before = self.attributes()
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env={
                **os.environ,
                "PYTHONPATH": str(CHECKOUT),
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "LANG": "C.UTF-8",
                **environment,
            },
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            preexec_fn=self._take_control,
        )
        self._is_over = False
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _take_control(self) -> None:
        """In the child: let the terminal's keys make signals."""
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def _read(self) -> None:
        while True:
            ready, _, _ = select([self._master], [], [], 0.05)
            if ready:
                try:
                    data = os.read(self._master, 65_536)
                except OSError:
                    return
                with self._changed:
                    self.raw += data
                    self._stream.feed(data)
                    self._changed.notify_all()
            elif self._is_over:
                return

    # --- What is on the screen ---

    @property
    def lines(self) -> list[str]:
        """The lines on the screen, without the spaces at their ends."""
        with self._changed:
            # Not `display`, which fails on halves of wide characters.
            rows = (self._screen.buffer[row] for row in range(self._screen.lines))
            columns = range(self._screen.columns)
            return ["".join(row[column].data for column in columns).rstrip() for row in rows]

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.lines)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds, which is tried whenever something was written."""
        deadline = monotonic() + PATIENCE
        while not condition():
            left = deadline - monotonic()
            assert left > 0, f"no {what} on the screen:\n{self.text}"
            with self._changed:
                self._changed.wait(min(left, 0.1))

    def shows(self, pattern: str) -> None:
        """Wait until the screen matches a regular expression."""
        self.wait(lambda: re.search(pattern, self.text, re.MULTILINE) is not None, repr(pattern))

    def shows_not(self, pattern: str) -> None:
        """Wait until the screen does not match a regular expression."""
        self.wait(lambda: re.search(pattern, self.text, re.MULTILINE) is None, f"end of {pattern}")

    # --- What a person does ---

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._master, text.encode())

    def press(self, *keys: str) -> None:
        """Press keys: names of `KEYS`, or single characters."""
        for key in keys:
            self.type(KEYS.get(key, key))

    def paste(self, text: str) -> None:
        """Paste a text, as a terminal with bracketed paste does it."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def enter(self, line: str) -> None:
        """Type a line, and wait until it is there before pressing Enter."""
        self.type(line)
        self.wait(lambda: line[-20:] in self.text.replace("\n", ""), repr(line[-20:]))
        self.press("enter")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal; the program gets SIGWINCH."""
        with self._changed:
            self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def _set_size(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, size)

    # --- The process ---

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def ends(self) -> int:
        """Wait for its end, and for all that it has written. Returns the status."""
        status = self._process.wait(PATIENCE)
        self._is_over = True
        self._thread.join(PATIENCE)
        return status

    def hang_up(self) -> int:
        """Take the terminal away, and wait for the program's end. Returns the status."""
        self._is_over = True
        self._thread.join(PATIENCE)
        self._close()
        return self._process.wait(PATIENCE)

    def _close(self) -> None:
        """Close both ends, once."""
        ends, self._ends = self._ends, []
        for end in ends:
            os.close(end)

    def attributes(self) -> list[Any]:
        """Return the terminal's attributes (termios)."""
        return termios.tcgetattr(self._slave)

    def left_on(self) -> list[str]:
        """Return what of the terminal is not as it was before: attributes, modes, the keyboard."""
        left = [] if self.attributes() == self._before else ["attributes"]
        modes: dict[str, bool] = {}
        keyboard = 0
        for kind, value in pieces_of(bytes(self.raw)):
            if kind == "CSI" and (found := re.fullmatch(r"\?([0-9;]+)([hl])", value)):
                modes |= dict.fromkeys(found[1].split(";"), found[2] == "h")
            elif kind == "CSI" and value.endswith("u") and value[0] in "<>":
                keyboard += 1 if value[0] == ">" else -1
        left += [mode for mode, is_on in modes.items() if is_on != (mode in _ON_PURPOSE)]
        return left + ["keyboard"] * (keyboard > 0)

    def clean_up(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
        self.ends()
        self._close()


class Terminals:
    """Starts programs on terminals, with a home of their own, and ends them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[Terminal] = []

    def start(
        self, *command: str | Path, columns: int = 80, rows: int = 24, **environment: str
    ) -> Terminal:
        """Start a program."""
        home = str(self.directory / "home")
        surroundings = {"ENCCHAT_HOME": home, "HOME": home, **environment}
        (self.directory / "home").mkdir(exist_ok=True)
        terminal = Terminal(command, self.directory, surroundings, columns, rows)
        self._started.append(terminal)
        return terminal

    def clean_up(self) -> None:
        """End what has not ended."""
        for terminal in self._started:
            terminal.clean_up()
