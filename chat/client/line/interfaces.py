"""What the line client needs of the terminal, and what it tells at the end."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol

__all__ = ["BadLine", "ExitStatus", "Screen", "TypedLine"]


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


class BadLine(Enum):
    """A line of the input that cannot be used; the value says why, in a sentence."""

    NOT_UTF8 = "That is not UTF-8, and was not sent."
    TOO_LONG = "That is far too long, and was not sent."
    CUT = (
        "The terminal may have cut that line, because it is so long, so it was not sent. A pipe"
        " takes longer ones."
    )


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line of the input."""

    text: str
    number: int
    """Counted from 1; 0 for one that the client made itself."""


class Screen(Protocol):
    """Where a user reads."""

    @property
    def columns(self) -> int | None:
        """How wide it is; None where nobody watches."""
        ...

    def show(self, line: str) -> None:
        """Print a line of the conversation."""
        ...

    def note(self, line: str) -> None:
        """Print an error, or something else that a script's owner has to know."""
        ...

    def remark(self, line: str) -> None:
        """Print something about the client itself that helps a person, and nobody else."""
        ...

    def prompt(self, text: str, *, is_secret: bool = False) -> None:
        """Ask for a line. A secret one is not shown while it is typed, until `answered`."""
        ...

    def answered(self) -> None:
        """Show again what is typed."""
        ...
