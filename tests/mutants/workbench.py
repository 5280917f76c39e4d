"""A copy of the checkout, in which faults are put and tests run. The checkout stays as it is."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

from tests.mutants.fault import Fault

__all__ = ["Run", "Workbench"]

MEMORY_BYTES: Final = 8 * 2**30
"""Address space of a process under test: a fault can make a loop that fills lists for ever."""

_PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-v"),  # Names a test before it hangs.
    *("-p", "no:cacheprovider", "-p", "tests.mutants.hasty"),
)


class Run(NamedTuple):
    """How tests ended."""

    status: int | None
    """As pytest defines it; negative for a signal, None if time was up."""
    output: str

    @property
    def reason(self) -> str:
        """The first test that failed, and why, in a line."""
        lines = [it for it in self.output.splitlines() if it.strip()]
        failed = [it for it in lines if it.startswith(("FAILED ", "ERROR "))]
        return (failed or lines[-1:] or ["no output"])[0]


class Workbench:
    """One copy. It does one thing at a time; only `stop` may be called meanwhile."""

    def __init__(self, checkout: Path, directory: Path) -> None:
        """Copy what is in a checkout, but for what git ignores, into an empty directory."""
        self.tree = directory / "tree"
        self._temporary = directory / "tmp"
        self._report = directory / "report.xml"
        self._output = directory / "output"
        ignored = (checkout / ".gitignore").read_text("utf-8").split()
        patterns = [".git", *(pattern.rstrip("/") for pattern in ignored)]
        shutil.copytree(checkout, self.tree, ignore=shutil.ignore_patterns(*patterns))
        self._temporary.mkdir()
        self._planted = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    @property
    def is_stopped(self) -> bool:
        """Whether what ran last may have been killed."""
        return self._is_stopped

    @contextmanager
    def planted(self, fault: Fault) -> Iterator[None]:
        """Have a fault in the copy meanwhile."""
        path = self.tree / fault.path
        source = path.read_bytes()
        modified = path.stat().st_mtime
        self._planted += 1
        path.write_bytes(fault.apply(source))
        # Python takes a compiled file for current by the source's size and second of change. Each
        # fault has a second of its own, so that none is mistaken for another, or for the original.
        os.utime(path, (modified + self._planted, modified + self._planted))
        try:
            yield
        finally:
            path.write_bytes(source)
            os.utime(path, (modified, modified))

    def is_imported(self, package: str) -> bool:
        """Tell whether programs that run here find a package in the copy, not elsewhere."""
        run = self._run(
            [sys.executable, "-c", f"import {package}; print({package}.__file__)"], timeout=60
        )
        return run.status == 0 and Path(run.output.strip()).is_relative_to(self.tree)

    def test(self, files: Sequence[str], timeout: float) -> Run:
        """Run tests until the first of them fails."""
        return self._run([*_PYTEST, "-x", *self._place(), *files], timeout)

    def time(self, files: Sequence[str], jobs: int) -> tuple[Run, dict[str, float]]:
        """Run tests, several at a time; return how many seconds each file needed, too."""
        report = f"--junitxml={self._report}"
        run = self._run([*_PYTEST, "-x", "-n", str(jobs), report, *self._place(), *files], None)
        return run, _seconds(self._report, files) if run.status == 0 else {}

    def stop(self) -> None:
        """End what runs, and run nothing more."""
        self._is_stopped = True
        if self._process is not None:
            _kill(self._process)

    def _place(self) -> list[str]:
        return [f"--basetemp={self._temporary / 'pytest'}"]

    def _run(self, command: Sequence[str], timeout: float | None) -> Run:
        environment = {
            **os.environ,
            "COLUMNS": "200",
            "PYTEST_ADDOPTS": "",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(self.tree),
            "TMPDIR": str(self._temporary),
        }
        # Into a file: a grandchild that survives would keep a pipe open.
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.tree,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if sys.platform == "linux":
            limit = MEMORY_BYTES, MEMORY_BYTES
            with suppress(ProcessLookupError):
                resource.prlimit(self._process.pid, resource.RLIMIT_AS, limit)
        if self._is_stopped:
            _kill(self._process)
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _kill(self._process)
        return Run(status, self._output.read_text("utf-8", "replace"))


def _seconds(report: Path, files: Sequence[str]) -> dict[str, float]:
    """Return how long the tests in each file took, as a report in the format of JUnit says."""
    modules = {file.removesuffix(".py").replace("/", "."): file for file in files}
    seconds = dict.fromkeys(files, 0.0)
    for case in ElementTree.parse(report).iter("testcase"):
        # The module, and maybe a class. What says it is the file may be where that inherits from.
        name = case.get("classname", "")
        while name and name not in modules:
            name = name.rpartition(".")[0]
        if name:
            seconds[modules[name]] += float(case.get("time", "0"))
    return seconds


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it has started, which may outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
