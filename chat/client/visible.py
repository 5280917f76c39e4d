"""Text from other people, made fit for a terminal or a log."""

import unicodedata
from typing import Final

__all__ = ["make_visible", "shorten"]

_QUOTE: Final = 40
"""Characters of a message that are enough to recognise it."""

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


def make_visible(text: str) -> str:
    """Return `text` with every character that could act on a terminal written out as an escape."""
    return "".join(
        ascii(character)[1:-1]
        if unicodedata.category(character) in _UNSAFE and character not in _JOINERS
        else character
        for character in text
    )


def shorten(text: str) -> str:
    """Return the beginning of a text in quotation marks."""
    return f'"{text}"' if len(text) <= _QUOTE else f'"{text[: _QUOTE - 1]}…"'
