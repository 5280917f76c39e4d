"""The scenarios, their sizes, and the names of their figures."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from benchmarks import arrivals, scenarios
from benchmarks.keeping import verified
from benchmarks.kinds import KEEPERS, OWN
from benchmarks.scenarios import Rounds

__all__ = ["SCENARIOS", "Figure", "Scenario"]


@dataclass(frozen=True)
class Figure:
    """One of the figures of a scenario."""

    key: str
    unit: str
    is_more_better: bool = False


@dataclass(frozen=True)
class Scenario:
    """A scenario, with its sizes."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    play: Callable[[Any], Rounds]
    is_own: bool = False
    """Whether servers that store nothing cannot run it."""
    has_keepers: bool = False
    """Whether peers that store messages take part."""
    for_peers: Callable[[Any], Rounds] | None = None
    """How the other servers run it, if that differs."""
    rounds: int = 100
    """Maximum number of rounds, because more would take too long."""

    def play_of(self, name: str) -> Callable[[Any], Rounds] | None:
        """Return how the named server runs it; None if it does not take part."""
        if name == OWN:
            return self.play
        if name in KEEPERS:
            return verified(self.play) if self.has_keepers else None
        return None if self.is_own else self.for_peers or self.play


_RATE: Final = (Figure("rate", "deliveries per CPU second", True),)
_P50, _P99 = Figure("p50", "ms until seen, median"), Figure("p99", "ms until seen, p99")
_CPU: Final = Figure("cpu", "µs of CPU per delivery")

SCENARIOS: Final = (
    Scenario(
        "A10",
        "one talks to 10 readers, 64 posts in flight",
        _RATE,
        partial(scenarios.fan_out, readers=10, posts=10_000, in_flight=64),
        has_keepers=True,
    ),
    Scenario(
        "A100",
        "one talks to 100 readers, 64 posts in flight",
        _RATE,
        partial(scenarios.fan_out, readers=100, posts=3_200, in_flight=64),
        has_keepers=True,
    ),
    Scenario(
        "A1000",
        "one talks to 1,000 readers, 64 posts in flight",
        _RATE,
        partial(scenarios.fan_out, readers=1_000, posts=320, in_flight=64),
    ),
    Scenario(
        "A100w1",
        "one talks to 100 readers, one post in flight",
        _RATE,
        partial(scenarios.fan_out, readers=100, posts=500, in_flight=1),
    ),
    Scenario(
        "B",
        "200 members of a room all talk, 4 posts in flight each",
        _RATE,
        partial(scenarios.busy_room, members=200, posts=5_000, each=4),
        has_keepers=True,
    ),
    Scenario(
        "C",
        "one talks to 100 readers, 50 posts per second",
        (_P50, _P99, _CPU),
        partial(scenarios.latency, readers=100, openers=5, rate=50, seconds=6),
    ),
    Scenario(
        "D",
        "connected, logged in, in no room (10,000; the others 2,000)",
        (Figure("memory", "KiB of memory each"), Figure("idle", "% of a core, idle")),
        partial(arrivals.idle, clients=10_000, settle=1.0, seconds=10.0),
        for_peers=partial(arrivals.idle, clients=2_000, settle=1.0, seconds=10.0),
        rounds=1,
    ),
    Scenario(
        "E",
        "connect, handshake and login of known accounts, 100 at once; a storm of 1,000",
        (
            Figure("login", "ms of CPU per login"),
            Figure("storm", "ms of CPU, in the storm"),
            Figure("last", "s until the last is in"),
            Figure("out", "refused, or not in"),
        ),
        partial(arrivals.own_logins, clients=100, storm=1_000),
        for_peers=partial(arrivals.logins, clients=100),
    ),
    Scenario(
        "F",
        "100 clients, 20 at a time, return and catch up on 100,000 records each",
        (
            Figure("rate", "records per CPU second", True),
            Figure("before", "MiB of memory before"),
            Figure("peak", "MiB of memory, peak"),
            Figure("after", "MiB of memory after"),
            Figure("growth", "MiB of additional memory"),
        ),
        partial(arrivals.catch_up, records=100_000, clients=100, group=20),
        is_own=True,
        rounds=1,
    ),
    Scenario(
        "P",
        "40 clients post in 20 rooms, 64 posts in flight each",
        (
            Figure("posts", "durable posts per CPU second", True),
            Figure("rate", "durable posts per second", True),
        ),
        partial(arrivals.posting, people=40, rooms=20, posts=200, each=64),
        is_own=True,
        has_keepers=True,
    ),
    Scenario(
        "G",
        "1,000 rooms of 5, everybody posts every 5 s",
        (Figure("busy", "% of a core"), _CPU, _P50, _P99),
        partial(scenarios.many_rooms, rooms=1_000, people=5, every=5.0, seconds=8.0),
        rounds=1,
    ),
)
"""In the order in which they run."""
