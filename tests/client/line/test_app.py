"""The client as a person has it: a real process on a pseudo-terminal."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS = 20.0
CHECKOUT = Path(__file__).parents[3]


class Terminal:
    """A process whose terminal you are."""

    def __init__(
        self,
        *arguments: str,
        home: Path,
        term: str = "dumb",
        command: tuple[str, ...] = ("-m", "chat.client"),
    ) -> None:
        self._fd, inner = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, *command, *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            cwd=CHECKOUT,
            env={
                **os.environ,
                "ENCCHAT_HOME": str(home),
                "PYTHONPATH": str(CHECKOUT),
                "TERM": term,
            },
        )
        os.close(inner)
        self.seen = ""
        self.all = ""
        """Everything that came, also what was expected and is forgotten."""

    def expect(self, pattern: str) -> None:
        """Wait until `pattern` is on the screen, and forget what is before its end."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.seen)):
            left = deadline - time.monotonic()
            assert left > 0, self.seen
            if select.select([self._fd], [], [], left)[0]:
                try:
                    chunk = os.read(self._fd, 4096)
                except OSError:
                    chunk = b""  # The other end is closed.
                assert chunk, self.seen
                self.note(chunk)
        self.seen = self.seen[found.end() :]

    def note(self, chunk: bytes) -> None:
        """Take what came."""
        text = chunk.decode(errors="replace")
        self.seen += text
        self.all += text

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._fd, line.encode() + b"\n")

    def end(self) -> None:
        """Kill what is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._fd)


def run_script(
    port: int, home: Path, *arguments: str, lines: str
) -> subprocess.CompletedProcess[str]:
    """Run the client as a script does."""
    return subprocess.run(
        [sys.executable, "-m", "chat.client", f"localhost:{port}", *arguments],
        input=lines,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=CHECKOUT,
        env={**os.environ, "ENCCHAT_HOME": str(home), "PYTHONPATH": str(CHECKOUT)},
        check=False,
    )


@pytest.fixture
def port() -> Iterator[int]:
    """Run a server; where it listens."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.client.serve"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        text=True,
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.terminate()
        server.communicate()


@pytest.fixture
def terminals(tmp_path: Path, port: int) -> Iterator[list[Terminal]]:
    """Give two people at their terminals, with one home."""
    both = [
        Terminal(f"localhost:{port}", home=tmp_path / "home"),
        Terminal(f"localhost:{port}", "--nick", "bob", home=tmp_path / "home"),
    ]
    try:
        yield both
    finally:
        for terminal in both:
            terminal.end()


def test_two_people_talk(terminals: list[Terminal]) -> None:
    ana, bob = terminals
    bob.expect("You are bob in lobby")
    ana.expect("Nickname: ")
    ana.type("ana")
    ana.expect("You are ana in lobby; one other is a member")
    ana.type("hello")
    bob.expect(r"ana: hello\r\n")
    bob.type("hi \x1b]0;title\x07")
    ana.expect(r"bob: hi \\x1b\]0;title\\x07\r\n")
    ana.type("/who")
    ana.expect(r"\* 2 here: ana, bob\r\n")
    ana.type("/create python")
    ana.expect(r"\* You are in python now\.\r\n")
    bob.type("still here?")
    ana.expect(r"\[lobby\] bob: still here\?\r\n")
    ana.type("/msg bob yes")
    bob.expect(r"\[private\] ana: yes\r\n")
    ana.type("/nick anna")
    ana.expect(r"\* You are now known as anna\.")
    ana.type("/quit")
    assert ana.process.wait(SECONDS) == 0
    bob.process.send_signal(signal.SIGINT)
    assert bob.process.wait(SECONDS) == 0
    assert "Traceback" not in ana.seen + bob.seen


def test_what_is_typed_without_a_connection_arrives_once(terminals: list[Terminal]) -> None:
    ana, bob = terminals
    bob.expect("You are bob in lobby")
    ana.expect("Nickname: ")
    ana.type("ana")
    ana.expect("You are ana in lobby")
    ana.type("!cut")
    ana.expect(r"\* The connection was lost; trying again\.\r\n")
    ana.type("meanwhile")
    bob.expect(r"ana: !cut\r\n")
    ana.expect(r"\* Connected again\.\r\n")
    bob.expect(r"^ana: meanwhile\r\n")
    ana.type("/quit")
    assert ana.process.wait(SECONDS) == 0
    assert "!cut" not in ana.seen.replace("meanwhile", "")


def test_a_script_outlives_its_connection(tmp_path: Path, port: int) -> None:
    lines = "one\n!cut\ntwo\nthree\n"
    script = run_script(port, tmp_path, "--nick", "bot", lines=lines)
    assert (script.returncode, script.stdout) == (0, "")
    reader = run_script(port, tmp_path, "--nick", "reader", "--history", "3", lines="/who\n")
    assert reader.stdout.splitlines() == [
        *("bot: !cut", "bot: two", "bot: three"),
        "* 1 of 2 here: bot (away), reader",
    ]
    assert reader.returncode == 0
    other = run_script(port, tmp_path / "other", "--nick", "bot", lines="")
    assert other.returncode == 1 and "The nickname bot is taken." in other.stderr


def test_a_script_that_goes_well_is_silent_on_standard_error(tmp_path: Path, port: int) -> None:
    first = run_script(port, tmp_path, "--nick", "bot", lines="one\n")
    [pinned] = first.stderr.splitlines()
    assert pinned.startswith(f"* The host key of localhost:{port} is new, and pinned from now on")
    for arguments in ((), ("--plain",)):
        later = run_script(port, tmp_path, "--nick", "bot", *arguments, lines="two\n/topic\n")
        assert (later.returncode, later.stderr) == (0, "")
        assert later.stdout == "* lobby has no topic.\n"


def test_a_person_may_choose_the_plain_form(tmp_path: Path, port: int) -> None:
    terminal = Terminal(f"localhost:{port}", "--nick", "bob", "--plain", home=tmp_path)
    try:
        terminal.expect("You are bob in lobby")
    finally:
        terminal.end()


def test_no_server_is_a_status(tmp_path: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = unused.getsockname()[1]
    script = run_script(nobody, tmp_path, "--nick", "bot", lines="")
    assert (script.returncode, script.stdout) == (3, "")
    assert script.stderr == f"Nothing listens at localhost:{nobody}; is the server running?\n"
