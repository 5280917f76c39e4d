"""Who one is: the nickname, and the key of the account that has it."""

from dataclasses import dataclass

from msgspec import UNSET, Struct, UnsetType

from chat.client.core.interfaces import TypedLine
from chat.client.storage.identities import Identities, IdentityError
from chat.client.visit import Visit
from chat.ids import DeviceKey
from chat.rooms.errors import RequestError
from chat.rooms.names import name_key, prepare_nick
from chat.wire import messages
from chat.wire.identity import Identity

__all__ = ["Credentials", "LoginError", "LoginRequests"]


class LoginError(Exception):
    """There is no logging in like this; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a login has beside the key, where a server wants it."""

    code: str | UnsetType = UNSET
    """From another device of the account."""
    token: bytes | UnsetType = UNSET
    """From the link of an invitation."""
    password: str | UnsetType = UNSET


class LoginRequests:
    """Makes login requests."""

    def __init__(self, visit: Visit, identities: Identities, credentials: Credentials) -> None:
        self._visit = visit
        self._identities = identities
        self._credentials = credentials
        self._nick = ""
        self._identity: Identity | None = None

    def choose(self, nick: str) -> None:
        """Be `nick` with the next request. Raises LoginError for what is no nickname."""
        try:
            self._nick = prepare_nick(nick)
        except RequestError as error:
            raise LoginError(str(error)) from None
        self._identity = None

    def request(self, binding: bytes) -> messages.Login:
        """Return the request to log in on the connection with this binding. Raises LoginError."""
        if self._identity is None:
            try:
                self._identity = self._identities.identity(self._nick)
            except IdentityError as error:
                raise LoginError(f"{error}.") from None
        return messages.Login(
            *(self._visit.asking.next_id(), self._nick, self._identity.public),
            *(self._identity.sign_login(binding), self._credentials.code),
            *(self._credentials.token, self._credentials.password),
        )

    def accepted(self, welcome: messages.Welcome) -> None:
        """Be who the server says one is."""
        # A code is used up, and a password was only for a key that was new.
        self._credentials = Credentials()
        self._identities.keep(self._nick)
        if name_key(welcome.nick) not in (name_key(self._nick), name_key(self._visit.nick)):
            self._visit.tell(
                f"* Your key for {self._nick} is that of {welcome.nick}, so that is what you are "
                "called here."
            )
        self._visit.account = welcome.account
        self._visit.nick = welcome.nick

    def refused(self, refused: messages.Refused) -> None:
        """Leave nothing behind of an attempt that can never go well."""
        if refused.code == "nick_taken":
            self._identities.discard(self._nick)
            self._identity = None

    def is_own(self, key: DeviceKey) -> bool:
        """Tell whether this is the key that one is logged in with."""
        return self._identity is not None and self._identity.public == key

    def rename(self, nick: str, line: TypedLine) -> None:
        """Ask to be known as `nick`, because `line` was typed."""
        visit = self._visit
        try:
            new = prepare_nick(nick)
        except RequestError as error:
            visit.reject(str(error), line)
            return

        def take(_: Struct) -> None:
            old, visit.nick, self._nick = self._nick, new, new
            visit.tell(f"* You are now known as {new}.")
            try:
                other = self._identities.rename(old, new)
            except IdentityError as error:
                visit.complain(f"{error}.", line)
            else:
                if other is not None:
                    visit.note(f"* Log in as {new} with --identity {other} from now on.")
            visit.line_done()

        visit.asking.ask(
            messages.Nick(visit.asking.next_id(), new),
            messages.Ok,
            take,
            visit.refusing(line),
            line=line,
            is_barrier=True,
        )
