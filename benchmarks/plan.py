"""Which scenarios there are, how large, and what their figures are called."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from benchmarks import scenarios
from benchmarks.scenarios import Figures

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
    play: Callable[[Any], Iterator[Figures]]
    is_own: bool = False
    """Whether only this server can do it."""
    for_peers: Callable[[Any], Iterator[Figures]] | None = None
    """How the others do it, if that differs."""
    rounds: int = 100
    """At most so many, because more would take too long."""

    @property
    def peer_play(self) -> Callable[[Any], Iterator[Figures]]:
        """How the others do it."""
        return self.for_peers or self.play


_RATE: Final = (Figure("rate", "deliveries a CPU second", True),)
_P50, _P99 = Figure("p50", "ms to be seen, median"), Figure("p99", "ms to be seen, p99")
_CPU: Final = Figure("cpu", "µs of CPU a delivery")

SCENARIOS: Final = (
    Scenario(
        "A10",
        "one talks to 10 readers, 64 posts in flight",
        _RATE,
        partial(scenarios.fan_out, readers=10, posts=20_000, in_flight=64),
    ),
    Scenario(
        "A100",
        "one talks to 100 readers, 64 posts in flight",
        _RATE,
        partial(scenarios.fan_out, readers=100, posts=6_400, in_flight=64),
    ),
    Scenario(
        "A1000",
        "one talks to 1,000 readers, 64 posts in flight",
        _RATE,
        partial(scenarios.fan_out, readers=1_000, posts=1_280, in_flight=64),
    ),
    Scenario(
        "A100w1",
        "one talks to 100 readers, one post in flight",
        _RATE,
        partial(scenarios.fan_out, readers=100, posts=500, in_flight=1),
    ),
    Scenario(
        "B",
        "200 members of a room all talk, 4 posts of each in flight",
        _RATE,
        partial(scenarios.busy_room, members=200, posts=20_000, each=4),
    ),
    Scenario(
        "C",
        "one talks to 100 readers, 50 posts a second",
        (_P50, _P99, _CPU),
        partial(scenarios.latency, readers=100, openers=5, rate=50, seconds=6),
    ),
    Scenario(
        "G",
        "1,000 rooms of 5, everybody says something every 5 s",
        (Figure("busy", "% of a core"), _CPU, _P50, _P99),
        partial(scenarios.many_rooms, rooms=1_000, people=5, every=5.0, seconds=8.0),
        rounds=1,
    ),
)
"""In the order in which they are run."""
