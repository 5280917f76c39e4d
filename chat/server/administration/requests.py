"""Requests of the admin tool, and how they are decoded from JSON."""

from functools import reduce
from operator import or_
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from chat.rooms.roles import Action

__all__ = [
    "Audit",
    "Bans",
    "Block",
    "Clock",
    "ControlError",
    "DeleteAccount",
    "DeleteRoom",
    "Disown",
    "Do",
    "Fingerprint",
    "Invite",
    "Invites",
    "Own",
    "Query",
    "Recover",
    "Request",
    "Revoke",
    "Rooms",
    "Rotate",
    "Status",
    "Unblock",
    "Users",
    "decode_request",
]

_Seconds = Annotated[int, Meta(ge=0, le=10**9)]


class ControlError(Exception):
    """A request that failed; the text is a sentence for the operator."""


class Request(Struct, frozen=True, tag_field="command", tag=str.lower, forbid_unknown_fields=True):
    """Base of all requests."""


class Query(Request, frozen=True):
    """Base of requests that change nothing."""


class Status(Query, frozen=True):
    """Show the server's status."""


class Users(Query, frozen=True):
    """List accounts."""


class Rooms(Query, frozen=True):
    """List rooms."""


class Bans(Query, frozen=True):
    """List bans and mutes, on the server and in rooms."""


class Invites(Query, frozen=True):
    """List invitations."""


class Audit(Query, frozen=True):
    """Show the last `count` entries of the audit log, of the server or of a room."""

    count: Annotated[int, Meta(ge=1, le=1_000)]
    room: str = ""


class Fingerprint(Query, frozen=True):
    """Show the host key's fingerprint."""


class Rotate(Request, frozen=True):
    """Replace the host key."""


class Clock(Request, frozen=True):
    """Show the time according to the server and to the clock, and optionally trust the clock."""

    accept: bool = False


class Do(Request, frozen=True):
    """Act on an account, on the whole server; 0 seconds means forever."""

    action: Action
    nick: str
    seconds: _Seconds = 0
    reason: str = ""


class Own(Request, frozen=True):
    """Make an account an owner of the server."""

    nick: str


class Disown(Request, frozen=True):
    """Revoke an account's ownership of the server."""

    nick: str


class DeleteAccount(Request, frozen=True):
    """Remove an account."""

    nick: str


class DeleteRoom(Request, frozen=True):
    """Remove a room with all of its messages."""

    room: str


class Recover(Request, frozen=True):
    """Give a nickname to a new key: remove the old keys, and issue a code for a new device."""

    nick: str


class Block(Request, frozen=True):
    """Ban a group of addresses; 0 seconds means forever."""

    network: str
    seconds: _Seconds = 0
    reason: str = ""
    force: bool = False
    """Ban the network even if others use it."""


class Unblock(Request, frozen=True):
    """Lift the ban of a group of addresses."""

    network: str


class Invite(Request, frozen=True):
    """Make an invitation."""

    uses: Annotated[int, Meta(ge=1, le=10**9)]
    seconds: _Seconds
    room: str = ""
    address: str = ""
    """Where clients reach the server; empty for the address given last."""


class Revoke(Request, frozen=True):
    """Withdraw an invitation, by the beginning of its id."""

    invitation: Annotated[str, Meta(min_length=4)]


_requests: Final[msgspec.json.Decoder[Request]] = msgspec.json.Decoder(
    reduce(or_, {*Request.__subclasses__(), *Query.__subclasses__()} - {Query})
)


def decode_request(line: bytes) -> Request:
    """Return the request in a line. Raises ControlError."""
    try:
        return _requests.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ControlError(f"Not a valid request: {error}") from None
