"""The report on a sample."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.sampling import Outcome, Verdict

__all__ = ["describe", "report"]


def describe(outcome: Outcome) -> str:
    """Return the outcome of a fault, in one line."""
    fault = outcome.fault
    place = f"{outcome.verdict.value}: {fault.path}:{fault.line}, {fault.what}"
    return f"{place}: {outcome.reason}" if outcome.reason else place


def report(outcomes: Sequence[Outcome], root: Path) -> Iterator[str]:
    """Yield lines: the survivors, in order of place, and the counts."""
    survivors = [it for it in outcomes if it.verdict is Verdict.SURVIVED]
    for fault, _, _, choice in sorted(survivors, key=lambda it: (it.fault.path, it.fault.start)):
        yield ""
        yield f"{fault.path}:{fault.line}, in {fault.function or 'the module'}: {fault.what}"
        yield from (f"    {line}" for line in fault.diff((root / fault.path).read_bytes()))
        tried = f"{len(choice.first) + len(choice.then)} test files passed"
        yield f"    {tried}, {choice.left_out} were skipped" if choice.left_out else f"    {tried}"
    counts = Counter(it.verdict for it in outcomes)
    timeouts = counts[Verdict.TIMEOUT]
    found = counts[Verdict.FOUND] + timeouts
    yield ""
    yield (
        f"Of {len(outcomes)} generated faults, the tests found {found}"
        f" ({timeouts} of them by a timeout); {len(survivors)} survived."
    )
