"""Durations as people type them: 30s, 15m, 12h, 7d, 2w."""

import re
from typing import Final

__all__ = ["parse_duration"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile("([0-9]{1,4})([smhdw])")


def parse_duration(text: str) -> int | None:
    """Return the duration in seconds; None if `text` is not a duration.

    The result is at most 10^9, the protocol's limit for seconds.
    """
    match = _DURATION.fullmatch(text)
    return None if match is None else min(int(match[1]) * _UNITS[match[2]], 10**9)
