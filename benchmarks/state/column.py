"""``python -m benchmarks.state.column COUNT``: a server with `COUNT` of everything.

Prints the names of the requests when everything is there, as one line of JSON. Then it reads a name
and a number of times from each line, and prints what the request cost each time, in microseconds of
CPU. It ends when its input does.
"""

import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from benchmarks.state.requests import Make, requests
from benchmarks.state.world import Session, World
from chat.wire import messages as m

__all__ = ["LOGIN", "measures"]

Measure = Callable[[], Awaitable[float]]
"""Makes a request, and returns what it cost in microseconds of CPU, of all threads."""

LOGIN: Final = "login"


def measures(world: World) -> dict[str, Measure]:
    """Return the kinds of requests by name, in the order in which they have to be measured."""

    async def login() -> float:
        session = Session(world.next())
        await world.settle()
        begin = time.process_time_ns()
        await world.login(session, "ana")
        cost = (time.process_time_ns() - begin) / 1_000
        world.dispatcher.forget(session)
        return cost

    def measure(name: str, make: Make) -> Measure:
        async def ask() -> float:
            request = make()
            await world.settle()
            begin = time.process_time_ns()
            answer = await world.ask(request)
            cost = (time.process_time_ns() - begin) / 1_000
            if isinstance(answer, m.Refused):
                raise SystemExit(f"{name} was refused: {answer.text}")
            return cost / _rows(answer)

        return ask

    return {LOGIN: login} | {name: measure(name, make) for name, make in requests(world).items()}


def _rows(answer: Struct) -> int:
    """Return the number of rows of an answer, or 1 if it is not a list."""
    match answer:
        case m.LogList(logs=rows) | m.RoomList(rooms=rows) | m.Members(members=rows):
            return max(len(rows), 1)
        case m.DeviceList(devices=rows) | m.RequestList(requests=rows) | m.BlockList(nicks=rows):
            return max(len(rows), 1)
        case m.Page(count=count):
            return max(count, 1)
        case _:
            return 1


async def _main(reactor: Any) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(reactor, Path(directory) / "encchat.db", int(sys.argv[1]))
        try:
            await world.fill()
            measured = measures(world)
            print(json.dumps([*measured]), flush=True)
            while line := await deferToThread(sys.stdin.readline):
                name, times = json.loads(line)
                print(json.dumps([await measured[name]() for _ in range(times)]), flush=True)
        finally:  # Its threads would keep the process.
            await world.close()


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(_main(reactor)))
