"""What can be said: how long it may be."""

from chat.limits import REACTION_BYTES, REASON_CHARACTERS, TEXT_BYTES, TOPIC_CHARACTERS
from chat.rooms.errors import TextEmptyError, TextTooLongError

__all__ = ["check_reaction", "check_reason", "check_text", "check_topic"]


def check_text(text: str) -> None:
    """Raise TextEmptyError or TextTooLongError for what cannot be said."""
    if not text:
        raise TextEmptyError
    # A character has four bytes at most.
    if len(text) > TEXT_BYTES // 4 and len(text.encode()) > TEXT_BYTES:
        raise TextTooLongError(TEXT_BYTES, "bytes")


def check_reaction(reaction: str) -> None:
    """Raise TextTooLongError for what is no sign."""
    if len(reaction.encode()) > REACTION_BYTES:
        raise TextTooLongError(REACTION_BYTES, "bytes")


def check_topic(topic: str) -> None:
    """Raise TextTooLongError for what does not fit a list of rooms."""
    if len(topic) > TOPIC_CHARACTERS:
        raise TextTooLongError(TOPIC_CHARACTERS, "characters")


def check_reason(reason: str) -> None:
    """Raise TextTooLongError for why somebody was kicked, banned or muted."""
    if len(reason) > REASON_CHARACTERS:
        raise TextTooLongError(REASON_CHARACTERS, "characters")
