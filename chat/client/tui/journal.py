"""Where it is written what went wrong inside: a file, never the terminal.

Without the values of variables and without the texts of exceptions: they may be messages or keys.
"""

import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, cast

__all__ = ["Journal"]

_MOST: Final = 1_000_000
"""Bytes; the file begins anew when it is longer."""


class Journal:
    """Takes what Twisted logs, and exceptions that end the application."""

    def __init__(self) -> None:
        self.where: Path | None = None
        """The file, once something was written."""
        self._told: Callable[[], None] = lambda: None

    def begin(self, told: Callable[[], None]) -> None:
        """Take what is logged from now on; `told` is called at each failure."""
        from twisted.logger import ILogObserver, globalLogBeginner

        self._told = told
        globalLogBeginner.beginLoggingTo(
            [cast(ILogObserver, self._observe)], redirectStandardIO=False, discardBuffer=True
        )

    def _observe(self, event: dict[str, object]) -> None:
        failure = event.get("log_failure")
        if failure is None:
            return
        value = getattr(failure, "value", None)
        trace = getattr(failure, "getTracebackObject", lambda: None)()
        if isinstance(value, BaseException):
            self._write(value, trace)
            self._told()

    def failed(self, error: BaseException) -> None:
        """Note an exception that ended the application."""
        self._write(error, error.__traceback__)

    def _write(self, error: BaseException, trace: TracebackType | None) -> None:
        from chat.client.storage.known_hosts import default_home

        lines = [f"{time.strftime('%Y-%m-%d %H:%M:%S')} {type(error).__qualname__}\n"]
        lines += traceback.format_tb(trace)
        try:
            path = default_home() / "client.log"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_long = path.exists() and path.stat().st_size > _MOST
            with path.open("w" if is_long else "a", encoding="utf-8") as file:
                file.writelines(lines)
            self.where = path
        except Exception:  # There is nowhere left to say so.
            self.where = None
