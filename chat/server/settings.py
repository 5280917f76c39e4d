"""The limits that an operator can set, by their names in `chat.limits.Limits`."""

import re
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Final

from chat.limits import HELP, UNLIMITED_AT_0, Limits

__all__ = ["LIMITS", "ConfigurationError", "describe_limits", "parse_limit", "read_limits"]

LIMITS: Final = "limits"
"""The file in the state directory with limits. They can change while the server runs."""

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
