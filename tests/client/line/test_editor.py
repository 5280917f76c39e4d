"""The line editor, on a pseudo-terminal: a real process and a real server."""

import os
import re
import select
import signal
import socket
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chat.client.line.screen import can_edit
from tests.client.line.test_app import SECONDS, Terminal, port, run_script

__all__ = ["port"]

PASTE = "\x1b[200~{}\x1b[201~"
ENTER = "\r"


class Editing(Terminal):
    """A person at a terminal that can do what the editor needs."""

    def __init__(
        self, *arguments: str, home: Path, command: tuple[str, ...] = ("-m", "chat.client")
    ) -> None:
        super().__init__(*arguments, home=home, term="xterm-256color", command=command)
        self.fd = self._fd

    def keys(self, keys: str | bytes) -> None:
        """Press keys."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            _, writable, _ = select.select([], [self.fd], [], 0.1)
            if writable:
                data = data[os.write(self.fd, data[:512]) :]
            self.drain()

    def drain(self) -> None:
        """Read what is there, so that the other side can go on."""
        if select.select([self.fd], [], [], 0)[0]:
            with suppress(OSError):  # The other end is closed.
                self.note(os.read(self.fd, 65_536))

    def enter(self) -> None:
        """Wait until one can type."""
        self.expect("You are ")
        self.wait(self.is_raw)

    def is_raw(self) -> bool:
        """Tell whether the terminal gives each key, and shows none."""
        return not termios.tcgetattr(self.fd)[3] & (termios.ICANON | termios.ECHO)

    def wait(self, is_true: Callable[[], bool]) -> None:
        """Wait for something."""
        deadline = time.monotonic() + SECONDS
        while not is_true():
            assert time.monotonic() < deadline
            time.sleep(0.02)
            self.drain()

    def is_line_by_line(self) -> bool:
        """Tell whether the terminal is as terminals are."""
        flags = termios.tcgetattr(self.fd)[3]
        return bool(flags & termios.ICANON and flags & termios.ECHO)

    def ends(self, status: int) -> None:
        """Wait for the end, and look at what the terminal is left like."""
        self.wait(lambda: self.process.poll() is not None)
        self.drain()
        assert self.process.returncode == status, self.seen
        assert self.is_line_by_line()
        assert "Traceback" not in self.seen


Start = Callable[..., Editing]


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    """Let people sit down."""
    people: list[Editing] = []

    def sit(*arguments: str) -> Editing:
        person = Editing(f"localhost:{port}", "--plain", *arguments, home=tmp_path / "home")
        people.append(person)
        return person

    try:
        yield sit
    finally:
        for person in people:
            person.end()


def test_what_arrives_does_not_touch_what_is_typed(start: Start) -> None:
    ana = start("--nick", "ana")
    ana.expect("You are ana in lobby")
    bob = start("--nick", "bob")
    bob.expect("You are bob in lobby")
    ana.keys("half a ")
    ana.expect("half a")
    for number in range(3):
        bob.keys(f"line {number}{ENTER}")
        # It is printed above, and what is being typed is drawn again below it.
        ana.expect(rf"bob: line {number}\r?\n(.|\n)*half a")
    ana.keys(f"sentence{ENTER}")
    bob.expect(r"ana: half a sentence\r?\n")
    ana.keys("/quit" + ENTER)
    ana.ends(0)


def test_a_nickname_is_asked_for_and_a_line_can_be_edited(start: Start) -> None:
    ana = start()
    ana.expect("Nickname:")
    ana.keys("anax\x7f" + ENTER)
    ana.expect("You are ana in lobby")
    bob = start("--nick", "bob")
    bob.expect("You are bob in lobby")
    ana.keys("world\x01hello \x05!" + ENTER)
    bob.expect(r"ana: hello world!\r?\n")
    ana.keys("\x1b[A\x7f?" + ENTER)
    bob.expect(r"ana: hello world\?\r?\n")
    ana.keys("/quit" + ENTER)
    ana.ends(0)


@pytest.mark.parametrize("is_bracketed", [True, False])
def test_a_line_that_is_longer_than_a_terminal_takes_arrives_whole(
    start: Start, tmp_path: Path, port: int, is_bracketed: bool
) -> None:
    ana = start("--nick", "ana")
    ana.enter()
    text = "".join(f"{number:04} " for number in range(1_400)).strip()
    ana.keys((PASTE.format(text) if is_bracketed else text) + ENTER)
    ana.keys("and more" + ENTER + "/quit" + ENTER)
    ana.ends(0)
    reader = run_script(port, tmp_path, "--nick", "reader", "--history", "2", lines="/who\n")
    assert reader.stdout.splitlines()[:2] == [f"ana: {text}", "ana: and more"]


def test_what_is_far_too_long_or_no_text_is_refused(start: Start) -> None:
    ana = start("--nick", "ana")
    ana.enter()
    ana.keys(PASTE.format("x" * 70_000) + ENTER)
    ana.expect("That is far too long, and was not sent.")
    ana.keys(b"\xff\xfe" + ENTER.encode())
    ana.expect("That is not UTF-8, and was not sent.")
    ana.keys("/quit" + ENTER)
    ana.ends(0)


def test_pasted_lines_are_lines_and_more_than_may_wait(start: Start) -> None:
    ana, bob = start("--nick", "ana"), start("--nick", "bob")
    ana.enter()
    bob.enter()
    lines = [f"line {number}" for number in range(150)]
    ana.keys(PASTE.format("\r".join(lines)) + ENTER)
    ana.keys("/quit" + ENTER)
    ana.ends(0)
    for line in lines:
        bob.expect(rf"ana: {line}\r?\n")


@pytest.mark.parametrize("typed", ["", "half a line"])
def test_control_c_leaves_at_once(start: Start, typed: str) -> None:
    ana = start("--nick", "ana")
    ana.expect("You are ana in lobby")
    ana.keys(typed + "\x03")
    ana.ends(0)


def test_control_d_is_the_end(start: Start) -> None:
    ana = start("--nick", "ana")
    ana.expect("You are ana in lobby")
    ana.keys("bye" + ENTER + "\x04")
    ana.ends(0)


def test_no_nickname_is_a_status_and_control_d_gives_none(start: Start) -> None:
    nobody = start()
    nobody.expect("Nickname:")
    nobody.keys("\x04")
    nobody.expect("No nickname was given.")
    nobody.ends(1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_terminal_as_it_was(start: Start, number: signal.Signals) -> None:
    ana = start("--nick", "ana")
    ana.expect("You are ana in lobby")
    ana.wait(ana.is_raw)
    ana.process.send_signal(number)
    ana.ends(0)


def test_without_a_server_the_status_is_the_same(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = unused.getsockname()[1]
    person = Editing(f"localhost:{nobody}", "--plain", "--nick", "ana", home=tmp_path)
    try:
        person.expect("Nothing listens at")
        person.ends(3)
    finally:
        person.end()


def test_what_acts_on_a_terminal_is_written_out(start: Start, tmp_path: Path, port: int) -> None:
    ana = start("--nick", "ana")
    ana.expect("You are ana in lobby")
    run_script(port, tmp_path, "--nick", "eve", lines="x \x1b]52;c;AAAA\x07 \x9b2J\n")
    ana.expect(r"eve: x \\x1b\]52;c;AAAA\\x07 \\x9b2J")
    ana.keys("/quit" + ENTER)
    ana.ends(0)


@pytest.mark.parametrize(
    ("environment", "platform", "can"),
    [
        ({"TERM": "xterm"}, "linux", True),
        ({"TERM": "dumb"}, "linux", False),
        ({"TERM": "unknown"}, "linux", False),
        ({"TERM": ""}, "linux", False),
        ({}, "linux", False),
        ({"TERM": "xterm"}, "win32", False),
    ],
)
def test_where_a_line_can_be_edited(environment: dict[str, str], platform: str, can: bool) -> None:
    assert can_edit(environment, platform) is can


def test_a_poor_terminal_keeps_its_own_line(tmp_path: Path, port: int) -> None:
    person = Terminal(f"localhost:{port}", "--nick", "ana", home=tmp_path, term="dumb")
    try:
        person.expect("You are ana in lobby")
        assert not re.search("\x1b", person.seen)
        assert termios.tcgetattr(person._fd)[3] & termios.ICANON
    finally:
        person.end()


def test_control_c_leaves_also_while_pasted_lines_wait(start: Start) -> None:
    ana = start("--nick", "ana")
    ana.enter()
    ana.keys(f"!cut{ENTER}")
    ana.expect("The connection was lost")
    ana.keys(PASTE.format("\r".join(f"line {number}" for number in range(300))) + ENTER + "\x03")
    ana.wait(lambda: ana.process.poll() is not None)
    assert ana.process.returncode in (0, 3)
    assert ana.is_line_by_line()


SECRETS = """
import asyncio, sys
from threading import Semaphore
from chat.client.line.editor import Editor

loop = asyncio.SelectorEventLoop()
asyncio.set_event_loop(loop)
editor = Editor(loop, lambda: None)
typed = []

def on_line(line):
    typed.append(line)
    if len(typed) == 1:
        editor.answered()
        editor.show("answered")
    else:
        editor.show(f"typed {[len(it) for it in typed]}")
        loop.stop()

editor.prompt("Password: ", is_secret=True)
editor.start(Semaphore(9), on_line, loop.stop, loop.stop)
loop.run_forever()
editor.stop()
"""


def test_a_password_is_neither_shown_nor_remembered(tmp_path: Path) -> None:
    person = Editing(home=tmp_path, command=("-c", SECRETS))
    try:
        person.expect("Password:")
        person.wait(person.is_raw)
        person.keys("correct horse" + ENTER)
        person.expect("answered")
        # Not from the history either: the line before this one is empty.
        person.keys("\x1b[A!" + ENTER)
        person.expect(re.escape("typed [13, 1]"))
        assert "correct" not in person.all and "*" not in person.all
    finally:
        person.end()
