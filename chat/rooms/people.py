"""Accounts: who is known by which name, and on which connections.

A session is a number the caller chooses; an account's id, and the keys of which each shows that
somebody is it, are values the caller chooses too, and mean nothing here. The first key that claims
a nickname makes an account, and that has it from then on, whether it is connected or not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from chat.rooms.errors import (
    AlreadyLoggedInError,
    NickTakenError,
    NoSuchNickError,
    NotLoggedInError,
)
from chat.rooms.names import case_key, name_key, prepare_nick

__all__ = ["Account", "People"]


@dataclass(slots=True, eq=False)
class Account:
    """Somebody, connected or not."""

    id: bytes
    nick: str
    devices: dict[bytes, int] = field(default_factory=dict)
    """Keys that tell that a connection is this account's, and when each was added, in milliseconds
    of UTC."""
    sessions: set[int] = field(default_factory=set)
    logs: set[bytes] = field(default_factory=set)
    """Of which it is a member."""
    invitations: set[bytes] = field(default_factory=set)
    """Of which it may become a member."""


class People:
    """All accounts of this server."""

    def __init__(self, new_id: Callable[[], bytes]) -> None:
        self._new_id = new_id
        self._by_id: dict[bytes, Account] = {}
        self._by_key: dict[bytes, Account] = {}
        self._by_nick: dict[str, Account] = {}
        self._by_case: dict[str, Account] = {}
        self._by_session: dict[int, Account] = {}

    def get(self, account_id: bytes) -> Account | None:
        """Return the account with this id, if there is one."""
        return self._by_id.get(account_id)

    def add(self, account: Account) -> None:
        """Know an account from earlier."""
        self._by_id[account.id] = account
        for key in account.devices:
            self._by_key[key] = account
        self._list(account)

    def of_session(self, session: int) -> Account:
        """Return who is logged in on `session`. Raises NotLoggedInError."""
        try:
            return self._by_session[session]
        except KeyError:
            raise NotLoggedInError from None

    def named(self, nick: str) -> Account:
        """Return who has this nickname. Raises NoSuchNickError."""
        name = nick.strip(" ")
        account = self._by_case.get(case_key(name)) or self._by_nick.get(name_key(name))
        if account is None:
            raise NoSuchNickError(nick)
        return account

    def by_name_key(self, key: str) -> Account:
        """Return who has the nickname with this `name_key`. Raises KeyError."""
        return self._by_nick[key]

    def of_key(self, key: bytes) -> Account | None:
        """Return whose key this is, if it is anybody's."""
        return self._by_key.get(key)

    def all(self) -> list[Account]:
        """Return everybody, by nickname."""
        return sorted(self._by_id.values(), key=lambda it: name_key(it.nick))

    def check_new(self, session: int) -> None:
        """Raise AlreadyLoggedInError if somebody is logged in on `session`."""
        if session in self._by_session:
            raise AlreadyLoggedInError

    def register(self, key: bytes, nick: str, now: int) -> Account:
        """Make an account with its first key. Raises NickTakenError, and as `prepare_nick`."""
        nick = prepare_nick(nick)
        self._check_free(nick, None)
        account = Account(self._new_id(), nick, {key: now})
        self.add(account)
        return account

    def login(self, session: int, account: Account) -> None:
        """Let `session` be this account's."""
        self.check_new(session)
        account.sessions.add(session)
        self._by_session[session] = account

    def logout(self, session: int) -> Account | None:
        """Forget a session; return who was logged in on it."""
        account = self._by_session.pop(session, None)
        if account is not None:
            account.sessions.remove(session)
        return account

    def add_device(self, account: Account, key: bytes, now: int) -> None:
        """Let an account have one more key, unless that is somebody's: a key is one account's."""
        if key not in self._by_key:
            account.devices[key] = now
            self._by_key[key] = account

    def remove_device(self, account: Account, key: bytes) -> None:
        """Take a key away from an account, if it has it."""
        if account.devices.pop(key, None) is not None:
            del self._by_key[key]

    def rename(self, account: Account, nick: str) -> None:
        """Let an account be known as `nick`. Raises NickTakenError, and as `prepare_nick`."""
        nick = prepare_nick(nick)
        self._check_free(nick, account)
        self._unlist(account)
        account.nick = nick
        self._list(account)

    def forget(self, account: Account) -> None:
        """Know an account no longer. It has no sessions, and is in nothing."""
        del self._by_id[account.id]
        self._unlist(account)
        for key in account.devices:
            del self._by_key[key]

    def _check_free(self, nick: str, account: Account | None) -> None:
        """Raise NickTakenError if somebody else has a nickname that is the same."""
        keys = ((self._by_nick, name_key(nick)), (self._by_case, case_key(nick)))
        if any(table.get(key, account) is not account for table, key in keys):
            raise NickTakenError(nick)

    def _list(self, account: Account) -> None:
        # Of two that later data takes as one, the first that was stored has the name.
        self._by_nick.setdefault(name_key(account.nick), account)
        self._by_case.setdefault(case_key(account.nick), account)

    def _unlist(self, account: Account) -> None:
        keys = ((self._by_nick, name_key(account.nick)), (self._by_case, case_key(account.nick)))
        for table, key in keys:
            if table.get(key) is account:
                del table[key]
