"""What the server keeps beside the logs: accounts, rooms, members, in the store's small values.

One value for each, written when it changes. All of them are read once, at the start; from then on
the domain has them in memory.
"""

from typing import Final

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.limits import Limits
from chat.rooms.entries import Invitation
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.rooms.roles import Sanction, Standing
from chat.rooms.room import Kind, Room
from chat.store.interface import LogStore, StoreError

__all__ = ["Catalog"]

_log = Logger()

_ACCOUNT: Final = b"account/"
_ROOM: Final = b"room/"
_MEMBER: Final = b"member/"
_SERVER: Final = b"server/"
_INVITATION: Final = b"invitation/"
_CODE: Final = b"code/"


class _Account(msgspec.Struct, frozen=True, array_like=True):
    nick: str
    devices: list[tuple[bytes, int]]


_Sanctions = list[tuple[bytes, int, str]]
"""Whose, until when, why."""


class _Standing(msgspec.Struct, frozen=True, array_like=True):
    owners: list[bytes]
    operators: list[bytes]
    muted: _Sanctions
    banned: _Sanctions


class _Server(msgspec.Struct, frozen=True, array_like=True):
    standing: _Standing
    networks: list[tuple[str, int, str]]


class _Room(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    name: str
    owner: bytes
    topic: str
    slow: int
    invited: list[bytes]
    standing: _Standing


class _Invitation(msgspec.Struct, frozen=True, array_like=True):
    log: bytes
    by: bytes
    uses: int
    until: int


class _Member(msgspec.Struct, frozen=True, array_like=True):
    seen: int


_accounts: Final = msgspec.msgpack.Decoder(_Account)
_rooms: Final = msgspec.msgpack.Decoder(_Room)
_members: Final = msgspec.msgpack.Decoder(_Member)
_servers: Final = msgspec.msgpack.Decoder(_Server)
_codes: Final = msgspec.msgpack.Decoder(tuple[bytes, int])
_invitations: Final = msgspec.msgpack.Decoder(_Invitation)


class Catalog:
    """Reads and writes accounts, rooms and members."""

    def __init__(self, store: LogStore, clock: IReactorTime, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._written: dict[bytes, bytes] = {}
        """What the store has, or will have when what was asked is done."""
        self._seen: dict[tuple[bytes, bytes], int] = {}
        self._unsaved: set[tuple[bytes, bytes]] = set()
        self._saving: IDelayedCall | None = None

    async def load(self, hub: Hub) -> None:
        """Tell a new hub all that is known. Raises StoreError."""
        try:
            for key, value in await self._scan(_ACCOUNT):
                account = _accounts.decode(value)
                hub.people.add(Account(key, account.nick, dict(account.devices)))
            rooms: dict[bytes, Room] = {}
            for key, value in await self._scan(_ROOM):
                rooms[key] = self._load_room(key, _rooms.decode(value), hub)
            for key, value in await self._scan(_MEMBER):
                self._load_member(key[:16], key[16:], _members.decode(value), rooms, hub)
            for _, value in await self._scan(_SERVER):
                server = _servers.decode(value)
                hub.standing = _load_standing(server.standing)
                hub.networks = {it[0]: Sanction(*it[1:]) for it in server.networks}
            for key, value in await self._scan(_CODE):
                hash, until = _codes.decode(value)
                hub.codes.issue(key, hash, 0, until)
            for key, value in await self._scan(_INVITATION):
                kept = _invitations.decode(value)
                hub.invitations.known[key] = Invitation(kept.log, kept.by, kept.uses, kept.until)
        except (ValueError, msgspec.DecodeError) as error:
            raise StoreError(f"what is kept of accounts and rooms is damaged: {error!r}") from None
        for room in rooms.values():
            if room.kind is Kind.PRIVATE:
                hub.settle(room)

    def _load_room(self, log: bytes, kept: _Room, hub: Hub) -> Room:
        room = Room(log, Kind(kept.kind), kept.name, kept.owner, kept.topic, kept.slow)
        room.standing = _load_standing(kept.standing)
        hub.add_room(room)
        for account_id in kept.invited:
            if (account := hub.people.get(account_id)) is not None:
                room.invite(account)
        return room

    def _load_member(
        self, log: bytes, account_id: bytes, kept: _Member, rooms: dict[bytes, Room], hub: Hub
    ) -> None:
        room, account = rooms.get(log), hub.people.get(account_id)
        # Where a membership was stored and what goes with it was not, its user was told that
        # nothing came of it.
        if room is not None and account is not None:
            room.add(account)
            self._seen[log, account_id] = kept.seen

    async def _scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        found = await self._store.scan(prefix)
        self._written.update(found)
        return [(key.removeprefix(prefix), value) for key, value in found]

    # --- Changes: each fires when it is durable, and fails with StoreError ---

    def save_account(self, account: Account) -> Deferred[None]:
        """Keep an account as it is now."""
        value = msgspec.msgpack.encode(_Account(account.nick, list(account.devices.items())))
        return self._put(_ACCOUNT + account.id, value)

    def save_room(self, room: Room) -> Deferred[None]:
        """Keep a room as it is now, but for its members."""
        value = _Room(
            *(room.kind.value, room.name, room.owner, room.topic),
            *(room.slow, sorted(room.invited), _standing(room.standing)),
        )
        return self._put(_ROOM + room.log, msgspec.msgpack.encode(value))

    def save_server(self, hub: Hub) -> Deferred[None]:
        """Keep roles and sanctions on the whole server as they are now."""
        networks = [(group, it.until, it.reason) for group, it in sorted(hub.networks.items())]
        value = _Server(_standing(hub.standing), networks)
        return self._put(_SERVER, msgspec.msgpack.encode(value))

    def save_invitation(self, hash: bytes, invitation: Invitation | None) -> Deferred[None]:
        """Keep an invitation as it is now, or no longer."""
        if invitation is None:
            return self._put(_INVITATION + hash, None)
        it = invitation
        value = _Invitation(it.log, it.by, it.uses, it.until)
        return self._put(_INVITATION + hash, msgspec.msgpack.encode(value))

    def save_code(self, account_id: bytes, code: tuple[bytes, int] | None) -> Deferred[None]:
        """Keep the hash of a code and until when it is good, or no longer."""
        value = None if code is None else msgspec.msgpack.encode(code)
        return self._put(_CODE + account_id, value)

    def save_member(self, log: bytes, account_id: bytes) -> Deferred[None]:
        """Keep that an account is a member."""
        member = _Member(self.seen(log, account_id))
        return self._put(_MEMBER + log + account_id, msgspec.msgpack.encode(member))

    def remove_member(self, log: bytes, account_id: bytes) -> Deferred[None]:
        """Keep that an account is no member."""
        self._seen.pop((log, account_id), None)
        return self._put(_MEMBER + log + account_id, None)

    def _put(self, key: bytes, value: bytes | None) -> Deferred[None]:
        expected = self._written.get(key)
        if expected == value:
            return succeed(None)
        self._note(key, value)
        put = self._store.compare_and_set(key, expected, value)

        def failed(failure: Failure) -> Failure:
            # Whatever came after it has failed or will: it expected what is not there.
            self._note(key, expected)
            return failure

        def done(was_expected: bool) -> None:
            if not was_expected:
                raise StoreError("a value has changed behind the server's back")

        return put.addCallback(done).addErrback(failed)

    def _note(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._written.pop(key, None)
        else:
            self._written[key] = value

    # --- What users have seen: written now and then ---

    def seen(self, log: bytes, account_id: bytes) -> int:
        """Return up to which record a member has seen a log."""
        return self._seen.get((log, account_id), 0)

    def mark_seen(self, log: bytes, account_id: bytes, seq: int) -> None:
        """Remember that a member has seen a log up to `seq`."""
        if seq <= self.seen(log, account_id):
            return
        self._seen[log, account_id] = seq
        self._unsaved.add((log, account_id))
        if self._saving is None:
            self._saving = self._clock.callLater(self._limits.seen_seconds, self.save_seen)

    def save_seen(self) -> None:
        """Write what users have seen, if anything is new."""
        if self._saving is not None and self._saving.active():
            self._saving.cancel()
        self._saving = None
        unsaved, self._unsaved = self._unsaved, set()
        for log, account_id in unsaved:
            if _MEMBER + log + account_id in self._written:
                self.save_member(log, account_id).addErrback(_not_saved)


def _standing(standing: Standing) -> _Standing:
    return _Standing(
        *(sorted(standing.owners), sorted(standing.operators)),
        *(_sanctions(standing.muted), _sanctions(standing.banned)),
    )


def _sanctions(sanctions: dict[bytes, Sanction]) -> _Sanctions:
    return [(account, it.until, it.reason) for account, it in sorted(sanctions.items())]


def _load_standing(kept: _Standing) -> Standing:
    return Standing(
        *(set(kept.owners), set(kept.operators)),
        {account: Sanction(until, why) for account, until, why in kept.muted},
        {account: Sanction(until, why) for account, until, why in kept.banned},
    )


def _not_saved(failure: Failure) -> None:
    failure.trap(StoreError)
    _log.warn("What a user has seen could not be stored: {reason}", reason=failure.value)
