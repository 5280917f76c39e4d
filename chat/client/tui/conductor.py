"""Runs the clients of all servers in the application, and asks the user what they need to know."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import Final

from chat.client.arguments import THIS_MACHINE
from chat.client.core.address import Address
from chat.client.core.core import Core
from chat.client.core.events import Ending, Event, TrustAsked
from chat.client.core.interfaces import StorageError
from chat.client.core.login import NO_CREDENTIALS, Credentials
from chat.client.core.model import End, Phase, Refusal
from chat.client.core.rooms import Room
from chat.client.core.trust import word_lines
from chat.client.notify import Desktop
from chat.client.tui.app import ChatApp
from chat.client.tui.attention import Attention
from chat.client.tui.client import RoomsClient
from chat.client.tui.dialogs import Ask, Confirm
from chat.client.tui.files import Files
from chat.client.tui.listening import Listener
from chat.client.tui.memory import Memory
from chat.client.tui.paint import Painter, shown
from chat.client.tui.screen import RoomScreen
from chat.client.wording.advice import PASSWORD_CODES, advise_login

__all__ = ["Conductor", "Start"]

_STATUS: Final = {End.CLOSED: 0, End.REFUSED: 1, End.CONNECTION: 3, End.HOST_KEY: 4}
"""Exit statuses, as those of the line client."""

Assemble = Callable[[Callable[[Event], None], "Start"], Core]
"""Makes a core for a listener."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a server is connected to with."""

    address: Address
    nick: str | None = None
    room: str | None = None
    credentials: Credentials = NO_CREDENTIALS
    identity: Path | None = None
    passphrase: str | None = None


_LEAVE_SECONDS: Final = 2.0
"""How long a server may take to end a connection."""


