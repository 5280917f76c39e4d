"""Runs the clients of all servers in the application, and asks the user what they need to know."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final

from chat.client.core.core import Core
from chat.client.core.events import Ending, Event
from chat.client.core.interfaces import StorageError
from chat.client.core.model import End, Phase
from chat.client.core.rooms import Room
from chat.client.look import choose_theme
from chat.client.notify import desktop_of
from chat.client.storage.settings import Level
from chat.client.tui.app import ChatApp
from chat.client.tui.attention import Attention
from chat.client.tui.client import RoomsClient
from chat.client.tui.dialogs import Confirm
from chat.client.tui.entrance import Entrance, Start
from chat.client.tui.files import Files
from chat.client.tui.listening import Listener
from chat.client.tui.memory import Memory
from chat.client.tui.paint import Painter, shown
from chat.client.tui.screen import RoomScreen

__all__ = ["Conductor"]

_STATUS: Final = {End.CLOSED: 0, End.REFUSED: 1, End.CONNECTION: 3, End.HOST_KEY: 4}
"""Exit statuses, as those of the line client."""

Assemble = Callable[[Callable[[Event], None], "Start"], Core]
"""Makes a core for a listener."""


_LEAVE_SECONDS: Final = 2.0
"""How long a server may take to end a connection."""


class Conductor:
    """A `chat.client.tui.host.Host`. Making one raises StorageError.

    `start` is what was asked for; without it, the user goes where they were. `assemble` makes
    cores; `seconds` is their clock, `milliseconds` the time of day in UTC since 1970. What the
    terminal can do, `environment` says.
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
        environment: Mapping[str, str],
    ) -> None:
        self._app = app
        self._first = start
        self._assemble = assemble
        self.files = files
        """Where settings and keys are kept."""
        self._environment = environment
        self.settings = files.settings.read()
        self.keys = files.bindings.read()
        self.memory = Memory(files, self._say)
        """Drafts, and where one was."""
        self.attention = Attention(
            app,
            lambda: self.settings,
            desktop_of(environment),
            seconds=seconds,
            milliseconds=milliseconds,
            zone=zone,
        )
        """Bell, desktop and title."""
        self.entrance = Entrance(app, self, str(files.settings.path.parent))
        """The way to servers."""
        self._open: set[RoomsClient] = set()
        """Clients whose core has not ended."""
        self._is_leaving = self._is_asking = False
        self._status = 0
        self.seconds = seconds
        self.milliseconds = milliseconds
        self.screen = RoomScreen(self, Painter(milliseconds, zone), app.look, zone)

    # --- Servers ---

    def begin(self, typed: str) -> None:
        """Connect to the first server."""
        self._app.push_screen(self.screen)
        if typed:
            self.screen.call_later(lambda: self.screen.composer.put(typed))  # Once it is mounted.
        self._use_keys()
        self._app.call_later(lambda: self.entrance.begin(self._first, self.memory.visits()))

    def _say(self, error: StorageError) -> None:
        self._app.notify(f"{shown(str(error))}.", severity="error", markup=False)

    def connect(self, start: Start) -> RoomsClient | None:
        """Connect to a server, as the nickname says; None if that cannot even begin."""
        client = RoomsClient(self.screen.stage, start.address, self._app.call, self.milliseconds)
        listener = Listener(client, self.screen.stage, start.room, start.last)
        client.is_verified = start.address.fingerprint is not None
        try:
            core = self._assemble(lambda event: self._app.call(listener.event, event), start)
        except StorageError as error:
            self._say(error)
            return None
        self.screen.clients.append(client)
        self._open.add(client)
        if self.screen.client is None:
            self.screen.client = client
        # In its turn: whoever asked for it first has to know of it.
        client.prepare(core, start.nick or "")
        self._app.call_later(client.start)
        self.screen.drawing.now()
        return client

    def ending(self, client: RoomsClient, ending: Ending) -> None:
        """Say why a server is given up, unless the user did that."""
        self._status = _STATUS[ending.end]
        if not self._is_leaving and ending.end is not End.CLOSED:
            self._app.why_ended = "\n".join(ending.sentences)
            self.entrance.ending(client, ending)

    def ended(self, client: RoomsClient) -> None:
        """Leave, if the last one has ended and the user wants to."""
        self._open.discard(client)
        if self._is_leaving and not self._open:
            self._app.exit(return_code=self._status)
        self.screen.drawing.now()

    def forget(self, client: RoomsClient) -> None:
        """Show a client no more."""
        self._app.why_ended = ""
        if client in self.screen.clients:
            self.screen.clients.remove(client)
        if self.screen.client is client:
            self.screen.client = self.screen.clients[0] if self.screen.clients else None

    def typing(self, client: RoomsClient, room: Room) -> None:
        """Let others know that the user writes, unless that is off."""
        if self.settings.typing:
            client.core.typing(room)

    def focus_changed(self) -> None:
        """The user looks at this terminal again."""
        self.screen.read()

    # --- Settings ---

    def settings_changed(self) -> None:
        """Let what was set hold from now on."""
        try:
            self.settings = self.files.settings.read()
        except StorageError as error:
            self._say(error)
            return
        theme = choose_theme(self.settings.theme, self._environment)
        if theme is not self._app.look.theme:
            self._app.use_theme(theme)
            self.screen.set_look(self._app.look)
        self.screen.drawing.now()

    def change_level(self, server: str, room: str, level: Level | None) -> str | None:
        """Set what of a room is notified. Return the sentence why that was not done."""
        try:
            self.files.settings.set_level(server, room, level)
        except StorageError as error:
            return f"{error}."
        self.settings_changed()
        return None

    def bind(self, action: str, keys: tuple[str, ...]) -> None:
        """Give an action other keys. Raises StorageError."""
        self.files.bindings.set(action, keys)
        self.keys = self.files.bindings.read()
        self._use_keys()

    def _use_keys(self) -> None:
        self._app.set_keymap({name: ",".join(keys) for name, keys in self.keys.items()})

    # --- Time ---

    def tick(self) -> None:
        """See to what is done from time to time: to be called about once a second."""
        for client in self.screen.clients:
            client.core.tick()
        self.screen.stage.note_draft()
        if self.memory.is_to_save:
            self._app.run_worker(self.memory.save())
        if any(it.core.connection.phase is Phase.WAITING for it in self.screen.clients):
            self.screen.drawing.status()

    # --- Ends ---

    def leave(self) -> None:
        """Close all connections, and then the application."""
        unsent = sum(client.core.unsent for client in self.screen.clients)
        # Whoever is asked, and says the same again, means it.
        if unsent and not self._is_leaving and not self._is_asking:
            self._is_asking = True
            words = "1 message is" if unsent == 1 else f"{unsent} messages are"

            def answered(is_wanted: bool | None) -> None:
                self._is_asking = False
                if is_wanted:
                    self.leave_now()

            self._app.push_screen(
                Confirm(f"{words} not sent yet, and would be lost.", "Leave", "Stay"), answered
            )
        else:
            self.leave_now()

    def leave_now(self) -> None:
        """The same, without a question."""
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
