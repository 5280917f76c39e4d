"""Draws faults in an order that depends on a seed, and tries each until time is up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path, PurePosixPath
from random import Random
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple

from tests.mutants.fault import Fault, fingerprint
from tests.mutants.faults import find_faults
from tests.mutants.selection import Choice
from tests.mutants.workbench import Workbench

__all__ = ["Outcome", "Verdict", "draw", "judge", "sample"]

START_SECONDS: Final = 15.0
"""Time until tests start on a busy machine."""
SLACK: Final = 3.0
"""Tests that take this many times longer than without the fault count as never ending."""


class Verdict(Enum):
    """The result for a fault."""

    FOUND = "found"
    TIMEOUT = "timeout"
    SURVIVED = "survived"


class Outcome(NamedTuple):
    """A fault, and its result."""

    fault: Fault
    verdict: Verdict
    reason: str
    """The test that found it."""
    choice: Choice


def draw(root: Path, paths: Iterable[PurePosixPath], seed: int) -> Iterator[Fault]:
    """Yield faults of modules in random order, but only one of several that behave the same."""
    sources = {path: (root / path).read_bytes() for path in sorted(paths)}
    faults = [it for path, source in sources.items() for it in find_faults(path, source)]
    Random(seed).shuffle(faults)
    seen: set[tuple[PurePosixPath, str | None]] = set()
    seen.update((path, fingerprint(source)) for path, source in sources.items())
    for fault in faults:
        content = fingerprint(fault.apply(sources[fault.path]))
        if content is not None and (fault.path, content) not in seen:
            seen.add((fault.path, content))
            yield fault


def judge(
    bench: Workbench, fault: Fault, choice: Choice, seconds: Mapping[str, float]
) -> Outcome | None:
    """Run the tests for a fault. None if they were stopped."""
    with bench.planted(fault):
        for files in filter(None, (choice.first, choice.then)):
            usual = sum(seconds.get(file, 0.0) for file in files)
            run = bench.test(files, START_SECONDS + SLACK * usual)
            if run.status is None:
                # Once more, because the machine may have been busy.
                run = bench.test(files, START_SECONDS + SLACK * usual)
            if bench.is_stopped:
                return None
            if run.status is None:
                return Outcome(fault, Verdict.TIMEOUT, run.reason, choice)
            if run.status != 0:
                return Outcome(fault, Verdict.FOUND, run.reason, choice)
    return Outcome(fault, Verdict.SURVIVED, "", choice)


def sample(
    benches: Iterable[Workbench],
    faults: Iterator[Fault],
    look: Callable[[Workbench, Fault], Outcome | None],
    until: float,
    tell: Callable[[Outcome], None],
) -> list[Outcome]:
    """Try faults on all benches until the time `until`; return the outcomes, in order.

    Running ones finish, because survivors take long and would be missing otherwise. A keyboard
    interrupt ends it at once.
    """
    benches = list(benches)
    lock = Lock()
    numbered = enumerate(faults)
    outcomes: dict[int, Outcome] = {}

    def work(bench: Workbench) -> None:
        while monotonic() < until and not bench.is_stopped:
            with lock:
                number, fault = next(numbered, (-1, None))
            if fault is None:
                return
            outcome = look(bench, fault)
            if outcome is not None:
                with lock:
                    outcomes[number] = outcome
                    tell(outcome)

    with ThreadPoolExecutor(len(benches)) as pool:
        working = [pool.submit(work, bench) for bench in benches]
        try:
            for future in working:
                future.result()
        except KeyboardInterrupt:
            print("Interrupted; here are the results so far.")
        finally:
            if not all(future.done() for future in working):
                for bench in benches:
                    bench.stop()
    return [outcomes[number] for number in sorted(outcomes)]
