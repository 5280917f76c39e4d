"""The interfaces of servers and clients in scenarios, whichever protocol they speak."""

import os
from pathlib import Path
from typing import Protocol

__all__ = ["Client", "PeerError", "Server", "cpu_seconds", "memory_bytes"]


class PeerError(Exception):
    """A server that refused, closed, said something unexpected, or could not be started."""


class Client(Protocol):
    """One connection: encrypted, logged in, in its room, and non-blocking from then on."""

    delivered: int
    """Messages from others received in total. Never counts one twice."""
    opened: int
    """How many of these were decrypted, verified and compared with what was posted."""
    acknowledged: int
    """Its own messages that the server has acknowledged as stored; 0 if it stores nothing."""
    seen: list[tuple[int, float]] | None
    """If not None, collects number and `time.monotonic()` of every message, and opens them all."""

    def fileno(self) -> int:
        """Return the socket's descriptor, for epoll."""
        ...

    def post(self, text: str) -> None:
        """Post in the room; `flush` sends it."""
        ...

    def flush(self) -> bool:
        """Send buffered bytes; return whether all have been sent."""
        ...

    def receive(self) -> None:
        """Process whatever has arrived, without waiting. Raises PeerError at end of stream."""
        ...

    def sample(self, count: int) -> None:
        """Open, verify and compare the next `count` messages; only count the ones after them."""
        ...

    def close(self) -> None:
        """Cut the connection."""
        ...


class Server(Protocol):
    """A server in its own process on the loopback address. A context manager."""

    name: str
    """Its name in the table, with its version."""
    port: int
    share: float
    """The share of a scenario's posts that it gets: a slow server would take all day."""

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
        """Return a new client, logged in and, if a room is given, in it. Blocks."""
        ...


def cpu_seconds(server: Server) -> float:
    """Return the CPU seconds, user and system, that all threads of its processes have used."""
    tasks = [task for pid in server.pids for task in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def memory_bytes(server: Server) -> int:
    """Return the resident memory of all its processes."""
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in server.pids]
    return sum(map(int, pages)) * os.sysconf("SC_PAGESIZE")
