"""Commands that begin with a slash, for every face that has a line to type in."""

from chat.client.commands.entry import CommandError, Entry, Face, Where
from chat.client.commands.table import ENTRIES, help_on, help_text, parse_line, parse_text

__all__ = [
    "ENTRIES",
    "CommandError",
    "Entry",
    "Face",
    "Where",
    "help_on",
    "help_text",
    "parse_line",
    "parse_text",
]
