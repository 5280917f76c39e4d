"""``python -m benchmarks.kills``: kill the server again and again while clients post.

The programs are those that users start. Each client is a script that posts its lines and leaves
when every one of them is acknowledged; one more only reads. Whenever enough of what is said has
arrived, the server gets SIGKILL and is started again on the same state.

Fails if an acknowledged line is missing anywhere, if one was shown twice, if two saw another order,
or if a kill did not land while every client was posting and lines were on the way.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import IO, Final

from benchmarks.server import free_port

__all__ = ["Failed", "run"]

_PATIENCE: Final = 120.0
_POLL: Final = 0.002

_BURST: Final = 30
_BURST_SECONDS: Final = 0.8


class Failed(Exception):
    """Something that must not happen has happened."""


class _Program:
    """A process whose lines are kept."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.fed = 0
        """Lines typed so far."""
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for stream, kept in (
            (self.process.stdout, self.lines),
            (self.process.stderr, self.notes),
        ):
            assert stream is not None
            Thread(target=_keep, args=(stream, kept), daemon=True).start()

    def feed(self, lines: list[str]) -> None:
        """Type lines in bursts, then end the input."""
        Thread(target=self._feed, args=(lines,), daemon=True).start()

    def _feed(self, lines: list[str]) -> None:
        assert self.process.stdin is not None
        for start in range(0, len(lines), _BURST):
            burst = lines[start : start + _BURST]
            self.process.stdin.write("".join(burst))
            self.process.stdin.flush()
            self.fed += len(burst)
            time.sleep(_BURST_SECONDS)
        self.process.stdin.close()


def _keep(stream: IO[str], kept: list[str]) -> None:
    for line in stream:
        kept.append(line.rstrip("\n"))


def _wait(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"waited too long: {what}")
        time.sleep(_POLL)


class _Server:
    """A server that is killed and started again."""

    def __init__(self, directory: Path, port: int) -> None:
        self._directory = directory
        self._port = port
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        twistd = str(Path(sys.executable).with_name("twistd"))
        self._program = _Program(
            [
                *(twistd, "--nodaemon", "--pidfile=", "encchat"),
                *("--listen", f"tcp:{self._port}:interface=127.0.0.1"),
                *("--state", str(self._directory / "state")),
            ],
            {},
        )
        _wait("a server", lambda: any("Connect with" in line for line in self._program.lines))

    def kill(self) -> None:
        """Kill it, by its id, at once."""
        self._program.process.kill()
        self.end(signal.SIGKILL)

    def end(self, number: int) -> None:
        """Send it a signal, by its id, and wait until it is gone."""
        self._program.process.send_signal(number)
        self._program.process.wait(_PATIENCE)
        said = "\n".join(self._program.lines + self._program.notes)
        if "Traceback" in said:
            raise Failed(said)


def run(clients: int, lines: int, kills: int) -> None:
    """Do it: so many clients, lines of each, and kills. Raises Failed."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        port = free_port()
        server = _Server(directory, port)

        def client(nick: str) -> _Program:
            command = [sys.executable, "-m", "chat.client", f"localhost:{port}", "--nick", nick]
            program = _Program([*command, "--plain"], {"ENCCHAT_HOME": str(directory / nick)})
            _wait(nick, lambda: any("You are" in note for note in program.notes))
            return program

        programs: list[_Program] = []
        try:
            reader = client("reader")
            programs.append(reader)
            posters = [client(f"p{number}") for number in range(clients)]
            programs += posters
            _kill_and_check(server, reader, posters, lines, kills)
        finally:
            for program in programs:
                program.process.kill()
                program.process.wait()
            server.end(signal.SIGTERM)


def _kill_and_check(
    server: _Server, reader: _Program, posters: list[_Program], lines: int, kills: int
) -> None:
    total = lines * len(posters)
    for number, poster in enumerate(posters):
        poster.feed([f"line {number}/{line}\n" for line in range(lines)])
    for kill in range(1, kills + 1):
        goal = total * kill // (kills + 2)
        _wait_for_traffic(reader, posters, goal)
        finished = sum(poster.process.poll() is not None for poster in posters)
        server.kill()
        fed, arrived = sum(poster.fed for poster in posters), len(_said(reader))
        if finished or fed <= arrived:
            raise Failed(f"kill {kill} did not land under traffic: {finished} clients were done")
        print(
            f"kill {kill}: {arrived:,} of {total:,} lines had arrived, {fed - arrived:,} on the way"
        )
        server.start()
    _wait("all clients to leave", lambda: all(it.process.poll() is not None for it in posters))
    _wait("everything to arrive", lambda: len(_said(reader)) >= total)
    order = _said(reader)
    statuses = [poster.process.returncode for poster in posters]
    if any(statuses):
        raise Failed(f"clients ended with {statuses}: {posters[0].notes[-3:]}")
    expected = {f"p{n}: line {n}/{line}" for n in range(len(posters)) for line in range(lines)}
    if len(order) != total or set(order) != expected:
        lost, extra = len(expected - set(order)), len(order) - len(set(order))
        raise Failed(f"{lost} acknowledged lines lost, {extra} shown twice")
    for number, poster in enumerate(posters):
        seen = _said(poster)
        others = [line for line in order if not line.startswith(f"p{number}: ")]
        # A client leaves when its own lines are acknowledged; the others may go on.
        if seen != others[: len(seen)]:
            raise Failed(f"client {number} saw something else, or in another order")
    again = sum(any("Connected again" in note for note in it.notes) for it in posters)
    cuts = sum("Connected again" in note for it in posters for note in it.notes)
    print(f"{again} clients came back {cuts} times")
    print(f"{total:,} lines acknowledged, 0 lost, 0 shown twice, one order for all; {kills} kills")


def _wait_for_traffic(reader: _Program, posters: list[_Program], goal: int) -> None:
    """Wait until so much has arrived, and then until something is on the way."""

    def is_on_the_way() -> bool:
        arrived = len(_said(reader))
        return arrived >= goal and sum(it.fed for it in posters) >= arrived + 3 * _BURST

    _wait(f"{goal} lines", is_on_the_way)


def _said(program: _Program) -> list[str]:
    return [line for line in list(program.lines) if ": line " in line]


if __name__ == "__main__":
    try:
        run(clients=10, lines=1_000, kills=10)
    except Failed as error:
        sys.exit(f"FAILED: {error}")
