"""The server's process: its terminal, exit status and signals."""

import atexit
import os
import resource
import signal
import stat
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO, cast

from twisted.internet.interfaces import IReactorCore, IReactorUNIX
from twisted.logger import ILogObserver, Logger, textFileLogObserver
from twisted.python import usage
from twisted.python.logfile import LogFile

from chat.store import engine

__all__ = [
    "CannotStartError",
    "Reactor",
    "Terminal",
    "check_files",
    "exit_cleanly_on_signals",
    "exit_with_1",
    "log_observer",
    "raise_file_limit",
    "reload_on_hangup",
    "reopen_log",
]

_log = Logger()

_PID_FILE: Final = "twistd.pid"
"""twistd's default."""
_LOG_FILE: Final = "twistd.log"
"""twistd's default for a daemon."""


class Reactor(engine.Reactor, IReactorCore, IReactorUNIX):
    """The parts of the reactor that the service needs."""


class CannotStartError(SystemExit, Exception):
    """The server cannot start; the text says why.

    It ends the process with status 1 and without a traceback. It is also an Exception, because only
    then does twistd report it to the process that waits for the daemon, and remove the pid file.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"encchat: {reason}")
        self.code = 1


class Terminal:
    """The process's original standard error, which a daemon loses later."""

    def __init__(self) -> None:
        self._file: TextIO | None = None
        with suppress(OSError):  # There may be none.
            self._file = os.fdopen(os.dup(2), "w", errors="backslashreplace")

    def fail(self, reason: str) -> NoReturn:
        """Say why the server cannot start, and remove its pid file. Raises CannotStartError."""
        _pid_file.remove()
        self.say(reason)
        raise CannotStartError(reason)

    def say(self, reason: str) -> None:
        """Say why the server cannot start, here and in the log, and close."""
        # Not critical: Twisted prints critical events itself if the log has not begun.
        _log.error("encchat cannot start: {reason}", reason=reason)
        if self._file is not None:
            with suppress(OSError):  # It may be gone; the log has the reason.
                print(f"encchat: {reason}", file=self._file, flush=True)
        self.close()

    def close(self) -> None:
        """Close it, so that the reader of a daemon's standard error sees its end."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):
                file.close()


class _LogFile:
    """The log file of this process. twistd opens it through a function name (``--logger``)."""

    def __init__(self) -> None:
        self.name = ""
        self._file: LogFile | None = None
        self._adopted: tuple[Path, int] | None = None
        """The path and the descriptor of twist's log file."""

    def observer(self) -> ILogObserver:
        """Open it. SIGUSR1 rotates it, as in twistd."""
        self._adopted = None
        self._file = file = LogFile.fromFullPath(self.name)

        def rotate(number: int, frame: object) -> None:
            from twisted.internet import reactor

            cast(Reactor, reactor).callFromThread(file.rotate)

        if not signal.getsignal(signal.SIGUSR1):  # As in twistd's own logger.
            signal.signal(signal.SIGUSR1, rotate)
        return textFileLogObserver(file)

    def adopt(self, file: TextIO) -> None:
        """Take the log file that ``twist --log-file`` has opened. The standard streams have no name
        to reopen them by."""
        with suppress(OSError, ValueError):  # It is no file of the system's.
            number = file.fileno()
            if number > sys.stderr.fileno() and stat.S_ISREG(os.fstat(number).st_mode):
                self._adopted, self._file = (Path(file.name).absolute(), number), None

    def reopen(self) -> bool:
        """Reopen the log file by its name after logrotate has moved it; return whether there is
        one. Raises OSError and keeps the old one open."""
        if self._adopted is not None:
            path, number = self._adopted
            with path.open("ab") as file:
                os.dup2(file.fileno(), number, inheritable=False)
        elif self._file is not None:
            open(self._file.path, "ab").close()
            self._file.reopen()
        else:
            return False
        return True


class _PidFile:
    """The pid file of this process, which twistd writes and removes.

    If a daemon cannot start, twistd first lets the process that waits for it end, and then removes
    the file. Whoever starts the server again at once would read that it is running.
    """

    def __init__(self) -> None:
        self.twistd: MutableMapping[str, Any] = {}
        """twistd's options."""

    def remove(self) -> None:
        """Remove it, and tell twistd that there is none."""
        name = self.twistd.get("pidfile")
        if name:
            self.twistd["pidfile"] = ""
            with suppress(OSError):  # It may be root's.
                os.unlink(name)


_pid_file: Final = _PidFile()
_log_file: Final = _LogFile()
log_observer: Final = _log_file.observer
reopen_log: Final = _log_file.reopen


def check_files(twistd: MutableMapping[str, Any]) -> Mapping[str, str]:
    """Return the options of twistd to change; `twistd` has the ones it was given.

    In the foreground nobody needs the default pid file: the parent process knows the pid, and the
    state directory has its own lock. So ignore a stale file, whose number may belong to another
    process by now, and a read-only directory. Raises UsageError if a file that is needed cannot be
    written.
    """
    if "pidfile" not in twistd:
        # This is twist. It writes no file but the log, and opens that by itself.
        if "logFile" in twistd:
            _log_file.adopt(twistd["logFile"])
        return {}
    _pid_file.twistd = twistd
    is_daemon = not (twistd["nodaemon"] or twistd["debug"])
    changed = {}
    if not is_daemon and twistd["pidfile"] == _PID_FILE:
        changed["pidfile"] = ""
    elif twistd["pidfile"]:
        _check_writable("pid file", twistd["pidfile"], "--pidfile")
    log = twistd["logfile"] or (_LOG_FILE if is_daemon else "-")
    if log != "-" and not twistd["syslog"] and not twistd["logger"]:
        _check_writable("log file", log, "--logfile")
        _log_file.name = log
        changed["logger"] = f"{__name__}.log_observer"
    return changed


def _check_writable(what: str, name: str, option: str) -> None:
    path = Path(name).absolute()
    is_usable = os.access(path if path.exists() else path.parent, os.W_OK)
    if not is_usable or path.is_dir() or not path.parent.is_dir():
        raise usage.UsageError(
            f"the {what} {path} cannot be written; name another with {option}, before `encchat`"
        )


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one, and return how many there can be.

    If that fails, as on macOS without a hard limit, the soft limit stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def exit_cleanly_on_signals(reactor: Reactor) -> None:
    """Make Ctrl-C and SIGTERM stop the reactor, now or as soon as it runs, and exit with status 0.

    twistd's own handlers would kill the process with the same signal once it has stopped.
    """

    def stop(name: str) -> None:
        if reactor.running:  # Unless it is already stopping.
            _log.info("Stopping because of {signal}", signal=name)
            reactor.stop()

    def handle(number: int, frame: object) -> None:
        reactor.callFromThread(partial(stop, signal.Signals(number).name))

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    # The reactor installs its handler for SIGTERM when it starts. Replacing it afterwards would
    # leave a moment in which the signal kills, just when the log says that the server listens.
    cast(Any, reactor).sigTerm = handle


def reload_on_hangup(reactor: Reactor, reload: Callable[[], None]) -> None:
    """Call a function in the reactor for each SIGHUP."""

    def handle(number: int, frame: object) -> None:
        reactor.callFromThread(reload)

    signal.signal(signal.SIGHUP, handle)


def exit_with_1() -> None:
    """Make the process exit with status 1. Once it runs, twistd knows only status 0."""
    atexit.register(_exit_now)


def _exit_now() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1)
