"""The content of one message.

Requests, records, the domain and the clients pass it on as a whole. So a new property of a message
concerns only the code that creates it and the code that shows it.
"""

from dataclasses import dataclass

__all__ = ["Content"]


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a message, at most `chat.limits.TEXT_BYTES` of UTF-8."""

    text: str
    is_action: bool = False
    """Whether it says what its author does: `* ana waves` for the text "waves"."""
