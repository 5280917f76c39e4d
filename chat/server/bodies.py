"""From what happened in the domain to the body of a record."""

from chat.rooms.hub import Happening, Joined, Left, Renamed, Said
from chat.wire.messages import Body, JoinedBody, LeftBody, RenamedBody, TextBody

__all__ = ["body_of"]


def body_of(happening: Happening, time: int) -> Body:
    """Return the body that tells a room's members of `happening`, at `time` in milliseconds."""
    account, nick = happening.account, happening.nick
    match happening:
        case Said(text=text):
            return TextBody(time, account, nick, text)
        case Joined():
            return JoinedBody(time, account, nick)
        case Left():
            return LeftBody(time, account, nick)
        case Renamed(was=was):
            return RenamedBody(time, account, nick, was)
        case _:
            raise TypeError(f"no body for {happening!r}")
