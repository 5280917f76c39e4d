"""What the screen needs of the application that runs it."""

from typing import Protocol

from chat.client.core.events import Ending
from chat.client.core.rooms import Room
from chat.client.storage.bindings import Keys
from chat.client.storage.settings import Level, Settings
from chat.client.tui.attention import Attention
from chat.client.tui.client import RoomsClient
from chat.client.tui.entrance import Entrance
from chat.client.tui.files import Files
from chat.client.tui.memory import Memory

__all__ = ["Host"]


class Host(Protocol):
    """The application, as the screen sees it."""

    @property
    def attention(self) -> Attention:
        """What makes the user notice something."""
        ...

    @property
    def memory(self) -> Memory:
        """What outlives the application."""
        ...

    @property
    def entrance(self) -> Entrance:
        """The way to servers."""
        ...

    @property
    def keys(self) -> Keys:
        """Which keys do what."""
        ...

    @property
    def settings(self) -> Settings:
        """What is set."""
        ...

    @property
    def files(self) -> Files:
        """Where settings and keys are kept."""
        ...

    def settings_changed(self) -> None:
        """Let what was set hold from now on."""
        ...

    def change_level(self, server: str, room: str, level: Level | None) -> str | None:
        """Set what of a room is notified. Return the sentence why that was not done."""
        ...

    def bind(self, action: str, keys: tuple[str, ...]) -> None:
        """Give an action other keys. Raises StorageError."""
        ...

    def seconds(self) -> float:
        """Return the time of the clock that cores are given."""
        ...

    def milliseconds(self) -> int:
        """Return the time of day: milliseconds of UTC since 1970."""
        ...

    def typing(self, client: RoomsClient, room: Room) -> None:
        """The user writes something for a room: let others know, unless that is off."""
        ...

    def leave(self) -> None:
        """End the application."""
        ...

    def ending(self, client: RoomsClient, ending: Ending) -> None:
        """A server is given up, for this reason."""
        ...

    def ended(self, client: RoomsClient) -> None:
        """Nothing is left to wait for."""
        ...
