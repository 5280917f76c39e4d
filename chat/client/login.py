"""Who one is: the nickname, and the secret of the account that has it.

The secret is on the disk before a server sees it; a client that dies in between has lost nothing.
"""

from msgspec import Struct

from chat.client.accounts import Accounts, AccountsError
from chat.client.visit import Visit
from chat.rooms.errors import RequestError
from chat.rooms.names import prepare_nick
from chat.wire import messages

__all__ = ["Login", "LoginError"]


class LoginError(Exception):
    """There is no logging in like this; the text is a sentence for the user."""


class Login:
    """Makes login requests, and keeps the file of accounts true to what the server says."""

    def __init__(self, visit: Visit, accounts: Accounts) -> None:
        self._visit = visit
        self._accounts = accounts
        self._nick = ""
        self._secret: bytes | None = None
        self._is_new = False

    def choose(self, nick: str) -> None:
        """Be `nick` with the next request. Raises LoginError for what is no nickname."""
        try:
            self._nick = prepare_nick(nick)
        except RequestError as error:
            raise LoginError(str(error)) from None
        self._secret = None

    def request(self) -> messages.Login:
        """Return the request to log in: as the same account on every connection.

        A nickname that has no account gets a new secret. Raises LoginError.
        """
        if self._secret is None:
            try:
                self._secret = self._accounts.secret(self._nick)
                self._is_new = self._secret is None
                self._secret = self._secret or self._accounts.create(self._nick)
            except AccountsError as error:
                raise LoginError(f"{error}.") from None
        return messages.Login(self._visit.asking.next_id(), self._nick, self._secret)

    def accepted(self, welcome: messages.Welcome) -> None:
        """Be who the server says one is."""
        self._is_new = False
        self._visit.account = welcome.account
        self._visit.nick = welcome.nick

    def refused(self) -> bool:
        """Take back a secret that was made for nothing.

        Return whether to request again: another client of this user was faster with the same
        nickname, and so its account is ours too. Raises LoginError.
        """
        if not self._is_new or self._secret is None:
            return False
        self._is_new = False
        try:
            self._secret = self._accounts.withdraw(self._nick, self._secret)
        except AccountsError as error:
            raise LoginError(f"{error}.") from None
        return self._secret is not None

    def rename(self, nick: str, line: str) -> None:
        """Ask to be known as `nick`, because `line` was typed."""
        visit = self._visit
        try:
            new = prepare_nick(nick)
        except RequestError as error:
            visit.reject(str(error))
            return

        def take(_: Struct) -> None:
            old, visit.nick, self._nick = visit.nick, new, new
            visit.note(f"* You are now known as {new}.")
            try:
                self._accounts.rename(old, new, self._secret or b"")
            except AccountsError as error:
                visit.complain(f"{error}.")
            visit.line_done()

        visit.asking.ask(
            messages.Nick(visit.asking.next_id(), new),
            messages.Ok,
            take,
            visit.refused,
            line=line,
            is_barrier=True,
        )
