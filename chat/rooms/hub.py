"""Users and rooms. Every method decides, changes the state, and returns what happened.

Sessions are numbers the caller chooses; what an account is, the hub need not know. What is to be
announced comes out as a `Happening`, in the order in which it must reach everybody; nothing here
sends. Refusals are `chat.rooms.errors`.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from chat.limits import MEMBERS_PAGE, TEXT_BYTES
from chat.rooms.errors import (
    AlreadyAMemberError,
    AlreadyLoggedInError,
    NickTakenError,
    NoSuchRoomError,
    NotAMemberError,
    NotLoggedInError,
    TextEmptyError,
    TextTooLongError,
)
from chat.rooms.names import nick_key, prepare_nick

__all__ = ["Happening", "Hub", "Joined", "Left", "Renamed", "Said", "User"]


@dataclass(slots=True)
class User:
    """Somebody who has logged in."""

    session: int
    account: bytes
    nick: str
    rooms: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that everybody in `room` gets to know, except the session that did it."""

    room: str
    session: int
    account: bytes
    nick: str


@dataclass(frozen=True, slots=True)
class Said(Happening):
    """`nick` said `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Joined(Happening):
    """`nick` has become a member; `members` are there now."""

    members: int


@dataclass(frozen=True, slots=True)
class Left(Happening):
    """`nick` is a member no longer."""


@dataclass(frozen=True, slots=True)
class Renamed(Happening):
    """`nick` was known as `was`."""

    was: str


class Hub:
    """Everybody and every room on this server."""

    def __init__(self, rooms: Iterable[str]) -> None:
        self._users: dict[int, User] = {}
        self._by_nick: dict[str, User] = {}
        self._rooms: dict[str, list[str]] = {room: [] for room in rooms}
        """Of each room, the keys of its members' nicknames: sorted, so that a page of a large room
        costs no more than one of a small room."""

    def user(self, session: int) -> User:
        """Return who is logged in on `session`. Raises NotLoggedInError."""
        try:
            return self._users[session]
        except KeyError:
            raise NotLoggedInError from None

    def login(self, session: int, account: bytes, nick: str) -> User:
        """Let `session` be known as `nick`.

        Raises AlreadyLoggedInError, NickTakenError, and what `prepare_nick` raises.
        """
        if session in self._users:
            raise AlreadyLoggedInError
        nick = prepare_nick(nick)
        if nick_key(nick) in self._by_nick:
            raise NickTakenError(nick)
        user = User(session, account, nick)
        self._users[session] = self._by_nick[nick_key(nick)] = user
        return user

    def rename(self, session: int, nick: str) -> list[Renamed]:
        """Let a user be known as `nick` from now on; what each of its rooms is told.

        Raises NotLoggedInError, NickTakenError, and what `prepare_nick` raises.
        """
        user = self.user(session)
        nick = prepare_nick(nick)
        if self._by_nick.get(nick_key(nick), user) is not user:
            raise NickTakenError(nick)
        was = user.nick
        if was == nick:
            return []
        del self._by_nick[nick_key(was)]
        self._by_nick[nick_key(nick)] = user
        for room in user.rooms:
            self._remove(room, was)
            insort(self._rooms[room], nick_key(nick))
        user.nick = nick
        return [Renamed(room, session, user.account, nick, was) for room in sorted(user.rooms)]

    def join(self, session: int, room: str) -> Joined:
        """Make a user a member. Raises NotLoggedInError, NoSuchRoomError, AlreadyAMemberError."""
        user = self.user(session)
        members = self._rooms.get(room)
        if members is None:
            raise NoSuchRoomError
        if room in user.rooms:
            raise AlreadyAMemberError
        insort(members, nick_key(user.nick))
        user.rooms.add(room)
        return Joined(room, session, user.account, user.nick, len(members))

    def say(self, session: int, room: str, text: str) -> Said:
        """Check a post.

        Raises NotLoggedInError, NotAMemberError, TextEmptyError, TextTooLongError.
        """
        user = self.user(session)
        if room not in user.rooms:
            raise NotAMemberError
        if not text:
            raise TextEmptyError
        if len(text.encode()) > TEXT_BYTES:
            raise TextTooLongError(TEXT_BYTES)
        return Said(room, session, user.account, user.nick, text)

    def who(self, session: int, room: str, after: str | None) -> tuple[list[str], bool]:
        """Return nicknames of members, sorted, from behind `after`, and whether there are more.

        Raises NotLoggedInError, NotAMemberError.
        """
        user = self.user(session)
        if room not in user.rooms:
            raise NotAMemberError
        keys = self._rooms[room]
        start = 0 if after is None else bisect_right(keys, nick_key(after))
        end = start + MEMBERS_PAGE
        return [self._by_nick[key].nick for key in keys[start:end]], len(keys) > end

    def leave(self, session: int, room: str) -> Left:
        """Make a user a member no longer. Raises NotLoggedInError, NotAMemberError."""
        user = self.user(session)
        if room not in user.rooms:
            raise NotAMemberError
        user.rooms.remove(room)
        self._remove(room, user.nick)
        return Left(room, session, user.account, user.nick)

    def logout(self, session: int) -> list[Left]:
        """Forget a session, logged in or not; what each of its rooms is told."""
        user = self._users.get(session)
        if user is None:
            return []
        left = [self.leave(session, room) for room in sorted(user.rooms)]
        del self._users[session]
        del self._by_nick[nick_key(user.nick)]
        return left

    def _remove(self, room: str, nick: str) -> None:
        keys = self._rooms[room]
        del keys[bisect_left(keys, nick_key(nick))]
