"""What a person has set: ``settings.toml`` in the client's directory.

    theme = "dark"                  # light, dark, high-contrast or none
    mouse = true
    typing = true                   # tell others that you type

    [notifications]
    rooms = "mentions"              # all, mentions or none: of rooms that are not named below
    bell = true
    desktop = true
    quiet = "22:00-07:00"           # on the clock of this computer

    [notifications."localhost:5555"]
    lobby = "none"
    "@bob" = "none"                 # the conversation with bob

A file that says anything else is refused, with its line and key; nothing is ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

from chat.client.core.interfaces import StorageError
from chat.client.look import Theme
from chat.client.storage.toml import TomlFile, quote_toml

__all__ = ["Level", "Quiet", "Settings", "SettingsFile", "parse_quiet"]

T = TypeVar("T")


class Level(Enum):
    """Which messages of a room deserve a notification."""

    ALL = "all"
    MENTIONS = "mentions"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours without notifications, on the clock on the wall. They may go over midnight."""

    begin: time
    end: time
    """Is not quiet any more."""

    def contains(self, clock: time) -> bool:
        """Tell whether a time on the clock is in them."""
        if self.begin <= self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end

    def __str__(self) -> str:
        """Return them as they are set."""
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set, with what holds otherwise."""

    theme: Theme = Theme.DARK
    mouse: bool = True
    typing: bool = True
    """Whether others may see that the user types."""
    rooms: Level = Level.MENTIONS
    """Of rooms that have no level of their own."""
    bell: bool = True
    desktop: bool = True
    quiet: Quiet | None = None
    levels: Mapping[tuple[str, str], Level] = field(default_factory=dict)
    """By server and room; a conversation is ``@`` and a nickname."""

    def level(self, server: str, room: str) -> Level:
        """Return what of a room or a conversation deserves a notification.

        All of a conversation, if nothing is set.
        """
        usual = Level.ALL if room.startswith("@") else self.rooms
        return self.levels.get((server, room), usual)


def parse_quiet(text: str) -> Quiet | None:
    """Return quiet hours as they are typed; None for an empty text. Raises ValueError."""
    if not text.strip():
        return None
    begin, dash, end = text.partition("-")
    try:
        hours = [time.fromisoformat(it.strip()) for it in (begin, end)]
    except ValueError:
        hours = []
    if not dash or len(hours) != 2 or any(it.second or it.tzinfo for it in hours):
        raise ValueError("is not a time like 22:00-07:00")
    if hours[0] == hours[1]:
        raise ValueError("begins when it ends")
    return Quiet(*hours)


_NOTIFICATIONS: Final = "notifications"


class SettingsFile:
    """Reads the settings, and changes one at a time."""

    def __init__(self, home: Path) -> None:
        self._file = TomlFile(home / "settings.toml")

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    def read(self) -> Settings:
        """Return what is set. Raises StorageError."""
        rest = self._file.read()
        inner = rest.pop(_NOTIFICATIONS, {})
        if not isinstance(inner, dict):
            raise self._file.refuse((_NOTIFICATIONS,), "is not a table")
        usual = Settings()
        settings = Settings(
            theme=self._take(rest, ("theme",), _one_of(Theme), usual.theme),
            mouse=self._take(rest, ("mouse",), _is_on, usual.mouse),
            typing=self._take(rest, ("typing",), _is_on, usual.typing),
            rooms=self._take(inner, (_NOTIFICATIONS, "rooms"), _one_of(Level), usual.rooms),
            bell=self._take(inner, (_NOTIFICATIONS, "bell"), _is_on, usual.bell),
            desktop=self._take(inner, (_NOTIFICATIONS, "desktop"), _is_on, usual.desktop),
            quiet=self._take(inner, (_NOTIFICATIONS, "quiet"), _quiet, usual.quiet),
            levels=self._levels(inner),
        )
        for name in rest:
            raise self._file.refuse((name,), "is nothing that can be set")
        return settings

    def set_theme(self, theme: Theme) -> None:
        """Set the theme. Raises StorageError, as all that follow."""
        self._file.set(("theme",), quote_toml(theme.value))

    def set_mouse(self, is_on: bool) -> None:
        """Set whether the client takes the mouse."""
        self._file.set(("mouse",), _on(is_on))

    def set_typing(self, is_on: bool) -> None:
        """Set whether others see that the user types."""
        self._file.set(("typing",), _on(is_on))

    def set_rooms(self, level: Level) -> None:
        """Set the level of rooms that have none of their own."""
        self._file.set((_NOTIFICATIONS, "rooms"), quote_toml(level.value))

    def set_bell(self, is_on: bool) -> None:
        """Set whether there is a bell."""
        self._file.set((_NOTIFICATIONS, "bell"), _on(is_on))

    def set_desktop(self, is_on: bool) -> None:
        """Set whether there are notifications on the desktop."""
        self._file.set((_NOTIFICATIONS, "desktop"), _on(is_on))

    def set_quiet(self, quiet: Quiet | None) -> None:
        """Set the quiet hours; None for none."""
        value = "" if quiet is None else quote_toml(str(quiet))
        self._file.set((_NOTIFICATIONS, "quiet"), value)

    def set_level(self, server: str, room: str, level: Level | None) -> None:
        """Set the level of a room or conversation; None for that of all rooms."""
        value = "" if level is None else quote_toml(level.value)
        try:
            self._file.set((_NOTIFICATIONS, server, room), value)
        except ValueError:
            raise StorageError("That room has a name that no file can have") from None

    def _take(
        self,
        values: dict[str, object],
        path: tuple[str, ...],
        parse: Callable[[object], T],
        usual: T,
    ) -> T:
        if path[-1] not in values:
            return usual
        try:
            return parse(values.pop(path[-1]))
        except ValueError as error:
            raise self._file.refuse(path, str(error)) from None

    def _levels(self, servers: dict[str, object]) -> dict[tuple[str, str], Level]:
        levels = {}
        for server, rooms in servers.items():
            if not isinstance(rooms, dict):
                raise self._file.refuse((_NOTIFICATIONS, server), "is nothing that can be set")
            for room in list(rooms):
                path = (_NOTIFICATIONS, server, room)
                levels[server, room] = self._take(rooms, path, _one_of(Level), Level.ALL)
        return levels


EnumT = TypeVar("EnumT", bound=Enum)


def _one_of(kind: type[EnumT]) -> Callable[[object], EnumT]:
    def parse(value: object) -> EnumT:
        for it in kind:
            if it.value == value:
                return it
        *most, last = (it.value for it in kind)
        raise ValueError(f"is none of {', '.join(most)} and {last}")

    return parse


def _is_on(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def _quiet(value: object) -> Quiet | None:
    if not isinstance(value, str):
        raise ValueError("is not a time like 22:00-07:00")
    return parse_quiet(value)


def _on(is_on: bool) -> str:
    return "true" if is_on else "false"
