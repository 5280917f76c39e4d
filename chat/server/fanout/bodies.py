"""From what happened in the domain to what is kept of it: a record's body, and a log's entry."""

from msgspec import UNSET

from chat.rooms.happenings import (
    Deleted,
    Edited,
    Happening,
    Joined,
    Left,
    Reacted,
    Renamed,
    Said,
    TopicSet,
)
from chat.store.interface import Entry
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
)

__all__ = ["body_of", "entry_of"]


def body_of(happening: Happening, time: int) -> Body:
    """Return the body that tells a log's readers of `happening`, at `time` in milliseconds."""
    account, nick = happening.account, happening.nick
    match happening:
        case Said(text=text, reply=reply):
            return TextBody(time, account, nick, text, reply or UNSET)
        case Edited(seq=seq, text=text):
            return EditBody(time, account, nick, seq, text)
        case Deleted(seq=seq):
            return DeleteBody(time, account, nick, seq)
        case Reacted(seq=seq, reaction=reaction):
            return ReactionBody(time, account, nick, seq, reaction)
        case TopicSet(topic=topic):
            return TopicBody(time, account, nick, topic)
        case Joined():
            return JoinedBody(time, account, nick)
        case Left():
            return LeftBody(time, account, nick)
        case Renamed(was=was):
            return RenamedBody(time, account, nick, was)
        case _:
            raise TypeError(f"no body for {happening!r}")


def entry_of(happening: Happening, record_id: bytes, time: int, record: bytes) -> Entry:
    """Return what the store is to keep of `happening`, whose sealed record is `record`."""
    match happening:
        case Said(text=text):
            return Entry(record_id, time, record, words=text)
        case Edited(seq=seq, text=text):
            return Entry(record_id, time, record, words=text, replaces=seq)
        case Deleted(seq=seq):
            return Entry(record_id, time, record, erases=seq)
        case _:
            return Entry(record_id, time, record)
