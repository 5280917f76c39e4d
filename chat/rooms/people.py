"""Accounts, and finding them by id, key or nickname. Only `Hub.put` changes them.

The first key that claims a nickname creates an account, which keeps the nickname from then on,
whether it is connected or not.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from chat.ids import AccountId, DeviceKey, LogId
from chat.rooms.errors import NickTakenError, NoSuchNickError
from chat.rooms.index import Index
from chat.rooms.names import case_key, name_key
from chat.rooms.values import Blocked, Contact, Held

__all__ = ["RESERVED", "Account", "People"]


RESERVED: Final = frozenset(
    {"another", "connected", "log", "nothing", "on", "that", "the", "there", "you", "your"}
)
"""Nicknames that nobody can have."""

_RESERVED: Final = frozenset(map(name_key, RESERVED))


@dataclass(slots=True, eq=False)
class Account:
    """Somebody, connected or not."""

    id: AccountId
    nick: str
    devices: dict[DeviceKey, int] = field(default_factory=dict)
    """The account's keys, and when each was added, in milliseconds since 1970 UTC."""
    held: set[str] = field(default_factory=set)
    """`name_key`s of nicknames that it has given up and that are held for it."""
    logs: set[LogId] = field(default_factory=set)
    """Logs that it is a member of."""
    sorted_logs: list[LogId] = field(default_factory=list)
    """The same, sorted, so that a page costs no more if there are many."""
    invitations: set[LogId] = field(default_factory=set)
    """Logs that it is invited to."""
    requests: set[LogId] = field(default_factory=set)
    """Private conversations that others ask it to accept."""
    contact: Contact | None = None
    """Who may send it requests and invitations; None stands for everybody."""
    blocked: dict[AccountId, Blocked] = field(default_factory=dict)
    """The accounts that it has blocked."""

    def logs_after(self, log: LogId | None, most: int) -> list[LogId]:
        """Return at most `most` of its logs after `log`, ordered by id."""
        start = 0 if log is None else bisect_right(self.sorted_logs, log)
        return self.sorted_logs[start : start + most]


class People:
    """All accounts of this server."""

    def __init__(self) -> None:
        self._by_id: dict[AccountId, Account] = {}
        self._by_key: dict[DeviceKey, Account] = {}
        self._by_nick = Index[str, Account](_id)
        self._by_case = Index[str, Account](_id)
        self._held: dict[str, Held] = {}
        self._held_by_case = Index[str, Held](_nick)

    # --- Looking ---

    def get(self, account_id: AccountId) -> Account | None:
        """Return the account with this id, if there is one."""
        return self._by_id.get(account_id)

    def nick_of(self, account_id: AccountId) -> str:
        """Return an account's nickname; empty if there is no account with this id."""
        account = self._by_id.get(account_id)
        return "" if account is None else account.nick

    def named(self, nick: str) -> Account:
        """Return the account with this nickname. Raises NoSuchNickError."""
        name = nick.strip(" ")
        account = self._by_case.get(case_key(name)) or self._by_nick.get(name_key(name))
        if account is None:
            raise NoSuchNickError(nick)
        return account

    def exactly(self, nick: str) -> Account:
        """Return the account with exactly this nickname, never one that only looks alike.

        For granting rights, which must not go to a look-alike. Raises NoSuchNickError.
        """
        account = self._by_case.get(case_key(nick.strip(" ")))
        if account is None:
            raise NoSuchNickError(nick)
        return account

    def of_key(self, key: DeviceKey) -> Account | None:
        """Return the account that this key belongs to, if any."""
        return self._by_key.get(key)

    def all(self) -> list[Account]:
        """Return all accounts, ordered by nickname."""
        return sorted(self._by_id.values(), key=lambda it: name_key(it.nick))

    def check_free(self, nick: str, account: Account | None) -> None:
        """Raise NickTakenError if an account other than `account` has the same nickname.

        The words that a client's own lines begin with are reserved: after `/me`, a line from
        somebody with such a name could pass for one of the client's.
        """
        if name_key(nick) in _RESERVED:
            raise NickTakenError(nick)
        for owner in (self._by_nick.get(name_key(nick)), self._by_case.get(case_key(nick))):
            if owner is not None and owner is not account:
                raise NickTakenError(nick)

    def held(self, name: str) -> Held | None:
        """Return the entry of a given-up nickname, by its `name_key`; it may have expired."""
        return self._held.get(name)

    def check_not_held(self, nick: str, account: Account | None, now: int) -> None:
        """Raise NickTakenError if a nickname is held for another account than `account`."""
        for held in (self._held.get(name_key(nick)), self._held_by_case.get(case_key(nick))):
            is_own = held is not None and account is not None and held.account == account.id
            if held is not None and now < held.until and not is_own:
                raise NickTakenError(nick)

    # --- Changing: see `Hub.put` ---

    def add(self, account_id: AccountId, nick: str) -> None:
        """Add an account."""
        account = self._by_id[account_id] = Account(account_id, nick)
        self._list(account)

    def rename(self, account: Account, nick: str) -> None:
        """Change an account's nickname."""
        self._unlist(account)
        account.nick = nick
        self._list(account)

    def hold(self, name: str, held: Held | None) -> None:
        """Hold a nickname for an account, or (None) release it."""
        if held is not None:
            self._by_id[held.account].held.add(name)
        before = self._held.pop(name, None)
        if before is not None:
            self._held_by_case.remove(case_key(before.nick), before)
            if held is None or held.account != before.account:
                self._by_id[before.account].held.discard(name)
        if held is not None:
            self._held[name] = held
            self._held_by_case.add(case_key(held.nick), held)

    def remove(self, account_id: AccountId) -> None:
        """Remove an account that nothing refers to."""
        account = self._by_id[account_id]
        assert not (account.devices or account.held or account.logs or account.invitations)
        assert not (account.requests or account.contact or account.blocked)
        del self._by_id[account_id]
        self._unlist(account)

    def add_device(self, key: DeviceKey, account_id: AccountId, added: int) -> None:
        """Assign a key to an account, taking it from any other."""
        account = self._by_id[account_id]
        if key in self._by_key:
            self.remove_device(key)
        account.devices[key] = added
        self._by_key[key] = account

    def remove_device(self, key: DeviceKey) -> None:
        """Remove a key from its account."""
        del self._by_key.pop(key).devices[key]

    def _list(self, account: Account) -> None:
        self._by_nick.add(name_key(account.nick), account)
        self._by_case.add(case_key(account.nick), account)

    def _unlist(self, account: Account) -> None:
        self._by_nick.remove(name_key(account.nick), account)
        self._by_case.remove(case_key(account.nick), account)


def _nick(held: Held) -> bytes:
    return name_key(held.nick).encode()


def _id(account: Account) -> AccountId:
    return account.id