class Conductor:
    """A `chat.client.tui.host.Host`. Making one raises StorageError.

    `start` is what was asked for; without it, the user goes where they were. `assemble` makes
    cores; `seconds` is their clock, `milliseconds` the time of day in UTC since 1970. `desktop` is
    how the terminal shows notifications.
    """

    def __init__(
        self,
        app: ChatApp,
        start: Start | None,
        assemble: Assemble,
        files: Files,
        *,
        seconds: Callable[[], float],
        milliseconds: Callable[[], int],
        zone: tzinfo,
        desktop: Desktop | None = None,
    ) -> None:
        self._app = app
        self._first = start
        self._assemble = assemble
        self._files = files
        self.settings = files.settings.read()
        self.keys = files.bindings.read()
        self.memory = Memory(files, self._say)
        """Drafts, and where one was."""
        self.attention = Attention(
            app,
            lambda: self.settings,
            desktop,
            seconds=seconds,
            milliseconds=milliseconds,
            zone=zone,
        )
        """Bell, desktop and title."""
        self._starts: dict[RoomsClient, Start] = {}
        self._passwords: set[RoomsClient] = set()
        self._open: set[RoomsClient] = set()
        """Clients whose core has not ended."""
        self._is_leaving = False
        self._status = 0
        self.seconds = seconds
        self.milliseconds = milliseconds
        self.screen = RoomScreen(self, Painter(milliseconds, zone), app.look, zone)

    # --- Servers ---

    def begin(self, typed: str) -> None:
        """Connect to the first server."""
        self._app.push_screen(self.screen)
        if typed:
            self._app.call_later(lambda: self.screen.composer.put(typed))
        self._app.set_keymap({name: ",".join(keys) for name, keys in self.keys.items()})
        self._app.call_later(self._connect_first)

    def _connect_first(self) -> None:
        """Go where the user wants to, or was."""
        start, visits = self._first, self.memory.visits()
        if start is None:
            start = Start(visits[0].address, visits[0].nick) if visits else Start(THIS_MACHINE)
        place = Address(start.address.host, start.address.port)
        visit = next((it for it in visits if it.address == place), None)
        if visit is not None and start.nick in (None, visit.nick):
            room = start.room or (visit.room or None)
            start = replace(start, nick=visit.nick, room=room)
        self.connect(start)

    def _say(self, error: StorageError) -> None:
        self._app.notify(f"{shown(str(error))}.", severity="error", markup=False)

    def connect(self, start: Start) -> None:
        """Connect to a server; ask for the nickname, if there is none."""
        if start.nick is None:
            self._ask_nick(start)
            return
        client = RoomsClient(self.screen.stage, start.address, self._app.call, self.milliseconds)
        listener = Listener(client, self.screen.stage, start.room)
        client.is_verified = start.address.fingerprint is not None
        self._starts[client] = start
        try:
            core = self._assemble(lambda event: self._app.call(listener.event, event), start)
        except StorageError as error:
            self._app.why_ended = f"{error}."
            self._app.exit(return_code=1)
            return
        self.screen.clients.append(client)
        self._open.add(client)
        if self.screen.client is None:
            self.screen.client = client
        client.start(core, start.nick)
        self.screen.drawing.now()

    def _ask_nick(self, start: Start, trouble: Sequence[str] = ()) -> None:
        def answered(nick: str | None) -> None:
            if nick is None:
                self.leave()
            elif nick.strip():
                self.connect(replace(start, nick=nick.strip()))
            else:
                self._ask_nick(start)

        question = f"Which nickname do you want at {start.address}?"
        self._app.push_screen(Ask(question, trouble=trouble), answered)

    def login_refused(self, client: RoomsClient, refusal: Refusal) -> None:
        """Let the user try another nickname or password."""
        has_password = client in self._passwords
        is_password = refusal.code in PASSWORD_CODES or (
            refusal.code == "too_many_attempts" and has_password
        )
        if is_password:
            trouble = [refusal.text] if has_password else []
            question = "This server asks for your password."
            self._passwords.add(client)
        else:
            trouble = advise_login(refusal)
            question = f"Which nickname do you want at {client.name}?"

        def answered(text: str | None) -> None:
            if text is None:
                self._close(client)
            elif is_password:
                client.core.log_in_as(client.nick, text)
            else:
                client.nick = text.strip()
                client.core.log_in_as(client.nick)

        ask = Ask(
            question,
            value="" if is_password else client.nick,
            trouble=[shown(it) for it in trouble],
            is_secret=is_password,
        )
        self._app.push_screen(ask, answered)

    def ask_trust(self, client: RoomsClient, asked: TrustAsked) -> None:
        """Let the user decide about a host key."""
        question = "\n".join(
            [
                f"You have not been at {asked.address} before. Its fingerprint is",
                asked.fingerprint,
                "or, in words,",
                *word_lines(asked.words),
                "",
                "Compare either with what the server's operator says: if it is the same, nobody "
                "listens in between.",
            ]
        )

        def answered(is_trusted: bool | None) -> None:
            client.is_verified = bool(is_trusted)
            client.core.answer_trust(bool(is_trusted))

        self._app.push_screen(
            Confirm(question, "It is the same", "Do not connect", is_sudden=True), answered
        )

    def ending(self, client: RoomsClient, ending: Ending) -> None:
        """Say why a server is given up, and offer to try again."""
        self._status = _STATUS[ending.end]
        if self._is_leaving or ending.end is End.CLOSED:
            return
        self._app.why_ended = "\n".join(ending.sentences)
        question = "\n".join(shown(it) for it in ending.sentences)

        def answered(is_again: bool | None) -> None:
            if is_again:
                self._remove(client)
                self._app.why_ended = ""
                self.connect(self._starts[client])

        self._app.push_screen(Confirm(question, "Try again", "Close", is_sudden=True), answered)

    def ended(self, client: RoomsClient) -> None:
        """Leave, if the last one has ended and the user wants to."""
        self._open.discard(client)
        if self._is_leaving and not self._open:
            self._app.exit(return_code=self._status)
        self.screen.drawing.now()

    def _remove(self, client: RoomsClient) -> None:
        if client in self.screen.clients:
            self.screen.clients.remove(client)
        if self.screen.client is client:
            self.screen.client = self.screen.clients[0] if self.screen.clients else None

    def _close(self, client: RoomsClient) -> None:
        client.core.close()
        if len(self.screen.clients) == 1:
            self.leave()

    def typing(self, client: RoomsClient, room: Room) -> None:
        """Let others know that the user writes, unless that is off."""
        if self.settings.typing:
            client.core.typing(room)

    def focus_changed(self) -> None:
        """The user looks at this terminal again."""
        self.screen.read()

    # --- Time ---

    def tick(self) -> None:
        """See to what is done from time to time: to be called about once a second."""
        for client in self.screen.clients:
            client.core.tick()
        self.screen.stage.note_draft()
        self._app.run_worker(self.memory.save())
        if any(it.core.connection.phase is Phase.WAITING for it in self.screen.clients):
            self.screen.drawing.status()

    # --- Ends ---

    def leave(self) -> None:
        """Close all connections, and then the application."""
        unsent = sum(client.core.unsent for client in self.screen.clients)
        if unsent and not self._is_leaving:
            words = "1 message is" if unsent == 1 else f"{unsent} messages are"

            def answered(is_wanted: bool | None) -> None:
                if is_wanted:
                    self._leave()

            self._app.push_screen(
                Confirm(f"{words} not sent yet, and would be lost.", "Leave", "Stay"), answered
            )
        else:
            self._leave()

    def _leave(self) -> None:
        self._is_leaving = True
        client, room = self.screen.client, self.screen.room
        if client is not None and room is not None:
            self.screen.stage.leaving(client, room)
        self.memory.save_now()
        for client in self.screen.clients:
            client.core.close()
        if not self._open:
            self._app.exit(return_code=self._status)
        else:
            self._app.set_timer(_LEAVE_SECONDS, lambda: self._app.exit(return_code=self._status))
