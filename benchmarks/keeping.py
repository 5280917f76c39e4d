"""Servers that store messages, as this one does, and the check that they really do."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

from benchmarks.peer import PeerError
from benchmarks.scenarios import Rounds
from benchmarks.texts import number_of
from benchmarks.tls import PeerProcess, TlsClient

__all__ = ["Keeper", "KeepingClient", "verified"]


class KeepingClient(TlsClient):
    """A client in a room with an archive; it counts its posts and their acknowledgements."""

    def __init__(self, nick: str, room: str | None) -> None:
        super().__init__()
        self.nick = nick
        self.room = room or ""
        self.posted = 0

    def post(self, text: str) -> None:
        """Post in the room; `flush` sends it."""
        raise NotImplementedError


class Keeper(PeerProcess):
    """A server with an archive of each room; see `peer.Server`."""

    name: str

    def __init__(self) -> None:
        super().__init__()
        self._clients: list[KeepingClient] = []

    def enter(self, nick: str, room: str | None) -> KeepingClient:
        """Return a new client, logged in and, if a room is given, in it. Blocks."""
        raise NotImplementedError

    def kept(self, room: str) -> tuple[int, str]:
        """Return how many messages the archive of a room holds, and the text of the last one."""
        raise NotImplementedError

    def connect(self, nick: str, room: str | None) -> KeepingClient:
        """Return a new client, logged in and, if a room is given, in it. Blocks."""
        client = self.enter(nick, room)
        self._clients.append(client)
        return client

    def verify(self) -> None:
        """Check that the archives hold all posts. Raises PeerError if one holds more or fewer."""
        posted: Counter[str] = Counter()
        for client in self._clients:
            posted[client.room] += client.posted
        for room, count in posted.items():
            if not count:
                continue
            kept, last = self.kept(room)
            if kept != count:
                raise PeerError(f"the archive of {room} holds {kept} of {count} posts")
            try:
                number_of(last)
            except ValueError as error:
                raise PeerError(f"the archive of {room} holds {error}") from None


def verified(play: Callable[[Any], Rounds]) -> Callable[[Keeper], Rounds]:
    """Check a server's archives after each round, while nothing is measured."""

    def checked(server: Keeper) -> Rounds:
        with closing(play(server)) as rounds:
            for figures in rounds:
                server.verify()
                yield figures

    return checked
