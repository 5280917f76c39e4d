"""What a server's client needs of the application around it."""

from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from chat.client.core.commands import Command
from chat.client.core.events import Ending, TrustAsked
from chat.client.core.model import ContactRequest, Message, Refusal
from chat.client.core.rooms import Room

if TYPE_CHECKING:
    from chat.client.tui.client import RoomsClient

__all__ = ["Part", "Stage"]


class Part(Enum):
    """A part of the screen."""

    HEAD = auto()
    """The current room's name, topic and readers."""
    ROOMS = auto()
    LOG = auto()
    MEMBERS = auto()
    STATUS = auto()
    HINT = auto()
    """The line above the input."""


class Stage(Protocol):
    """Shows clients. Nothing here is called from within another call of it."""

    def redraw(self, client: "RoomsClient", *parts: Part) -> None:
        """Draw parts anew with the next frame, if they show this client."""
        ...

    def is_free(self, client: "RoomsClient") -> bool:
        """Whether no room of another server is shown."""
        ...

    def is_watched(self, client: "RoomsClient", room: Room) -> bool:
        """Whether the user sees what is said in a room as it comes."""
        ...

    def leaving(self, client: "RoomsClient", room: Room) -> None:
        """Another room is about to be the current one: keep what is written."""
        ...

    def entered(self, client: "RoomsClient", room: Room | None) -> None:
        """Another room is the current one."""
        ...

    def arrived(
        self, client: "RoomsClient", room: Room, message: Message, *, is_mention: bool
    ) -> None:
        """Somebody else said something."""
        ...

    def asked(self, client: "RoomsClient", request: ContactRequest) -> None:
        """Somebody asks for a private conversation."""
        ...

    def tell(self, client: "RoomsClient", text: str, *, is_trouble: bool = False) -> None:
        """Say something that belongs to no room."""
        ...

    def refused(self, client: "RoomsClient", text: str, sentence: str) -> None:
        """What was typed came to nothing: give it back, and say why."""
        ...

    def ask_trust(self, client: "RoomsClient", asked: TrustAsked) -> None:
        """Let the user decide about a host key."""
        ...

    def logged_in(self, client: "RoomsClient") -> None:
        """The server knows the user."""
        ...

    def login_refused(self, client: "RoomsClient", refusal: Refusal) -> None:
        """Let the user try another nickname or password."""
        ...

    def show_help(self, text: str) -> None:
        """Show what commands and keys there are, or about one command."""
        ...

    def outcome(self, client: "RoomsClient", command: Command, outcome: object) -> bool:
        """Show what a command brought, if that has a screen of its own. Return whether it has."""
        ...

    def quit(self) -> None:
        """Leave."""
        ...

    def ending(self, client: "RoomsClient", ending: Ending) -> None:
        """A server is given up, for this reason."""
        ...

    def ended(self, client: "RoomsClient") -> None:
        """Nothing is left to wait for."""
        ...
