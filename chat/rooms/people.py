"""Accounts: who is known by which name, and on which connections.

A session is a number the caller chooses; an account's id and the proof that somebody is it are
values the caller chooses too, and mean nothing here.
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
    proof: bytes
    """What tells that a connection is this account's."""
    nick: str
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
        self._by_proof: dict[bytes, Account] = {}
        self._by_nick: dict[str, Account] = {}
        self._by_session: dict[int, Account] = {}

    def get(self, account_id: bytes) -> Account | None:
        """Return the account with this id, if there is one."""
        return self._by_id.get(account_id)

    def add(self, account: Account) -> None:
        """Know an account from earlier."""
        self._by_id[account.id] = account
        self._by_proof[account.proof] = account
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

    def by_key(self, key: str) -> Account:
        """Return who has the nickname with this `name_key`. Raises KeyError."""
        return self._by_nick[key]

    def login(self, session: int, proof: bytes, nick: str) -> Account:
        """Let `session` be the account with this proof: a new one, known as `nick`, if none has it.

        Raises AlreadyLoggedInError, NickTakenError, and what `prepare_nick` raises.
        """
        if session in self._by_session:
            raise AlreadyLoggedInError
        account = self._by_proof.get(proof)
        if account is None:
            nick = prepare_nick(nick)
            if name_key(nick) in self._by_nick:
                raise NickTakenError(nick)
            account = Account(self._new_id(), proof, nick)
            self.add(account)
        account.sessions.add(session)
        self._by_session[session] = account
        return account

    def logout(self, session: int) -> Account | None:
        """Forget a session; who was logged in on it. One that is in nothing is forgotten."""
        account = self._by_session.pop(session, None)
        if account is not None:
            account.sessions.remove(session)
            if not (account.sessions or account.logs or account.invitations):
                self._forget(account)
        return account

    def rename(self, account: Account, nick: str) -> None:
        """Let an account be known as `nick`. Raises NickTakenError, and as `prepare_nick`."""
        nick = prepare_nick(nick)
        if self._by_nick.get(name_key(nick), account) is not account:
            raise NickTakenError(nick)
        del self._by_nick[name_key(account.nick)]
        account.nick = nick
        self._by_nick[name_key(nick)] = account

    def _forget(self, account: Account) -> None:
        del self._by_id[account.id]
        del self._by_proof[account.proof]
        del self._by_nick[name_key(account.nick)]
