"""What these tests share."""

from itertools import count

from chat.limits import Limits
from chat.rooms.hub import Hub
from chat.rooms.people import Account, People
from chat.rooms.room import Kind, Room

__all__ = ["enter", "hub_with", "new_ids", "room_of"]


def new_ids(start: int = 1) -> "Ids":
    """Return a source of ids that counts."""
    return Ids(start)


class Ids:
    """Gives 16-byte ids, one after the other."""

    def __init__(self, start: int) -> None:
        self._numbers = count(start)

    def __call__(self) -> bytes:
        """Return the next id."""
        return next(self._numbers).to_bytes(16, "big")


def hub_with(*nicks: str, limits: Limits | None = None) -> tuple[Hub, list[Account]]:
    """Return a hub on which these are logged in, on sessions 1, 2, …"""
    hub = Hub(new_ids(), limits)
    people = [
        enter(hub.people, session, nick.encode(), nick) for session, nick in enumerate(nicks, 1)
    ]
    return hub, people


def enter(people: People, session: int, key: bytes, nick: str) -> Account:
    """Log in with a key, as a new account if it has none."""
    people.check_new(session)
    account = people.of_key(key) or people.register(key, nick, 0)
    people.login(session, account)
    return account


def room_of(hub: Hub, *members: Account, name: str = "python", kind: Kind = Kind.PUBLIC) -> Room:
    """Return a new room of the first of these, with all of them in it."""
    room, is_made = hub.find_or_make(members[0], name, kind.value)
    assert is_made
    for member in members:
        room.add(member)
    return room
