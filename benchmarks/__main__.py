"""``python -m benchmarks``: the figures that every change must keep.

The figure that counts is what the server pays (CPU time, user and system; resident memory), not
how long it took. Medians of `_ROUNDS`; the machine's noise is in the spread, which is printed.
"""

import platform
import resource
from statistics import median
from time import monotonic, process_time
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred

from benchmarks.clients import BenchClient, connect_all
from benchmarks.server import ServerProcess
from chat.wire.handshake import ClientHandshake, ServerHandshake
from chat.wire.hostkey import HostKey
from chat.wire.identity import Identity

_ROUNDS: Final = 5
_CONNECTS: Final = 100
"""Less than one address may have that have not logged in."""
_CONNECTED: Final = 1_000
_READERS: Final = 100
_POSTS: Final = 2_000
_IN_FLIGHT: Final = 64
_TEXT: Final = "x" * 100
_POSTERS: Final = 40
_ROOMS: Final = 20
_POSTS_EACH: Final = 200
_SECONDS: Final = 60.0
"""For anything that is waited for."""


def _report(name: str, figures: list[float], unit: str, bound: str) -> None:
    low, high = min(figures), max(figures)
    print(f"{name:44} {median(figures):>10,.2f} {unit:14} {low:,.2f} to {high:,.2f}; {bound}")


async def _registering(reactor: Any, server: ServerProcess) -> tuple[list[float], list[Identity]]:
    """Return milliseconds of server CPU per connection, handshake and new account, per round.

    And the keys of the last accounts.
    """
    figures = []
    for number in range(_ROUNDS):
        before = server.cpu_seconds()
        nicks = [f"c{number}-{index}" for index in range(_CONNECTS)]
        clients = await connect_all(reactor, server.port, nicks, None, _CONNECTS)
        figures.append((server.cpu_seconds() - before) / _CONNECTS * 1_000)
        await _disconnect(reactor, clients)
    return figures, [client.identity for client in clients]


async def _connecting(
    reactor: Any, server: ServerProcess, identities: list[Identity], concurrent: int
) -> list[float]:
    """Return milliseconds of server CPU per connection, handshake and login, per round."""
    figures = []
    nicks = ["known"] * len(identities)
    for _ in range(_ROUNDS):
        before = server.cpu_seconds()
        clients = await connect_all(reactor, server.port, nicks, None, concurrent, identities)
        figures.append((server.cpu_seconds() - before) / _CONNECTS * 1_000)
        await _disconnect(reactor, clients)
    return figures


def _key_exchange() -> list[float]:
    """Return milliseconds of CPU of the server's key exchange alone, warm, in this process.

    What PyCryptodome and this machine can do today: what to hold `_connecting` against.
    """
    host_key, hello = HostKey.generate(), ClientHandshake().hello
    figures = []
    for _ in range(_ROUNDS):
        before = process_time()
        for _ in range(_CONNECTS):
            ServerHandshake(host_key).answer(hello)
        figures.append((process_time() - before) / _CONNECTS * 1_000)
    return figures


async def _memory(reactor: Any, server: ServerProcess) -> list[float]:
    """Return KiB of server memory per client, all connected at once."""
    before = server.memory_bytes()
    nicks = [f"m{index}" for index in range(_CONNECTED)]
    clients = await connect_all(reactor, server.port, nicks)
    figure = (server.memory_bytes() - before) / _CONNECTED / 1_024
    await _disconnect(reactor, clients)
    return [figure]


async def _deliveries(reactor: Any, server: ServerProcess) -> list[float]:
    """Return deliveries per second of server CPU, one sender to many readers, per round."""
    sender, checker, *readers = await connect_all(
        reactor, server.port, [f"d{index}" for index in range(_READERS + 1)]
    )
    await task.deferLater(reactor, 0.5, lambda: None)
    for reader in readers:
        reader.count_only()
    figures = []
    for _ in range(_ROUNDS):
        everybody = [checker, *readers]
        for reader in everybody:
            reader.delivered = 0
        before = server.cpu_seconds()
        done = _all_delivered(reactor, everybody, _POSTS)
        sender.post(_POSTS, _IN_FLIGHT, _TEXT)
        await done
        figures.append(_READERS * _POSTS / (server.cpu_seconds() - before))
    await _disconnect(reactor, [sender, *everybody])
    return figures


