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
from chat.rooms.names import name_key, prepare_nick

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
        self._by_session: dict[int, Account] = {}

    def get(self, account_id: bytes) -> Account | None:
        """Return the account with this id, if there is one."""
        return self._by_id.get(account_id)

    def add(self, account: Account) -> None:
        """Know an account from earlier."""
        self._by_id[account.id] = account
        for key in account.devices:
            self._by_key[key] = account
        self._by_nick[name_key(account.nick)] = account

    def of_session(self, session: int) -> Account:
        """Return who is logged in on `session`. Raises NotLoggedInError."""
        try:
            return self._by_session[session]
        except KeyError:
            raise NotLoggedInError from None

    def named(self, nick: str) -> Account:
        """Return who has this nickname. Raises NoSuchNickError."""
        try:
            return self._by_nick[name_key(nick.strip(" "))]
        except KeyError:
            raise NoSuchNickError(nick) from None

    def by_name_key(self, key: str) -> Account:
        """Return who has the nickname with this `name_key`. Raises KeyError."""
        return self._by_nick[key]

    def of_key(self, key: bytes) -> Account | None:
        """Return whose key this is, if it is anybody's."""
        return self._by_key.get(key)

    def all(self) -> list[Account]:
        """Return everybody, by nickname."""
        return [self._by_nick[key] for key in sorted(self._by_nick)]

    def check_new(self, session: int) -> None:
        """Raise AlreadyLoggedInError if somebody is logged in on `session`."""
        if session in self._by_session:
            raise AlreadyLoggedInError

    def register(self, key: bytes, nick: str, now: int) -> Account:
        """Make an account with its first key. Raises NickTakenError, and as `prepare_nick`."""
        nick = prepare_nick(nick)
        if name_key(nick) in self._by_nick:
            raise NickTakenError(nick)
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
        """Let an account have one more key."""
        account.devices[key] = now
        self._by_key[key] = account

    def remove_device(self, account: Account, key: bytes) -> None:
        """Take a key away from an account."""
        del account.devices[key]
        del self._by_key[key]

    def rename(self, account: Account, nick: str) -> None:
        """Let an account be known as `nick`. Raises NickTakenError, and as `prepare_nick`."""
        nick = prepare_nick(nick)
        if self._by_nick.get(name_key(nick), account) is not account:
            raise NickTakenError(nick)
        del self._by_nick[name_key(account.nick)]
        account.nick = nick
        self._by_nick[name_key(nick)] = account

    def forget(self, account: Account) -> None:
        """Know an account no longer. It has no sessions, and is in nothing."""
        del self._by_id[account.id]
        del self._by_nick[name_key(account.nick)]
        for key in account.devices:
            del self._by_key[key]
