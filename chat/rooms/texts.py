"""Bounds on the length of texts."""

from chat.limits import REACTION_BYTES, REASON_CHARACTERS, TEXT_BYTES, TOPIC_CHARACTERS
from chat.rooms.errors import TextEmptyError, TextTooLongError

__all__ = ["check_reaction", "check_reason", "check_text", "check_topic"]


def check_text(text: str) -> None:
    """Raise TextEmptyError or TextTooLongError for an invalid post."""
    if not text:
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
