"""``python -m tests.mutants``: put small faults into copies of `chat`; print those no test finds.

The same seed draws the same faults in the same order from the same code; how many of them it tries
depends on the machine's speed. It is only a report: surviving faults are not a failure.
"""

import argparse
import os
import sys
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from tests.mutants.fault import Fault
from tests.mutants.report import describe, report
from tests.mutants.sampling import Outcome, draw, judge, sample
from tests.mutants.selection import Selection, choose
from tests.mutants.workbench import Workbench

_ROOT: Final = Path(__file__).parents[2]
_SEED: Final = 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=_SEED, help="default: %(default)s")
    parser.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="stop trying new faults after this time, not counting the run without faults"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--only", default="chat", metavar="PATH", help="limit it to a folder or module"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="default: all cores")
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="also print the faults that were found, and by which test",
    )
    return parser.parse_args(arguments)


def _modules(root: Path, only: str) -> list[PurePosixPath]:
    """Return the modules of `chat` at or below a path."""
    paths = (PurePosixPath(it.relative_to(root)) for it in (root / "chat").rglob("*.py"))
    return sorted(it for it in paths if it.is_relative_to(only))


def main(arguments: list[str]) -> None:
    """Print the report. Exits with status 1 if the tests fail without a fault."""
    options = _parse(arguments)
    with TemporaryDirectory(prefix="mutants-") as directory:
        benches = []
        for number in range(max(1, options.jobs)):
            place = Path(directory, str(number))
            place.mkdir()
            benches.append(Workbench(_ROOT, place))
        root = benches[0].tree  # The checkout may change meanwhile.
        modules = _modules(root, options.only)
        if not modules:
            sys.exit(f"There are no modules of chat in {options.only}.")
        if not benches[0].is_imported("chat"):
            sys.exit("The tests would not import the copy, so the result would mean nothing.")
        selection = Selection(root)
        candidates = {it: selection.candidates(it) for it in modules}
        tests = sorted({it for found in candidates.values() for files in found for it in files})
        print(f"Running the tests in {len(tests)} files without faults ...", flush=True)
        begin = monotonic()
        run, seconds = benches[0].time(tests, len(benches))
        if run.status != 0:
            print(run.output)
            sys.exit("The tests fail without a fault, so the result would mean nothing.")
        print(
            f"They passed in {monotonic() - begin:.0f} seconds. Now trying faults in"
            f" {len(modules)} modules, seed {options.seed}, for {options.minutes:g} minutes ...",
            flush=True,
        )
        choices = {path: choose(found, seconds) for path, found in candidates.items()}

        def look(bench: Workbench, fault: Fault) -> Outcome | None:
            return judge(bench, fault, choices[fault.path], seconds)

        def tell(outcome: Outcome) -> None:
            if options.verbose:
                print(describe(outcome), flush=True)

        until = monotonic() + 60 * options.minutes
        faults = draw(root, modules, options.seed)
        for line in report(sample(benches, faults, look, until, tell), root):
            print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
