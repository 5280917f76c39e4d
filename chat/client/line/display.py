"""What other people wrote, made fit for a terminal or a log: one line each."""

import unicodedata
from typing import Final

from msgspec import UNSET, UnsetType

from chat.client.logs import LogView
from chat.client.texts import Texts
from chat.wire.errors import CloseCode
from chat.wire.messages import (
    Body,
    DeleteBody,
    EditBody,
    JoinedBody,
    LeftBody,
    ReactionBody,
    RenamedBody,
    TextBody,
    TopicBody,
    Unknown,
)
from chat.wire.schedule import VERSION

__all__ = [
    "explain_close",
    "explain_stranger",
    "format_body",
    "format_prefix",
    "make_visible",
    "quote",
    "shorten",
]

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


def quote(seq: int, texts: Texts) -> str:
    """Return the beginning of the message `seq` in quotation marks; its number if not known."""
    said = texts.get(seq)
    if said is None:
        return f"#{seq}"
    return shorten(said.text)


def shorten(text: str) -> str:
    """Return the beginning of a text in quotation marks."""
    return f'"{text}"' if len(text) <= _QUOTE else f'"{text[: _QUOTE - 1]}…"'


def format_body(body: Body | Unknown, texts: Texts) -> str | None:
    """Return what a record says, None for a kind that this version does not know.

    `texts` is what was said before it. Not made visible yet.
    """
    match body:
        case TextBody(nick=nick, text=text, reply=reply):
            return f"{nick}{_addressee(reply, texts)}: {text}"
        case EditBody(nick=nick, seq=seq, text=text):
            return f"* {nick} edited {quote(seq, texts)}: {text}"
        case DeleteBody(nick=nick, seq=seq):
            return f"* {nick} deleted {quote(seq, texts)}"
        case ReactionBody(nick=nick, seq=seq, reaction=""):
            return f"* {nick} took back the reaction to {quote(seq, texts)}"
        case ReactionBody(nick=nick, seq=seq, reaction=reaction):
            return f"* {nick} reacted {reaction} to {quote(seq, texts)}"
        case TopicBody(nick=nick, topic=topic):
            return f"* {nick} set the topic: {topic}"
        case JoinedBody(nick=nick):
            return f"* {nick} joined"
        case LeftBody(nick=nick):
            return f"* {nick} left"
        case RenamedBody(nick=nick, was=was):
            return f"* {was} is now known as {nick}"
        case _:
            return None


def _addressee(reply: int | UnsetType, texts: Texts) -> str:
    if reply is UNSET:
        return ""
    said = texts.get(reply)
    return f" (to #{reply})" if said is None else f" (to {said.nick}: {quote(reply, texts)})"


def format_prefix(view: LogView, *, is_current: bool, is_own: bool) -> str:
    """Return what tells where something was said; nothing in the current room."""
    if is_current:
        return ""
    if not view.is_private:
        return f"[{view.name}] "
    return f"[private to {view.name}] " if is_own else "[private] "


_CLOSED: Final = {
    CloseCode.NORMAL: "The server ended the connection.",
    CloseCode.SHUTDOWN: "The server is stopping.",
    CloseCode.VERSION: "The server speaks another version of the protocol.",
    CloseCode.TIMEOUT: "The server heard nothing from here for too long.",
    CloseCode.BUSY: "The server has too many connections; try again in a moment.",
    CloseCode.SLOW_CONSUMER: "The server gave up: what it sent was not read for too long.",
    CloseCode.REMOVED: "You may not be on this server any more.",
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


def explain_stranger(heard: bytes) -> str | None:
    """Return the sentence for a server of which `heard` is the first line, or what there was of it.

    None for what this version's server may say, be it right or wrong.
    """
    name = VERSION[: VERSION.index(b"/") + 1]
    if not heard:
        return "The server hung up without a word; it may not speak encchat's protocol."
    if VERSION.startswith(heard[: len(VERSION)]):
        return None
    if heard.startswith(name):
        return _CLOSED[CloseCode.VERSION]
    return "The server does not speak encchat's protocol."
