"""``python -m benchmarks.state``: the cost of each kind of request as state piles up.

Measures three servers, with 10, 1,000 and 100,000 of everything that can pile up: accounts, rooms,
rooms and conversations of the asking account, members, bans, mutes, banned networks, invitations,
links, records, audit entries, read markers, held names, blocks, posts in slow mode, open logs. What
one account can have is bounded by its quotas for a few things; of those it has as many as it can.
Prints for each request the CPU time until it is answered (median, in microseconds; for a list or a
page, per row), and the largest growth from any server to a larger one. Exits with 1 if a growth is
more than twofold.

Everything runs in one process without a socket, so the costs are those of the server alone, in all
threads. The piles are committed to the store and put into the domain; the requests that are
measured take the way of every request. What the store does later, filing records and tidying up
after what was removed, takes at most a hundredth of its time and is not measured.
"""

import statistics
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from twisted.internet import task
from twisted.internet.defer import Deferred

from benchmarks.state.requests import NOT_TOGETHER, Make, requests
from benchmarks.state.world import QUOTAS, Session, World
from chat.limits import Limits
from chat.wire import messages as m

_COUNTS: Final = (10, 1_000, 100_000)
_ROUNDS: Final = 15
_MOST: Final = 2.0
"""Growth beyond this is marked."""


async def measure(reactor: Any, count: int, rounds: int = _ROUNDS) -> dict[str, float]:
    """Return the cost of each kind of request with `count` of everything, in microseconds."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(reactor, Path(directory) / "encchat.db", count)
        try:
            await world.fill()
            costs = {"login": await _login_cost(world, rounds)}
            for name, make in requests(world).items():
                costs[name] = await _cost(world, name, make, rounds)
        finally:  # Its threads would keep the process.
            await world.close()
        return costs


async def _cost(world: World, name: str, make: Make, rounds: int) -> float:
    seen = []
    for _ in range(rounds):
        request = make()
        await world.settle()
        begin = time.process_time_ns()
        answer = await world.ask(request)
        seen.append((time.process_time_ns() - begin) / 1_000 / _rows(answer))
        if isinstance(answer, m.Refused):
            raise SystemExit(f"{name} was refused: {answer.text}")
    return statistics.median(seen)


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


async def _login_cost(world: World, rounds: int) -> float:
    seen = []
    for number in range(rounds):
        session = Session(1_000 + number)
        await world.settle()
        begin = time.process_time_ns()
        await world.login(session, "ana")
        seen.append((time.process_time_ns() - begin) / 1_000)
        world.dispatcher.forget(session)
    return statistics.median(seen)


async def _main(reactor: Any) -> None:
    counts = [int(it) for it in sys.argv[1:]] or list(_COUNTS)
    columns = [await measure(reactor, count) for count in counts]
    print("request".ljust(32) + "".join(f"{count:>10,}" for count in counts) + "    growth")
    steep = 0
    for name in columns[0]:
        costs = [column[name] for column in columns]
        pairs = combinations(costs, 2)
        ratio = max((later / earlier for earlier, later in pairs), default=1.0)
        is_steep = ratio > _MOST and name != NOT_TOGETHER
        steep += is_steep
        mark = "  NOT FLAT" if is_steep else ""
        print(name.ljust(32) + "".join(f"{it:10.0f}" for it in costs) + f"{ratio:10.2f}{mark}")
    print(f"\n{NOT_TOGETHER}: bounded by search_seconds, because it compares all their postings.")
    print("As many as one account can have, at most:")
    for quota in QUOTAS:
        print(f"    {getattr(Limits(), quota):>7,}  {quota}")
    if steep:
        raise SystemExit(f"{steep} are not flat")


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(_main(reactor)))
