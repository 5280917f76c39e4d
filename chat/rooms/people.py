"""Accounts, found by what they are known by. Changed by `Hub.put` alone.

The first key that claims a nickname makes an account, and that has the nickname from then on,
whether it is connected or not.
"""

from dataclasses import dataclass, field
from typing import Final

from chat.ids import AccountId, DeviceKey, LogId
from chat.rooms.errors import NickTakenError, NoSuchNickError
from chat.rooms.index import Index
from chat.rooms.names import case_key, name_key

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
    """Keys that tell that a connection is this account's, and when each was added, in milliseconds
    of UTC."""
    logs: set[LogId] = field(default_factory=set)
    """Of which it is a member."""
    invitations: set[LogId] = field(default_factory=set)
    """Of which it may become a member."""


class People:
    """All accounts of this server."""

    def __init__(self) -> None:
        self._by_id: dict[AccountId, Account] = {}
        self._by_key: dict[DeviceKey, Account] = {}
        self._by_nick = Index[str, Account](_id)
        self._by_case = Index[str, Account](_id)

    # --- Looking ---

    def get(self, account_id: AccountId) -> Account | None:
        """Return the account with this id, if there is one."""
        return self._by_id.get(account_id)

    def nick_of(self, account_id: AccountId) -> str:
        """Return what an account is called; empty if there is none with this id."""
        account = self._by_id.get(account_id)
        return "" if account is None else account.nick

    def named(self, nick: str) -> Account:
        """Return who has this nickname. Raises NoSuchNickError."""
        name = nick.strip(" ")
        account = self._by_case.get(case_key(name)) or self._by_nick.get(name_key(name))
        if account is None:
            raise NoSuchNickError(nick)
        return account

    def by_name_key(self, key: str) -> Account:
        """Return who has the nickname with this `name_key`, which somebody has."""
        account = self._by_nick.get(key)
        assert account is not None
        return account

    def of_key(self, key: DeviceKey) -> Account | None:
        """Return whose key this is, if it is anybody's."""
        return self._by_key.get(key)

    def all(self) -> list[Account]:
        """Return everybody, by nickname."""
        return sorted(self._by_id.values(), key=lambda it: name_key(it.nick))

    def check_free(self, nick: str, account: Account | None) -> None:
        """Raise NickTakenError if somebody but `account` has a nickname that is the same.

        The words that a client's own lines begin with are taken, too: after `/me`, a line of
        somebody with such a name could be read as one of the client's.
        """
        if name_key(nick) in _RESERVED:
            raise NickTakenError(nick)
        for owner in (self._by_nick.get(name_key(nick)), self._by_case.get(case_key(nick))):
            if owner is not None and owner is not account:
                raise NickTakenError(nick)

    # --- Changing: see `Hub.put` ---

    def add(self, account_id: AccountId, nick: str) -> None:
        """Know an account."""
        account = self._by_id[account_id] = Account(account_id, nick)
        self._list(account)

    def rename(self, account: Account, nick: str) -> None:
        """Let an account be known as `nick`."""
        self._unlist(account)
        account.nick = nick
        self._list(account)

    def remove(self, account_id: AccountId) -> None:
        """Know an account no longer. It has no devices, and is in nothing."""
        account = self._by_id[account_id]
        assert not (account.devices or account.logs or account.invitations)
        del self._by_id[account_id]
        self._unlist(account)

    def add_device(self, key: DeviceKey, account_id: AccountId, added: int) -> None:
        """Let a key be an account's, and nobody else's."""
        account = self._by_id[account_id]
        if key in self._by_key:
            self.remove_device(key)
        account.devices[key] = added
        self._by_key[key] = account

    def remove_device(self, key: DeviceKey) -> None:
        """Let a key be nobody's."""
        del self._by_key.pop(key).devices[key]

    def _list(self, account: Account) -> None:
        self._by_nick.add(name_key(account.nick), account)
        self._by_case.add(case_key(account.nick), account)

    def _unlist(self, account: Account) -> None:
        self._by_nick.remove(name_key(account.nick), account)
        self._by_case.remove(case_key(account.nick), account)


def _id(account: Account) -> AccountId:
    return account.id
