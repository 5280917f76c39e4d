"""Both faces on a pseudo-terminal: nothing that others say acts on it, and it is left as it was."""

import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.programs import Program, Programs, link_of
from tests.e2e.spite import HARMLESS, HOSTILE, MARK
from tests.e2e.terminal import Terminal, Terminals, pieces_of, unexpected

CLIENT: Final = (sys.executable, "-m", "chat.client")

FULL_SCREEN: Final = {
    "C0": r"[\r\n]",
    "CSI": r"\?(7|25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2027|2048)[hl]"  # Modes.
    r"|\?(2026|2048)\$p|>\d+u|<u|=\d+;\d+u"  # Questions about modes, and the keyboard's.
    r"|\d+;\d+H|[0-9;]*m|\d*[ABCDGJK]|22;[0-2]t|23;[0-2]t|1[68]t",
    "OSC": r"[02];[^\x80-\x9f]*|22;[a-z-]+|8;[^;]*;((https?|encchat)://[!-~]*)?",
    "string": r"\+q.*",
}
"""What the toolkit writes: modes, places, colours; links, and the title."""

LINES: Final = {"C0": r"[\r\n]"}
"""What the line client writes at a terminal that can do no more."""

_DIRECTIONS: Final = "[\u061c\u200e\u200f\u202a-\u202c\u2066-\u2069]"
"""Characters that may stay in an isolate, which keeps them from everything else."""

ACTING: Final = [text for text in HOSTILE if not re.match(_DIRECTIONS, text)]


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    """Starts programs on terminals; all of them have ended after the test."""
    terminals = Terminals(tmp_path)
    yield terminals
    terminals.clean_up()


@pytest.fixture
def spite(programs: Programs) -> str:
    """Return the address of a server that says nothing but what is hostile."""
    server = programs.start(sys.executable, "-m", "tests.e2e.spite")
    return f"localhost:{server.says('^[0-9]+$')[0]}"


def check_harmless(terminal: Terminal, expected: dict[str, str]) -> None:
    """Check that nothing reached a terminal but what the program itself has to say to it."""
    raw = bytes(terminal.raw)
    assert [text for text in ACTING if text.encode() in raw] == []
    assert unexpected(raw, expected) == []
    assert MARK in raw.decode()  # Else nothing was put to the test.


# --- The pieces themselves ---


def test_control_sequences_are_told_apart() -> None:
    raw = "a\x1b[1;2Hb\x1b]0;t\x07\x1b]2;u\x1b\\\x1bPq\x1b\\\x1bc\x1b(0\r\u4f60".encode()
    assert [tuple(it) for it in pieces_of(raw)] == [
        *(("text", "a"), ("CSI", "1;2H"), ("text", "b"), ("OSC", "0;t"), ("OSC", "2;u")),
        *(("string", "q"), ("ESC", "c"), ("ESC", "(0"), ("C0", "\r"), ("text", "\u4f60")),
    ]


@pytest.mark.parametrize("text", ACTING)
def test_what_is_hostile_is_unexpected(text: str) -> None:
    """If it went through, the checks here would find it."""
    raw = ("before " + text + " after").encode()
    is_line_end = text[0] in "\r\n"
    assert bool(unexpected(raw, LINES)) == (not is_line_end)


# --- Hostile texts ---


def test_a_poor_terminal_is_safe_from_everything_others_say(
    terminals: Terminals, spite: str
) -> None:
    terminal = terminals.start(*CLIENT, spite, "--nick", "ana", TERM="dumb")
    terminal.shows(HARMLESS)
    for line in ("/who", "/rooms", "/requests", "/history", "/search Xyzzy", "/kick bob"):
        terminal.type(f"{line}\n")
    terminal.type("still here\n/quit\n")
    assert terminal.ends() in (0, 1)
    check_harmless(terminal, LINES)
    assert "still here" in bytes(terminal.raw).decode()


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20), (160, 50)])
def test_the_full_screen_is_safe_from_everything_others_say(
    terminals: Terminals, spite: str, columns: int, rows: int
) -> None:
    terminal = terminals.start(*CLIENT, spite, "--nick", "ana", columns=columns, rows=rows)
    terminal.shows(HARMLESS)
    for _ in range(12):
        terminal.press("pageup")
    terminal.press("f1")
    terminal.shows("In the input")
    terminal.press("escape")
    terminal.shows_not("In the input")
    terminal.enter("/who")
    terminal.shows("of 2 here")
    terminal.enter("/rooms")
    for line, sheet in (
        ("/requests", "They ask to talk"),
        ("/search Xyzzy", "Found, the|Nothing was"),
    ):
        terminal.enter(line)
        terminal.shows(sheet)
        terminal.press("escape")
        terminal.shows_not(sheet)
    terminal.enter("/kick bob")
    terminal.resize(columns + 7, rows - 3)
    terminal.enter("still here")
    terminal.shows("still here")
    terminal.press("ctrl-q")
    assert terminal.ends() == 0
    check_harmless(terminal, FULL_SCREEN)
    assert terminal.left_on() == []


