"""The targets: each names a figure, and what it is compared with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["TARGETS", "Medians", "Target"]

Medians = dict[tuple[str, str, str], float]
"""By scenario, figure and server."""


@dataclass(frozen=True)
class Target:
    """One bound for one figure of ours."""

    scenario: str
    figure: str
    says: str
    is_met: Callable[[float, dict[str, float], float], bool | None]
    """Takes our median, those of the peers, and the p99 of an fdatasync in milliseconds; returns
    None if the peer to compare with was not measured."""
    is_of_keepers: bool = False
    """Whether to compare with peers that store messages, or with those that store nothing."""


def _least(bound: float) -> Callable[[float, dict[str, float], float], bool | None]:
    return lambda ours, others, sync: ours >= bound


def _most(bound: float) -> Callable[[float, dict[str, float], float], bool | None]:
    return lambda ours, others, sync: ours <= bound


def _above(name: str) -> Callable[[float, dict[str, float], float], bool | None]:
    return lambda ours, others, sync: ours > others[name] if name in others else None


def _at_most(name: str) -> Callable[[float, dict[str, float], float], bool | None]:
    return lambda ours, others, sync: ours <= others[name] if name in others else None


def _best(
    times: float, with_sync: bool = False
) -> Callable[[float, dict[str, float], float], bool | None]:
    def is_met(ours: float, others: dict[str, float], sync: float) -> bool | None:
        if not others:
            return None
        return ours <= min(others.values()) * times + (sync if with_sync else 0)

    return is_met


def _half(ours: float, others: dict[str, float], sync: float) -> bool | None:
    return ours >= max(others.values()) / 2 if others else None


def _five_times(ours: float, others: dict[str, float], sync: float) -> bool | None:
    return ours >= max(others.values()) * 5 if others else None


_HALF: Final = "at least half the best peer's"
_TWICE: Final = "at most twice the best peer's"
_KEPT: Final = "five times the best that stores messages"

TARGETS: Final = (
    Target("A10", "rate", _HALF, _half),
    Target("A10", "rate", _KEPT, _five_times, is_of_keepers=True),
    Target("A100", "rate", "at least 2.5 million per CPU second", _least(2.5e6)),
    Target("A100", "rate", "more than nats", _above("nats")),
    Target("A100", "rate", _KEPT, _five_times, is_of_keepers=True),
    Target("A1000", "rate", "at least 4 million per CPU second", _least(4e6)),
    Target("A1000", "rate", "more than nats", _above("nats")),
    Target("A100w1", "rate", "at least ngircd's", _above("ngircd")),
    Target("A100w1", "rate", _HALF, _half),
    Target("B", "rate", "at least 4 million per CPU second", _least(4e6)),
    Target("B", "rate", "more than ngircd", _above("ngircd")),
    Target("B", "rate", _KEPT, _five_times, is_of_keepers=True),
    Target("C", "cpu", "at most ngircd's", _at_most("ngircd")),
    Target("C", "cpu", _TWICE, _best(2)),
    Target("C", "p99", "at most the best peer's plus an fdatasync", _best(1, with_sync=True)),
    Target("D", "memory", "at most 12 KiB", _most(12)),
    Target("D", "idle", "less than 1 %", _most(1)),
    Target("E", "login", "at most 0.8 ms", _most(0.8)),
    Target("E", "login", _TWICE, _best(2)),
    Target("E", "out", "nobody", _most(0)),
    Target("F", "rate", "at least 500,000 per CPU second", _least(5e5)),
    Target("F", "growth", "flat: at most 8 MiB", _most(8)),
    Target("P", "posts", "at least 10,000 per CPU second", _least(1e4)),
    Target("P", "posts", _KEPT, _five_times, is_of_keepers=True),
    Target("G", "cpu", _TWICE, _best(2)),
)
