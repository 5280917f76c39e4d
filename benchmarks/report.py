"""What ``python -m benchmarks`` prints: medians of all servers, ratios."""

from statistics import median

from benchmarks.plan import SCENARIOS
from benchmarks.scenarios import Figures

__all__ = ["Results", "print_floor", "print_report"]

Results = dict[str, dict[str, list[Figures]]]
"""Figures by scenario, server and round."""


def print_floor() -> None:
    """Print what the system calls alone cost."""


def print_report(results: Results) -> None:
    """Print a table of medians."""
    for scenario in SCENARIOS:
        for figure in scenario.figures if scenario.name in results else ():
            print(f"{scenario.name:8}{figure.unit:26}", end="")
            for name, rounds in results[scenario.name].items():
                values = [one[figure.key] for one in rounds]
                if values:
                    print(
                        f"{name} {median(values):,.2f} ({min(values):,.2f}..{max(values):,.2f})",
                        end="  ",
                    )
            print()
