"""Look-alike texts: skeletons of UTS 39 section 4, and `fold`, which also ignores case.

The data beside this file is Unicode's, prepared by docs/confusables.py, under UNICODE-LICENSE.txt.
It is read on first use: 7,000 lines, 120 KB, 1 MB in memory.
"""

import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["IGNORABLE", "fold", "parse", "skeleton"]

IGNORABLE: Final = frozenset(
    map(
        chr,
        [
            *(0x00AD, 0x034F, 0x061C, 0x3164, 0xFEFF, 0xFFA0),
            *range(0x115F, 0x1161),
            *range(0x17B4, 0x17B6),
            *range(0x180B, 0x1810),
            *range(0x200B, 0x2010),
            *range(0x202A, 0x202F),
            *range(0x2060, 0x2070),
            *range(0xFE00, 0xFE10),
            *range(0xFFF0, 0xFFF9),
            *range(0x1BCA0, 0x1BCA4),
            *range(0x1D173, 0x1D17B),
            *range(0xE0000, 0xE1000),
        ],
    )
)
"""Invisible characters: Unicode's Default_Ignorable_Code_Point."""

_ROUNDS: Final = 5
"""Rounds until the result of `fold` no longer changes. Three were enough for everything tried."""


def parse(text: str) -> dict[str, str]:
    """Return the mapping in a data file.

    Each line has a source, a tab and a target, both with code points as ``\\uXXXX`` or
    ``\\UXXXXXXXX``. The whole text is decoded at once, because that is faster than line by line. A
    line that begins with ``#`` is a comment. Raises ValueError.
    """
    escaped = "\n".join([line for line in text.splitlines() if not line.startswith("#")])
    lines = escaped.encode("ascii").decode("unicode_escape").split("\n")
    return {source: target for source, target in (line.split("\t") for line in lines)}


def skeleton(text: str) -> str:
    """Return a key that is equal for texts that look alike (UTS 39, without its bidi part)."""
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFD", decomposed.translate(_prototypes()))


def fold(text: str) -> str:
    """Return a key that is equal for texts that look alike or differ in case. Idempotent.

    Looks take precedence. A letter whose capital looks like one letter and whose small form looks
    like another, such as the Greek nu (N or v), therefore counts as two.
    """
    letters, marked = _cases()
    for _ in range(_ROUNDS):
        text = skeleton(unicodedata.normalize("NFKC", text))
        for source, target in marked:
            text = text.replace(source, target)
        # Folding a prototype can yield something that looks like yet another character.
        text = skeleton(text.translate(letters).casefold())
    return text


@cache
def _prototypes() -> dict[int, str]:
    return str.maketrans(_read("confusables.txt") | dict.fromkeys(IGNORABLE, ""))


@cache
def _cases() -> tuple[dict[int, str], list[tuple[str, str]]]:
    """Return the replacements for single prototypes, and those for letters with marks."""
    pairs = _read("cases.txt")
    letters = {source: target for source, target in pairs.items() if len(source) == 1}
    marked = [(source, target) for source, target in pairs.items() if len(source) > 1]
    return str.maketrans(letters), marked


def _read(name: str) -> dict[str, str]:
    return parse(files(__package__).joinpath(name).read_text("utf-8"))
