"""Words in texts and in searches: docs/protocol.md 6.1 defines them, and every engine uses these.

A search for 上海 must find 我家在上海东边, which has no spaces. So in scripts written without
spaces each character is a word, and a run of them is a phrase. Symbols, such as emoji, are words.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final
from unicodedata import category, normalize

__all__ = ["indexed", "is_found", "phrases", "words"]

_WITHOUT_SPACES: Final = (
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF)),
    *((0x1B00, 0x1B7F), (0x2E80, 0xA4CF), (0xA980, 0xA9FF), (0xAA60, 0xAADF), (0xAC00, 0xD7A3)),
    *((0xF900, 0xFAFF), (0x16FE0, 0x1B2FF)),
)
"""Blocks of scripts written without spaces between words: Thai and Lao, Myanmar, Khmer, Tai Le and
New Tai Lue, Tai Tham, Balinese, Han with kana, Bopomofo and Yi, Javanese, Tai Viet; and Hangul,
where particles follow a word without a space."""

_CHARACTERS: Final = 8_192
"""How many characters of a decomposed text are examined: one character can become 18."""

_SCANNED: Final = 0x20000
"""Beyond it are only ideographs, dropped and unassigned characters, and private use."""


def _classes() -> dict[str, str]:
    """Return the contents of sets for regular expressions: marks, dropped characters, characters
    that are words alone, and those that form longer words."""
    alone = {code for first, last in _WITHOUT_SPACES for code in range(first, last + 1)}

    def kind_of(code: int) -> str:
        kind = category(chr(code))
        if kind in ("Mn", "Mc"):
            return "mark"
        if kind in ("Cf", "Me"):
            return "" if code == 0x200B else "dropped"
        if kind[0] in "LN":
            return "alone" if code in alone else "run"
        if kind == "Cn" or (kind[0] == "S" and code > 0x7F and code != 0x2044):
            return "alone"
        return "run" if kind == "Co" else ""

    found = dict.fromkeys(("mark", "dropped", "alone", "run"), "")
    for kind, codes in groupby(range(_SCANNED), kind_of):
        if kind:
            some = list(codes)
            found[kind] += f"{chr(some[0])}-{chr(some[-1])}"
    found["alone"] += "\U00020000-\U000effff"
    found["run"] += "\U000f0000-\U0010ffff"
    return found


def _word(last: str) -> re.Pattern[str]:
    """Return the pattern of a word in a text without characters after `last`."""
    mark, alone, run = (
        "".join(
            f"{first}-{min(end, last)}"
            for first, end in zip(_CLASSES[kind][::3], _CLASSES[kind][2::3], strict=True)
            if first <= last
        )
        for kind in ("mark", "alone", "run")
    )
    return re.compile(f"[{run}][{run}{mark}]*|[{alone}][{mark}]*")


_CLASSES: Final = _classes()
_WORD: Final = _word("\U0010ffff")
_SHORT_WORD: Final = _word("\uffff")
"""The same for a text without characters after U+FFFF, where it is faster."""

_DROPPED: Final = re.compile(f"[{_CLASSES['dropped']}\ufe00-\ufe0f\U000e0000-\U000e0fff]")
"""Characters that do not show: format characters, variation selectors, and enclosing marks."""

_DIACRITICS: Final = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_ASCII_WORD: Final = re.compile("[a-z0-9]+")
_QUOTE: Final = re.compile('["\u201c-\u201f\uff02]')


def words(text: str) -> list[str]:
    """Return the words of a text, normalized for comparison."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = normalize("NFKD", normalize("NFKD", text)[:_CHARACTERS].casefold())
    shown = normalize("NFC", _DIACRITICS.sub("", _DROPPED.sub("", folded)))
    if shown.isascii():
        return _ASCII_WORD.findall(shown)
    return (_SHORT_WORD if max(shown) <= "\uffff" else _WORD).findall(shown)


def indexed(text: str) -> str:
    """Return a text in which an index that splits only ASCII finds the same words."""
    return text if text.isascii() else " ".join(words(text))


def phrases(typed: str) -> list[list[str]]:
    """Return the phrases that a text must contain; the words of a phrase are adjacent."""
    parts: list[str] = []
    for number, part in enumerate(_QUOTE.split(typed)):
        parts += [part] if number % 2 else part.replace("\0", " ").split()
    return [phrase for part in parts if (phrase := words(part))]


def is_found(text: Sequence[str], wanted: Iterable[Sequence[str]]) -> bool:
    """Return whether a text with these words contains all phrases."""
    return all(
        any(list(text[at : at + len(phrase)]) == list(phrase) for at in range(len(text)))
        for phrase in wanted
    )
