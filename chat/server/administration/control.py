"""Carries out requests of the admin tool (``chat.admin``), on a running server or on its files.

Anybody who can reach the socket or the files may do everything, so
nothing here checks roles.
"""

import ipaddress
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from chat.ids import NOBODY, LogId
from chat.limits import TOKEN_BYTES
from chat.rooms import accounts, invitations, moderation, removal
from chat.rooms.addresses import AddressGroup, address_group
from chat.rooms.changes import Change, Event
from chat.rooms.errors import InvalidError, RequestError, SharedNetworkError
from chat.rooms.hub import Hub
from chat.rooms.moderation import Order
from chat.rooms.roles import Action
from chat.rooms.values import Invitation
from chat.server.administration.reports import Reports, identity
from chat.server.administration.requests import (
    Block,
    Clock,
    ControlError,
    DeleteAccount,
    DeleteRoom,
    Disown,
    Do,
    Invite,
    Own,
    Query,
    Recover,
    Request,
    Revoke,
    Rotate,
    Unblock,
)
from chat.server.requests.accounts import code_hash, new_code, token_hash
from chat.server.requests.context import Context
from chat.server.requests.dispatcher import LOBBY
from chat.server.requests.moderation import use_of
from chat.server.settings import ConfigurationError
from chat.server.state.audit import OPERATOR
from chat.server.state.directory import StateDirectory
from chat.server.state.retention import trim_in_parts
from chat.store.interface import StoreError, Trim
from chat.wire.hostkey import HostKey

__all__ = ["Control"]

_DONE: Final = {
    Action.OP: "{nick} is an operator of the server.",
    Action.DEOP: "{nick} is no longer an operator of the server.",
    Action.BAN: "{nick} is banned{until}.",
    Action.UNBAN: "{nick} is no longer banned.",
    Action.MUTE: "{nick} is muted{until}.",
    Action.UNMUTE: "{nick} is no longer muted.",
    Action.KICK: "{nick} is removed.",
}


