"""Text from other people, made fit for a terminal or a log."""

import re
import unicodedata
from typing import Final

from wcwidth import iter_graphemes, width

__all__ = ["isolate", "make_visible", "shorten", "without_isolates", "wrap"]

_QUOTE: Final = 40
"""Characters of a message that are enough to recognise it."""

_MARKS: Final = 4
"""Combining marks that are shown on one character; more of them reach into other lines."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero width (non-)joiner: of category Cf, but scripts and emoji need them."""

_UNSAFE: Final = frozenset(
    {
        "Cc",  # control characters: escape sequences, new lines
        "Cf",  # format characters: they reverse or hide text
        "Cs",  # surrogates: no text
        "Zl",  # line separator
        "Zp",  # paragraph separator
    }
)

_FIRST_STRONG: Final = "\u2068"
_END_OF_ISOLATE: Final = "\u2069"
_ISOLATES: Final = frozenset("\u2066\u2067\u2068")
_DIRECTIONAL: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c")
"""Marks and embeddings. They end with the isolate they are in. Overrides are not among them: they
have letters read as what they are not."""

_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_CONTINUED: Final = "  > "
"""What a line begins with that continues the one above. No line of the client does."""

_FLAG: Final = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")
"""A flag made of tag characters (UTS 51, ED-14a)."""


def make_visible(text: str) -> str:
    """Return `text` with every character that could act on a terminal written out as an escape.

    Characters that change the direction of text stay where an isolate keeps them from what is
    around them (UAX 9), and tag characters where they are part of a flag. Of more than four marks
    on a character the others are left out.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = {at for flag in _FLAG.finditer(text) for at in range(flag.start() + 1, flag.end())}
    kept |= _isolated(text)
    shown: list[str] = []
    marks = 0
    for at, character in enumerate(text):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MARKS:
            continue
        is_safe = category not in _UNSAFE or character in _JOINERS or at in kept
        shown.append(character if is_safe else ascii(character)[1:-1])
    return "".join(shown)


def isolate(text: str) -> str:
    """Return a part of a line so that it does not change the direction of what is around it."""
    if not any(map(_changes_direction, text)):
        return text
    # What is not balanced would end this isolate, or outlive it.
    balanced = _isolated(text)
    inner = "".join(
        character
        for at, character in enumerate(text)
        if at in balanced or (character not in _ISOLATES and character != _END_OF_ISOLATE)
    )
    return f"{_FIRST_STRONG}{inner}{_END_OF_ISOLATE}"


def _changes_direction(character: str) -> bool:
    return (
        unicodedata.bidirectional(character) in _RIGHT_TO_LEFT
        or character in _DIRECTIONAL
        or character in _ISOLATES
        or character == _END_OF_ISOLATE
    )


def _isolated(text: str) -> set[int]:
    """Return where directional characters are that an isolate contains, with the isolates' own."""
    found: set[int] = set()
    inside: set[int] = set()
    opened: list[int] = []
    for at, character in enumerate(text):
        if character in _ISOLATES:
            opened.append(at)
        elif character == _END_OF_ISOLATE and opened:
            begin = opened.pop()
            found |= {begin, at}
            if not opened:
                found |= inside
                inside.clear()
        elif character in _DIRECTIONAL and opened:
            inside.add(at)
    if opened:  # What an isolate that never ends has in it is not contained.
        found = {at for at in found if at < opened[0]}
    return found


def shorten(text: str) -> str:
    """Return the beginning of a text in quotation marks."""
    return f'"{text}"' if len(text) <= _QUOTE else f'"{text[: _QUOTE - 1]}…"'


def without_isolates(text: str) -> str:
    """Return a line without what `isolate` adds, for a program that reads it."""
    return text.replace(_FIRST_STRONG, "").replace(_END_OF_ISOLATE, "")


def wrap(text: str, columns: int) -> list[str]:
    """Return a line that was made visible in rows of at most `columns`.

    All but the first are marked: where a terminal wraps a long message by itself, the rest could be
    taken for a line of somebody else.
    """
    rows, row, used = [], "", 0
    for grapheme in iter_graphemes(text):
        size = max(0, width(grapheme))
        if used + size > columns and row not in ("", _CONTINUED):
            rows.append(row)
            row, used = _CONTINUED, len(_CONTINUED)
        row, used = row + grapheme, used + size
    return [*rows, row]
