"""The lines about the room and about the connection, as values: what is true, in words."""

from math import ceil
from typing import Final

from chat.client.core.model import Connection, Phase
from chat.client.core.rooms import Room
from chat.client.look import Role
from chat.client.tui.bars import Piece
from chat.client.tui.paint import label, shown

__all__ = ["connection_pieces", "empty_words", "room_pieces", "who_reads", "writing_words"]

_WRITERS: Final = 3
"""People who are named while they write."""


def who_reads(room: Room, nick: str = "") -> str:
    """Return in words who can read what is said in a room of the user `nick`."""
    if room.is_private and room.is_unread_by_other(nick):
        return f"{shown(room.name)} reads it once they accept"
    if room.is_private:
        return "only the two of you"
    count = f"{room.member_count} member{'s' if room.member_count != 1 else ''}"
    joins = "by invitation" if room.kind == "invite" else "open to all"
    return f"{joins}, {count}"


def empty_words(room: Room | None) -> str:
    """Return what there is to know where nothing was said, or where there is no room."""
    if room is None:
        return (
            "You are in no room.\n"
            "Ctrl-K goes to a room or person, /rooms lists the public rooms,\n"
            "and /create ROOM makes one. F1 shows everything one can do."
        )
    if room.is_private:
        return f"This is between you and {shown(room.name)}. Nothing was said yet."
    how = (
        "/invite NICK lets somebody in; so does a link, which /invitation makes."
        if room.kind == "invite"
        else "Whoever is on this server can join; /invitation makes a link for others."
    )
    return f"Nothing was said in {shown(room.name)} yet.\n{how}"


def room_pieces(room: Room | None, nick: str, *, is_narrow: bool) -> list[Piece]:
    """Return the line at the top, for the user `nick`."""
    if room is None:
        return [Piece("no room", Role.TEXT, "switch", is_bold=True)]
    pieces = [Piece(label(room), Role.ACCENT, "room", is_bold=True)]
    topic = shown(" ".join(room.topic.split()))
    if topic:
        pieces.append(Piece(f"  {topic}", Role.TEXT, "topic", can_shrink=True))
    pieces.append(Piece(f"  {who_reads(room, nick)}", Role.DIM, "members", can_shrink=not topic))
    if not is_narrow:
        pieces.append(Piece("   search: Ctrl-F", Role.DIM, "search"))
    return pieces


def connection_pieces(
    name: str,
    connection: Connection,
    now: float,
    *,
    nick: str,
    is_verified: bool,
    unsent: int,
    latency: float | None = None,
) -> list[Piece]:
    """Return what is to be said about a server. `now` is of the clock of `retry_at`, in seconds;
    `latency` is in seconds."""
    pieces: list[Piece] = []
    where = Piece(shown(f"{nick} at {name}" if nick else name), Role.DIM, "server")
    match connection.phase:
        case Phase.ONLINE:
            pieces.append(Piece("● ", Role.GOOD))
            pieces.append(where)
            trust = " verified" if is_verified else " key pinned"
            pieces.append(Piece(trust, Role.GOOD if is_verified else Role.DIM, "server"))
            pieces.append(Piece(", encrypted", Role.DIM, "server"))
            if latency is not None:
                pieces.append(Piece(f", {ceil(latency * 1_000)} ms", Role.DIM))
        case Phase.WAITING:
            pieces.append(Piece("○ ", Role.WARN))
            pieces.append(where)
            left = 0 if connection.retry_at is None else max(0, ceil(connection.retry_at - now))
            again = f" reconnecting in {left} s" if left else " reconnecting"
            pieces.append(Piece(again, Role.WARN))
            pieces.append(Piece(f"  {shown(connection.reason)}", Role.DIM, can_shrink=True))
        case Phase.SYNCING | Phase.CONNECTING:
            words = "opening your rooms" if connection.phase is Phase.SYNCING else "connecting"
            pieces += [Piece("○ ", Role.WARN), where, Piece(f" {words}", Role.WARN)]
        case Phase.OVER:
            pieces += [Piece("✗ ", Role.BAD), where, Piece(" no connection", Role.BAD)]
            if connection.reason:
                reason = shown(connection.reason)
                pieces.append(Piece(f"  {reason}", Role.DIM, can_shrink=True))
        case _:
            pieces += [Piece("○ ", Role.DIM), where]
    if unsent:
        pieces.append(Piece(f"  {unsent} not sent yet", Role.WARN))
    return pieces


def writing_words(room: Room | None) -> str:
    """Return who else is writing in a room; empty if nobody is."""
    names = [] if room is None else [shown(author.nick) for author in room.typing]
    if not names:
        return ""
    if len(names) > _WRITERS:
        return f"{len(names)} people are writing …"
    if len(names) == 1:
        return f"{names[0]} is writing …"
    return f"{', '.join(names[:-1])} and {names[-1]} are writing …"
