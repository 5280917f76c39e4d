"""Running it: what happens to an operator who makes no mistake, or an ordinary one."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attacks.arena import Arena, Fell, attack

TWISTD = str(Path(sys.executable).with_name("twistd"))


def _twistd(*arguments: str, cwd: Path, seconds: float = 8) -> subprocess.CompletedProcess[str]:
    """Run twistd in a directory, and return what became of it. Raises Fell if it does not end."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    try:
        return subprocess.run(
            [TWISTD, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Fell(f"twistd {' '.join(arguments)} did not return in {seconds} s") from None


@attack(
    "a start on a busy port, and on a state in use, as a daemon and in the foreground",
    "a daemon never returned and said nothing; twistd.pid stayed",
)
def busy_start(arena: Arena) -> str:
    """Start where a server is already, four ways."""
    with arena.server() as server, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        unused = f"tcp:{free.getsockname()[1]}:interface=127.0.0.1"
        free.close()
        busy = f"tcp:{server.port}:interface=127.0.0.1"
        slowest = 0.0
        for number, (mode, listen, state, reason) in enumerate(
            (mode, *case)
            for mode in ((), ("-n",), ("-n", "-l", "log"))
            for case in (
                (busy, "other", f"cannot listen on {busy}: Address already in use"),
                (unused, "state", "another server is using the state directory"),
            )
        ):
            directory = arena.directory / f"start{number}"
            directory.mkdir()
            options = ("encchat", "--listen", listen, "--state", str(arena.directory / state))
            began = time.monotonic()
            result = _twistd(*mode, *options, cwd=directory)
            slowest = max(slowest, time.monotonic() - began)
            if result.returncode != 1 or f"encchat: {reason}" not in result.stderr:
                raise Fell(f"{mode}: status {result.returncode}, {result.stderr!r}")
            if list(directory.glob("*.pid")):
                raise Fell(f"{mode}: a pid file is left")
    return f"6 of 6 said why and ended with 1, no pid file, {slowest:.1f} s at most"


def _start(cwd: Path, state: Path) -> str:
    """Start in the foreground and stop again; return what is wrong with that, if anything."""
    process = subprocess.Popen(
        [
            *(TWISTD, "-n", "encchat", "--listen", "tcp:0:interface=127.0.0.1"),
            *("--state", str(state / "state")),
        ],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "Connect with" in line:
            process.terminate()
            seen = ""
            break
    process.stdout.read()
    return seen[-300:] or ("" if process.wait(8) == 0 else f"status {process.returncode}")


@attack(
    "twistd -n encchat where a twistd.pid is left over, and where nothing can be written",
    '"Another twistd server is running", and a traceback',
)
def stale_pid_file(arena: Arena) -> str:
    """Start beside pid files of every kind, and in a directory that nobody can write to."""
    contents = (str(os.getpid()), "", "rubbish")
    places = [arena.directory / str(number) for number in range(len(contents))]
    for place, content in zip(places, contents, strict=True):
        place.mkdir()
        (place / "twistd.pid").write_text(content)
    with ThreadPoolExecutor() as threads:
        results = [*threads.map(_start, [*places, Path("/proc")], [*places, arena.directory])]
    if any(results):
        raise Fell(f"{results}")
    if any(
        (place / "twistd.pid").read_text() != it for place, it in zip(places, contents, strict=True)
    ):
        raise Fell("it touched a pid file that is not its own")
    return f"{len(places)} of {len(places)} pid files, and /proc: it started, and ended with 0"
