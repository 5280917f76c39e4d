"""What the operator's own tool asks for, of a server that runs or of its files: ``chat.admin``.

Requests and answers are JSON. Whoever can reach the socket, or the files, may do everything, so
nothing is asked about roles here.
"""

import ipaddress
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from chat.rooms.errors import NotAllowedError, RequestError
from chat.rooms.people import Account
from chat.rooms.roles import Action, Sanction
from chat.server.connections.addresses import address_group
from chat.server.requests.accounts import code_hash, new_code
from chat.server.requests.dispatcher import Desk
from chat.server.state.audit import Event
from chat.server.state.directory import ConfigurationError, State
from chat.store.interface import StoreError
from chat.wire.errors import CloseCode
from chat.wire.hostkey import HostKey, fingerprint_words
from chat.wire.identity import identity_fingerprint

__all__ = ["ADMIN", "Control", "ControlError", "decode_request"]

ADMIN: Final = "the operator"
"""Who did it, in the audit log."""

_Seconds = Annotated[int, Meta(ge=0, le=10**9)]


class ControlError(Exception):
    """It was not done; the text is a sentence for the operator."""


class Request(Struct, frozen=True, tag_field="command", tag=str.lower, forbid_unknown_fields=True):
    """Base of what can be asked for."""


class Users(Request, frozen=True):
    """List accounts."""


class Rooms(Request, frozen=True):
    """List rooms."""


class Bans(Request, frozen=True):
    """List what is banned from the server, and who is muted."""


class Invites(Request, frozen=True):
    """List invitations."""


class Audit(Request, frozen=True):
    """Show the last events."""

    count: Annotated[int, Meta(ge=1, le=1_000)]


class Fingerprint(Request, frozen=True):
    """Show who the server is."""


class Rotate(Request, frozen=True):
    """Give the server a new host key."""


class Do(Request, frozen=True):
    """Do something to an account, on the whole server."""

    action: Action
    nick: str
    seconds: _Seconds = 0
    reason: str = ""


class Own(Request, frozen=True):
    """Make an account an owner of the server."""

    nick: str


class Recover(Request, frozen=True):
    """Give a nickname to a new key: forget the old ones, and make a code for another device."""

    nick: str


class Block(Request, frozen=True):
    """Keep a group of addresses out."""

    network: str
    seconds: _Seconds = 0
    reason: str = ""


class Unblock(Request, frozen=True):
    """Let a group of addresses in again."""

    network: str


class Invite(Request, frozen=True):
    """Make an invitation."""

    uses: Annotated[int, Meta(ge=1, le=10**9)]
    seconds: _Seconds
    room: str = ""


class Revoke(Request, frozen=True):
    """Make an invitation worth nothing, by the beginning of its id."""

    invitation: Annotated[str, Meta(min_length=4)]


AnyRequest = (
    Users
    | Rooms
    | Bans
    | Invites
    | Audit
    | Fingerprint
    | Rotate
    | Do
    | Own
    | Recover
    | Block
    | Unblock
    | Invite
    | Revoke
)

_requests: Final[msgspec.json.Decoder[AnyRequest]] = msgspec.json.Decoder(AnyRequest)


def decode_request(line: bytes) -> AnyRequest:
    """Return what a line asks for. Raises ControlError."""
    try:
        return _requests.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ControlError(f"That is no request: {error}") from None


