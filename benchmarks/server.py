"""A server started as users start it, in a process of its own, and what it costs there."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

__all__ = ["ServerProcess", "free_port"]

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_LISTENING = re.compile(r"Listening on .*:(\d+)")


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on at the moment."""
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        port: int = plug.getsockname()[1]
        return port


class ServerProcess:
    """``twistd encchat`` on a free port of the loopback address, with a state directory of its own.

    Given two cores or more, it has the first to itself and the clients the others. Linux only: the
    costs are read from /proc.
    """

    def __init__(self, state: Path | None = None) -> None:
        """With a state directory of somebody else's, if one is given."""
        self._state = state

    def __enter__(self) -> "ServerProcess":
        """Start it, and wait until it listens. Raises RuntimeError if it does not."""
        self._directory = tempfile.TemporaryDirectory()
        log = Path(self._directory.name) / "log"
        command = [
            *(str(Path(sys.executable).with_name("twistd")), "--nodaemon", "--pidfile="),
            *(f"--logfile={log}", "encchat", "--listen", "tcp:0:interface=127.0.0.1"),
            *("--state", str(self._state or Path(self._directory.name) / "state")),
        ]
        self._process = subprocess.Popen(command)
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(self._process.pid, cores[:1])
            os.sched_setaffinity(0, cores[1:])
        self.port = self._wait_for_port(log)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._directory.cleanup()

    def _wait_for_port(self, log: Path) -> int:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            found = _LISTENING.search(log.read_text()) if log.exists() else None
            if found:
                return int(found[1])
            time.sleep(0.05)
        self._process.kill()
        self._process.wait()
        raise RuntimeError("the server did not start: " + log.read_text())

    def cpu_seconds(self) -> float:
        """Return the CPU time, user and system, that the server has used."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def memory_bytes(self) -> int:
        """Return the server's resident memory."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")
