"""Words in texts and in searches, split the same way as in SQLite's FTS5.

A word is a longest run of letters, numbers and private-use characters. Case makes no difference,
and neither do diacritics on Latin letters (FTS5, "Unicode61 Tokenizer", with
`remove_diacritics=2`). Words typed without a space between them must be adjacent in the text.
"""

from collections.abc import Sequence
from typing import Final
from unicodedata import category, normalize

__all__ = ["has_word", "is_found", "phrases", "words"]

_DIACRITICS: Final = frozenset(
    "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u030f\u0311\u031b"
    "\u0323\u0324\u0325\u0326\u0327\u0328\u032d\u032e\u0330\u0331"
)
"""Characters that are ignored within a word, and do not end it."""


def words(text: str) -> list[str]:
    """Return the words of a text, normalized for comparison."""
    found: list[str] = []
    word = ""
    for character in text:
        if _is_of_words(character):
            word += _folded(character)
        elif word and character not in _DIACRITICS:
            found.append(word)
            word = ""
    return [*found, word] if word else found


def has_word(text: str) -> bool:
    """Tell whether a text contains a word."""
    return any(map(_is_of_words, text))


def phrases(typed: str) -> list[list[str]]:
    """Return the phrases that a text must contain; the words of a phrase are adjacent."""
    return [phrase for part in typed.split() if (phrase := words(part))]


def is_found(text: Sequence[str], wanted: Sequence[Sequence[str]]) -> bool:
    """Tell whether a text with these words contains all phrases."""
    return all(
        any(list(text[at : at + len(phrase)]) == list(phrase) for at in range(len(text)))
        for phrase in wanted
    )


def _is_of_words(character: str) -> bool:
    kind = category(character)
    return kind[0] in "LN" or kind == "Co"


def _folded(character: str) -> str:
    """Return a character without its case, and without diacritics if it is Latin."""
    base = normalize("NFD", character)[0]
    if base.isascii():
        return base.lower()
    folded = character.casefold()
    return folded if len(folded) == 1 else character
