"""Decisions about accounts, their devices and their nicknames."""

from dataclasses import dataclass, field
from typing import Final

from chat.ids import AccountId, DeviceKey
from chat.limits import Limits
from chat.rooms.addresses import AddressGroup
from chat.rooms.changes import NOTHING, Change, Event, Put, Told, changed, put
from chat.rooms.errors import (
    BadCodeError,
    BadTokenError,
    ClosedError,
    InvalidError,
    LastDeviceError,
    NoSuchDeviceError,
    NoSuchNickError,
    OverQuotaError,
    TokenNeededError,
    TooManyNamesError,
    WrongPasswordError,
)
from chat.rooms.hub import Hub
from chat.rooms.invitations import Registration, issue_code, redeem_code, redeem_token, withdrawn
from chat.rooms.names import name_key, prepare_nick
from chat.rooms.people import Account
from chat.rooms.roles import Role
from chat.rooms.values import (
    SERVER,
    AccountKey,
    Claim,
    ClaimKey,
    Device,
    DeviceOf,
    Granted,
    GrantedKey,
    Held,
    HeldKey,
    LinkCodeKey,
    Profile,
    RoleKey,
    TokenHash,
)

__all__ = [
    "Credentials",
    "LoginPolicy",
    "claim",
    "disown",
    "enter",
    "own",
    "recover",
    "rename",
    "revoke",
]

_OWNER_NOW: Final = "You are now an owner of this server."


_DAY: Final = 86_400_000
"""In milliseconds."""


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """Who may log in, as configured by the operator."""

    registration: Registration = Registration.OPEN
    """Who may create an account."""
    wants_passwords: bool = False
    """Whether a new key needs a password or a code."""
    limits: Limits = field(default_factory=Limits)
    """The limits, one of which is the number of devices of an account. They can change."""


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
    is_operator: bool = False
    """Whether the operator has listed the key as an owner's."""


def enter(hub: Hub, shown: Credentials, policy: LoginPolicy, new_id: AccountId, now: int) -> Change:
    """Log in a known key, add a key to an account, or create the account `new_id`.

    The account becomes an owner of the server with the token of the claim, or with a key that the
    operator has listed. Each works once.

    Raises BannedError, BadCodeError, BadTokenError, ClosedError, TokenNeededError,
    WrongPasswordError, NickTakenError, OverQuotaError, and as `prepare_nick`.
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
            puts += redeem_code(hub, account_id, shown.code, now)
        most = policy.limits.devices_per_account
        if len(account.devices) >= most:
            raise OverQuotaError("devices of this account", most, "devices_per_account")
        puts.append(put(DeviceOf(shown.key), Device(account_id, now)))
    else:
        account_id, nick = new_id, prepare_nick(shown.nick)
        puts += _register(hub, shown, policy, account_id, nick, now)
    hub.check_may_enter(account_id, now)
    by = _claims(hub, shown, now)
    if not by:
        return changed(puts)
    if shown.is_operator:
        puts.append(put(GrantedKey(shown.key), Granted(account_id)))
    puts += _own(hub, account_id)
    return changed(puts, Event(now, nick, "own", nick, "", by), Told(account_id, _OWNER_NOW))


def _claims(hub: Hub, shown: Credentials, now: int) -> str:
    """Return how a login claims ownership of the server, or "" if it does not."""
    if shown.is_operator and shown.key not in hub.granted:
        return "--operator"
    claim = hub.claim
    has_token = claim is not None and claim.hash == shown.token and now < claim.until
    return "claim" if has_token else ""


def _is_password_of(hub: Hub, nick: str) -> bool:
    """Return whether the account found by `nick` is the one whose password was checked."""
    # To the checker, names that look alike may be two people: ian and lan.
    try:
        hub.people.exactly(nick)
    except NoSuchNickError:
        return False
    return True


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
    if room is None or not hub.is_invitable(account.id, room, now):
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
    is_claim = bool(_claims(hub, shown, now))
    if policy.registration is Registration.CLOSED and not is_claim:
        raise ClosedError
    if shown.token is None and policy.registration is Registration.INVITE and not is_claim:
        raise TokenNeededError
    puts = [
        put(AccountKey(account_id), Profile(nick)),
        put(DeviceOf(shown.key), Device(account_id, now)),
    ]
    if shown.token is not None and not is_claim:
        puts += redeem_token(hub, account_id, shown.token, now)
    hub.people.check_free(nick, None)
    hub.people.check_not_held(nick, None, now)
    return [*puts, *_taking(hub, nick)]


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


def rename(hub: Hub, account: Account, nick: str, limits: Limits, now: int) -> Change:
    """Change an account's nickname, and hold the old one for it.

    Raises NickTakenError, TooManyNamesError, and as `prepare_nick`.
    """
    nick = prepare_nick(nick)
    hub.people.check_free(nick, account)
    hub.people.check_not_held(nick, account, now)
    if nick == account.nick:
        return changed([])
    puts = [put(AccountKey(account.id), Profile(nick)), *_taking(hub, nick)]
    if name_key(nick) != name_key(account.nick):
        puts += _giving_up(hub, account, nick, limits, now)
    return changed(puts)


def _taking(hub: Hub, nick: str) -> list[Put]:
    name = name_key(nick)
    return [put(HeldKey(name), None)] if hub.people.held(name) is not None else []


def _giving_up(hub: Hub, account: Account, nick: str, limits: Limits, now: int) -> list[Put]:
    """Hold an account's old nickname for it, now that it is known as `nick`."""
    others = account.held - {name_key(nick), name_key(account.nick)}
    over = {it for it in others if (held := hub.people.held(it)) is None or held.until <= now}
    puts = [put(HeldKey(it), None) for it in sorted(over)]
    until = now + round(limits.name_days * _DAY)
    if until <= now:
        return puts
    if len(others - over) >= limits.names_per_account:
        raise TooManyNamesError(limits.names_per_account)
    return [*puts, put(HeldKey(name_key(account.nick)), Held(account.id, account.nick, until))]