def test_a_long_paste_is_taken(terminals: Terminals, spite: str) -> None:
    terminal = terminals.start(*CLIENT, spite, "--nick", "ana")
    terminal.shows(HARMLESS)
    terminal.paste("x" * 100_000 + " \u202e\x9b2J end of it")  # A terminal takes C0 out itself.
    terminal.shows(r"end\s+of\s+it")
    terminal.press("ctrl-q")
    assert terminal.ends() == 0
    check_harmless(terminal, FULL_SCREEN)


# --- Every end ---


@pytest.fixture
def server(programs: Programs) -> Program:
    """A real server."""
    return programs.server()


def quit_by_command(terminal: Terminal) -> None:
    terminal.enter("/quit")


def quit_by_key(terminal: Terminal) -> None:
    terminal.press("ctrl-q")


def send(number: signal.Signals) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.signal(number)


ENDS: Final = {
    "a command": (quit_by_command, {0}),
    "a key": (quit_by_key, {0}),
    "SIGTERM": (send(signal.SIGTERM), {0}),
    "SIGINT": (send(signal.SIGINT), {0}),
    "SIGHUP": (send(signal.SIGHUP), {0, -signal.SIGHUP}),
}


@pytest.mark.parametrize("nick", [(), ("--nick", "ana"), ("--nick", "ana", "--plain")])
def test_it_ends_if_the_terminal_is_gone(
    terminals: Terminals, server: Program, nick: tuple[str, ...]
) -> None:
    terminal = terminals.start(*CLIENT, link_of(server), *nick)
    terminal.shows("(?i)ana|nickname")
    assert terminal.hang_up() in (0, 1, -signal.SIGHUP)


@pytest.mark.parametrize("how", ENDS)
def test_the_terminal_is_as_it_was_however_it_ends(
    terminals: Terminals, server: Program, how: str
) -> None:
    end, statuses = ENDS[how]
    terminal = terminals.start(*CLIENT, link_of(server), "--nick", "ana")
    terminal.shows("#lobby")
    terminal.shows("encrypted")
    end(terminal)
    assert terminal.ends() in statuses
    assert terminal.left_on() == []
    assert unexpected(bytes(terminal.raw), FULL_SCREEN) == []


def test_the_terminal_is_as_it_was_if_the_server_is_gone_for_good(
    terminals: Terminals, server: Program
) -> None:
    terminal = terminals.start(*CLIENT, link_of(server), "--nick", "ana")
    terminal.shows("encrypted")
    server.signal(signal.SIGKILL)
    server.ends()
    terminal.shows("again in|reconnect|no connection|lost")
    terminal.enter("said meanwhile")
    terminal.press("ctrl-q")
    terminal.press("ctrl-q")
    assert terminal.ends() in (0, 3)
    assert terminal.left_on() == []


_BROKEN: Final = """
import sys
from chat.client.tui import screen

def fail(*_):
    secret = "Xyzzy"
    raise RuntimeError("a bug that nobody foresaw")

screen.RoomScreen.action_help = fail
from chat.client.start import main
main()
"""


def test_the_terminal_is_as_it_was_after_a_bug_and_shows_no_traceback(
    terminals: Terminals, server: Program
) -> None:
    terminal = terminals.start(sys.executable, "-c", _BROKEN, link_of(server), "--nick", "ana")
    terminal.shows("encrypted")
    terminal.press("f1")
    assert terminal.ends() == 1
    assert terminal.left_on() == []
    raw = bytes(terminal.raw).decode()
    assert "Traceback" not in raw and MARK not in raw
    assert "went wrong" in raw or "encchat" in terminal.text


def test_what_is_typed_before_anything_is_there_is_not_lost(
    terminals: Terminals, server: Program
) -> None:
    terminal = terminals.start(*CLIENT, link_of(server), "--nick", "ana")
    terminal.type("typed at once")
    terminal.shows("encrypted")
    terminal.shows("typed at once")
    terminal.press("ctrl-q")
    assert terminal.ends() == 0


def test_sizes_from_tiny_to_huge_are_drawn(terminals: Terminals, server: Program) -> None:
    terminal = terminals.start(*CLIENT, link_of(server), "--nick", "ana")
    terminal.shows("encrypted")
    for columns, rows in ((40, 20), (20, 5), (3, 2), (300, 80), (80, 24)):
        terminal.resize(columns, rows)
    terminal.shows("#lobby")
    terminal.enter("all well")
    terminal.enter("/who")
    terminal.shows("here: ana")  # So it is stored, and nothing is asked.
    assert "all well" in terminal.text
    terminal.press("ctrl-q")
    assert terminal.ends() == 0 and terminal.left_on() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_asks_nothing_although_something_is_not_sent(
    terminals: Terminals, server: Program, number: signal.Signals
) -> None:
    terminal = terminals.start(*CLIENT, link_of(server), "--nick", "ana")
    terminal.shows("encrypted")
    server.signal(signal.SIGSTOP)
    terminal.enter("not heard")
    terminal.shows("1 not sent")
    terminal.signal(number)
    assert terminal.ends() in (0, 3, -number)
    server.signal(signal.SIGKILL)
    assert terminal.left_on() == []
