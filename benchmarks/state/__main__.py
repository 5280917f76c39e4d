"""``python -m benchmarks.state``: the cost of each kind of request as state piles up.

Measures three servers, with 10, 1,000 and 100,000 of everything that can pile up: accounts, rooms,
rooms and conversations of the asking account, members, bans, mutes, banned networks, invitations,
links, records, audit entries, read markers, held names, blocks, posts in slow mode, open logs. What
one account can have is bounded by its quotas for a few things; of those it has as many as it can.
Prints for each request the CPU time until it is answered (median, in microseconds; for a list or a
page, per row), and the largest growth from any server to a larger one. Exits with 1 if a growth is
more than twofold.

Each server is a process without a socket, so the costs are those of the server alone, in all
threads. They take turns, a few requests each: where the machine's speed changes, it changes for all
of them. A request that looks steep is measured once more, three times as often, before it counts.
The piles are committed to the store and put into the domain; the requests that are measured take
the way of every request. What the store does later, filing records and tidying up after what was
removed, takes at most a hundredth of its time and is not measured.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import combinations
from typing import IO, Any, Final

from benchmarks.state.requests import NOT_TOGETHER
from benchmarks.state.world import QUOTAS
from chat.limits import Limits

_COUNTS: Final = (10, 1_000, 100_000)
_TURNS: Final = 5
_AT_ONCE: Final = 3
"""Requests of a server in each turn."""
_MOST: Final = 2.0
"""Growth beyond this is marked."""


class _Column:
    """A server with so many of everything."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._to: IO[str] = process.stdin
        self._from: IO[str] = process.stdout

    def names(self) -> list[str]:
        """Wait until everything is there; return the names of the requests."""
        return self._answer()

    def measure(self, name: str, times: int) -> list[float]:
        """Return what a request cost each time, in microseconds."""
        print(json.dumps([name, times]), file=self._to, flush=True)
        return self._answer()

    def _answer(self) -> list[Any]:
        line = self._from.readline()
        if not line:
            raise SystemExit(f"a server ended with {self._process.wait()}")
        answer: list[Any] = json.loads(line)
        return answer


@contextmanager
def _column(count: int) -> Iterator[_Column]:
    command = (sys.executable, "-m", "benchmarks.state.column", str(count))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _Column(process)
        except BaseException:
            process.kill()
            raise


def costs(columns: Sequence[_Column], name: str, turns: int = _TURNS) -> list[float]:
    """Return the median cost of a request at each server, in microseconds."""
    seen: list[list[float]] = [[] for _ in columns]
    for _ in range(turns):
        for column, costs in zip(columns, seen, strict=True):
            costs += column.measure(name, _AT_ONCE)
    return [statistics.median(costs) for costs in seen]


def growth(costs: Sequence[float]) -> float:
    """Return the largest growth from any server to a larger one."""
    return max((later / earlier for earlier, later in combinations(costs, 2)), default=1.0)


def main() -> None:
    """Measure, print, and exit with 1 if something is not flat."""
    counts = [int(it) for it in sys.argv[1:]] or list(_COUNTS)
    steep = 0
    with ExitStack() as stack:
        columns = [stack.enter_context(_column(count)) for count in counts]
        [names, *_] = [column.names() for column in columns]
        print("request".ljust(32) + "".join(f"{count:>10,}" for count in counts) + "    growth")
        for name in names:
            seen = costs(columns, name)
            may_grow = name == NOT_TOGETHER
            if growth(seen) > _MOST and not may_grow:
                seen = costs(columns, name, 3 * _TURNS)
            is_steep = growth(seen) > _MOST and not may_grow
            steep += is_steep
            mark = "  NOT FLAT" if is_steep else ""
            row = name.ljust(32) + "".join(f"{it:10.0f}" for it in seen)
            print(f"{row}{growth(seen):10.2f}{mark}", flush=True)
    print(f"\n{NOT_TOGETHER}: bounded by search_seconds, because it compares all their postings.")
    print("As many as one account can have, at most:")
    for quota in QUOTAS:
        print(f"    {getattr(Limits(), quota):>7,}  {quota}")
    if steep:
        raise SystemExit(f"{steep} are not flat")


if __name__ == "__main__":
    main()
