"""Bounds on the length of texts, and how a sentence quotes one."""

import unicodedata
from typing import Final

from chat.limits import REACTION_BYTES, REASON_CHARACTERS, TEXT_BYTES, TOPIC_CHARACTERS
from chat.rooms.confusables import IGNORABLE
from chat.rooms.errors import TextEmptyError, TextTooLongError

__all__ = ["check_reaction", "check_reason", "check_text", "check_topic", "is_blank", "quote"]

_QUOTES: Final = dict.fromkeys(map(ord, '"\u201c\u201d\u201e\u201f\u2033\u02ba\u3003\uff02'), "'")
"""Characters that could be taken for the end of a quotation."""

_EMPTY_GLYPHS: Final = frozenset("\u2800\U0001d159")
"""Symbols that are drawn as nothing: the Braille blank, the null note head."""


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: no letter, digit, sign or symbol."""
    return all(map(_is_blank, text))


def _is_blank(character: str) -> bool:
    return (
        unicodedata.category(character)[0] in "CZM"
        or character in _EMPTY_GLYPHS
        or character in IGNORABLE
    )


def quote(text: str) -> str:
    """Return a text in quotation marks. Nothing in it can be taken for their end."""
    return f'"{text.translate(_QUOTES)}"'


def check_text(text: str) -> None:
    """Raise TextEmptyError or TextTooLongError for an invalid post."""
    if is_blank(text):
        raise TextEmptyError
    # A character has at most four bytes in UTF-8.
    if len(text) > TEXT_BYTES // 4 and len(text.encode()) > TEXT_BYTES:
        raise TextTooLongError(TEXT_BYTES, "bytes")


def check_reaction(reaction: str) -> None:
    """Raise TextTooLongError for a reaction that is too long."""
    if len(reaction.encode()) > REACTION_BYTES:
        raise TextTooLongError(REACTION_BYTES, "bytes")


def check_topic(topic: str) -> None:
    """Raise TextTooLongError for a topic that does not fit a list of rooms."""
    if len(topic) > TOPIC_CHARACTERS:
        raise TextTooLongError(TOPIC_CHARACTERS, "characters")


def check_reason(reason: str) -> None:
    """Raise TextTooLongError for a reason that is too long."""
    if len(reason) > REASON_CHARACTERS:
        raise TextTooLongError(REASON_CHARACTERS, "characters")
