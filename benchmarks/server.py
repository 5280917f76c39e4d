"""A server started as users start it, in its own process, and its costs."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

__all__ = ["ServerProcess", "free_port"]

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_UNLIMITED = ("messages_per_second=0", "bytes_per_second=0", "accounts_per_hour=1000000")
"""Benchmark clients connect and send as fast as the server answers."""
_LISTENING = re.compile(r"Listening on .*:(\d+)")


def free_port() -> int:
    """Return a free port on the loopback address."""
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        port: int = plug.getsockname()[1]
        return port


class ServerProcess:
    """``twistd encchat`` on the loopback address, with its own state directory.

    With two cores or more, it gets the first one to itself and the clients get the others. Linux
    only: it reads the costs from /proc.
    """

    def __init__(
        self,
        state: Path | None = None,
        port: int = 0,
        limits: Sequence[str] = (),
        has_own_core: bool = True,
        program: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> None:
        """Use an existing state directory and a port, if given.

        `limits` are additional ones, each as NAME=VALUE. Without `has_own_core`, the caller has
        assigned the cores. `program` runs instead of twistd; `options` are additional options of
        encchat.
        """
        self.port = port
        self._state = state
        self._limits = (*_UNLIMITED, *limits)
        self._has_own_core = has_own_core
        self._options = options
        self._program = program or [str(Path(sys.executable).with_name("twistd"))]
        self._cores = os.sched_getaffinity(0)

    def __enter__(self) -> "ServerProcess":
        """Start it, and wait until it listens. Raises RuntimeError if it does not."""
        self._directory = tempfile.TemporaryDirectory()
        self._log = Path(self._directory.name) / "log"
        self.start()
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
        if self._has_own_core:
            os.sched_setaffinity(0, self._cores)
        self._directory.cleanup()

    def start(self) -> None:
        """Restart it after `kill`, on the same port. Raises RuntimeError if it does not listen."""
        listen = f"tcp:{self.port}:interface=127.0.0.1"
        command = [
            *(*self._program, "--nodaemon", "--pidfile="),
            *(f"--logfile={self._log}", "encchat", "--listen", listen),
            *("--state", str(self._state or Path(self._directory.name) / "state")),
            *(word for limit in self._limits for word in ("--limit", limit)),
            *self._options,
        ]
        begin = len(self.log())
        self._process = subprocess.Popen(command)
        cores = sorted(self._cores)
        if self._has_own_core and len(cores) > 1:
            os.sched_setaffinity(self._process.pid, cores[:1])
            os.sched_setaffinity(0, cores[1:])
        self.port = self._wait_for_port(begin)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """Send it SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        """Return its log so far."""
        return self._log.read_text() if self._log.exists() else ""

    def _wait_for_port(self, begin: int) -> int:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            found = _LISTENING.search(self.log(), begin)
            if found:
                return int(found[1])
            time.sleep(0.05)
        self.kill()
        raise RuntimeError("the server did not start: " + self.log())

    def cpu_seconds(self) -> float:
        """Return the CPU seconds, user and system, that the server has used."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def memory_bytes(self) -> int:
        """Return the server's resident memory in bytes."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")
