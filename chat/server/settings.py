"""The limits that an operator can set, by their names in `chat.limits.Limits`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, Final, cast

from twisted.logger import Logger

from chat.limits import HELP, UNLIMITED_AT_0, Limits

__all__ = [
    "LIMITS",
    "ConfigurationError",
    "CurrentLimits",
    "describe_limits",
    "parse_limit",
    "read_limits",
]

_log = Logger()

LIMITS: Final = "limits"
"""The file in the state directory with limits. They can change while the server runs."""

_OTHER_FILES: Final = 96
"""Open files other than clients': the store's, ports, logs, and those of libraries."""

_MOST: Final = 10**12
"""A larger number is a typo; a float still holds this one exactly."""

_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,15}")

_SETTABLE: Final[dict[str, Field[Any]]] = {
    field.name: field for field in fields(Limits) if HELP in field.metadata
}


class ConfigurationError(Exception):
    """A problem that the operator has to fix; the text says what."""


def parse_limit(text: str) -> tuple[str, float]:
    """Return the name and the number of ``NAME=VALUE``. Raises ValueError with a sentence."""
    name, _, value = text.partition("=")
    field = _SETTABLE.get(name)
    if field is None:
        raise ValueError(f"there is no limit {name!r} to set; --help lists the available ones")
    is_whole = field.type is int
    if not (_WHOLE_NUMBER if is_whole else _NUMBER).fullmatch(value):
        kind = "a whole number" if is_whole else "a number"
        raise ValueError(f"the limit {name} needs {kind}, not {value!r}")
    number = int(value) if is_whole else float(value)
    if number > _MOST or (number == 0 and not field.metadata[UNLIMITED_AT_0]):
        raise ValueError(f"the limit {name} cannot be {value}")
    return name, number


def read_limits(path: Path) -> dict[str, float]:
    """Return the limits in a file, one NAME=VALUE a line; none if there is no such file.

    Empty lines and lines that begin with # are ignored. Raises ConfigurationError.
    """
    limits: dict[str, float] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"the limits in {path} cannot be read: {reason}") from None
    for number, line in enumerate(map(str.strip, lines), 1):
        if line and not line.startswith("#"):
            try:
                name, value = parse_limit(line)
            except ValueError as error:
                raise ConfigurationError(f"{path}, line {number}: {error}") from None
            if name in limits:
                raise ConfigurationError(f"{path}, line {number}: {name} is set twice")
            limits[name] = value
    return limits


def describe_limits() -> Iterator[tuple[str, str]]:
    """Yield each settable limit with its default, and what it bounds."""
    for field in _SETTABLE.values():
        note = "; 0: no limit" if field.metadata[UNLIMITED_AT_0] else ""
        yield f"{field.name}={field.default}", field.metadata[HELP] + note


class CurrentLimits:
    """The limits in force: the file's, then the command line's, as far as there are open files."""

    def __init__(self, limits: Limits, path: Path, file_limit: Callable[[], int]) -> None:
        """Keep `limits` up to date; now they are those of the command line. `path` is the file.

        `file_limit` returns how many open files the process can have.
        """
        self._limits = limits
        self._path = path
        self._file_limit = file_limit
        self._set = {
            each.name: value
            for each in fields(Limits)
            if (value := getattr(limits, each.name)) != each.default
        }

    def read(self) -> str:
        """Apply the limits in the file; return those that were set, in words.

        The command line takes precedence. Raises ConfigurationError.
        """
        limits = read_limits(self._path) | self._set
        self._limits.become(self._affordable(Limits(**cast(dict[str, Any], limits))))
        return ", ".join(f"{name}={value}" for name, value in sorted(limits.items()))

    def _affordable(self, limits: Limits) -> Limits:
        """Return limits with at most as many connections as the process can have open files.

        So a newcomer beyond them is told that the server is full. If the kernel had no file for it,
        the server could only drop it silently. Those being told need files meanwhile, as many as
        there may be connections that have not logged in.
        """
        most = max(self._file_limit() - _OTHER_FILES, 8)
        if limits.connections_total + limits.waiting_total <= most:
            return limits
        waiting = min(limits.waiting_total, most // 4)
        total = min(limits.connections_total, most - waiting)
        _log.warn(
            "The process can have {files} open files (ulimit -n), so there are at most {total}"
            " connections, and {waiting} that have not logged in",
            files=most + _OTHER_FILES,
            total=total,
            waiting=waiting,
        )
        return replace(limits, connections_total=total, waiting_total=waiting)
