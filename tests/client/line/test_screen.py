"""Standard output and standard error, also when nobody reads them any more."""

import os
import subprocess
import sys
from io import StringIO
from tempfile import TemporaryFile

import pytest

from chat.client.line.screen import TextScreen


def test_what_is_shown_goes_out_and_what_is_noted_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = TextScreen(lambda: None, is_watched=True)
    screen.prompt("Nickname: ")
    screen.show("hello")
    screen.note("well")
    screen.remark("by the way")
    assert capsys.readouterr() == ("Nickname: hello\n", "well\nby the way\n")


def test_only_a_person_gets_remarks(capsys: pytest.CaptureFixture[str]) -> None:
    screen = TextScreen(lambda: None, is_watched=False)
    screen.show("hello")
    screen.note("well")
    screen.remark("by the way")
    assert capsys.readouterr() == ("hello\n", "well\n")


class Broken(StringIO):
    """A pipe that nobody reads."""

    def write(self, text: str) -> int:
        """Fail."""
        raise BrokenPipeError


def test_notes_that_nobody_reads_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Broken())
    screen = TextScreen(lambda: None, is_watched=True)
    screen.note("one")
    screen.note("two")


def test_what_nobody_reads_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    with TemporaryFile("w+") as file:
        broken = Broken()
        monkeypatch.setattr(broken, "fileno", file.fileno)
        monkeypatch.setattr("sys.stdout", broken)
        TextScreen(lambda: told.append(True), is_watched=True).show("hello")
        monkeypatch.undo()
    assert told == [True]


def test_when_nobody_reads_any_more_it_is_told_and_the_process_ends_well() -> None:
    program = (
        "from chat.client.line.screen import TextScreen;"
        "TextScreen(lambda: exit(7), is_watched=True).show('x')"
    )
    out, into = os.pipe()
    os.close(out)
    try:
        process = subprocess.run(
            [sys.executable, "-c", program],
            stdout=into,
            timeout=20,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(into)
    assert (process.returncode, process.stderr) == (7, b"")
