"""The cost of a delivery in machine-independent counts: a guard against getting slower.

The server runs as users run it. `make bench` measures seconds; this counts system calls, bytes,
ciphers and hashes, each with a bound slightly above the count when the test was written.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.encchat import Encchat, EncchatClient
from benchmarks.load import run

READERS = 40
POSTS = 64
WINDOWS = 10
"""How often to look. On a busy machine what is sent at once arrives in parts, records are filed
every few seconds, and clients are pinged: all that only adds to what one look finds."""

CIPHERS = "newp"
"""The cffi function that PyCryptodome calls once per cipher, with its key schedule."""


class CountedServer:
    """The server, and its calls."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.server = Encchat([sys.executable, "-m", "benchmarks.counted", str(path)])

    def counts(self) -> Counter[str]:
        """Return the calls so far, and the kernel's counts (proc(5), io)."""
        self._path.unlink(missing_ok=True)
        os.kill(self.server.pids[0], signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while not self._path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        counts = Counter(json.loads(self._path.read_text()))
        counts["calls"] = counts.total()
        for line in Path(f"/proc/{self.server.pids[0]}/io").read_text().splitlines():
            name, _, value = line.partition(": ")
            counts[name] = int(value)
        return counts


class CountingClient(EncchatClient):
    """A reader that counts bytes."""

    received = 0

    def take(self, data: bytes) -> None:
        """Count, and process."""
        CountingClient.received += len(data)
        super().take(data)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountedServer]:
    """A counting server."""
    counted = CountedServer(tmp_path_factory.mktemp("counts") / "calls")
    with counted.server:
        yield counted


def costs(
    counted: CountedServer, in_flight: int, room: str
) -> Generator[dict[str, float], None, None]:
    """Yield the counts for a post to many readers, several times."""
    names = [f"{room}{number}" for number in range(READERS + 1)]
    clients = counted.server.admit([CountingClient(name, room) for name in names], READERS)
    sender, *readers = clients
    run([sender], readers, POSTS, in_flight)
    try:
        for _ in range(WINDOWS):
            before, received = counted.counts(), CountingClient.received
            run([sender], readers, POSTS, in_flight)
            after, received = counted.counts(), CountingClient.received - received
            cost = {name: (count - before[name]) / POSTS for name, count in after.items()}
            yield cost | {"bytes": received / POSTS}
    finally:
        for client in clients:
            client.close()


def check(windows: Generator[dict[str, float], None, None], bounds: dict[str, float]) -> None:
    """Check that there is a window in which no count exceeds its bound."""
    excesses = []
    with closing(windows):
        for costs in windows:
            found = {name: round(costs.get(name, 0.0), 2) for name in bounds}
            # A call that has been renamed would be within any bound.
            assert [name for name, cost in found.items() if not cost] in ([], ["epoll.modify"]), (
                found
            )
            excess = {name: cost for name, cost in found.items() if cost > bounds[name]}
            if not excess:
                return
            excesses.append(excess)
    raise AssertionError(f"above their bounds in every window: {excesses}")


def test_one_post_at_a_time(counted: CountedServer) -> None:
    bounds = {
        "socket.sendmsg": READERS + 1.1,  # One per reader, and the acknowledgement.
        "socket.recv": 1.2,
        "epoll.poll": 2.5,
        "epoll.modify": 0.1,
        "HMAC.finalize": READERS + 3.2,
        CIPHERS: 3.2,  # The post, the record, the acknowledgement.
        "openssl_sha512": 1.2,
        "WritingConnection.execute": 2.2,  # The lookup for a repetition, and the commit.
        "syscw": 4.5,
        "wchar": 7_500,  # Pages of the write-ahead log.
        "bytes": READERS * 395,
        "calls": READERS * 18.1,
    }
    check(costs(counted, 1, "one"), bounds)


def test_many_posts_at_a_time(counted: CountedServer) -> None:
    bounds = {
        "socket.sendmsg": READERS * 0.02,
        "socket.recv": 0.1,
        "epoll.poll": 0.1,
        "epoll.modify": 0.1,
        "HMAC.finalize": 2.2 + READERS * 0.02,
        CIPHERS: 1.1,  # One cipher seals all records of a batch.
        "openssl_sha512": 0.1,
        "WritingConnection.execute": 0.1,
        "syscw": 0.8,
        "wchar": 1_600,
        "bytes": READERS * 365,
        "calls": 102.5,
    }
    check(costs(counted, POSTS, "many"), bounds)
