"""``python -m tests.mutants``: put small faults into copies of `chat`; print what no test finds.

The same seed draws the same faults in the same order from the same code; how many of them are
looked at depends on how fast the machine is. It is a report: faults that survive are no failure.
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
        help="after which no fault is put in any more; the tests without one, before, do not count"
        " (default: %(default)s)",
    )
    parser.add_argument("--only", default="chat", metavar="PATH", help="a folder or a module")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="default: all cores")
    parser.add_argument("--verbose", action="store_true", help="print which test found what")
    return parser.parse_args(arguments)


def _modules(root: Path, only: str) -> list[PurePosixPath]:
    """Return the modules of `chat` that are, or are in, a path."""
    paths = (PurePosixPath(it.relative_to(root)) for it in (root / "chat").rglob("*.py"))
    return sorted(it for it in paths if it.is_relative_to(only))


def main(arguments: list[str]) -> None:
    """Print the report. Exits with 1 if the tests fail without a fault."""
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
            sys.exit(f"There is no module of chat in {options.only}.")
        if not benches[0].is_imported("chat"):
            sys.exit("What the tests would import is not the copy: nothing can be said.")
        selection = Selection(root)
        candidates = {it: selection.candidates(it) for it in modules}
        tests = sorted({it for found in candidates.values() for files in found for it in files})
        print(f"Running the tests in {len(tests)} files as they are ...", flush=True)
        begin = monotonic()
        run, seconds = benches[0].time(tests, len(benches))
        if run.status != 0:
            print(run.output)
            sys.exit("The tests fail without any fault: nothing can be said.")
        print(
            f"They pass, in {monotonic() - begin:.0f} seconds. Now with faults in"
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
