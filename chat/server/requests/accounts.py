"""Requests about accounts: login, nickname, devices.

The first key that claims a nickname owns it. Another key joins the same account with a code from a
device that is logged in or, if the operator wants passwords, with the password.
"""

import hashlib
import math
from dataclasses import replace
from typing import Final

from msgspec import UNSET

from chat import __version__
from chat.limits import DEVICES
from chat.rooms import accounts, invitations
from chat.rooms.accounts import Credentials
from chat.rooms.changes import Change, changed
from chat.rooms.errors import (
    BadCodeError,
    BadSignatureError,
    BadTokenError,
    NotAllowedError,
    TooManyAttemptsError,
    WrongPasswordError,
)
from chat.rooms.people import Account
from chat.rooms.values import TokenHash
from chat.server.oplog import budget_of
from chat.server.requests.asking import Asking
from chat.server.requests.rounds import STEP
from chat.wire import messages
from chat.wire.identity import identity_fingerprint, verify_login
from chat.wire.sealing import RandomBytes

__all__ = [
    "code",
    "code_hash",
    "devices",
    "login",
    "new_code",
    "nick",
    "revoke",
    "token_hash",
]

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, without characters that are easily confused."""
_CODE_CHARACTERS: Final = 10
_FAILURES: Final = (BadSignatureError, BadCodeError, BadTokenError, WrongPasswordError)
"""Refusals that count as failed logins."""
_SPOKEN: Final = str.maketrans("OIL", "011", "- ")
"""Maps what people may type to the alphabet."""


async def login(asking: Asking[messages.Login]) -> None:
    """Log in a connection."""
    context, session, request = asking.context, asking.session, asking.request
    people, failures = context.hub.people, context.failures
    context.hub.check_network(session.group, context.milliseconds())
    # A known key never waits, however often others fail to log in to its account. Somebody who only
    # knows the public key gets the same answer as for an unknown key.
    is_proven = verify_login(request.key, request.signature, session.binding)
    is_known = is_proven and people.of_key(request.key) is not None
    has_code = request.code is not UNSET
    wait = 0.0 if is_known else failures.wait(session.address, request.nick, has_code)
    if wait > 0:
        raise TooManyAttemptsError(math.ceil(wait))
    try:
        if not is_proven:
            raise BadSignatureError
        shown = Credentials(
            request.key,
            request.nick,
            session.group,
            None if request.code is UNSET else code_hash(request.code),
            None if request.token is UNSET else token_hash(request.token),
            is_operator=bool(context.policy.operators)
            and identity_fingerprint(request.key) in context.policy.operators,
        )
        if not is_known and context.policy.authenticator is not None and shown.code is None:
            password = "" if request.password is UNSET else request.password
            await context.policy.authenticator.check(
                request.nick, password, session.group, lambda: session.is_gone
            )
            shown = replace(shown, has_password=True)
        new_id = context.new_account()
        await asking.change(
            lambda: accounts.enter(
                context.hub, shown, context.policy.login, new_id, context.milliseconds()
            )
        )
    except _FAILURES:
        failures.failed(session.address, request.nick, has_code)
        raise
    account = people.of_key(request.key)
    if session.is_gone or account is None:
        return
    new = "" if is_known else "account" if account.id == new_id else "device"
    _let_in(asking, account, new)


def _let_in(asking: Asking[messages.Login], account: Account, new: str) -> None:
    """Complete a login; `new` says what it has made, for the log."""
    context, session, request = asking.context, asking.session, asking.request
    session.account, session.device = account.id, request.key
    context.log.client(
        *("login", budget_of(session.address, account.id), session.number, session.address),
        nick=account.nick,
        account=account.id,
        new=new,
    )
    context.sessions.add(session)
    context.failures.succeeded(session.address, account.nick)
    session.admit()
    session.send(
        messages.Welcome(
            id=request.id,
            account=account.id,
            nick=account.nick,
            server=f"encchat {__version__}",
            time=context.milliseconds(),
            keeps="disk",
            limits=context.policy.told,
            features=["search"] if context.store.has_search else [],
            requests=len(account.requests),
        )
    )
    for room, invited in context.hub.invited_to(account, context.milliseconds()):
        session.send(messages.Invited(room.name, context.hub.people.nick_of(invited.by)))
    context.presence.came(account.id)


# --- Devices ---


async def code(asking: Asking[messages.Code]) -> None:
    """Issue a code that adds another device to this account."""
    context = asking.context
    text = new_code(context.random_bytes)
    seconds = round(context.limits.code_seconds)

    def decide() -> Change:
        until = context.milliseconds() + seconds * 1_000
        return changed(invitations.issue_code(asking.account.id, code_hash(text), until))

    await asking.change(decide)
    asking.session.send(messages.CodeIssued(asking.request.id, text, seconds))


def devices(asking: Asking[messages.Devices]) -> None:
    """List the account's keys."""
    here = {other.device for other in asking.context.sessions.of(asking.account.id)}
    keys = sorted(asking.account.devices.items(), key=lambda it: (it[1], it[0]))[-DEVICES:]
    listed = [(key, added, key in here) for key, added in keys]
    asking.session.send(messages.DeviceList(asking.request.id, listed))


async def revoke(asking: Asking[messages.Revoke]) -> None:
    """Remove a key from the account."""
    request, hub = asking.request, asking.context.hub
    await asking.change(lambda: accounts.revoke(hub, asking.account, request.key))
    asking.session.send(messages.Ok(request.id))


# --- Nicknames ---


async def nick(asking: Asking[messages.Nick]) -> None:
    """Change an account's nickname."""
    context, request = asking.context, asking.request
    if context.policy.authenticator is not None:
        raise NotAllowedError  # The name is what the password belongs to.
    # The session pays for telling all of its rooms. At most one rename at a time is being told.
    asking.session.charge(len(asking.account.logs) // STEP)
    while context.rounds.is_on(asking.account.id):
        await context.rounds.over(asking.account.id)
        asking.check()
    await asking.say(
        lambda: context.hub.slow_rooms_of(asking.account),
        lambda: accounts.rename(
            *(context.hub, asking.account, request.nick),
            *(context.limits, context.milliseconds()),
        ),
    )
    asking.session.send(messages.Ok(request.id))


def new_code(random_bytes: RandomBytes) -> str:
    """Return a code to be typed by hand: ten characters, 50 bits."""
    number = int.from_bytes(random_bytes(8), "big")
    text = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_CODE_CHARACTERS))
    return f"{text[:5]}-{text[5:]}"


def code_hash(text: str) -> TokenHash:
    """Return the hash of a code as somebody typed it."""
    return TokenHash(hashlib.sha256(text.upper().translate(_SPOKEN).encode()).digest())


def token_hash(token: bytes) -> TokenHash:
    """Return the hash of an invitation's token."""
    return TokenHash(hashlib.sha256(token).digest())
