"""The way to a server: what a person is asked before there are rooms, and what is said where there
is no way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from chat.client.core.address import Address
from chat.client.core.events import Ending, TrustAsked
from chat.client.core.login import NO_CREDENTIALS, Credentials
from chat.client.core.model import End, Phase, Refusal
from chat.client.storage.servers import Visit
from chat.client.tui.app import ChatApp
from chat.client.tui.client import RoomsClient
from chat.client.tui.dialogs import Confirm
from chat.client.tui.paint import shown
from chat.client.tui.screens.sheet import Done
from chat.client.tui.welcome import (
    ChangedKeyScreen,
    NewKey,
    PasswordScreen,
    TrustScreen,
    WelcomeScreen,
)
from chat.client.wording.advice import PASSWORD_CODES, advise_login

__all__ = ["Entrance", "Start"]

_CANCELLED: Final = "You can try another server or nickname."


@dataclass(frozen=True, slots=True)
class Start:
    """What a server is connected to with."""

    address: Address
    nick: str | None = None
    room: str | None = None
    """To be joined."""
    last: str = ""
    """Where the user was; ``@`` and a nickname for a conversation."""
    credentials: Credentials = NO_CREDENTIALS
    identity: Path | None = None
    passphrase: str | None = None


class Servers(Protocol):
    """What makes and ends clients."""

    def connect(self, start: Start) -> RoomsClient | None:
        """Connect to a server, as the nickname says; None if that cannot even begin."""
        ...

    def forget(self, client: RoomsClient) -> None:
        """Show a client no more."""
        ...

    def leave(self) -> None:
        """End the application."""
        ...


class Entrance:
    """Leads to servers. `home` is where keys are kept."""

    def __init__(self, app: ChatApp, servers: Servers, home: str) -> None:
        self._app = app
        self._servers = servers
        self._home = home
        self._starts: dict[RoomsClient, Start] = {}
        self._waiting: dict[RoomsClient, Done] = {}
        """What the screen that waits for a login is told."""
        self._with_password: set[RoomsClient] = set()

    def begin(self, start: Start | None, visits: Sequence[Visit]) -> None:
        """Go where the user wants to, or was; ask, if neither is known."""
        if start is None:
            if not visits:
                self.ask(None)
                return
            start = Start(visits[0].address, visits[0].nick)
        place = Address(start.address.host, start.address.port)
        visit = next((it for it in visits if it.address == place), None)
        if visit is not None and start.nick in (None, visit.nick):
            start = replace(start, nick=visit.nick, last=visit.room)
        if start.nick is None:
            self.ask(start)
        else:
            self._connect(start)

    def ask(
        self, start: Start | None, nick: str = "", *, where: str = "", refusal: str = ""
    ) -> None:
        """Ask where to and as whom; as whom alone, if the server is known."""
        tried: list[RoomsClient] = []

        def enter(address: Address, nick: str, done: Done) -> None:
            before = tried[-1] if tried else None
            if before is not None and before.address == address and _can_log_in(before):
                self._waiting[before] = done
                before.nick = nick
                before.core.log_in_as(nick)
                return
            if before is not None:
                self._give_up(before)
            known = start if start is not None else Start(address)
            token = address.token
            credentials = known.credentials
            if token is not None:
                credentials = replace(credentials, token=token)
            wanted = replace(
                known,
                address=address,
                nick=nick,
                room=known.room or address.room,
                credentials=credentials,
            )
            client = self._servers.connect(wanted)
            if client is not None:
                tried.append(client)
                self._starts[client] = wanted
                self._waiting[client] = done

        def leave() -> None:
            for client in tried:
                self._give_up(client)
            self._leave_if_nowhere()

        screen = WelcomeScreen(
            enter,
            leave,
            home=self._home,
            address=None if start is None else start.address,
            where=where,
            nick=nick,
        )
        self._app.push_screen(screen)
        if refusal:
            screen.call_after_refresh(screen.refuse, refusal)

    def _connect(self, start: Start) -> None:
        client = self._servers.connect(start)
        if client is not None:
            self._starts[client] = start

    def _give_up(self, client: RoomsClient) -> None:
        """Show a server no more that one has not been to."""
        self._waiting.pop(client, None)
        client.core.close()
        self._servers.forget(client)

    def _leave_if_nowhere(self) -> None:
        if not any(_has_been_there(client) for client in self._starts):
            self._servers.leave()

    # --- What the server says ---

    def logged_in(self, client: RoomsClient) -> None:
        """The server knows the user."""
        done = self._waiting.pop(client, None)
        if done is not None:
            done(None)

    def login_refused(self, client: RoomsClient, refusal: Refusal) -> None:
        """Let the user try another nickname or password."""
        has_password = client in self._with_password
        is_password = refusal.code in PASSWORD_CODES or (
            refusal.code == "too_many_attempts" and has_password
        )
        sentences = " ".join(advise_login(refusal))
        waiting = self._waiting.pop(client, None)
        if is_password:
            self._ask_password(client, waiting, refusal.text if has_password else "")
        elif waiting is not None:
            waiting(sentences)
        else:
            self._ask_again(client, sentences)

    def _ask_again(self, client: RoomsClient, sentence: str) -> None:
        """Ask for the nickname: it was not typed on a screen that could show the refusal."""
        start = replace(self._starts[client], nick=None)
        self._give_up(client)
        self.ask(start, client.nick, refusal=sentence)

    def _ask_password(self, client: RoomsClient, waiting: Done | None, refusal: str) -> None:
        self._with_password.add(client)

        def enter(password: str, done: Done) -> None:
            def both(sentence: str | None) -> None:
                done(sentence)
                if waiting is not None:
                    waiting(sentence)

            self._waiting[client] = both
            client.core.log_in_as(client.nick, password)

        def leave() -> None:
            if waiting is not None:
                waiting(_CANCELLED)
            else:
                client.core.close()
                self._leave_if_nowhere()

        if refusal and waiting is not None:
            waiting(refusal)  # The screen is still there, and says it.
        else:
            self._app.push_screen(PasswordScreen(client.name, enter, leave, refusal=refusal))

    def ask_trust(self, client: RoomsClient, asked: TrustAsked) -> None:
        """Let the user decide about a host key."""

        def answer(is_trusted: bool) -> None:
            client.is_verified = is_trusted
            client.core.answer_trust(is_trusted)

        key = NewKey(str(asked.address), asked.fingerprint, tuple(asked.words))
        self._app.push_screen(TrustScreen(key, answer))

    def ending(self, client: RoomsClient, ending: Ending) -> None:
        """Say why a server is given up, and offer to try again."""
        waiting = self._waiting.pop(client, None)
        sentences = " ".join(ending.sentences)
        if waiting is not None:
            self._servers.forget(client)
            waiting(sentences)
        elif ending.end is End.HOST_KEY and not _has_been_there(client):
            self._app.push_screen(ChangedKeyScreen(ending.sentences, self._leave_if_nowhere))
        else:
            self._offer_again(client, [shown(it) for it in ending.sentences])

    def _offer_again(self, client: RoomsClient, sentences: Sequence[str]) -> None:
        def answered(is_again: bool | None) -> None:
            start = self._starts[client]
            if is_again:
                self._servers.forget(client)
                self._connect(start)
            elif not any(_has_been_there(it) for it in self._starts):
                self._servers.forget(client)
                self.ask(None, start.nick or "", where=client.name)

        question = "\n".join(sentences)
        self._app.push_screen(Confirm(question, "Try again", "Close", is_sudden=True), answered)


def _can_log_in(client: RoomsClient) -> bool:
    return client.core.connection.phase is Phase.LOGIN_REFUSED


def _has_been_there(client: RoomsClient) -> bool:
    return client.core.has_been_online
