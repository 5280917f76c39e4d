"""Requests about who one is: login, nickname, devices.

The first key that claims a nickname owns it. Another key becomes one of the same account with a
code from a device that is logged in or, where the operator wants passwords, with the password.
"""

import hashlib
import math
from collections.abc import Collection
from typing import Final, Protocol

from msgspec import UNSET

from chat import __version__
from chat.rooms.entries import Registration
from chat.rooms.errors import (
    BadCodeError,
    BadSignatureError,
    BadTokenError,
    ClosedError,
    LastDeviceError,
    NoSuchDeviceError,
    NoSuchNickError,
    NotAllowedError,
    TokenNeededError,
    TooManyAttemptsError,
    WrongPasswordError,
)
from chat.rooms.names import name_key
from chat.rooms.people import Account
from chat.server.requests.context import Context
from chat.server.requests.invitations import token_hash
from chat.server.requests.presence import Presence
from chat.server.session import Session
from chat.store.interface import StoreError
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.identity import verify_login
from chat.wire.sealing import RandomBytes

__all__ = ["Authenticator", "Entry", "code_hash", "new_code"]

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing that is taken for something else when it is read out."""
_CODE_CHARACTERS: Final = 10
_FAILURES: Final = (BadSignatureError, BadCodeError, BadTokenError, WrongPasswordError)
"""What somebody gets who guesses."""
_SPOKEN: Final = str.maketrans("OIL", "011", "- ")
"""How people read it."""


class Authenticator(Protocol):
    """Knows passwords."""

    async def check(self, nick: str, password: str) -> None:
        """Raise RequestError unless that is the password of whoever has this nickname."""
        ...


class Entry:
    """Handlers. What a handler awaits is done before the session is read on."""

    def __init__(
        self,
        context: Context,
        presence: Presence,
        server_limits: dict[str, int],
        registration: Registration,
        authenticator: Authenticator | None,
        owners: Collection[str] = (),
    ) -> None:
        self._context = context
        self._presence = presence
        self._server_limits = server_limits
        self._registration = registration
        self._authenticator = authenticator
        self._owners = frozenset(map(name_key, owners))

    async def login(self, session: Session, login: messages.Login) -> None:
        """Let a connection be an account's."""
        context, people = self._context, self._context.hub.people
        people.check_new(session.number)
        now = context.milliseconds()
        context.hub.check_network(session.group, now)
        account = people.of_key(login.key)
        # Whoever has a key never waits, however many others try to be who that is.
        wait = 0.0 if account else context.failures.wait(session.address, login.nick)
        if wait > 0:
            raise TooManyAttemptsError(math.ceil(wait))
        try:
            if not verify_login(login.key, login.signature, session.binding):
                raise BadSignatureError
            if account is None:
                account = await self._admit(login, now)
            elif login.token is not UNSET:
                await self._invite(account, login.token, now)
        except _FAILURES:
            context.failures.failed(session.address, login.nick)
            raise
        context.hub.check_may_enter(account, now)
        if name_key(account.nick) in self._owners:
            await context.make_owner(account)
        if session.is_gone:
            return
        people.login(session.number, account)
        context.failures.succeeded(session.address, account.nick)
        session.device = login.key
        context.sessions[session.number] = session
        session.admit()
        self._welcome(session, account, login.id)
        self._presence.came(account)

    def _welcome(self, session: Session, account: Account, request: int) -> None:
        context = self._context
        session.send(
            messages.Welcome(
                id=request,
                account=account.id,
                nick=account.nick,
                server=f"encchat {__version__}",
                time=context.milliseconds(),
                keeps="disk",
                limits=self._server_limits,
                features=["search"] if context.store.has_search else [],
            )
        )
        for room in context.hub.invited_to(account):
            owner = context.hub.people.get(room.owner)
            session.send(messages.Invited(room.name, "" if owner is None else owner.nick))

    # --- Keys that no account has ---

    async def _admit(self, login: messages.Login, now: int) -> Account:
        """Return the account that a new key is to belong to, with it."""
        people = self._context.hub.people
        if login.code is not UNSET:
            try:
                account = people.named(login.nick)
            except NoSuchNickError:
                raise BadCodeError from None
            self._context.hub.codes.redeem(account.id, code_hash(login.code), now)
            await self._context.catalog.save_code(account.id, None)
        elif self._authenticator is None:
            return await self._register(login, now)
        else:
            password = "" if login.password is UNSET else login.password
            await self._authenticator.check(login.nick, password)
            try:
                account = people.named(login.nick)
            except NoSuchNickError:
                return await self._register(login, now)
        return await self._add_device(account, login.key, now)

    async def _register(self, login: messages.Login, now: int) -> Account:
        """Return a new account, when it is durable."""
        context, people = self._context, self._context.hub.people
        other = people.of_key(login.key)
        if other is not None:  # Another connection with the same key was faster.
            return other
        if self._registration is Registration.CLOSED:
            raise ClosedError
        if login.token is UNSET:
            if self._registration is Registration.INVITE:
                raise TokenNeededError
            return await self._save_new(people.register(login.key, login.nick, now))
        invitation = context.hub.invitations.find(token_hash(login.token), now)
        account = people.register(login.key, login.nick, now)
        # Used up first: after a crash in between, better an invitation too few than one too many.
        try:
            await context.invitations.use(account, login.token, invitation)
        except StoreError:
            people.forget(account)
            raise
        return await self._save_new(account)

    async def _save_new(self, account: Account) -> Account:
        try:
            await self._context.catalog.save_account(account)
        except StoreError:
            if not account.sessions:
                self._context.hub.people.forget(account)
            raise
        return account

    async def _invite(self, account: Account, token: bytes, now: int) -> None:
        """Let an account that is there already join the room that a token is for."""
        context = self._context
        invitation = context.hub.invitations.find(token_hash(token), now)
        room = context.hub.known_room(invitation.log)
        # It comes again with the same link on every connection.
        if room is not None and account.id not in {*room.members, *room.invited}:
            await context.invitations.use(account, token, invitation)

    async def _add_device(self, account: Account, key: bytes, now: int) -> Account:
        """Return whose a key is that was nobody's, when it is durable that it is `account`'s."""
        context = self._context
        other = context.hub.people.of_key(key)
        if other is not None:  # Another connection with the same key was faster.
            return other
        context.hub.people.add_device(account, key, now)
        try:
            await context.catalog.save_account(account)
        except StoreError:
            context.hub.people.remove_device(account, key)
            raise
        for session in context.sessions_of(account):
            session.send(messages.Notice("Another device has been linked to your account."))
        return account

    # --- Devices ---

    def code(self, session: Session, request: messages.Code) -> None:
        """Give a code with which another device becomes one of this account."""
        context = self._context
        account = context.account(session)
        code = new_code(context.random_bytes)
        seconds = round(context.limits.code_seconds)
        now = context.milliseconds()
        context.hub.codes.issue(account.id, code_hash(code), now, now + seconds * 1_000)
        session.send(messages.CodeIssued(request.id, code, seconds))

    def devices(self, session: Session, request: messages.Devices) -> None:
        """List the account's keys."""
        context = self._context
        account = context.account(session)
        here = {other.device for other in context.sessions_of(account)}
        listed = [(key, added, key in here) for key, added in account.devices.items()]
        session.send(messages.DeviceList(request.id, listed))

    async def revoke(self, session: Session, request: messages.Revoke) -> None:
        """Take a key away from the account, and end its connections."""
        context = self._context
        account = context.account(session)
        added = account.devices.get(request.key)
        if added is None:
            raise NoSuchDeviceError
        if len(account.devices) == 1:
            raise LastDeviceError
        context.hub.people.remove_device(account, request.key)
        try:
            await context.catalog.save_account(account)
        except StoreError:
            context.hub.people.add_device(account, request.key, added)
            raise
        session.send(messages.Ok(request.id))
        for other in context.sessions_of(account):
            if other.device == request.key:
                other.send(messages.Notice("This device was removed from your account."))
                other.close(CloseCode.REMOVED, "its key was revoked")

    # --- Nicknames ---

    async def nick(self, session: Session, nick: messages.Nick) -> None:
        """Let an account be known by another name."""
        context = self._context
        account = context.account(session)
        if self._authenticator is not None:
            raise NotAllowedError  # The name is what the password belongs to.
        was = account.nick
        told = context.hub.rename(account, nick.nick)
        try:
            await context.catalog.save_account(account)
        except StoreError:
            context.hub.rename(account, was)
            raise
        context.failures.renamed(was, account.nick)
        for renamed in told:
            context.feeds.announce(renamed, session)
        session.send(messages.Ok(nick.id))


def new_code(random_bytes: RandomBytes) -> str:
    """Return a code to be typed by hand: ten characters, 50 bits."""
    number = int.from_bytes(random_bytes(8), "big")
    code = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_CODE_CHARACTERS))
    return f"{code[:5]}-{code[5:]}"


def code_hash(code: str) -> bytes:
    """Return what is kept of a code, as somebody typed it."""
    return hashlib.sha256(code.upper().translate(_SPOKEN).encode()).digest()
