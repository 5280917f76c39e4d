"""Happenings as record bodies, and what the store keeps beside them."""

from typing import NamedTuple

from msgspec import UNSET

from chat.rooms.happenings import (
    Arrived,
    Deleted,
    Departed,
    Edited,
    Happening,
    Ranked,
    Reacted,
    Renamed,
    Said,
    TopicSet,
    Writing,
)
from chat.store.interface import RecordKind
from chat.wire.messages import (
    Body,
    DeleteBody,
    EditBody,
    JoinedBody,
    LeftBody,
    ReactionBody,
    RenamedBody,
    RoleBody,
    TextBody,
    TopicBody,
    TypingBody,
)

__all__ = ["Beside", "beside", "body_of"]


def body_of(happening: Happening, nick: str, time: int) -> Body:
    """Return the record body for `happening`, at `time` in milliseconds since 1970 UTC.

    `nick` is its account's current nickname.
    """
    account = happening.account
    match happening:
        case Said(content=content, reply=reply):
            return TextBody.of(time, account, nick, content, reply or UNSET)
        case Edited(seq=seq, text=text):
            return EditBody(time, account, nick, seq, text)
        case Deleted(seq=seq):
            return DeleteBody(time, account, nick, seq)
        case Reacted(seq=seq, reaction=reaction):
            return ReactionBody(time, account, nick, seq, reaction)
        case TopicSet(topic=topic):
            return TopicBody(time, account, nick, topic)
        case Arrived(is_new=is_new):
            return JoinedBody(time, account, nick, is_new)
        case Departed(is_gone=is_gone):
            return LeftBody(time, account, nick, is_gone)
        case Ranked(role=role):
            return RoleBody(time, account, nick, role.word)
        case Renamed(was=was, nick=nick):
            return RenamedBody(time, account, nick, was)
        case Writing():
            return TypingBody(time, account, nick)
        case _:
            raise TypeError(f"no body for {happening!r}")


class Beside(NamedTuple):
    """What the store knows about a record without opening it (`chat.store.interface.Record`)."""

    kind: RecordKind = RecordKind.OTHER
    words: str = ""
    replaces: int = 0
    erases: int = 0


_NOTHING = Beside()


def beside(happening: Happening) -> Beside:
    """Return what the store keeps beside the record of a happening."""
    match happening:
        case Said(text=text):
            return Beside(RecordKind.TEXT, text)
        case Edited(seq=seq, text=text):
            return Beside(RecordKind.EDIT, text, seq)
        case Deleted(seq=seq):
            return Beside(erases=seq)
        case _:
            return _NOTHING
