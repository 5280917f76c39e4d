"""The server's process: standard error, exit status, files and signals."""

import io
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from twisted.logger import capturedLogs
from twisted.python import usage
from twisted.scripts._twistd_unix import ServerOptions

from chat.server import process
from chat.server.process import CannotStartError, Reactor, Terminal
from tests.e2e.support import PATIENCE
from tests.server.cases import chat_lines

REASONS = (
    "cannot listen on tcp:5555: Address already in use",
    "another server is using the state directory /" + 200 * "long/",
    "no such file: \ud800é中",
)


@contextmanager
def stderr() -> Iterator[int]:
    """Yield the reading end of standard error."""
    reader, writer = os.pipe()
    kept = os.dup(2)
    os.dup2(writer, 2)
    os.close(writer)
    try:
        yield reader
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(reader)


@pytest.mark.parametrize("reason", REASONS)
def test_the_reason_reaches_a_terminal_that_a_daemon_has_left(reason: str) -> None:
    with stderr() as arriving:
        terminal = Terminal()
        null = os.open("/dev/null", os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
        with capturedLogs() as events, pytest.raises(CannotStartError) as caught:
            terminal.fail(reason)
        said = os.read(arriving, 4_096)
        assert os.read(arriving, 1) == b""  # Nobody else keeps it open.
    assert said == f"encchat: {reason}\n".encode(errors="backslashreplace")
    assert chat_lines(events) == [f"encchat cannot start: {reason}"]
    assert (caught.value.code, str(caught.value)) == (1, f"encchat: {reason}")
    assert isinstance(caught.value, Exception), "twistd would wait for ever"


def test_no_terminal_is_no_trouble() -> None:
    kept = os.dup(2)
    os.close(2)
    try:
        terminal = Terminal()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    with capturedLogs(), pytest.raises(CannotStartError, match="no terminal"):
        terminal.fail("no terminal")
    terminal.close()


def options(*arguments: str, cwd: Path | None = None) -> ServerOptions:
    """Return twistd's options for a command line."""
    made = ServerOptions()
    with pytest.MonkeyPatch.context() as patch:
        if cwd is not None:
            patch.chdir(cwd)
        made.parseOptions([*arguments, "encchat", "--state", "/nowhere"])
    return made


@pytest.mark.parametrize("flag", ["-n", "--nodaemon", "-no"])
def test_in_the_foreground_there_is_no_pid_file_but_a_named_one(flag: str, tmp_path: Path) -> None:
    assert options(flag)["pidfile"] == ""
    assert options(flag, cwd=Path("/proc"))["pidfile"] == ""
    named = str(tmp_path / "pid")
    assert options(flag, f"--pidfile={named}")["pidfile"] == named


def test_a_daemon_has_its_pid_file(tmp_path: Path) -> None:
    assert options(cwd=tmp_path)["pidfile"] == str(tmp_path / "twistd.pid")


@pytest.mark.parametrize("reason", REASONS)
def test_a_daemon_that_cannot_start_has_no_pid_file_when_it_says_so(
    reason: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.pid"
    other.write_text("1")
    for arguments in ((), (f"--pidfile={tmp_path / 'named'}",), ("-n", f"--pidfile={other}")):
        made = options(*arguments, cwd=tmp_path)
        file = Path(made["pidfile"])
        file.write_text(str(os.getpid()))
        for _ in range(2):
            with capturedLogs(), pytest.raises(CannotStartError):
                Terminal().fail(reason)
            assert not file.exists()
            assert made["pidfile"] == "", "twistd would log that it is missing"
    options("-n", cwd=tmp_path)  # It has none.
    with capturedLogs(), pytest.raises(CannotStartError):
        Terminal().fail(reason)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "pid file /proc/twistd.pid cannot"),
        (("--pidfile=",), "log file /proc/twistd.log cannot"),
        (("--pidfile=", "--logfile=/nowhere/x"), "log file /nowhere/x cannot"),
        (("-n", "--logfile=/proc"), "log file /proc cannot"),
        (("-n", "--pidfile=/nowhere/x"), "pid file /nowhere/x cannot"),
    ],
)
def test_a_file_that_cannot_be_written_is_a_sentence(arguments: Sequence[str], what: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # As for every user but root.
        patch.setattr(os, "access", lambda path, mode: Path(path) != Path("/proc"))
        refused = pytest.raises(usage.UsageError, match=f"^the {what} be written; name another")
        with refused:
            options(*arguments, cwd=Path("/proc"))


def test_files_that_are_not_used_are_not_looked_at() -> None:
    for arguments in (("--syslog",), ("--logger=os.getcwd",)):
        options("--pidfile=", *arguments, cwd=Path("/proc"))
    assert process.check_files({"logFile": sys.stdout}) == {}  # twist's.


@pytest.mark.parametrize("mode", ["a", "w"])
def test_the_log_file_of_twist_is_opened_anew_too(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, ours = tmp_path / "log", process._LogFile()
    monkeypatch.setattr(process, "_log_file", ours)
    with log.open(mode) as file:
        assert process.check_files({"logFile": file}) == {}
        print("one", file=file, flush=True)
        log.rename(tmp_path / "log.1")
        print("two", file=file, flush=True)
        assert ours.reopen()
        print("three", file=file, flush=True)
        assert (tmp_path / "log.1").read_text() == "one\ntwo\n"
        assert log.read_text() == "three\n"
        log.rename(tmp_path / "log.2")
        log.mkdir()
        with pytest.raises(IsADirectoryError):
            ours.reopen()
        print("four", file=file, flush=True)
        assert (tmp_path / "log.2").read_text() == "three\nfour\n"


def test_standard_streams_and_pipes_are_not_reopened(tmp_path: Path) -> None:
    log = process._LogFile()
    read, write = os.pipe()
    with open(write, "w") as pipe, open(read):
        for stream in (pipe, io.StringIO(), sys.__stdout__, sys.__stderr__):
            assert stream is not None
            log.adopt(stream)
            assert not log.reopen()


def test_a_log_file_is_opened_anew_when_it_was_moved(tmp_path: Path) -> None:
    log = tmp_path / "log"
    made = options("-n", f"--logfile={log}")
    observe = made["logger"]()
    try:
        observe({"log_format": "one", "log_time": 0.0})
        log.rename(tmp_path / "log.1")
        observe({"log_format": "two", "log_time": 0.0})
        process.reopen_log()
        observe({"log_format": "three", "log_time": 0.0})
        assert (tmp_path / "log.1").read_text().count("\n") == 2
        assert log.read_text().endswith("three\n") and log.read_text().count("\n") == 1
        log.rename(tmp_path / "log.2")
        log.mkdir()
        with pytest.raises(IsADirectoryError):
            process.reopen_log()
        observe({"log_format": "four", "log_time": 0.0})
        assert (tmp_path / "log.2").read_text().endswith("four\n")
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def test_each_sighup_reloads() -> None:
    calls: list[Callable[[], None]] = []
    handler = signal.getsignal(signal.SIGHUP)
    try:
        process.reload_on_hangup(cast(Reactor, SimpleNamespace(callFromThread=calls.append)), print)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, handler)
    assert calls == [print, print]


_SIGNALLED = """
import os, signal, sys
from twisted.internet import reactor
from chat.server.process import exit_cleanly_on_signals

def kill():
    os.kill(os.getpid(), signal.Signals[sys.argv[1]])

exit_cleanly_on_signals(reactor)
{moment}
reactor.run()
sys.exit(reactor._exitSignal is not None)  # twistd kills itself with this signal.
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize(
    "moment",
    [
        "kill()",
        'reactor.addSystemEventTrigger("before", "startup", kill)',
        "reactor.callWhenRunning(kill)",
        "reactor.callLater(0, kill)",
        "reactor.callLater(0.1, kill)",
    ],
)
def test_a_signal_at_any_moment_of_the_start_ends_it_cleanly(moment: str, name: str) -> None:
    code = _SIGNALLED.format(moment=moment)
    done = subprocess.run([sys.executable, "-c", code, name], timeout=PATIENCE, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("soft", "hard", "is_refused", "files"),
    [
        (256, 4_096, False, 4_096),
        (256, 256, False, 256),
        (256, resource.RLIM_INFINITY, True, 256),
        (256, resource.RLIM_INFINITY, False, sys.maxsize),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, False, sys.maxsize),
    ],
)
def test_there_are_as_many_files_as_the_hard_limit_allows(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, is_refused: bool, files: int
) -> None:
    limits = [(soft, hard)]

    def set_limit(_: int, wanted: tuple[int, int]) -> None:
        if is_refused:
            raise ValueError
        limits.append(wanted)

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    assert process.raise_file_limit() == files
    assert limits[-1][1] == hard