async def _posts(reactor: Any, server: ServerProcess) -> tuple[list[float], list[float]]:
    """Return posts per second of server CPU, and per second, many clients posting, per round."""
    clients: list[BenchClient] = []
    for room in range(_ROOMS):
        nicks = [f"p{room}-{number}" for number in range(_POSTERS // _ROOMS)]
        clients += await connect_all(reactor, server.port, nicks, f"room{room}")
    await task.deferLater(reactor, 0.5, lambda: None)
    for client in clients:
        client.count_records()
    per_cpu, per_second = [], []
    for _ in range(_ROUNDS):
        cpu, before = server.cpu_seconds(), monotonic()
        done: Deferred[None] = Deferred()
        goal = sum(client.acknowledged for client in clients) + _POSTERS * _POSTS_EACH

        def progress(done: Deferred[None] = done, goal: int = goal) -> None:
            if not done.called and sum(client.acknowledged for client in clients) >= goal:
                done.callback(None)

        for client in clients:
            client.on_progress = progress
            client.post(_POSTS_EACH, _IN_FLIGHT, _TEXT)
        await done.addTimeout(_SECONDS, reactor)
        per_cpu.append(_POSTERS * _POSTS_EACH / (server.cpu_seconds() - cpu))
        per_second.append(_POSTERS * _POSTS_EACH / (monotonic() - before))
    await _disconnect(reactor, clients)
    return per_cpu, per_second


def _all_delivered(reactor: Any, readers: list[BenchClient], count: int) -> Deferred[None]:
    """Return a Deferred for the moment when each of `readers` has `count` records."""
    done: Deferred[None] = Deferred()
    missing = set(readers)

    def watch(reader: BenchClient) -> None:
        def progress() -> None:
            if reader.delivered >= count:
                missing.discard(reader)
                if not missing and not done.called:
                    done.callback(None)

        reader.on_progress = progress

    for reader in readers:
        watch(reader)
    return done.addTimeout(_SECONDS, reactor)


async def _disconnect(reactor: Any, clients: list[BenchClient]) -> None:
    for client in clients:
        client.transport.abortConnection()
    await task.deferLater(reactor, 1, lambda: None)


async def _main(reactor: Any) -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}")
    with ServerProcess() as server:
        # Once before anything is measured: imports, caches, allocator.
        await _disconnect(reactor, await connect_all(reactor, server.port, ["warm", "up"]))
        memory = await _memory(reactor, server)
        registering, identities = await _registering(reactor, server)
        together = await _connecting(reactor, server, identities, _CONNECTS)
        alone = await _connecting(reactor, server, identities, 1)
        deliveries = await _deliveries(reactor, server)
        posts, rate = await _posts(reactor, server)
    _report("connect, handshake and login, all at once", together, "ms of CPU", "bound 2")
    _report("  the same with a new, durable account", registering, "ms of CPU", "to compare")
    _report("  one at a time, idle in between", alone, "ms of CPU", "to compare")
    _report("  the key exchange alone, in a loop", _key_exchange(), "ms of CPU", "to compare")
    _report(f"memory a client, {_CONNECTED:,} connected", memory, "KiB", "bound 24")
    _report(f"deliveries to {_READERS} readers", deliveries, "a CPU second", "bound 100,000")
    _report(f"durable posts of {_POSTERS} in {_ROOMS} rooms", posts, "a CPU second", "bound 10,000")
    _report("  the same, as the clients got them done", rate, "a second", "to compare")


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    task.react(lambda reactor: Deferred.fromCoroutine(_main(reactor)))
