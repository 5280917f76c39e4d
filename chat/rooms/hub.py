"""Everybody and every log on this server. Every method decides, changes the state, or refuses.

Nothing here sends or stores: what is to be told comes out as a `Happening`, what has changed the
caller knows from what it asked. Refusals are `chat.rooms.errors`.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from typing import Final

from chat.limits import LOGS_PAGE, REACTION_BYTES, ROOMS_PAGE, SLOW_MOST, TEXT_BYTES, Limits
from chat.rooms.entries import Codes, Invitations
from chat.rooms.errors import (
    BannedError,
    MutedError,
    NoSuchRoomError,
    NotAMemberError,
    SlowModeError,
    TextEmptyError,
    TextTooLongError,
    TooManyInvitationsError,
    TooManyRoomsError,
)
from chat.rooms.happenings import Left, Renamed
from chat.rooms.names import name_key, prepare_room
from chat.rooms.people import Account, People
from chat.rooms.roles import Action, Role, Sanction, Standing, check_above, reason, until
from chat.rooms.room import Kind, Room

__all__ = ["Hub", "check_reaction", "check_text"]


_POSTED_MOST: Final = 100_000
"""Posts in slow mode that are remembered before those of more than a day ago are forgotten."""


def check_text(text: str) -> None:
    """Raise TextEmptyError or TextTooLongError for what cannot be said."""
    if not text:
        raise TextEmptyError
    # A character has four bytes at most.
    if len(text) > TEXT_BYTES // 4 and len(text.encode()) > TEXT_BYTES:
        raise TextTooLongError(TEXT_BYTES, "bytes")


def check_reaction(reaction: str) -> None:
    """Raise TextTooLongError for what is no sign."""
    if len(reaction.encode()) > REACTION_BYTES:
        raise TextTooLongError(REACTION_BYTES, "bytes")


class Hub:
    """All accounts and all logs."""

    def __init__(self, new_id: Callable[[], bytes], limits: Limits | None = None) -> None:
        self._new_id = new_id
        self._limits = Limits() if limits is None else limits
        self.people = People(new_id)
        self._rooms: dict[bytes, Room] = {}
        self._by_name: dict[str, Room] = {}
        self._public: list[str] = []
        """Keys of the names of public rooms, sorted."""
        self._pairs: dict[frozenset[bytes], Room] = {}
        self.standing = Standing()
        """Of accounts on the whole server."""
        self.codes = Codes()
        self.invitations = Invitations()
        self.networks: dict[str, Sanction] = {}
        """Groups of addresses that are kept out."""
        self._posted: dict[tuple[bytes, bytes], tuple[int, bytes]] = {}
        """When somebody last posted in a room that is in slow mode, and which message."""
        self._made: dict[bytes, set[bytes]] = {}
        """Rooms by who made them. Some may be gone, or somebody else's by now."""

    def add_room(self, room: Room) -> None:
        """Know a room from earlier, or a new one. Its members are added later."""
        self._rooms[room.log] = room
        if room.kind is not Kind.PRIVATE:
            key = name_key(room.name)
            self._by_name[key] = room
            self._made.setdefault(room.owner, set()).add(room.log)
            if room.kind is Kind.PUBLIC:
                insort(self._public, key)

    def settle(self, room: Room) -> None:
        """Know a private conversation by its members, who are all added."""
        self._pairs[frozenset(room.members)] = room

    def remove_room(self, room: Room) -> None:
        """Forget a room that came to nothing, and that nobody is in."""
        del self._rooms[room.log]
        if room.kind is not Kind.PRIVATE:
            del self._by_name[name_key(room.name)]
            if room.kind is Kind.PUBLIC:
                del self._public[bisect_left(self._public, name_key(room.name))]
        for pair in [pair for pair, known in self._pairs.items() if known is room]:
            del self._pairs[pair]

    def shared_rooms(self) -> list[Room]:
        """Return all rooms that are no private conversation."""
        return list(self._by_name.values())

    def known_room(self, log: bytes) -> Room | None:
        """Return a log, whoever asks."""
        return self._rooms.get(log)

    def named_room(self, name: str) -> Room:
        """Return a room by its name, whoever asks. Raises NoSuchRoomError."""
        room = self._by_name.get(name_key(name.strip(" ")))
        if room is None:
            raise NoSuchRoomError
        return room

    def room(self, account: Account, log: bytes) -> Room:
        """Return the log of which an account is a member. Raises NotAMemberError."""
        room = self._rooms.get(log)
        if room is None:
            raise NotAMemberError  # Whether there is such a log is nobody's business.
        room.check_member(account)
        return room

    def has_room(self, name: str) -> bool:
        """Tell whether there is a room with this name."""
        return name_key(name) in self._by_name

    def rooms_of(self, account: Account) -> list[Room]:
        """Return all logs of which an account is a member, by id."""
        return [self._rooms[log] for log in sorted(account.logs)]

    def logs(self) -> list[bytes]:
        """Return the ids of all logs."""
        return list(self._rooms)

    def rename(self, account: Account, nick: str) -> list[Renamed]:
        """Let an account be known as `nick`; what each of its rooms is told.

        Raises NickTakenError, and what `prepare_nick` raises.
        """
        was = account.nick
        self.people.rename(account, nick)
        if account.nick == was:
            return []
        told = []
        for log in sorted(account.logs):
            room = self._rooms[log]
            room.forget_nick(was)
            room.list_nick(account.nick)
            told.append(Renamed(log, account.id, account.nick, was))
        return told

    def find_or_make(self, account: Account, name: str, create: str | None) -> tuple[Room, bool]:
        """Return the room with this name, and whether it was made now.

        Raises NoSuchRoomError, TooManyRoomsError, and what `prepare_room` raises.
        """
        room = self._by_name.get(name_key(name.strip(" ")))
        if room is not None:
            return room, False
        if create not in (Kind.PUBLIC.value, Kind.INVITE.value):
            raise NoSuchRoomError
        name = prepare_room(name)
        if self._owned(account) >= self._limits.rooms_per_account:
            raise TooManyRoomsError(self._limits.rooms_per_account)
        room = Room(self._new_id(), Kind(create), name, account.id)
        self.add_room(room)
        return room, True

    def _owned(self, account: Account) -> int:
        """Return how many of the rooms that an account has made it still owns."""
        made = self._made.get(account.id, set())
        made.intersection_update(
            [log for log in made if log in self._rooms and self._rooms[log].owner == account.id]
        )
        return len(made)

    def conversation(self, account: Account, other: Account) -> tuple[Room, bool]:
        """Return the private conversation of two accounts, and whether it was made now."""
        room = self._pairs.get(frozenset((account.id, other.id)))
        if room is not None:
            return room, False
        room = Room(self._new_id(), Kind.PRIVATE, "", account.id)
        self.add_room(room)
        room.add(account)
        if other is not account:
            room.add(other)
        self.settle(room)
        return room, True

    def join(self, account: Account, room: Room, now: int) -> bool:
        """Make an account a member; whether it was none before.

        Raises BannedError, NotInvitedError.
        """
        if account.id in room.members:
            return False
        if self.role(account, room) < Role.OPERATOR:
            room.check_may_join(account, now)
        room.add(account)
        return True

    def invite(self, account: Account, room: Room) -> None:
        """Let an account join a room. Raises TooManyInvitationsError.

        Who is invited already may be told again.
        """
        limits = self._limits
        if room.log not in account.invitations and (
            len(account.invitations) >= limits.invitations_per_account
            or len(room.invited) >= limits.invitations_per_room
        ):
            raise TooManyInvitationsError
        room.invite(account)

    # --- Who may what ---

    def role(self, account: Account, room: Room | None) -> Role:
        """Return an account's role in a room, or on the server."""
        on_server = self.standing.role(account.id)
        if room is None:
            return on_server
        return max(on_server, room.standing.role(account.id))

    def check_may_enter(self, account: Account, now: int) -> None:
        """Raise BannedError for an account that is kept out of the server."""
        _check_ban(self.standing.ban(account.id, now))

    def check_network(self, group: str, now: int) -> None:
        """Raise BannedError for a group of addresses that is kept out of the server."""
        sanction = self.networks.get(group)
        if sanction is not None and not sanction.holds(now):
            del self.networks[group]
            sanction = None
        _check_ban(sanction)

    def check_may_speak(self, account: Account, room: Room, now: int) -> None:
        """Raise MutedError for a member who may not say anything."""
        for standing, where in ((self.standing, "this server"), (room.standing, room.name)):
            muted = standing.mute(account.id, now)
            if muted is not None:
                raise MutedError(where, until(muted), reason(muted))

    def check_pace(self, account: Account, room: Room, message: bytes, now: int) -> None:
        """Raise SlowModeError for a post that comes too soon; else note when it came.

        The same message may come again, because its answer was lost.
        """
        if not room.slow or self.role(account, room) >= Role.OPERATOR:
            return
        at, last = self._posted.get((room.log, account.id), (-room.slow * 1_000, b""))
        left = at + room.slow * 1_000 - now
        if left > 0 and message != last:
            raise SlowModeError(-(-left // 1_000))
        if len(self._posted) >= _POSTED_MOST:
            oldest = now - SLOW_MOST * 1_000
            self._posted = {key: post for key, post in self._posted.items() if post[0] > oldest}
        self._posted[room.log, account.id] = (now if left <= 0 else at, message)

    def set_pace(self, room: Room, seconds: int) -> None:
        """Let those who are no operators wait so long between two posts; 0 ends that."""
        room.slow = seconds
        self._posted = {key: at for key, at in self._posted.items() if key[0] != room.log}

    def check_moderation(
        self, action: Action, actor: Account, target: Account, room: Room | None
    ) -> None:
        """Raise NotAllowedError, NotAMemberError if `actor` may not do that to `target`."""
        if room is not None:
            room.check_shared()
        check_above(action, self.role(actor, room), self.role(target, room))
        is_elsewhere = room is not None and target.id not in room.members
        if is_elsewhere and action in (Action.KICK, Action.OP):
            raise NotAMemberError

    def leave(self, account: Account, room: Room) -> Left:
        """Make a member one no longer. Raises NotAllowedError for a private conversation."""
        room.check_shared()
        room.remove(account)
        return Left(room.log, account.id, account.nick)

    def logs_after(self, account: Account, log: bytes | None) -> tuple[list[Room], bool]:
        """Return logs of which an account is a member, by id, and whether more follow."""
        logs = sorted(account.logs)
        start = 0 if log is None else bisect_right(logs, log)
        end = start + LOGS_PAGE
        return [self._rooms[it] for it in logs[start:end]], len(logs) > end

    def public_after(self, name: str | None) -> tuple[list[Room], bool]:
        """Return public rooms, by name, from behind `name`, and whether more follow."""
        start = 0 if name is None else bisect_right(self._public, name_key(name))
        end = start + ROOMS_PAGE
        return [self._by_name[key] for key in self._public[start:end]], len(self._public) > end

    def invited_to(self, account: Account) -> list[Room]:
        """Return the rooms that an account is invited to and did not join."""
        return [self._rooms[log] for log in sorted(account.invitations)]


def _check_ban(sanction: Sanction | None) -> None:
    if sanction is not None:
        raise BannedError("this server", until(sanction), reason(sanction))