class Control:
    """Does it. `rekey` is told of a new host key."""

    def __init__(
        self, desk: Desk, state: State, host_key: HostKey, rekey: Callable[[HostKey], None]
    ) -> None:
        self._desk = desk
        self._context = desk.context
        self._state = state
        self._host_key = host_key
        self._rekey = rekey
        self._handlers: dict[type, Callable[[Any], Coroutine[Any, Any, object]]] = {
            Users: self._users,
            Rooms: self._rooms,
            Bans: self._bans,
            Invites: self._invites,
            Audit: self._audit,
            Fingerprint: self._fingerprint,
            Rotate: self._rotate,
            Do: self._do,
            Own: self._own,
            Recover: self._recover,
            Block: self._block,
            Unblock: self._unblock,
            Invite: self._invite,
            Revoke: self._revoke,
        }

    async def run(self, request: AnyRequest) -> object:
        """Return the answer, which is made of what JSON has. Raises ControlError."""
        try:
            return await self._handlers[type(request)](request)
        except (RequestError, StoreError, ConfigurationError) as error:
            raise ControlError(str(error)) from None

    # --- Looking ---

    async def _users(self, request: Users) -> object:
        standing, now = self._context.hub.standing, self._context.milliseconds()
        return [
            {
                "nick": account.nick,
                "role": standing.role(account.id).name.lower(),
                "connected": len(account.sessions),
                "rooms": len(account.logs),
                "banned": standing.ban(account.id, now) is not None,
                "muted": standing.mute(account.id, now) is not None,
                "keys": [identity_fingerprint(key) for key in account.devices],
            }
            for account in self._context.hub.people.all()
        ]

    async def _rooms(self, request: Rooms) -> object:
        hub = self._context.hub
        return [
            {
                "room": room.name,
                "kind": room.kind.value,
                "members": len(room.members),
                "owner": self._nick_of(room.owner),
                "topic": room.topic,
            }
            for room in sorted(hub.shared_rooms(), key=lambda it: it.name)
        ]

    async def _bans(self, request: Bans) -> object:
        hub, now = self._context.hub, self._context.milliseconds()
        kinds = (("ban", hub.standing.banned), ("mute", hub.standing.muted))
        return [
            {"what": what, "whom": self._nick_of(account), "until": it.until, "reason": it.reason}
            for what, sanctions in kinds
            for account, it in sanctions.items()
            if it.holds(now)
        ] + [
            {"what": "network", "whom": network, "until": it.until, "reason": it.reason}
            for network, it in hub.networks.items()
            if it.holds(now)
        ]

    async def _invites(self, request: Invites) -> object:
        hub, now = self._context.hub, self._context.milliseconds()
        gone = set(hub.invitations.expired(now))
        return [
            {
                "invitation": hash.hex(),
                "room": self._room_of(it.log),
                "by": self._nick_of(it.by),
                "uses": it.uses,
                "until": it.until,
            }
            for hash, it in hub.invitations.known.items()
            if hash not in gone
        ]

    async def _audit(self, request: Audit) -> object:
        return [event._asdict() for event in await self._context.audit.read(request.count)]

    async def _fingerprint(self, request: Fingerprint) -> object:
        return _identity(self._host_key)

    def _nick_of(self, account_id: bytes) -> str:
        account = self._context.hub.people.get(account_id)
        return "" if account is None else account.nick

    def _room_of(self, log: bytes) -> str:
        room = self._context.hub.known_room(log)
        return "" if room is None else room.name

    # --- Doing ---

    async def _rotate(self, request: Rotate) -> object:
        self._host_key = host_key = self._state.rotate_host_key()
        self._rekey(host_key)
        await self._note("rotate-host-key", "", host_key.fingerprint)
        return _identity(host_key)

    async def _do(self, request: Do) -> object:
        if request.action is Action.KICK:
            raise NotAllowedError
        target = self._context.hub.people.named(request.nick)
        await self._desk.moderation.apply(
            request.action, ADMIN, target, None, request.seconds, request.reason
        )
        return {}

    async def _own(self, request: Own) -> object:
        await self._context.make_owner(self._context.hub.people.named(request.nick))
        await self._note("own", request.nick, "")
        return {}

    async def _recover(self, request: Recover) -> object:
        context = self._context
        account = context.hub.people.named(request.nick)
        was = dict(account.devices)
        for key in was:
            context.hub.people.remove_device(account, key)
        try:
            await context.catalog.save_account(account)
        except StoreError:
            for key, added in was.items():
                context.hub.people.add_device(account, key, added)
            raise
        for session in context.sessions_of(account):
            session.close(CloseCode.REMOVED, "its keys were taken away")
        code = await self._issue(account)
        await self._note("recover", account.nick, "")
        return {"nick": account.nick, "code": code}

    async def _issue(self, account: Account) -> str:
        context = self._context
        code, now = new_code(context.random_bytes), context.milliseconds()
        until = now + round(context.limits.recovery_seconds * 1_000)
        context.hub.codes.issue(account.id, code_hash(code), now, until)
        await context.catalog.save_code(account.id, (code_hash(code), until))
        return code

    async def _block(self, request: Block) -> object:
        context = self._context
        group = _group(request.network)
        now, networks = context.milliseconds(), context.hub.networks
        until = now + request.seconds * 1_000 if request.seconds else 0
        await self._set_networks({**networks, group: Sanction(until, request.reason)})
        for session in list(context.sessions.values()):
            if session.group == group:
                session.close(CloseCode.REMOVED, "its network was banned")
        await self._note("block", group, request.reason)
        return {}

    async def _unblock(self, request: Unblock) -> object:
        networks, group = self._context.hub.networks, _group(request.network)
        if group not in networks:
            raise ControlError(f"{group} is not banned.")
        await self._set_networks({one: it for one, it in networks.items() if one != group})
        await self._note("unblock", group, "")
        return {}

    async def _set_networks(self, networks: dict[str, Sanction]) -> None:
        hub = self._context.hub
        was, hub.networks = hub.networks, networks
        try:
            await self._context.catalog.save_server(hub)
        except StoreError:
            hub.networks = was
            raise

    async def _invite(self, request: Invite) -> object:
        context = self._context
        log = context.hub.named_room(request.room).log if request.room else b""
        token = await context.invitations.make(
            b"", log, request.uses, context.milliseconds(), request.seconds
        )
        await self._note("invite", request.room, f"{request.uses} uses, {request.seconds} s")
        return {"token": token.hex(), "fingerprint": self._host_key.fingerprint}

    async def _revoke(self, request: Revoke) -> object:
        context = self._context
        known = context.hub.invitations.known
        found = [hash for hash in known if hash.hex().startswith(request.invitation)]
        if len(found) != 1:
            raise ControlError(f"{len(found)} invitations begin with {request.invitation}.")
        was = known.pop(found[0])
        try:
            await context.catalog.save_invitation(found[0], None)
        except StoreError:
            known[found[0]] = was
            raise
        await self._note("revoke-invite", found[0].hex(), "")
        return {}

    async def _note(self, action: str, target: str, detail: str) -> None:
        context = self._context
        await context.audit.note(Event(context.milliseconds(), ADMIN, action, target, "", detail))


def _group(address: str) -> str:
    try:
        ipaddress.ip_address(address.partition("/")[0])
    except ValueError:
        raise ControlError(f"{address} is no address.") from None
    return address_group(address.partition("/")[0])


def _identity(host_key: HostKey) -> dict[str, str]:
    return {"fingerprint": host_key.fingerprint, "words": fingerprint_words(host_key.public)}
