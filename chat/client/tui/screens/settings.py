"""The client's own settings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from textual.widget import Widget
from textual.widgets import Button, Static

from chat.client.core.interfaces import StorageError
from chat.client.look import Theme
from chat.client.storage.settings import Level, Quiet, Settings, parse_quiet
from chat.client.tui.screens.sheet import Field, Pick, Sheet, button, hint

__all__ = ["Setters", "SettingsScreen"]

_THEMES: Final = [(it, it.value.replace("-", " ")) for it in Theme]
_ON_OFF: Final = [(True, "on"), (False, "off")]
_LEVELS: Final = [(it, it.value) for it in Level]


@dataclass(frozen=True, slots=True)
class Setters:
    """What keeps a setting, and lets it hold at once. Each raises StorageError."""

    theme: Callable[[Theme], None]
    mouse: Callable[[bool], None]
    typing: Callable[[bool], None]
    rooms: Callable[[Level], None]
    bell: Callable[[bool], None]
    desktop: Callable[[bool], None]
    quiet: Callable[[Quiet | None], None]


class SettingsScreen(Sheet):
    """Changes the settings, each as soon as it is chosen. `keys` opens the list of keys."""

    heading = "Settings"
    main = "quiet-hours"

    def __init__(
        self, settings: Settings, setters: Setters, keys: Callable[[], None], *, path: str
    ) -> None:
        super().__init__()
        self._settings = settings
        self._setters: dict[str, Callable[[Any], None]] = {
            "theme": setters.theme,
            "mouse": setters.mouse,
            "typing": setters.typing,
            "rooms": setters.rooms,
            "bell": setters.bell,
            "desktop": setters.desktop,
        }
        self._kept: dict[str, Any] = {name: getattr(settings, name) for name in self._setters}
        self._set_quiet = setters.quiet
        self._keys = keys
        self._path = path

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        now = self._settings
        yield Pick("Colours", _THEMES, now.theme, id="theme")
        yield Pick("Mouse", _ON_OFF, now.mouse, id="mouse")
        yield Pick("Show others that I type", _ON_OFF, now.typing, id="typing")
        yield Pick("Rooms notify me of", _LEVELS, now.rooms, id="rooms")
        yield Pick("Bell", _ON_OFF, now.bell, id="bell")
        yield Pick("Desktop notifications", _ON_OFF, now.desktop, id="desktop")
        yield Static()
        quiet = "" if now.quiet is None else str(now.quiet)
        yield Field("Quiet hours, without either", quiet, id="quiet", example="22:00-07:00")
        yield hint(f"They are kept in {self._path}, which you can edit as well.")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Set quiet hours", "quiet-hours")
        yield button("Keys", "keys")

    def on_pick_changed(self, event: Pick.Changed) -> None:
        """Keep what was chosen."""
        name = event.pick.id or ""
        try:
            self._setters[name](event.pick.value)
        except StorageError as error:
            event.pick.take(self._kept[name])
            self.refuse(f"{error}.")
        else:
            self._kept[name] = event.pick.value
            self.tell("")

    def press(self, id_: str) -> None:
        """Keep the quiet hours, or go to the keys."""
        if id_ == "keys":
            self._keys()
            return
        field = self.query_one("#quiet", Field)
        try:
            quiet = parse_quiet(field.value)
            self._set_quiet(quiet)
        except ValueError as error:
            self.refuse(f"That {error}.")
            field.enter()
        except StorageError as error:
            self.refuse(f"{error}.")
        else:
            self.tell("Quiet hours are set." if quiet else "There are no quiet hours.")
