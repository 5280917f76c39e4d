"""The output of ``python -m benchmarks``: the floor, medians of all servers, ratios, targets."""

import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks.floor import python_send_floor, send_floor
from benchmarks.kinds import BASELINE, KEEPERS, OWN
from benchmarks.plan import SCENARIOS, Figure
from benchmarks.scenarios import Figures, percentiles
from benchmarks.targets import TARGETS, Medians

__all__ = ["Results", "print_floor", "print_report"]

Results = dict[str, dict[str, list[Figures]]]
"""Figures by scenario, server and round."""

_SYNCS: Final = 200
_FLOORS: Final = [(readers, size) for readers in (100, 1_000) for size in (400, 20_000)]


def print_floor() -> None:
    """Print the cost of a fan-out's system calls alone, if there is a C compiler to measure it."""
    for readers, size in _FLOORS:
        bare, python = send_floor(readers, size), python_send_floor(readers, size)
        figures = [
            f"{name} {cost:.2f} µs" if cost is not None else f"{name} not measured"
            for name, cost in (("in C", bare), ("in Python", python))
        ]
        print(f"send() of {size:,} bytes to {readers:,} sockets, CPU each: {', '.join(figures)}")


def sync_milliseconds() -> float:
    """Return the p99, in milliseconds, of writing 4 KiB and fdatasync where servers store state."""
    times = []
    with tempfile.TemporaryDirectory() as name, open(Path(name) / "f", "wb", buffering=0) as file:
        for _ in range(_SYNCS):
            before = perf_counter()
            file.write(os.urandom(4_096))
            os.fdatasync(file.fileno())
            times.append((perf_counter() - before) * 1_000)
    return percentiles(times)[1]


def print_report(results: Results) -> None:
    """Print a table of medians, and the targets that are met or missed."""
    names = list(dict.fromkeys(name for servers in results.values() for name in servers))
    medians: Medians = {
        (scenario, key, name): median(one[key] for one in rounds)
        for scenario, servers in results.items()
        for name, rounds in servers.items()
        for key in (rounds[0] if rounds else ())
    }
    columns = "".join(f"{name:>14}" for name in names)
    print(f"\n{'medians':40}{columns}   ours, relative to the best peer")
    for scenario in SCENARIOS:
        if scenario.name not in results:
            continue
        print(f"{scenario.name}: {scenario.title}")
        for figure in scenario.figures:
            cells = "".join(
                f"{_shown(medians.get((scenario.name, figure.key, name))):>14}" for name in names
            )
            ours = [one[figure.key] for one in results[scenario.name].get(OWN, [])]
            print(f"  {figure.unit:38}{cells}{_compared(ours, figure, scenario.name, medians)}")
    if any(OWN in servers for servers in results.values()):
        _print_targets(results, medians)


def _compared(ours: list[float], figure: Figure, scenario: str, medians: Medians) -> str:
    """Return the spread of our own figure, and its ratios to the best peer of each kind."""
    if not ours:
        return ""
    said = f"   {_shown(min(ours))}..{_shown(max(ours))}"
    for are_keepers, whose in ((False, ""), (True, " the best keeper's")):
        others = _others(scenario, figure.key, medians, are_keepers)
        best = (max if figure.is_more_better else min)(others.values(), default=0.0)
        if best:
            said += f", {median(ours) / best:.2f} times{whose}"
    return said


def _others(scenario: str, key: str, medians: Medians, are_keepers: bool) -> dict[str, float]:
    """Return the medians of the peers that store messages, or of those that store nothing."""
    return {
        name: figure
        for (a_scenario, a_key, name), figure in medians.items()
        if (a_scenario, a_key) == (scenario, key)
        and name not in (OWN, BASELINE)
        and (name in KEEPERS) == are_keepers
    }


def _shown(figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if figure >= 1_000 else f"{figure:,.2f}"


def _print_targets(results: Results, medians: Medians) -> None:
    sync = sync_milliseconds()
    print(f"\nwrite 4 KiB and fdatasync: p99 {sync:.2f} ms\ntargets")
    for target in TARGETS:
        ours = medians.get((target.scenario, target.figure, OWN))
        if OWN not in results.get(target.scenario, {}):
            continue
        others = _others(target.scenario, target.figure, medians, target.is_of_keepers)
        is_met = ours is not None and target.is_met(ours, others, sync)
        verdict = {True: "met", False: "MISSED", None: "nothing to compare with"}[is_met]
        name = f"{target.scenario} {target.figure}"
        print(f"  {name:14}{target.says:46}{_shown(ours):>12}  {verdict}")
