"""Decisions on who is who: accounts, their devices, their nicknames."""

from dataclasses import dataclass

from chat.ids import AccountId, DeviceKey
from chat.rooms.addresses import AddressGroup
from chat.rooms.changes import Change, Event, Put, changed, put
from chat.rooms.errors import (
    BadCodeError,
    BadTokenError,
    ClosedError,
    LastDeviceError,
    NoSuchDeviceError,
    NoSuchNickError,
    TokenNeededError,
    WrongPasswordError,
)
from chat.rooms.hub import Hub
from chat.rooms.invitations import Registration, issue_code, redeem_token, try_code
from chat.rooms.names import case_key, name_key, prepare_nick
from chat.rooms.people import Account
from chat.rooms.roles import Role
from chat.rooms.values import (
    SERVER,
    AccountKey,
    Device,
    DeviceOf,
    LinkCodeKey,
    Profile,
    RoleKey,
    TokenHash,
)

__all__ = ["Credentials", "LoginPolicy", "enter", "own", "recover", "rename", "revoke"]


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """Who is let in, as the operator decided."""

    registration: Registration = Registration.OPEN
    """Who may have a new account."""
    owners: frozenset[str] = frozenset()
    """`name_key`s of those who own the server."""
    wants_passwords: bool = False
    """Whether a key that is new needs a password or a code."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody shows who logs in."""

    key: DeviceKey
    """Of which they have shown that they have the private half."""
    nick: str
    group: AddressGroup
    """Of the address that they come from."""
    code: TokenHash | None = None
    token: TokenHash | None = None
    has_password: bool = False
    """Whether they have shown the password of `nick`, where the server wants one."""


def enter(hub: Hub, shown: Credentials, policy: LoginPolicy, new_id: AccountId, now: int) -> Change:
    """Let a key in: one that is known, or is to be an account's, perhaps the new `new_id`'s.

    Raises BannedError, BadCodeError, BadTokenError, ClosedError, TokenNeededError,
    WrongPasswordError, NickTakenError, and as `prepare_nick`.
    """
    hub.check_network(shown.group, now)
    account = hub.people.of_key(shown.key)
    puts: list[Put] = []
    if account is not None:
        account_id, nick = account.id, account.nick
        puts += _join_by_token(hub, account, shown, now)
    elif shown.code is not None or (shown.has_password and _is_password_of(hub, shown.nick)):
        account = _find(hub, shown)
        account_id, nick = account.id, account.nick
        if shown.code is not None:
            puts, refusal = try_code(hub, account_id, shown.code, now)
            if refusal is not None:
                return Change(tuple(puts), refusal=refusal)
        puts.append(put(DeviceOf(shown.key), Device(account_id, now)))
    else:
        account_id, nick = new_id, prepare_nick(shown.nick)
        puts += _register(hub, shown, policy, account_id, nick, now)
    hub.check_may_enter(account_id, now)
    if name_key(nick) in policy.owners and hub.standing.role(account_id) is not Role.OWNER:
        return changed([*puts, _own(account_id)], Event(now, nick, "own", nick, "", "--operator"))
    return changed(puts)


def _is_password_of(hub: Hub, nick: str) -> bool:
    """Tell whether it is an account's whose nickname the password of `nick` is."""
    try:
        account = hub.people.named(nick)
    except NoSuchNickError:
        return False
    # To whoever checked it, names that look alike may be two people: ian and lan.
    return case_key(account.nick) == case_key(nick.strip(" "))


def _find(hub: Hub, shown: Credentials) -> Account:
    """Return the account that a device is to be added to. Raises BadCodeError."""
    try:
        return hub.people.named(shown.nick)
    except NoSuchNickError:
        raise BadCodeError from None


def _join_by_token(hub: Hub, account: Account, shown: Credentials, now: int) -> list[Put]:
    """Invite an account that is there already to the room that a token is for.

    It may come again with the same link on every connection, so a token that is worth nothing is
    no reason to refuse it.
    """
    if shown.token is None:
        return []
    invitation = hub.invitations.get(shown.token)
    room = None if invitation is None else hub.known_room(invitation.log)
    if room is None or not room.is_invitable(account.id, now):
        return []  # It is not used up by who is there, or may not come.
    try:
        return redeem_token(hub, account.id, shown.token, now)
    except BadTokenError:
        return []


def _register(
    hub: Hub,
    shown: Credentials,
    policy: LoginPolicy,
    account_id: AccountId,
    nick: str,
    now: int,
) -> list[Put]:
    # A key that was known when the password was asked for may be nobody's by now.
    if policy.wants_passwords and not shown.has_password:
        raise WrongPasswordError
    if policy.registration is Registration.CLOSED:
        raise ClosedError
    if shown.token is None and policy.registration is Registration.INVITE:
        raise TokenNeededError
    puts = [
        put(AccountKey(account_id), Profile(nick)),
        put(DeviceOf(shown.key), Device(account_id, now)),
    ]
    if shown.token is not None:
        puts += redeem_token(hub, account_id, shown.token, now)
    hub.people.check_free(nick, None)
    return puts


def revoke(hub: Hub, account: Account, key: DeviceKey) -> Change:
    """Take a key away from an account, with the code that it may have asked for.

    Raises NoSuchDeviceError, LastDeviceError.
    """
    if key not in account.devices:
        raise NoSuchDeviceError
    if len(account.devices) == 1:
        raise LastDeviceError
    code = [put(LinkCodeKey(account.id), None)] if account.id in hub.codes else []
    return changed([put(DeviceOf(key), None), *code])


def rename(hub: Hub, account: Account, nick: str) -> Change:
    """Let an account be known as `nick`. Raises NickTakenError, and as `prepare_nick`."""
    nick = prepare_nick(nick)
    hub.people.check_free(nick, account)
    if nick == account.nick:
        return changed([])
    return changed([put(AccountKey(account.id), Profile(nick))])


# --- What the operator of the server does ---


def own(hub: Hub, nick: str, by: str, now: int) -> Change:
    """Let an account own the server. Raises NoSuchNickError."""
    account = hub.people.named(nick)
    is_new = hub.standing.role(account.id) is not Role.OWNER
    puts = [_own(account.id)] if is_new else []
    return changed(puts, Event(now, by, "own", account.nick, "", ""))


def recover(hub: Hub, nick: str, code: TokenHash, until: int, by: str, now: int) -> Change:
    """Forget the keys of an account, and let another device in with a code.

    Raises NoSuchNickError.
    """
    account = hub.people.named(nick)
    puts = [put(DeviceOf(key), None) for key in account.devices]
    puts += issue_code(account.id, code, until)
    return changed(puts, Event(now, by, "recover", account.nick, "", ""))


def _own(account: AccountId) -> Put:
    return put(RoleKey(SERVER, account), Role.OWNER)
