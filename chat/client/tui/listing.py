"""What the lists at the sides say: rooms and conversations, members."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from textual.style import Style

from chat.client.core.model import Member
from chat.client.core.rooms import Room
from chat.client.look import Role, count_words
from chat.client.tui.client import RoomsClient
from chat.client.tui.paint import label, shown
from chat.client.tui.side import Entry
from chat.ids import AccountId, LogId
from chat.rooms.roles import Role as Rank

__all__ = [
    "invitation_key",
    "member_lines",
    "request_key",
    "room_entries",
    "room_key",
    "sorted_rooms",
]


def room_key(at: int, log: LogId) -> str:
    """Return the key of a room's entry; `at` is the number of its client."""
    return f"room {at} {log.hex()}"


def request_key(at: int, log: LogId) -> str:
    """Return the key of the entry of somebody who asks for a conversation."""
    return f"request {at} {log.hex()}"


def invitation_key(at: int, room: str) -> str:
    """Return the key of the entry of an invitation."""
    return f"invitation {at} {room}"


def sorted_rooms(rooms: Iterable[Room]) -> list[Room]:
    """Return rooms as they are listed: rooms first, then conversations, each by name.

    What is unread does not move: it would move under the pointer.
    """
    return sorted(rooms, key=lambda room: (room.is_private, room.name.casefold()))


def room_entries(
    clients: Sequence[RoomsClient], is_muted: Callable[[RoomsClient, Room], bool]
) -> list[Entry]:
    """Return the list of rooms and conversations, with what waits for an answer."""
    entries: list[Entry] = []
    for at, client in enumerate(clients):
        if len(clients) > 1:
            entries.append(Entry(None, shown(client.name), Role.ACCENT))
        rooms = sorted_rooms(client.core.rooms)
        requests, invitations = client.core.requests, client.core.invitations
        for is_private, heading in ((False, "rooms"), (True, "people")):
            listed = [room for room in rooms if room.is_private == is_private]
            if listed:
                entries.append(Entry(None, heading, Role.DIM))
            entries += [_room_entry(at, room, is_muted(client, room)) for room in listed]
        if requests:
            entries.append(Entry(None, "they ask to talk", Role.DIM))
            entries += [
                Entry(request_key(at, it.log), f"?{shown(it.nick)}", Role.WARN) for it in requests
            ]
        if invitations:
            entries.append(Entry(None, "invitations", Role.DIM))
            for room_name, by in invitations:
                text = f"+{shown(room_name)} by {shown(by) if by else 'the operator'}"
                entries.append(Entry(invitation_key(at, room_name), text, Role.WARN))
    return entries


def _room_entry(at: int, room: Room, is_muted: bool) -> Entry:
    badge = count_words(room.unread)
    if room.mentions:
        badge = f"@{count_words(room.mentions)} {badge}"
    return Entry(
        room_key(at, room.log),
        label(room),
        Role.DIM if is_muted else Role.TEXT,
        badge,
        is_bold=room.unread > 0 and not is_muted,
    )


_BADGES: Final = {Rank.OPERATOR: "op", Rank.OWNER: "owner", Rank.HOST: "host"}
"""What stands behind the name of a member with a role in the room."""


def member_lines(
    room: Room | None, name: Callable[[AccountId], Style]
) -> tuple[int, Callable[[int], Entry]]:
    """Return how many lines the list of members has, and what returns one of them.

    Who is here comes first, and who has a role before others. `name` is how somebody's nickname is
    drawn. Lines are made when they are seen: a room may have very many members.
    """
    members = [] if room is None or room.members is None else list(room.members.values())
    members.sort(key=lambda it: (not it.is_here, -it.role, it.nick.casefold()))
    here = sum(it.is_here for it in members)
    lines: list[str | Member] = [*members[:here]]
    if here:
        lines.insert(0, f"here ({here})")
    if here < len(members):
        lines += [f"away ({len(members) - here})", *members[here:]]

    def line(at: int) -> Entry:
        it = lines[at]
        if isinstance(it, str):
            return Entry(None, it, Role.DIM)
        text = f"{'●' if it.is_here else '○'} {shown(it.nick)}"
        style = name(it.account) if it.is_here else None
        return Entry(it.nick, text, Role.DIM, _BADGES.get(it.role, ""), nick=style)

    return len(lines), line
