"""A copy of the checkout for faults and tests. The checkout itself stays unchanged."""

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
"""Address space of a process under test: a fault can make a loop that fills a list forever."""

_PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-v"),  # Prints a test's name before it can hang.
    *("-p", "no:cacheprovider", "-p", "tests.mutants.hasty"),
)


class Run(NamedTuple):
    """How tests ended."""

    status: int | None
    """pytest's exit status; negative for a signal, None for a timeout."""
    output: str

    @property
    def reason(self) -> str:
        """The first test that failed, and why, in one line."""
        lines = [it for it in self.output.splitlines() if it.strip()]
        failed = [it for it in lines if it.startswith(("FAILED ", "ERROR "))]
        return (failed or lines[-1:] or ["no output"])[0]


class Workbench:
    """One copy. It runs one thing at a time; only `stop` may be called meanwhile."""

    def __init__(self, checkout: Path, directory: Path) -> None:
        """Copy a checkout, except files that git ignores, into an empty directory."""
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
        """Whether the last run may have been killed."""
        return self._is_stopped

    @contextmanager
    def planted(self, fault: Fault) -> Iterator[None]:
        """Plant a fault in the copy, for the duration of a with block."""
        path = self.tree / fault.path
        source = path.read_bytes()
        modified = path.stat().st_mtime
        self._planted += 1
        path.write_bytes(fault.apply(source))
        # Python considers a compiled file current by the source's size and mtime in seconds. So
        # each fault gets its own second, and none is mistaken for another, or for the original.
        os.utime(path, (modified + self._planted, modified + self._planted))
        try:
            yield
        finally:
            path.write_bytes(source)
            os.utime(path, (modified, modified))

    def is_imported(self, package: str) -> bool:
        """Return whether programs that run here import a package from the copy."""
        run = self._run(
            [sys.executable, "-c", f"import {package}; print({package}.__file__)"], timeout=60
        )
        return run.status == 0 and Path(run.output.strip()).is_relative_to(self.tree)

    def test(self, files: Sequence[str], timeout: float) -> Run:
        """Run tests until the first one fails."""
        return self._run([*_PYTEST, "-x", *self._place(), *files], timeout)

    def time(self, files: Sequence[str], jobs: int) -> tuple[Run, dict[str, float]]:
        """Run tests, several at a time; also return the seconds each file needed."""
        report = f"--junitxml={self._report}"
        run = self._run([*_PYTEST, "-x", "-n", str(jobs), report, *self._place(), *files], None)
        return run, _seconds(self._report, files) if run.status == 0 else {}

    def stop(self) -> None:
        """Kill what is running, and run nothing more."""
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
        # Into a file, because a surviving grandchild would keep a pipe open.
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
    """Return the seconds the tests in each file took, from a JUnit report."""
    modules = {file.removesuffix(".py").replace("/", "."): file for file in files}
    seconds = dict.fromkeys(files, 0.0)
    for case in ElementTree.parse(report).iter("testcase"):
        # The module, and perhaps a class. The report's `file` may be that of a base class.
        name = case.get("classname", "")
        while name and name not in modules:
            name = name.rpartition(".")[0]
        if name:
            seconds[modules[name]] += float(case.get("time", "0"))
    return seconds


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its descendants, which may outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
