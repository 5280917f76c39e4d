"""What a delivery costs, in what can be counted on any machine: a guard against getting slower.

The server runs as users run it. Seconds are for `make bench`; here are system calls, bytes, ciphers
and hashes, each with a bound a little above what it was when the test was written.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.encchat import Encchat, EncchatClient
from benchmarks.load import run

READERS = 40
POSTS = 64


CIPHERS = "newp"
"""cffi's, which PyCryptodome calls once for each cipher, with its key schedule."""


class CountedServer:
    """The server, and what it has called."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.server = Encchat([sys.executable, "-m", "benchmarks.counted", str(path)])

    def counts(self) -> Counter[str]:
        """Return the calls up to now, and what the kernel has counted (proc(5), io)."""
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
        """Count, and take in."""
        CountingClient.received += len(data)
        super().take(data)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountedServer]:
    """A server that counts."""
    counted = CountedServer(tmp_path_factory.mktemp("counts") / "calls")
    with counted.server:
        yield counted


def cost(counted: CountedServer, in_flight: int, room: str) -> dict[str, float]:
    """Return what a post to many readers costs."""
    names = [f"{room}{number}" for number in range(READERS + 1)]
    clients = counted.server.admit([CountingClient(name, room) for name in names], READERS)
    sender, *readers = clients
    run([sender], readers, POSTS, in_flight)
    windows = []
    for _ in range(2):
        before, received = counted.counts(), CountingClient.received
        run([sender], readers, POSTS, in_flight)
        after, received = counted.counts(), CountingClient.received - received
        costs = {name: (count - before[name]) / POSTS for name, count in after.items()}
        windows.append(costs | {"bytes": received / POSTS})
    for client in clients:
        client.close()
    # Every few seconds records are filed, for all the posts since: that is in one of them at most.
    return min(windows, key=lambda costs: costs["wchar"])


def check(costs: dict[str, float], bounds: dict[str, float]) -> None:
    """Check that nothing costs more than it may."""
    found = {name: round(costs.get(name, 0.0), 2) for name in bounds}
    assert {name: cost for name, cost in found.items() if cost > bounds[name]} == {}, found
    # A call that has another name now would be within any bound.
    assert [name for name, cost in found.items() if not cost] in ([], ["epoll.modify"]), found


def test_one_post_at_a_time(counted: CountedServer) -> None:
    bounds = {
        "socket.sendmsg": READERS + 1.1,  # One for each reader, and the acknowledgement.
        "socket.recv": 1.2,
        "epoll.poll": 2.5,
        "epoll.modify": 0.1,
        "HMAC.finalize": READERS + 3.2,
        CIPHERS: 3.2,  # The post, the record, the acknowledgement.
        "openssl_sha512": 1.2,
        "WritingConnection.execute": 2.2,  # Is it there already? And the commit.
        "syscw": 4.5,
        "wchar": 7_500,  # Pages of the write-ahead log.
        "bytes": READERS * 395,
        "calls": READERS * 18.1,
    }
    check(cost(counted, 1, "one"), bounds)


def test_many_posts_at_a_time(counted: CountedServer) -> None:
    bounds = {
        "socket.sendmsg": READERS * 0.02,
        "socket.recv": 0.1,
        "epoll.poll": 0.1,
        "epoll.modify": 0.1,
        "HMAC.finalize": 2.2 + READERS * 0.02,
        CIPHERS: 1.1,  # The records of a batch are sealed by one.
        "openssl_sha512": 0.1,
        "WritingConnection.execute": 0.1,
        "syscw": 0.8,
        "wchar": 1_600,
        "bytes": READERS * 365,
        "calls": 101.5,
    }
    check(cost(counted, POSTS, "many"), bounds)
