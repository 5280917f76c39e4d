"""``python -m benchmarks.history``: what a room's long history costs the server.

For two rooms, with a hundred and with a million records, it prints: server CPU (both threads) for
joining the room and for sending a page of 50 records from anywhere in it, and the server's memory.
"""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
from twisted.internet import task
from twisted.internet.defer import Deferred

from benchmarks.clients import BenchClient, connect_all
from benchmarks.server import ServerProcess
from chat.ids import NOBODY, LogId, RecordId
from chat.limits import HISTORY_PAGE
from chat.store.interface import Commit, Record, RecordKind
from chat.store.registry import open_store

_ROOMS: Final = {"short": 100, "long": 1_000_000}
_STEP: Final = 10_000
_RECORD: Final = 250
_JOINS: Final = 100
_PAGES: Final = 1_000
_SECONDS: Final = 60.0


async def _fill(reactor: Any, state: Path) -> None:
    """Fill the rooms with records of the right size and epoch, which no client could open."""
    store = open_store(f"sqlite:{state / 'encchat.db'}", reactor, False)
    base = await store.base()
    for key, value in await store.scan(b"room/"):
        log, name = LogId(key.removeprefix(b"room/")), msgspec.msgpack.decode(value)[1]
        count = _ROOMS.get(name, 0)
        head = await store.head(log)
        for first in range(0, count, _STEP):
            records = [
                Record(
                    log,
                    RecordId(number.to_bytes(16, "big")),
                    NOBODY,
                    RecordKind.OTHER,
                    head.epoch,
                    head.time + number,
                    head.epoch.to_bytes(4, "big") + os.urandom(_RECORD),
                )
                for number in range(first, min(first + _STEP, count))
            ]
            await store.commit(Commit(base, records))
    await store.close()


async def _until(reactor: Any, clients: list[BenchClient], is_done: Callable[[], bool]) -> None:
    done: Deferred[None] = Deferred()

    def progress() -> None:
        if is_done() and not done.called:
            done.callback(None)

    for client in clients:
        client.on_progress = progress
    await done.addTimeout(_SECONDS, reactor)


def _has_posted(client: BenchClient) -> bool:
    return client.acknowledged > 0


async def _measure(reactor: Any, server: ServerProcess, room: str, count: int) -> None:
    nicks = [f"{room}-{number}" for number in range(_JOINS)]
    clients = await connect_all(reactor, server.port, nicks, room=None)
    for client in clients:
        client.count_records()
    before = server.cpu_seconds()
    for client in clients:
        client.join(room)
    await _until(reactor, clients, lambda: all(client.is_in for client in clients))
    joining = (server.cpu_seconds() - before) / _JOINS * 1_000
    random = Random(1)
    before = server.cpu_seconds()
    for number in range(_PAGES):
        clients[number % _JOINS].ask_history(random.randrange(HISTORY_PAGE + 1, count + 2))
    await _until(reactor, clients, lambda: sum(it.pages for it in clients) >= _PAGES)
    paging = (server.cpu_seconds() - before) / _PAGES * 1_000
    memory = server.memory_bytes() / 2**20
    print(
        f"{count:>10,} records: joining {joining:.3f} ms, a page of {HISTORY_PAGE} {paging:.3f} ms"
        f" of CPU (bound 1); the server has {memory:.0f} MiB"
    )
    for client in clients:
        client.transport.abortConnection()
    await task.deferLater(reactor, 1, lambda: None)


async def _main(reactor: Any) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        state = Path(name) / "state"
        with ServerProcess(state) as server:
            for room in _ROOMS:
                [client] = await connect_all(reactor, server.port, [f"maker-{room}"], room)
                client.post(1, 1, "the first")
                await _until(reactor, [client], partial(_has_posted, client))
                client.transport.abortConnection()
        await _fill(reactor, state)
        with ServerProcess(state) as server:
            for client in await connect_all(reactor, server.port, ["warm", "up"]):
                client.transport.abortConnection()
            for room, count in _ROOMS.items():
                await _measure(reactor, server, room, count)


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(_main(reactor)))
