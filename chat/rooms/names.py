"""Nicknames and room names: which are valid, and when two are the same (docs/protocol.md 6.5).

A name is prepared with the Nickname profile of PRECIS (RFC 8266). The rules here are stricter: no
inner spaces, because commands take one word, and no symbols.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from precis_i18n import get_profile

from chat.limits import NICK_CHARACTERS, ROOM_CHARACTERS
from chat.rooms.confusables import IGNORABLE, fold
from chat.rooms.errors import (
    NickEmptyError,
    NickInvalidError,
    NickTooLongError,
    RoomEmptyError,
    RoomInvalidError,
    RoomTooLongError,
)

__all__ = ["case_key", "name_key", "prepare_nick", "prepare_room"]

_PROFILE: Final = get_profile("NicknameCasePreserved")

_PUNCTUATION: Final = frozenset("_-.")

_HISTORIC: Final = range(0x10000, 0x20000)
"""The plane of scripts that nobody's name is written in today, such as Deseret and Gothic, many of
whose letters look like those of others (UAX 31, tables 4 and 7)."""

_DRAWN_OVER: Final = frozenset(map(chr, (*range(0x334, 0x339), *range(0x20D0, 0x2100), 0x489)))
"""Marks that strike a letter out, or enclose it."""

_TOO_MANY_MARKS: Final = re.compile("M{5}")
"""Five marks in a row, in the categories of a name's characters."""

_COMPOSED: Final = 4
"""Most characters that normalization can compose into one (an alpha and three marks)."""

_LONGEST: Final = max(NICK_CHARACTERS, ROOM_CHARACTERS)

_CACHED_KEYS: Final = 4_096
"""For texts no longer than a name, whose keys have at most 18 times as many characters: 10 MB."""


def prepare_nick(text: str) -> str:
    """Return the nickname that `text` stands for, in normalization form KC.

    Surrounding spaces are dropped. Inner white space is not allowed, and neither is anything that
    could move a cursor or is invisible. Raises NickEmptyError, NickTooLongError, NickInvalidError.
    """
    nick = _normalize(text, NICK_CHARACTERS)
    if not nick:
        raise NickEmptyError
    if len(nick) > NICK_CHARACTERS:
        raise NickTooLongError(NICK_CHARACTERS)
    if not _is_name(nick):
        raise NickInvalidError
    return nick


def prepare_room(text: str) -> str:
    """Return the room name that `text` stands for, under the rules for nicknames.

    Raises RoomEmptyError, RoomTooLongError, RoomInvalidError.
    """
    room = _normalize(text, ROOM_CHARACTERS)
    if not room:
        raise RoomEmptyError
    if len(room) > ROOM_CHARACTERS:
        raise RoomTooLongError(ROOM_CHARACTERS)
    if not _is_name(room):
        raise RoomInvalidError
    return room


def name_key(name: str) -> str:
    """Return a key that is equal for names that look alike or differ only in case.

    Every text has a key, and the key of a key is that key. A text too long to become a name is its
    own key, so that no text costs more than a few names. Not for display.
    """
    if len(name) > _COMPOSED * _LONGEST:
        return name
    return _cached_key(name) if len(name) <= _LONGEST else fold(name)


def case_key(name: str) -> str:
    """Return a key that is equal for names that differ only in case.

    Such names mostly have the same `name_key` too. The exceptions are a few letters that look like
    another letter in one case only, such as the Greek capital nu: there, looks take precedence.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)


@lru_cache(_CACHED_KEYS)
def _cached_key(name: str) -> str:
    return fold(name)


def _normalize(text: str, characters: int) -> str:
    """Return `text` stripped and in form KC; only stripped if it is too long in any form."""
    text = text.strip(" ")
    if len(text) > _COMPOSED * characters:
        return text
    return unicodedata.normalize("NFKC", text).strip(" ")


def _is_name(name: str) -> bool:
    if not (name[0].isalnum() and name[-1] not in ".-" and all(map(_is_allowed, name))):
        return False
    if _TOO_MANY_MARKS.search("".join(unicodedata.category(it)[0] for it in name)):
        return False
    try:
        return bool(_PROFILE.enforce(name) == name)
    except UnicodeEncodeError:
        return False


def _is_allowed(character: str) -> bool:
    return character in _PUNCTUATION or (
        unicodedata.category(character)[0] in "LMN"
        and character not in IGNORABLE
        and character not in _DRAWN_OVER
        and ord(character) not in _HISTORIC
    )
