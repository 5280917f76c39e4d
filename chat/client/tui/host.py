"""What the screen needs of the application that runs it."""

from collections.abc import Sequence
from typing import Protocol

from chat.client.core.events import Ending, TrustAsked
from chat.client.core.model import Message, Refusal
from chat.client.core.rooms import Room
from chat.client.storage.bindings import Keys
from chat.client.tui.client import RoomsClient

__all__ = ["Host"]


class Host(Protocol):
    """The application, as the screen sees it."""

    @property
    def has_focus(self) -> bool:
        """Whether the user looks at this terminal, as far as that is known."""
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

    def show_title(self, room: Room | None, clients: Sequence[RoomsClient]) -> None:
        """Let the terminal's title say where one is, and what is unread."""
        ...

    def keep_draft(self, client: RoomsClient, room: Room) -> None:
        """Keep what is written for a room, over a restart."""
        ...

    def draft(self, client: RoomsClient, room: Room) -> str:
        """Return what was written for a room, before a restart if need be."""
        ...

    def went_to(self, client: RoomsClient, room: Room) -> None:
        """Remember where the user is, for the next start."""
        ...

    def typing(self, client: RoomsClient, room: Room) -> None:
        """The user writes something for a room: let others know, unless that is off."""
        ...

    def notice(
        self, client: RoomsClient, room: Room, message: Message, *, is_mention: bool
    ) -> None:
        """Let the user notice a message, if it deserves that."""
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
