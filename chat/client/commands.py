"""What a typed line means."""

from dataclasses import dataclass
from typing import Final

__all__ = ["HELP", "Command", "CommandError", "Help", "Quit", "Rename", "Say", "Who", "parse_line"]

HELP: Final = """\
/nick NAME  be known as NAME
/who        who is here
/quit       leave
/help       this list
A line that does not begin with / is sent; // at its beginning sends a line that begins with /."""


class CommandError(Exception):
    """A line that means nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send a text."""

    text: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Take another nickname."""

    nick: str


@dataclass(frozen=True, slots=True)
class Who:
    """List who is here."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class Help:
    """Show the commands."""


Command = Say | Rename | Who | Quit | Help


def parse_line(line: str) -> Command | None:
    """Return what a line (without its end) asks for; None for an empty one. Raises CommandError."""
    if not line.strip():
        return None
    if line.startswith("//"):
        return Say(line[1:])
    if not line.startswith("/"):
        return Say(line)
    name, _, argument = line.partition(" ")
    argument = argument.strip()
    match name, argument:
        case "/nick", "":
            raise CommandError("/nick needs a name: /nick NAME")
        case "/nick", _:
            return Rename(argument)
        case "/who", "":
            return Who()
        case "/quit", "":
            return Quit()
        case "/help", "":
            return Help()
        case (("/who" | "/quit" | "/help"), _):
            raise CommandError(f"{name} takes nothing after it.")
        case _:
            raise CommandError("There is no such command; /help lists them.")
