"""Durations as people type them, and as they read them back: 30s, 15m, 2h30m, 10 minutes, 7d."""

import re
from typing import Final
from unicodedata import category

__all__ = ["DurationError", "format_duration", "parse_duration", "take_duration"]

_MOST: Final = 10**9
"""The protocol's limit for seconds."""

_UNITS: Final = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
"""Descending."""

_NAMES: Final = {
    **{name[0]: seconds for name, seconds in _UNITS.items()},
    **{name: seconds for name, seconds in _UNITS.items()},
    **{f"{name}s": seconds for name, seconds in _UNITS.items()},
    **{"sec": 1, "secs": 1, "min": 60, "mins": 60, "hr": 3_600, "hrs": 3_600},
}
_PART: Final = re.compile(r"([0-9]{1,10}) ?([a-z]+)(?![^\W_])\s*|([0-9]{1,10})([a-z])", re.ASCII)
_SIGNS: Final = "-+.,~\u00b1\u2010\u2011\u2012\u2013\u2014\u2212\uff0b\uff0d"
"""What may stand before a number: signs, hyphens and dashes, and decimal separators."""


class DurationError(ValueError):
    """Something that looks like a duration and is none; the text is a sentence that says why."""


def parse_duration(text: str) -> int:
    """Return a duration in seconds, 1 to 10^9. Raises DurationError."""
    found, rest = take_duration(text)
    if found is None or rest:
        raise DurationError(_unclear(text))
    return found


def take_duration(text: str) -> tuple[int | None, str]:
    """Return the duration in seconds that a text begins with, and the rest.

    None for a text that does not begin with a number. Raises DurationError where it does and that
    is no duration from 1 to 10^9 seconds: whatever begins with a number was meant as one.
    """
    text = text.strip()
    if not _is_number(text):
        return None, text
    total, at, last = 0, 0, _MOST
    while match := _PART.match(text, at):
        number, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
        seconds = _NAMES.get(unit, 0)
        if not 0 < seconds < last:
            break
        total, at, last = total + int(number) * seconds, match.end(), seconds
    rest = text[at:]
    if not at or (rest and not text[at - 1].isspace()) or _is_number(rest):
        raise DurationError(_unclear(text))
    if not 0 < total <= _MOST:
        raise DurationError(f"A time is longer than 0, and at most {_MOST:,} seconds.")
    return total, rest


def _is_number(text: str) -> bool:
    """Return whether a text begins with a number, of any script; halves and the like are some."""
    return any(category(it)[0] == "N" for it in text.lstrip(_SIGNS)[:1])


def _unclear(text: str) -> str:
    word = text.split(None, 1)[0][:20] if text.split() else ""
    return f'"{word}" is no time; times are written like 30s, 10m, 2h30m, 7d or 2w.'


def format_duration(seconds: int) -> str:
    """Return a duration in words: "2 hours 30 minutes"."""
    words = []
    for name, unit in _UNITS.items():
        count, seconds = divmod(seconds, unit)
        if count:
            words.append(f"{count} {name}{'s' * (count > 1)}")
    return " ".join(words) or "0 seconds"
