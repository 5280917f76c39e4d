"""``python -m benchmarks``: the figures that every change must keep, and those of other servers.

The figure that counts is what the server pays (CPU time, user and system; resident memory). Every
scenario runs in rounds, and each round runs every server, so the ratios hold even if the machine's
speed drifts.
"""

import argparse
import json
import os
import platform
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks.kinds import KINDS, OWN
from benchmarks.peer import PeerError, Server
from benchmarks.plan import SCENARIOS, Scenario
from benchmarks.report import Results, print_floor, print_report
from benchmarks.scenarios import Figures, Rounds


def _servers() -> dict[str, Callable[[], Server]]:
    """Return the installed servers, by name."""
    kinds: dict[str, Callable[[], Server]] = {}
    for name, (kind, found) in KINDS.items():
        if found() is None:
            print(f"{name} is not installed; skipping it")
        else:
            kinds[name] = kind
    return kinds


@contextmanager
def _on_core(core: int) -> Iterator[None]:
    """Run processes that are started meanwhile on this core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _rounds(
    scenario: Scenario, servers: dict[str, Callable[[], Server]], rounds: int, core: int
) -> dict[str, list[Figures]]:
    """Return the figures of each server in each round of a scenario."""
    if scenario.rounds > 1:
        return _together(scenario, servers, min(rounds, scenario.rounds), core)
    # Many clients, so run one server at a time; keeping all of them open would gain nothing.
    return {
        name: figures
        for name, kind in servers.items()
        for figures in _together(scenario, {name: kind}, 1, core).values()
    }


def _together(
    scenario: Scenario, servers: dict[str, Callable[[], Server]], rounds: int, core: int
) -> dict[str, list[Figures]]:
    results: dict[str, list[Figures]] = {}
    with ExitStack() as stack:
        running: dict[str, Rounds] = {}
        for name, kind in servers.items():
            play = scenario.play_of(name)
            if play is None:
                continue
            results[name] = []
            try:
                with _on_core(core):
                    server = stack.enter_context(kind())
            except PeerError as error:
                print(f"{scenario.name}: {name} did not start: {error}")
                continue
            running[name] = stack.enter_context(closing(play(server)))
        for _ in range(rounds):
            for name, figures in list(running.items()):
                try:
                    results[name].append(next(figures))
                except (PeerError, OSError) as error:
                    print(f"{scenario.name}: {name} failed: {error}")
                    del running[name]
    return results


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ",".join(scenario.name for scenario in SCENARIOS)
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds per scenario (default: %(default)s)"
    )
    parser.add_argument("--only", default=names, help="scenarios to run (default: %(default)s)")
    parser.add_argument(
        "--servers", default="", help="servers to run, such as encchat,nats (default: all)"
    )
    parser.add_argument("--json", type=Path, help="write the figures of all rounds to this file")
    return parser.parse_args()


def main() -> None:
    """Run the benchmarks."""
    arguments = _arguments()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        print("Servers and clients share the only core, so the figures mean little.")
    os.sched_setaffinity(0, {cores[-1] if len(cores) == 1 else cores[1]})
    servers = _servers()
    if arguments.servers:
        wanted = arguments.servers.split(",")
        if missing := set(wanted) - set(servers):
            sys.exit(f"not installed: {', '.join(sorted(missing))}")
        servers = {name: servers[name] for name in wanted}
    results: Results = {}
    chosen = set(arguments.only.split(","))
    if missing := chosen - {scenario.name for scenario in SCENARIOS}:
        sys.exit(f"no such scenario: {', '.join(sorted(missing))}")
    print_floor()
    for scenario in SCENARIOS:
        if scenario.name in chosen:
            print(f"{scenario.name}: {scenario.title} ...", file=sys.stderr, flush=True)
            results[scenario.name] = _rounds(scenario, servers, arguments.rounds, cores[0])
    print_report(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    if not all(results[name].get(OWN, [{}]) for name in results):
        sys.exit("FAILED: not everything could be measured")


if __name__ == "__main__":
    main()
