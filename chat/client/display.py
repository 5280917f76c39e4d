"""What other people wrote, made fit for a terminal or a log."""

import unicodedata
from typing import Final

from chat.wire.connection import Delivered
from chat.wire.errors import CloseCode
from chat.wire.messages import JoinedBody, LeftBody, RenamedBody, TextBody

__all__ = ["explain_close", "format_delivered", "make_visible"]

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


def format_delivered(delivered: Delivered) -> str | None:
    """Return the line that shows a record, None for a kind that this version does not know."""
    match delivered.body:
        case TextBody(nick=nick, text=text):
            line = f"{nick}: {text}"
        case JoinedBody(nick=nick):
            line = f"* {nick} joined"
        case LeftBody(nick=nick):
            line = f"* {nick} left"
        case RenamedBody(nick=nick, was=was):
            line = f"* {was} is now known as {nick}"
        case _:
            return None
    return make_visible(line)


_CLOSED: Final = {
    CloseCode.NORMAL: "The server ended the connection.",
    CloseCode.SHUTDOWN: "The server is stopping.",
    CloseCode.VERSION: "The server speaks another version of the protocol.",
    CloseCode.TIMEOUT: "The server heard nothing from here for too long.",
    CloseCode.BUSY: "The server is busy with too many logins; try again in a moment.",
    CloseCode.SLOW_CONSUMER: "The server gave up: what it sent was not read for too long.",
}


def explain_close(code: int, retry_after: int | None) -> str:
    """Return the sentence for a close code of the server."""
    try:
        sentence = _CLOSED[CloseCode(code)]
    except (ValueError, KeyError):
        sentence = f"The server ended the connection because of an error (code {code})."
    if retry_after is not None:
        sentence += f" It says to come back in {retry_after} seconds."
    return sentence
