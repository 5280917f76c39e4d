"""Drawing faults, putting them into copies, and reporting on them."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from time import monotonic

import pytest

from tests.mutants.fault import Fault
from tests.mutants.report import describe, report
from tests.mutants.sampling import Outcome, Verdict, draw, judge, sample
from tests.mutants.selection import Choice
from tests.mutants.workbench import Run, Workbench

MODULE = PurePosixPath("chat/part.py")
SOURCE = (
    "def f(a) -> int:\n    while True:\n        if a < 7:\n            return None\n        g(a)\n"
)
CHOICE = Choice(["one", "two"], ["three"], 4)
PASSED = Run(0, "3 passed")
FAILED = Run(1, "...\nFAILED tests/test_part.py::test - assert 1\nERROR later\n1 failed")


class Bench(Workbench):
    """A bench with scripted test results."""

    runs: Sequence[Run] = ()

    def test(self, files: Sequence[str], timeout: float) -> Run:
        self.asked = [*getattr(self, "asked", []), (*files, timeout)]
        self.source = (self.tree / MODULE).read_text()
        return self.runs[len(self.asked) - 1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "chat").mkdir(parents=True)
    (root / "chat" / "__init__.py").touch()
    (root / MODULE).write_text(SOURCE)
    (root / ".git").touch()
    (root / ".gitignore").write_text("*.log\n.venv/\n")
    (root / ".venv").mkdir()
    (root / "run.log").touch()
    return root


@pytest.fixture
def bench(checkout: Path, tmp_path: Path) -> Bench:
    place = tmp_path / "bench"
    place.mkdir()
    return Bench(checkout, place)


def drawn(checkout: Path, seed: int = 1) -> list[Fault]:
    return list(draw(checkout, [MODULE], seed))


def test_a_seed_draws_the_same_again(checkout: Path) -> None:
    assert drawn(checkout) == drawn(checkout) != drawn(checkout, seed=2)
    assert set(drawn(checkout)) == set(drawn(checkout, seed=2))


def test_what_makes_no_difference_is_not_drawn(checkout: Path) -> None:
    assert sorted((it.line, it.what) for it in drawn(checkout)) == [
        (2, "truth swapped"),
        (3, "comparison changed"),
        (3, "condition negated"),
        (3, "off by one"),
        (3, "off by one"),
        (5, "call dropped"),
    ]


def test_of_those_that_do_the_same_one_is_drawn(checkout: Path) -> None:
    (checkout / MODULE).write_text("async def f(a) -> int:\n    return await a()\n")
    assert len(drawn(checkout)) == 1


def test_the_copy_has_what_git_knows(bench: Bench) -> None:
    assert sorted(it.name for it in bench.tree.iterdir()) == [".gitignore", "chat"]


def test_programs_import_the_copy(bench: Bench) -> None:
    assert bench.is_imported("chat")
    assert not bench.is_imported("json")


def test_a_fault_is_in_the_copy_alone_and_only_for_a_while(bench: Bench, checkout: Path) -> None:
    path = bench.tree / MODULE
    times = [path.stat().st_mtime]
    first, second = islice(draw(checkout, [MODULE], 1), 2)
    for fault in (first, second):
        with bench.planted(fault):
            assert path.read_bytes() == fault.apply(SOURCE.encode()) != SOURCE.encode()
            assert (checkout / MODULE).read_text() == SOURCE
            times.append(path.stat().st_mtime)
        assert path.read_text() == SOURCE
        assert path.stat().st_mtime == times[0]
    assert len({int(it) for it in times}) == 3


@pytest.mark.parametrize(
    ("runs", "verdict", "reason"),
    [
        ([FAILED], Verdict.FOUND, "FAILED tests/test_part.py::test - assert 1"),
        ([PASSED, FAILED], Verdict.FOUND, "FAILED tests/test_part.py::test - assert 1"),
        ([Run(2, "\n")], Verdict.FOUND, "no output"),
        ([Run(-11, "..\n")], Verdict.FOUND, ".."),
        ([Run(None, "one"), Run(None, "two")], Verdict.TIMEOUT, "two"),
        ([Run(None, "one"), PASSED, PASSED], Verdict.SURVIVED, ""),
        ([Run(None, "one"), FAILED], Verdict.FOUND, "FAILED tests/test_part.py::test - assert 1"),
        ([PASSED, PASSED], Verdict.SURVIVED, ""),
    ],
)
def test_a_verdict(
    bench: Bench, checkout: Path, runs: list[Run], verdict: Verdict, reason: str
) -> None:
    fault = drawn(checkout)[0]
    bench.runs = runs
    outcome = judge(bench, fault, CHOICE, {"one": 10.0, "two": 1.0, "three": 100.0})
    assert outcome == Outcome(fault, verdict, reason, CHOICE)
    first, then = ("one", "two", 48.0), ("three", 315.0)
    again = runs[0].status is None
    assert bench.asked == [first, *[first][:again], then][: len(runs)]
    assert bench.source == fault.apply(SOURCE.encode()).decode()


def test_what_was_interrupted_has_none(bench: Bench, checkout: Path) -> None:
    bench.runs = [Run(-9, "")]
    bench.stop()
    assert judge(bench, drawn(checkout)[0], CHOICE, {}) is None


def test_a_sample_is_told_in_the_order_in_which_it_was_drawn(bench: Bench, checkout: Path) -> None:
    faults = drawn(checkout)
    told: list[Outcome] = []

    def look(_: Workbench, fault: Fault) -> Outcome:
        return Outcome(fault, Verdict.SURVIVED, "", CHOICE)

    outcomes = sample([bench, bench], iter(faults), look, monotonic() + 60, told.append)
    assert [it.fault for it in outcomes] == faults
    assert sorted(map(describe, told)) == sorted(map(describe, outcomes))


def test_when_time_is_up_nothing_is_begun(bench: Bench, checkout: Path) -> None:
    assert sample([bench], iter(drawn(checkout)), lambda *_: None, monotonic(), print) == []


def test_a_report(checkout: Path) -> None:
    faults = sorted(drawn(checkout), key=lambda it: (it.line, it.what))
    verdicts = [Verdict.FOUND, Verdict.TIMEOUT, Verdict.FOUND, Verdict.FOUND, Verdict.FOUND]
    outcomes = [
        Outcome(fault, verdict, "why", CHOICE)
        for fault, verdict in zip(faults, [*verdicts, Verdict.SURVIVED], strict=True)
    ]
    assert list(report(outcomes, checkout)) == [
        "",
        "chat/part.py:5, in f: call dropped",
        "    - g(a)",
        "    + pass",
        "    3 test files passed, 4 were skipped",
        "",
        "Of 6 generated faults, the tests found 5 (1 of them by a timeout); 1 survived.",
    ]
    assert describe(outcomes[0]) == "found: chat/part.py:2, truth swapped: why"
