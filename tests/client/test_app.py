"""The client as a person has it: a real process on a pseudo-terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.client.address import Address
from chat.client.app import parse_arguments

SECONDS = 20.0
CHECKOUT = Path(__file__).parents[2]


class Terminal:
    """A process whose terminal you are."""

    def __init__(self, *arguments: str, home: Path) -> None:
        self._fd, inner = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chat.client", *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            cwd=CHECKOUT,
            env={**os.environ, "ENCCHAT_HOME": str(home), "PYTHONPATH": str(CHECKOUT)},
        )
        os.close(inner)
        self.seen = ""

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
                self.seen += chunk.decode()
        self.seen = self.seen[found.end() :]

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._fd, line.encode() + b"\n")

    def end(self) -> None:
        """Kill what is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._fd)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Run a server; where it listens."""
    log = tmp_path / "log"
    server = subprocess.Popen(
        [
            *(str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile="),
            *(f"--logfile={log}", "encchat", "--listen", "tcp:0:interface=127.0.0.1"),
            *("--state", str(tmp_path / "state")),
        ],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    try:
        deadline = time.monotonic() + SECONDS
        while not (
            log.exists() and (found := re.search(r"localhost:(\d+)/", log.read_text("utf-8")))
        ):
            assert time.monotonic() < deadline and server.poll() is None
            time.sleep(0.05)
        yield int(found[1])
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def terminals(tmp_path: Path, port: int) -> Iterator[list[Terminal]]:
    """Give two people at their terminals."""
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
    ana.type("BOB")
    ana.expect("The nickname BOB is taken.")
    ana.expect("Nickname: ")
    ana.type("ana")
    ana.expect("You are ana in lobby; one other is here")
    bob.expect(r"\* ana joined\r\n")
    ana.type("hello")
    bob.expect(r"ana: hello\r\n")
    bob.type("hi \x1b]0;title\x07")
    ana.expect(r"bob: hi \\x1b\]0;title\\x07\r\n")
    ana.type("/who")
    ana.expect(r"\* 2 here: ana, bob\r\n")
    ana.type("/help")
    ana.expect("/nick NAME")
    ana.type("/nick anna")
    ana.expect(r"\* You are now known as anna\.")
    bob.expect(r"\* ana is now known as anna\r\n")
    ana.type("/quit")
    assert ana.process.wait(SECONDS) == 0
    bob.expect(r"\* anna left\r\n")
    bob.process.send_signal(signal.SIGINT)
    assert bob.process.wait(SECONDS) == 0
    assert "Traceback" not in ana.seen + bob.seen


def test_without_arguments_it_is_this_machine() -> None:
    arguments = parse_arguments([])
    assert arguments.address == Address("localhost", 5555)
    assert (arguments.nick, arguments.plain, arguments.trust_new) == (None, False, False)


def test_a_wrong_address_is_refused_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(["host:\x1b99"])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert r"host:\x1b99" in message and "HOST:PORT" in message
