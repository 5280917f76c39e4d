"""What the screen needs of the application that runs it."""

from typing import Protocol

from chat.client.core.events import Ending, TrustAsked
from chat.client.core.model import Refusal
from chat.client.core.rooms import Room
from chat.client.storage.bindings import Keys
from chat.client.tui.attention import Attention
from chat.client.tui.client import RoomsClient
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
    def keys(self) -> Keys:
        """Which keys do what."""
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

    def ask_trust(self, client: RoomsClient, asked: TrustAsked) -> None:
        """Let the user decide about a host key."""
        ...

    def login_refused(self, client: RoomsClient, refusal: Refusal) -> None:
        """Let the user try another nickname or password."""
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
