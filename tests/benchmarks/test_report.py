"""The report compares each figure with the peers that pay for the same."""

import pytest

from benchmarks.kinds import KEEPERS, KINDS
from benchmarks.plan import SCENARIOS
from benchmarks.report import Results, print_report

RESULTS: Results = {
    "A10": {
        "encchat": [{"rate": 90.0}, {"rate": 100.0}, {"rate": 110.0}],
        "nats": [{"rate": 200.0}],
        "ejabberd": [{"rate": 10.0}],
        "jetstream": [{"rate": 25.0}],
        "textbook": [{"rate": 999.0}],
    }
}


def test_those_that_keep_are_compared_on_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(RESULTS)
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.endswith("90.00..110.00, 0.50 times, 4.00 times the best keeper's") for line in lines
    )
    verdicts = [line.split() for line in lines if line.startswith("  A10 rate ")]
    assert [(words[2], words[-1]) for words in verdicts] == [("at", "met"), ("five", "MISSED")]


def test_without_them_there_is_nobody_to_compare_with(capsys: pytest.CaptureFixture[str]) -> None:
    servers = {name: rounds for name, rounds in RESULTS["A10"].items() if name not in KEEPERS}
    print_report({"A10": servers})
    out = capsys.readouterr().out
    assert "keeper" not in out
    assert next(line for line in out.splitlines() if "five times" in line).endswith("compare with")


def test_who_takes_part_in_what() -> None:
    parts = {
        scenario.name: {name for name in KINDS if scenario.play_of(name)} for scenario in SCENARIOS
    }
    everybody, keepers = set(KINDS), set(KEEPERS)
    assert parts["A10"] == parts["A100"] == parts["B"] == everybody
    assert parts["P"] == keepers | {"encchat"}
    assert parts["C"] == parts["G"] == everybody - keepers
    assert parts["F"] == {"encchat"}
