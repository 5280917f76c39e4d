"""What makes the user notice something: the bell, the desktop, and the terminal's title."""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from textual.app import App

from chat.client.core.model import Message
from chat.client.core.rooms import Room
from chat.client.notify import Arrival, Desktop, notice_of, window_title
from chat.client.storage.settings import Level, Settings
from chat.client.tui.client import RoomsClient
from chat.client.tui.terminal import notify_desktop, set_title

__all__ = ["Attention"]

_SECONDS: Final = 1.0
"""Between two notifications. When a hundred messages come at once, one is enough."""


class Attention:
    """Draws attention, as far as the settings allow it.

    `desktop` is how the terminal shows notifications; None if it does not. `seconds` is a monotonic
    clock, `milliseconds` the time of day in UTC since 1970.
    """

    def __init__(
        self,
        app: App[None],
        settings: Callable[[], Settings],
        desktop: Desktop | None,
        *,
        seconds: Callable[[], float],
        milliseconds: Callable[[], int],
        zone: tzinfo,
    ) -> None:
        self._app = app
        self._settings = settings
        self._desktop = desktop
        self._seconds = seconds
        self._milliseconds = milliseconds
        self._zone = zone
        self._last = -_SECONDS
        self._title = ""

    @property
    def has_focus(self) -> bool:
        """Whether the user looks at this terminal, as far as that is known."""
        return self._app.app_focus

    def notice(
        self,
        client: RoomsClient,
        room: Room,
        message: Message,
        *,
        is_mention: bool,
        is_watched: bool,
    ) -> None:
        """Let the user notice a message, if it deserves that."""
        arrival = Arrival(
            *(client.name, room.name, message.author.nick, message.text, room.is_private),
            is_mention=is_mention,
            is_watched=is_watched,
        )
        now = datetime.fromtimestamp(self._milliseconds() / 1_000, self._zone)
        notice = notice_of(arrival, self._settings(), now)
        if notice is None or self._seconds() - self._last < _SECONDS:
            return
        self._last = self._seconds()
        if notice.has_bell:
            self._app.bell()
        if notice.is_on_desktop and self._desktop is not None:
            notify_desktop(self._app, self._desktop.sequence(notice))

    def is_muted(self, client: RoomsClient, room: Room) -> bool:
        """Whether nothing that is said in a room deserves a notification."""
        return self._settings().level(client.name, _name(room, "")) is Level.NONE

    def show_title(self, room: Room | None, clients: Sequence[RoomsClient]) -> None:
        """Say where one is, and how much is for the user alone."""
        unread = sum(
            it.unread if it.is_private else it.mentions
            for client in clients
            for it in client.core.rooms
        )
        title = window_title("" if room is None else _name(room, "#"), unread)
        if title != self._title:
            self._title = title
            set_title(self._app, title)


def _name(room: Room, sign: str) -> str:
    return f"@{room.name}" if room.is_private else f"{sign}{room.name}"
