"""What the scenarios need of a server and of a client, whichever protocol they speak."""

import os
from pathlib import Path
from typing import Protocol

__all__ = ["Client", "PeerError", "Server", "cpu_seconds", "memory_bytes"]


class PeerError(Exception):
    """A server that refused, closed, said something unexpected, or could not be started."""


class Client(Protocol):
    """One connection: encrypted, logged in, in its room, and not blocking from then on."""

    delivered: int
    """Messages of others that it has received in all. Never counts one twice."""
    opened: int
    """Of these, how many were really decrypted, verified and compared with what was posted."""
    acknowledged: int
    """Messages of its own that the server keeps, and has said so. Where it keeps nothing, none."""
    seen: list[tuple[int, float]] | None
    """None, or where number and `time.monotonic()` of every message go while it opens them all."""

    def fileno(self) -> int:
        """Return the socket's descriptor, for epoll."""
        ...

    def post(self, text: str) -> None:
        """Say something in the room; `flush` sends it."""
        ...

    def flush(self) -> bool:
        """Send what is kept; whether all of it is sent now."""
        ...

    def receive(self) -> None:
        """Take in all that has arrived, without waiting. Raises PeerError at an end."""
        ...

    def sample(self, count: int) -> None:
        """Open, verify and compare the next `count` messages; only count those after them."""
        ...

    def close(self) -> None:
        """Cut the connection."""
        ...


class Server(Protocol):
    """A server process of its own on the loopback address. A context manager."""

    name: str
    """As it is to appear in the table, with its version."""
    port: int
    share: float
    """Of the posts of a scenario, how many it is given: one that is slow would take all day."""

    def __enter__(self) -> "Server":
        """Start it, and wait until it listens. Raises PeerError if it does not."""
        ...

    def __exit__(self, *exc_info: object) -> None:
        """Stop it, and remove all its files."""
        ...

    @property
    def pids(self) -> list[int]:
        """Its processes."""
        ...

    def connect(self, nick: str, room: str | None) -> Client:
        """Return a new client, logged in and, where a room is given, in it. Blocks."""
        ...


def cpu_seconds(server: Server) -> float:
    """Return the CPU time, user and system, that all threads of all its processes have used."""
    tasks = [task for pid in server.pids for task in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def memory_bytes(server: Server) -> int:
    """Return the resident memory of all its processes."""
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in server.pids]
    return sum(map(int, pages)) * os.sysconf("SC_PAGESIZE")
