"""The programs that users start, as processes: what they print, what is typed into them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Condition, Thread
from time import monotonic
from typing import IO, Final

from tests.e2e.support import PATIENCE

CHECKOUT: Final = Path(__file__).parents[2]
TWISTD: Final = ("twistd", "-n", "--pidfile=")
TWIST: Final = ("twist", "--log-format=text")
TCP: Final = "tcp:0:interface=127.0.0.1"


class Program:
    """A process. All that it prints is kept, as it came."""

    def __init__(
        self, command: Sequence[str | Path], directory: Path, environment: Mapping[str, str]
    ) -> None:
        self._changed = Condition()
        self._printed = {"out": b"", "err": b""}
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._input = self._process.stdin
        self._threads = [
            Thread(target=self._read, args=(stream, name), daemon=True)
            for stream, name in ((self._process.stdout, "out"), (self._process.stderr, "err"))
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, stream: IO[bytes], name: str) -> None:
        with stream:
            while chunk := stream.read(65_536):
                with self._changed:
                    self._printed[name] += chunk
                    self._changed.notify_all()

    @property
    def out(self) -> str:
        """What it printed to standard output."""
        return self._printed["out"].decode()

    @property
    def err(self) -> str:
        """What it printed to standard error."""
        return self._printed["err"].decode()

    def _expect(self, text: Callable[[], str], pattern: str) -> re.Match[str]:
        deadline = monotonic() + PATIENCE
        with self._changed:
            while not (found := re.search(pattern, text(), re.MULTILINE)):
                left = deadline - monotonic()
                assert left > 0, f"no {pattern!r} in {self.out!r} and {self.err!r}"
                self._changed.wait(min(left, 0.2))
        return found

    def says(self, pattern: str) -> re.Match[str]:
        """Wait until standard output matches a regular expression."""
        return self._expect(lambda: self.out, pattern)

    def notes(self, pattern: str) -> re.Match[str]:
        """Wait until standard error matches a regular expression."""
        return self._expect(lambda: self.err, pattern)

    def type(self, text: str) -> None:
        """Write to its standard input."""
        self._input.write(text.encode())

    def end_input(self) -> None:
        """Close its standard input."""
        self._input.close()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def ends(self) -> int:
        """Wait for its end. Returns the status."""
        status = self._process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        return status

    def clean_up(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(PATIENCE)
        self._input.close()


class Programs:
    """Starts programs, in a directory of their own, and ends them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[Program] = []

    def start(self, *command: str | Path, **environment: str) -> Program:
        """Start a program."""
        program = Program(command, self.directory, environment)
        self._started.append(program)
        return program

    def server(
        self,
        *arguments: str,
        runner: Sequence[str] = TWISTD,
        listen: Sequence[str] = (TCP,),
        state: Path | None = None,
    ) -> Program:
        """Start a server."""
        name, *options = runner
        endpoints = [part for endpoint in listen for part in ("--listen", endpoint)]
        return self.start(
            Path(sys.executable).with_name(name),
            *options,
            "encchat",
            *endpoints,
            *("--state", str(state or self.directory / "state")),
            *arguments,
        )

    def client(self, link: str, *arguments: str) -> Program:
        """Start a client."""
        home = str(self.directory / "home")
        return self.start(
            *(sys.executable, "-m", "chat.client", link, *arguments), ENCCHAT_HOME=home
        )

    def bot(self, path: Path, address: str) -> Program:
        """Start a program that uses the API for bots."""
        return self.start(sys.executable, path, address, ENCCHAT_HOME=str(self.directory / "home"))

    def clean_up(self) -> None:
        """End what has not ended."""
        for program in self._started:
            program.clean_up()


def has_entered(client: Program) -> None:
    """Wait until a client is in its room, by asking it who else is."""
    client.type("/who\n")
    client.says(r"^\* .* here: .*$")


def link_of(server: Program) -> str:
    """Return the link that a server tells its operator to use, once it does."""
    return server.says(r'Connect with: \S+ -m chat\.client "(encchat://\S+)"$')[1]
