"""Shared by these tests: readable ids, a hub with people in rooms, decisions that run twice."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Final, ParamSpec, TypeVar

from chat.ids import AccountId, DeviceKey, LogId, RecordId
from chat.rooms.addresses import AddressGroup
from chat.rooms.changes import Change
from chat.rooms.ending import Ending
from chat.rooms.errors import RequestError
from chat.rooms.hub import Hub
from chat.rooms.index import Index
from chat.rooms.people import Account, People
from chat.rooms.roles import Role, Sanction
from chat.rooms.room import Room
from chat.rooms.values import (
    SERVER,
    AccountKey,
    BanKey,
    Device,
    DeviceOf,
    InvitedBy,
    InvitedKey,
    Kind,
    Membership,
    MembershipKey,
    Profile,
    RoleKey,
    RoomKey,
    RoomProfile,
    TokenHash,
)

__all__ = [
    "NETWORK",
    "NOW",
    "account_id",
    "ban",
    "conversation_of",
    "decide",
    "device",
    "do",
    "hub_with",
    "invite",
    "log_id",
    "record_id",
    "room_of",
    "set_role",
    "snapshot",
    "token",
]

P = ParamSpec("P")
T = TypeVar("T")

NOW: Final = 1_000_000
NETWORK: Final = AddressGroup("192.0.2.1")


# --- Ids ---


def account_id(name: str) -> AccountId:
    """Return the id of the account that a test calls `name`."""
    return AccountId(name.encode().ljust(16, b"."))


def device(name: str) -> DeviceKey:
    """Return the key that a test calls `name`."""
    return DeviceKey(name.encode().ljust(32, b"."))


def log_id(name: str) -> LogId:
    """Return the id of the log that a test calls `name`."""
    return LogId(name.encode().ljust(16, b"."))


def record_id(name: str) -> RecordId:
    """Return the id of the record that a test calls `name`."""
    return RecordId(name.encode().ljust(16, b"."))


def token(name: str) -> TokenHash:
    """Return the hash of the token or code that a test calls `name`."""
    return TokenHash(name.encode().ljust(32, b"."))


# --- A hub ---


def hub_with(*nicks: str) -> tuple[Hub, list[Account]]:
    """Return a hub with these accounts, each with one device of the same name."""
    hub = Hub()
    for nick in nicks:
        hub.put(AccountKey(account_id(nick)), Profile(nick))
        hub.put(DeviceOf(device(nick)), Device(account_id(nick), 0))
    return hub, [hub.people.named(nick) for nick in nicks]


def room_of(hub: Hub, *members: Account, name: str = "python", kind: Kind = Kind.PUBLIC) -> Room:
    """Return a new room with these members, owned by the first."""
    return _new_room(hub, log_id(name), RoomProfile(kind, name, members[0].id), members)


def conversation_of(hub: Hub, one: Account, other: Account) -> Room:
    """Return a new private conversation."""
    profile = RoomProfile(Kind.PRIVATE, "", one.id, other.id)
    return _new_room(hub, log_id(f"{one.nick}+{other.nick}"), profile, (one, other))


def _new_room(hub: Hub, log: LogId, profile: RoomProfile, members: tuple[Account, ...]) -> Room:
    hub.put(RoomKey(log), profile)
    for member in members:
        hub.put(MembershipKey(log, member.id), Membership())
    room = hub.known_room(log)
    assert room is not None
    return room


def set_role(hub: Hub, account: Account, role: Role, room: Room | None = None) -> None:
    """Give an account a role, in a room or on the server."""
    hub.put(RoleKey(SERVER if room is None else room.log, account.id), role)


def ban(hub: Hub, account: Account, room: Room | None = None, until: int = 0) -> None:
    """Ban an account from a room or the server, without ending its membership."""
    hub.put(BanKey(SERVER if room is None else room.log, account.id), Sanction(until, "spam"))


def invite(hub: Hub, account: Account, room: Room) -> None:
    """Invite an account to a room."""
    hub.put(InvitedKey(room.log, account.id), InvitedBy(room.owner))


# --- Decisions ---


def decide(hub: Hub, decision: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the result of a decision; check that it is pure, by running it twice.

    Raises the RequestError that the decision raises.
    """

    def run() -> T | RequestError:
        try:
            return decision(*args, **kwargs)
        except RequestError as error:
            return error

    before = snapshot(hub)
    first, second = run(), run()
    assert snapshot(hub) == before
    # Exceptions compare by identity.
    assert repr(first) == repr(second)
    if isinstance(first, RequestError):
        raise first
    return first


def do(hub: Hub, decision: Callable[P, Change], *args: P.args, **kwargs: P.kwargs) -> Change:
    """Apply a decision, and return its result. Raises what it raises.

    Before that, try it and roll it back.
    """
    change = decide(hub, decision, *args, **kwargs)
    before = snapshot(hub)
    back = hub.put_all(change.puts)
    hub.put_all(back)
    assert snapshot(hub) == before
    hub.put_all(change.puts)
    return change


def snapshot(it: object) -> object:
    """Return a deep copy of everything in a hub, for comparison; dicts are unordered."""
    match it:
        case dict():
            return {key: snapshot(value) for key, value in it.items()}
        case list():
            return [snapshot(value) for value in it]
        case set():
            return frozenset(it)
        case Hub() | People() | Ending():
            return snapshot(vars(it))
        case Index():
            behind = {key: frozenset(map(it._identify, them)) for key, them in it._behind.items()}
            return snapshot(it._found), behind
        case Account() | Room() if is_dataclass(it):
            return {field.name: snapshot(getattr(it, field.name)) for field in fields(it)}
        case _ if is_dataclass(it) and not it.__hash__:  # A `Standing`, not a value.
            return {field.name: snapshot(getattr(it, field.name)) for field in fields(it)}
        case _:
            return it
