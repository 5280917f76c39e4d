"""Decisions about accounts, their devices and their nicknames."""

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
    """Who may log in, as configured by the operator."""

    registration: Registration = Registration.OPEN
    """Who may create an account."""
    owners: frozenset[str] = frozenset()
    """`name_key`s of the owners of the server."""
    wants_passwords: bool = False
    """Whether a new key needs a password or a code."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login presents."""

    key: DeviceKey
    """The login has proved that it holds the private half."""
    nick: str
    group: AddressGroup
    """The group of the address that the login comes from."""
    code: TokenHash | None = None
    token: TokenHash | None = None
    has_password: bool = False
    """Whether the password of `nick` was checked and is right, if the server wants one."""


def enter(hub: Hub, shown: Credentials, policy: LoginPolicy, new_id: AccountId, now: int) -> Change:
    """Log in a known key, add a key to an account, or create the account `new_id`.

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
    """Tell whether the account found by `nick` is the one whose password was checked."""
    try:
        account = hub.people.named(nick)
    except NoSuchNickError:
        return False
    # To the checker, names that look alike may be two people: ian and lan.
    return case_key(account.nick) == case_key(nick.strip(" "))


def _find(hub: Hub, shown: Credentials) -> Account:
    """Return the account to add a device to. Raises BadCodeError if there is none."""
    try:
        return hub.people.named(shown.nick)
    except NoSuchNickError:
        raise BadCodeError from None


def _join_by_token(hub: Hub, account: Account, shown: Credentials, now: int) -> list[Put]:
    """Invite an existing account to the token's room.

    A client may send the token of its link with every login, so an invalid token is ignored.
    """
    if shown.token is None:
        return []
    invitation = hub.invitations.get(shown.token)
    room = None if invitation is None else hub.known_room(invitation.log)
    if room is None or not room.is_invitable(account.id, now):
        return []  # Members, and accounts that may not join, do not use it up.
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
    # The key may have been revoked since the server decided not to ask for a password.
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
    """Remove a key from an account, and the account's open code if there is one.

    Raises NoSuchDeviceError, LastDeviceError.
    """
    if key not in account.devices:
        raise NoSuchDeviceError
    if len(account.devices) == 1:
        raise LastDeviceError
    code = [put(LinkCodeKey(account.id), None)] if account.id in hub.codes else []
    return changed([put(DeviceOf(key), None), *code])


def rename(hub: Hub, account: Account, nick: str) -> Change:
    """Change an account's nickname. Raises NickTakenError, and as `prepare_nick`."""
    nick = prepare_nick(nick)
    hub.people.check_free(nick, account)
    if nick == account.nick:
        return changed([])
    return changed([put(AccountKey(account.id), Profile(nick))])


# --- Decisions of the server's operator ---


def own(hub: Hub, nick: str, by: str, now: int) -> Change:
    """Make an account an owner of the server. Raises NoSuchNickError."""
    account = hub.people.named(nick)
    is_new = hub.standing.role(account.id) is not Role.OWNER
    puts = [_own(account.id)] if is_new else []
    return changed(puts, Event(now, by, "own", account.nick, "", ""))


def recover(hub: Hub, nick: str, code: TokenHash, until: int, by: str, now: int) -> Change:
    """Remove all keys of an account, and issue a code that adds a new one.

    `until` is in milliseconds since 1970 UTC. Raises NoSuchNickError.
    """
    account = hub.people.named(nick)
    puts = [put(DeviceOf(key), None) for key in account.devices]
    puts += issue_code(account.id, code, until)
    return changed(puts, Event(now, by, "recover", account.nick, "", ""))


def _own(account: AccountId) -> Put:
    return put(RoleKey(SERVER, account), Role.OWNER)