class Control:
    """Runs requests. Calls `rekey` with a new host key."""

    def __init__(
        self,
        context: Context,
        state: StateDirectory,
        host_key: HostKey,
        rekey: Callable[[HostKey], None],
        is_running: bool = True,
    ) -> None:
        self._context = context
        self._state = state
        self._rekey = rekey
        self._is_running = is_running
        self._reports = Reports(context, state, host_key, is_running)

    async def run(self, request: Request) -> object:
        """Run and log a request, and return an answer that JSON can encode. Raises ControlError."""
        is_done = False
        try:
            answer = await self._run(request)
            is_done = True
            return answer
        finally:
            if self._is_running:
                self._context.log.administered(*_in_the_log(request), is_done)

    async def _run(self, request: Request) -> object:
        try:
            # Each request has a method with its name.
            name = type(request).__name__.lower()
            if isinstance(request, Query):
                return await getattr(self._reports, name)(request)
            return await getattr(self, f"_{name}")(request)
        except (RequestError, StoreError, ConfigurationError) as error:
            raise ControlError(str(error)) from None

    async def offer_claim(self) -> bytes | None:
        """Return a new token that makes its holder an owner, once; None if there is an owner.

        Raises StoreError.
        """
        token = self._context.random_bytes(TOKEN_BYTES)
        good_for = round(self._context.limits.claim_seconds * 1_000)
        await self._change(lambda hub, now: accounts.claim(hub, token_hash(token), now + good_for))
        claim = self._context.hub.claim
        return token if claim is not None and claim.hash == token_hash(token) else None

    # --- Doing ---

    async def _rotate(self, request: Rotate) -> object:
        host_key = self._state.host_key().succeed()
        event = self._event("rotate-host-key", "", host_key.fingerprint)
        # First, so that nothing happens without an entry in the audit log.
        await self._change(lambda *_: Change(event=event))
        self._reports.host_key = self._state.replace_host_key(host_key)
        self._rekey(host_key)
        return identity(host_key)

    async def _clock(self, request: Clock) -> object:
        time = self._context.time
        if request.accept:
            await time.accept(OPERATOR)
        return time.compare()

    async def _do(self, request: Do) -> object:
        order = Order(request.action, request.seconds, request.reason)
        done = _DONE[request.action].format(
            nick=self._context.hub.people.named(request.nick).nick,
            until=_until(request.seconds, self._context.milliseconds()),
        )
        return await self._change(
            lambda hub, now: moderation.moderate(
                *(hub, order, OPERATOR),
                *(moderation.target(hub, request.action, request.nick), None),
                *(self._context.limits, now),
            ),
            done,
        )

    async def _own(self, request: Own) -> object:
        nick = self._context.hub.people.named(request.nick).nick
        return await self._change(
            lambda hub, now: accounts.own(hub, request.nick, OPERATOR, now),
            f"{nick} is an owner of the server.",
        )

    async def _deleteaccount(self, request: DeleteAccount) -> object:
        hub = self._context.hub
        account = hub.people.named(request.nick)
        nick, private = account.nick, removal.conversations(hub, request.nick)
        # In two steps: rooms hear of the departure while the account still has its name.
        await self._change(lambda hub, now: removal.empty_account(hub, nick, OPERATOR, now))
        await self._change(lambda hub, _: removal.delete_account(hub, account))
        removed = await self._erase(room.log for room in private)
        return _done(
            f"The account {nick} is deleted, with {len(private)} private conversations ({removed} "
            "messages). What it said in rooms stays there."
        )

    async def _deleteroom(self, request: DeleteRoom) -> object:
        room = self._context.hub.named_room(request.room)
        if room.owner == NOBODY and room.name == LOBBY:
            raise ControlError(f"{LOBBY} cannot be deleted.")
        await self._change(lambda hub, now: removal.delete_room(hub, room.name, OPERATOR, now))
        removed = await self._erase([room.log])
        return _done(f"The room {room.name} is deleted, with {removed} messages.")

    async def _erase(self, logs: Iterable[LogId]) -> int:
        """Remove all records of logs that nobody can read any longer."""
        return sum(await trim_in_parts(self._context.commits, [Trim(log, None, 0) for log in logs]))

    async def _disown(self, request: Disown) -> object:
        nick = self._context.hub.people.named(request.nick).nick
        return await self._change(
            lambda hub, now: accounts.disown(hub, request.nick, OPERATOR, now),
            f"{nick} is no longer an owner of the server.",
        )

    async def _recover(self, request: Recover) -> object:
        code = new_code(self._context.random_bytes)
        good_for = round(self._context.limits.recovery_seconds * 1_000)
        await self._change(
            lambda hub, now: accounts.recover(
                hub, request.nick, code_hash(code), now + good_for, OPERATOR, now
            )
        )
        nick = self._context.hub.people.exactly(request.nick).nick
        return _done(f"The keys of {nick} are removed.") | {"nick": nick, "code": code}

    async def _block(self, request: Block) -> object:
        group = _group(request.network)
        if not request.force:
            try:
                moderation.check_network(group, use_of(self._context, group))
            except SharedNetworkError as error:
                raise ControlError(f"{error} Add --force.") from None
        return await self._change(
            lambda hub, now: moderation.block(
                *(hub, group, request.seconds, request.reason),
                *(OPERATOR, self._context.limits, now),
            ),
            f"{group} is banned{_until(request.seconds, self._context.milliseconds())}.",
        )

    async def _unblock(self, request: Unblock) -> object:
        group = _group(request.network)
        return await self._change(
            lambda hub, now: moderation.unblock(hub, group, OPERATOR, now),
            f"{group} is no longer banned.",
        )

    async def _invite(self, request: Invite) -> object:
        address = request.address or self._state.address()
        if not address:
            raise ControlError(
                "The server does not know where clients reach it: add --address HOST[:PORT]. It"
                " remembers the address."
            )
        token, limits = self._context.random_bytes(TOKEN_BYTES), self._context.limits
        event = self._event("invite", request.room, f"{request.uses} uses, {request.seconds} s")

        def decide(hub: Hub, now: int) -> Change:
            log = hub.named_room(request.room).log if request.room else LogId(b"")
            invitation = Invitation(log, NOBODY, request.uses, now + request.seconds * 1_000)
            return invitations.issue_token(hub, token_hash(token), invitation, event, limits, now)

        await self._change(decide)
        if request.address:
            self._state.set_address(request.address)
        return {
            "token": token.hex(),
            "fingerprint": self._reports.host_key.fingerprint,
            "address": address,
        }

    async def _revoke(self, request: Revoke) -> object:
        def decide(hub: Hub, _: int) -> Change:
            known = hub.invitations
            found = [hash for hash in known if hash.hex().startswith(request.invitation)]
            if len(found) != 1:
                raise InvalidError(f"{len(found)} invitations start with {request.invitation}.")
            event = self._event("revoke-invite", found[0].hex(), "")
            return invitations.withdraw(found[0], event)

        return await self._change(decide, f"The invitation {request.invitation} was withdrawn.")

    async def _change(self, decide: Callable[[Hub, int], Change], done: str = "") -> object:
        """Run and commit a decision; return what was done."""
        context = self._context
        await context.commits.change(lambda: decide(context.hub, context.milliseconds()))
        return _done(done)

    def _event(self, action: str, target: str, detail: str) -> Event:
        return Event(self._context.milliseconds(), OPERATOR, action, target, "", detail)


def _in_the_log(request: Request) -> tuple[str, dict[str, object]]:
    """Return a command and its arguments, without those that are words or were not given."""
    given = {
        name: value.value if isinstance(value, Action) else value
        for name, value in msgspec.structs.asdict(request).items()
        if value and name != "reason"
    }
    command = type(request).__name__.lower()
    return str(given.pop("action", command)), given


def _done(sentence: str) -> dict[str, str]:
    return {"done": sentence}


def _group(address: str) -> AddressGroup:
    try:
        ipaddress.ip_address(address.partition("/")[0])
    except ValueError:
        raise ControlError(f"{address} is not an IP address.") from None
    return address_group(address.partition("/")[0])


def _until(seconds: int, now: int) -> str:
    """Return the duration as the end of a sentence."""
    if not seconds:
        return " permanently"
    return f" until {datetime.fromtimestamp(now // 1_000 + seconds, UTC):%Y-%m-%d %H:%M} UTC"
