"""From the nickname over the host key to the login, on every connection anew.

Nothing is said to a server whose host key is not trusted, and no server waits for a person: while
the user decides about the key there is no connection.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec import UNSET, UnsetType

from chat.client.core.events import (
    HostKeyPinned,
    LoggedIn,
    LoginRefused,
    RequestsWait,
    TrustAsked,
)
from chat.client.core.interfaces import KeyRing, Link, Network, StorageError
from chat.client.core.model import Account, End, Phase, Refusal
from chat.client.core.session import Session
from chat.client.core.trust import HostKeyCheck, TrustError, Verdict
from chat.ids import DeviceKey
from chat.rooms.errors import RequestError
from chat.rooms.names import prepare_nick
from chat.wire import messages
from chat.wire.errors import LocalProtocolError
from chat.wire.identity import Identity

__all__ = ["NO_CREDENTIALS", "Credentials", "LoginFlow"]

_NOT_ACCEPTED: Final = "The host key was not accepted."


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a login has beside the key, where a server wants it."""

    code: str | UnsetType = UNSET
    """From another device of the account."""
    token: bytes | UnsetType = UNSET
    """From the link of an invitation."""
    password: str | UnsetType = UNSET


NO_CREDENTIALS: Final = Credentials()


class LoginFlow:
    """Logs in. `enter` is called when that succeeded, `fail` where there is no way.

    `hang_up` gives up a connection, without an end of the session.
    """

    def __init__(
        self,
        session: Session,
        keys: KeyRing,
        check: HostKeyCheck,
        network: Network,
        credentials: Credentials,
        *,
        enter: Callable[[], None],
        fail: Callable[[End, Sequence[str]], None],
        hang_up: Callable[[], None],
    ) -> None:
        self._session = session
        self._keys = keys
        self._check = check
        self._network = network
        self._credentials = credentials
        self._enter = enter
        self._fail = fail
        self._hang_up = hang_up
        self._link: Link | None = None
        self._nick = ""
        self._identity: Identity | None = None
        self._has_logged_in = False

    # --- The user's part ---

    def start(self, nick: str, password: str | None) -> None:
        """Be `nick`: connect, or try again on the connection that there is.

        Once logged in, this does nothing: a nickname is changed with `Rename`.
        """
        if self._has_logged_in:
            return
        if password is not None:
            self._credentials = replace(self._credentials, password=password)
        try:
            self._nick = prepare_nick(nick)
        except RequestError as error:
            self._session.emit(LoginRefused(Refusal(error.code, str(error))))
            return
        self._identity = None
        if self._session.connection.phase not in (Phase.IDLE, Phase.LOGIN_REFUSED):
            return  # It is connecting already; the next login is with this nickname.
        self._session.move(Phase.CONNECTING)
        if self._link is None:
            self._network.connect()
        else:
            self._log_in(self._link, is_again=True)

    def answer_trust(self, is_trusted: bool) -> None:
        """Take the user's decision about the host key."""
        if not is_trusted:
            self._fail(End.HOST_KEY, [_NOT_ACCEPTED])
        elif self._pin():
            self._session.move(Phase.CONNECTING)
            self._network.connect()

    # --- The connection's part ---

    def connected(self, link: Link) -> None:
        """Take a new connection."""
        self._link = link

    def lost(self) -> None:
        """Forget the connection."""
        self._link = None

    def offered(self, host_key: bytes, successions: bytes, *, is_loopback: bool) -> None:
        """Decide about the host key that the server has proved to hold."""
        try:
            verdict = self._check.examine(host_key, successions, is_loopback=is_loopback)
        except TrustError as error:
            self._fail(End.HOST_KEY, error.lines)
            return
        if verdict is Verdict.ASK:
            self._hang_up()
            self._session.move(Phase.ASKING_TRUST)
            self._session.emit(
                TrustAsked(self._check.address, self._check.offered, self._check.words())
            )
        elif self._link is not None and (verdict is Verdict.KNOWN or self._pin()):
            self._log_in(self._link)

    def _pin(self) -> bool:
        try:
            is_successor = self._check.pin()
        except TrustError as error:
            self._fail(End.HOST_KEY, error.lines)
            return False
        self._session.emit(HostKeyPinned(self._check.address, self._check.offered, is_successor))
        return True

    def _log_in(self, link: Link, *, is_again: bool = False) -> None:
        try:
            identity = self._identity = self._identity or self._keys.identity(self._nick)
        except StorageError as error:
            self._fail(End.REFUSED, [f"{error}."])
            return
        request = messages.Login(
            *(self._session.pending.next_id(), self._nick, identity.public),
            *(identity.sign_login(link.binding), self._credentials.code),
            *(self._credentials.token, self._credentials.password),
        )
        self._session.pending.expect(request.id, messages.Welcome, self._accepted, self._refused)
        try:
            (link.send if is_again else link.login)(request)
        except LocalProtocolError:
            self._fail(End.REFUSED, ["The code or the password is too long, or is not text."])

    def _accepted(self, welcome: messages.Welcome) -> None:
        is_first, self._has_logged_in = not self._has_logged_in, True
        # A code is used up, and a password was only for a key that was new.
        self._credentials = NO_CREDENTIALS
        self._keys.keep(self._nick)
        self._session.account = Account(welcome.account, welcome.nick)
        self._session.emit(LoggedIn(self._session.account, self._nick))
        if is_first and welcome.requests:
            self._session.emit(RequestsWait(welcome.requests))
        self._enter()

    def _refused(self, refusal: Refusal) -> None:
        if refusal.code == "nick_taken":
            # Leave nothing behind of an attempt that can never go well.
            self._keys.discard(self._nick)
            self._identity = None
        if self._has_logged_in:
            self._fail(End.REFUSED, [refusal.text])
            return
        self._session.move(Phase.LOGIN_REFUSED, refusal.text)
        self._session.emit(LoginRefused(refusal))

    # --- Afterwards ---

    def is_own(self, key: DeviceKey) -> bool:
        """Tell whether this is the key that the user is logged in with."""
        return self._identity is not None and self._identity.public == key

    def renamed(self, nick: str) -> str | None:
        """Be `nick` from the next login on.

        Return where the key still is, if that nickname has another one. Raises StorageError.
        """
        old, self._nick = self._nick, nick
        return self._keys.rename(old, nick)
