"""What the line client needs of the terminal, and what it tells at the end."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

__all__ = ["ExitStatus", "Screen", "TypedLine"]


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
