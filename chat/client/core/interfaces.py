"""What the conversation needs of the world around it, and what it tells it at the end."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from msgspec import Struct

from chat.wire.errors import CloseCode
from chat.wire.messages import Login

__all__ = ["ExitStatus", "Link", "Network", "Screen", "TypedLine"]


class ExitStatus(IntEnum):
    """What the process tells whoever started it."""

    OK = 0
    REFUSED = 1
    """The nickname, or a line of a script."""
    USAGE = 2
    """As argparse has it."""
    CONNECTION = 3
    """There was none, or it was lost and did not come back."""
    HOST_KEY = 4
    """It is not trusted."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line of the input."""

    text: str
    number: int
    """Counted from 1; 0 for one that the client made itself."""


class Link(Protocol):
    """The connection, as the conversation sees it."""

    @property
    def binding(self) -> bytes:
        """What names the connection, for the login to sign."""
        ...

    def login(self, login: Login) -> None:
        """Accept the host key, and log in."""
        ...

    def send(self, message: Struct) -> None:
        """Send a message."""
        ...

    def close(self, code: CloseCode) -> None:
        """Say why, and end the connection."""
        ...


class Network(Protocol):
    """What makes connections, and tells `chat.client.conversation.Conversation` of each."""

    def connect(self) -> None:
        """Make a connection, and another whenever one was lost, until `stop`.

        If the first cannot be made, `Conversation.disconnected` is told, with no link.
        """
        ...

    def stop(self) -> None:
        """Make no more connections."""
        ...


class Screen(Protocol):
    """Where a user reads."""

    def show(self, line: str) -> None:
        """Print a line of the conversation."""
        ...

    def note(self, line: str) -> None:
        """Print an error, or something else that a script's owner has to know."""
        ...

    def remark(self, line: str) -> None:
        """Print something about the client itself that helps a person, and nobody else."""
        ...

    def prompt(self, text: str) -> None:
        """Ask for a line."""
        ...