# --- Decisions of the server's operator ---


def claim(hub: Hub, hash: TokenHash, until: int) -> Change:
    """Let the holder of a token become an owner of the server. Replaces an earlier claim.

    `until` is in milliseconds since 1970 UTC. Returns NOTHING if the server has an owner.
    """
    if Role.OWNER in hub.standing.roles.values():
        return NOTHING
    return changed([put(ClaimKey(), Claim(hash, until))])


def own(hub: Hub, nick: str, by: str, now: int) -> Change:
    """Make an account an owner of the server. Raises NoSuchNickError."""
    account = hub.people.exactly(nick)
    event = Event(now, by, "own", account.nick, "", "")
    return changed(_own(hub, account.id), event, Told(account.id, _OWNER_NOW))


def disown(hub: Hub, nick: str, by: str, now: int) -> Change:
    """Revoke an account's ownership of the server. Raises NoSuchNickError, InvalidError."""
    account = hub.people.exactly(nick)
    if hub.standing.role(account.id) is not Role.OWNER:
        raise InvalidError(f"{account.nick} is not an owner of this server.")
    return changed(
        [put(RoleKey(SERVER, account.id), None), *withdrawn(hub, account.id, None)],
        Event(now, by, "disown", account.nick, "", ""),
        Told(account.id, "You are no longer an owner of this server."),
    )


def recover(hub: Hub, nick: str, code: TokenHash, until: int, by: str, now: int) -> Change:
    """Remove all keys of an account, and issue a code that adds a new one.

    `until` is in milliseconds since 1970 UTC. Raises NoSuchNickError.
    """
    account = hub.people.exactly(nick)
    puts = [put(DeviceOf(key), None) for key in account.devices]
    puts += issue_code(account.id, code, until)
    return changed(puts, Event(now, by, "recover", account.nick, "", ""))


def _own(hub: Hub, account: AccountId) -> list[Put]:
    """Return the puts that make an account an owner and end the claim."""
    claim = [] if hub.claim is None else [put(ClaimKey(), None)]
    is_new = hub.standing.role(account) is not Role.OWNER
    return [*([put(RoleKey(SERVER, account), Role.OWNER)] if is_new else []), *claim]
