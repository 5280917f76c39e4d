"""Names of people and rooms: which are allowed, and when two are the same (protocol.md 6.5)."""

import unicodedata
from typing import Final

from chat.limits import NICK_CHARACTERS, ROOM_CHARACTERS
from chat.rooms.errors import (
    NickEmptyError,
    NickInvalidError,
    NickTooLongError,
    RoomEmptyError,
    RoomInvalidError,
    RoomTooLongError,
)

__all__ = ["name_key", "prepare_nick", "prepare_room"]

_PUNCTUATION: Final = frozenset("_-.")

# Letters and marks that are shown as nothing (Unicode's Default_Ignorable_Code_Point): with them,
# two nicknames could look the same, or like no nickname at all.
_INVISIBLE: Final = frozenset(
    map(
        chr,
        [
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180F, 0x3164, 0xFFA0),
            *range(0x180B, 0x180E),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ],
    )
)


def prepare_nick(text: str) -> str:
    """Return the nickname that `text` stands for, in normalization form C.

    Raises NickEmptyError, NickTooLongError, NickInvalidError. White space around it is dropped;
    inside it is not allowed, nor is anything that could move a cursor or hide.
    """
    nick = _normalize(text)
    if not nick:
        raise NickEmptyError
    if len(nick) > NICK_CHARACTERS:
        raise NickTooLongError(NICK_CHARACTERS)
    if not _is_name(nick):
        raise NickInvalidError
    return nick


def prepare_room(text: str) -> str:
    """Return the name of a room that `text` stands for, under the rules of nicknames.

    Raises RoomEmptyError, RoomTooLongError, RoomInvalidError.
    """
    room = _normalize(text)
    if not room:
        raise RoomEmptyError
    if len(room) > ROOM_CHARACTERS:
        raise RoomTooLongError(ROOM_CHARACTERS)
    if not _is_name(room):
        raise RoomInvalidError
    return room


def name_key(name: str) -> str:
    """Return what two names have in common when they are the same."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)


def _normalize(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip(" "))


def _is_name(name: str) -> bool:
    return name[0].isalnum() and all(map(_is_allowed, name))


def _is_allowed(character: str) -> bool:
    return character in _PUNCTUATION or (
        unicodedata.category(character)[0] in "LMN" and character not in _INVISIBLE
    )
