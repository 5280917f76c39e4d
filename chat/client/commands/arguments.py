"""How the arguments of commands are read. Each function raises CommandError."""

import re
from collections.abc import Callable
from typing import Final

from chat.client.commands.entry import CommandError
from chat.durations import parse_duration
from chat.limits import REASON_CHARACTERS, SEQ_MAX, SLOW_MOST, TEXT_BYTES

__all__ = [
    "moderation",
    "name",
    "nothing",
    "numbered",
    "numbered_text",
    "options",
    "recipient_and_text",
    "room_and_kind",
    "slow_seconds",
    "text",
    "uses_and_time",
]

_INVITATION_SECONDS: Final = 7 * 86_400

_NUMBER: Final = re.compile(r"#([0-9]{1,20})(?: +|$)")

_NAME_CHARACTERS: Final = 256
"""More than any name, key or fingerprint has."""


def _usage(usage: str) -> CommandError:
    return CommandError(f"It is used like this: {usage}")


def nothing(argument: str) -> None:
    """Take nothing."""
    if argument:
        raise CommandError("It takes nothing after it.")


def name(usage: str, prefix: str = "", *, is_optional: bool = False) -> Callable[[str], str]:
    """Return what reads one name, with or without a prefix."""

    def parse(argument: str) -> str:
        found = argument.removeprefix(prefix)
        if not found and not is_optional:
            raise _usage(usage)
        if len(found) > _NAME_CHARACTERS:
            raise CommandError("That is too long.")
        return found

    return parse


def text(usage: str) -> Callable[[str], str]:
    """Return what reads a text that can be posted."""

    def parse(argument: str) -> str:
        size = len(argument.encode(errors="surrogatepass"))
        if not size:
            raise _usage(usage)
        if size > TEXT_BYTES:
            raise CommandError(f"A message has at most {TEXT_BYTES} bytes; this one has {size}.")
        return argument

    return parse


def numbered(argument: str) -> tuple[int | None, str]:
    """Return the number of a message at the beginning, if there is one, and the rest."""
    match = _NUMBER.match(argument)
    if match is None:
        return None, argument
    seq = int(match[1])
    if not 1 <= seq <= SEQ_MAX:
        raise CommandError("There is no message with such a number.")
    return seq, argument[match.end() :]


def numbered_text(usage: str) -> Callable[[str], tuple[int | None, str]]:
    """Return what reads a number that may be left out, and a text."""
    parse_text = text(usage)

    def parse(argument: str) -> tuple[int | None, str]:
        seq, rest = numbered(argument)
        return seq, parse_text(rest)

    return parse


def room_and_kind(argument: str) -> tuple[str, bool]:
    """Return the name of a room, and whether it is made by invitation only."""
    usage = "/join ROOM [invite-only]"
    room, _, how = argument.partition(" ")
    if how.strip() not in ("", "invite-only"):
        raise _usage(usage)
    return name(usage)(room.removeprefix("#")), bool(how.strip())


def recipient_and_text(argument: str) -> tuple[str, str]:
    """Return a nickname and a text."""
    usage = "/msg NICK TEXT"
    nick, _, rest = argument.partition(" ")
    return name(usage, "@")(nick), text(usage)(rest.strip())


def options(argument: str, *known: str) -> tuple[set[str], str]:
    """Return the options at the beginning, and the rest."""
    found = set()
    while argument.startswith("--"):
        option, _, argument = argument.partition(" ")
        if option not in known:
            raise CommandError(f"There is no {option} here.")
        found.add(option)
        argument = argument.lstrip()
    return found, argument


def moderation(usage: str, *, lasts: bool) -> Callable[[str], tuple[set[str], str, int, str]]:
    """Return what reads options, a nickname, a time in seconds (0 for good) and a reason."""

    def parse(argument: str) -> tuple[set[str], str, int, str]:
        found, argument = options(argument, "--server", "--network")
        nick, _, rest = argument.partition(" ")
        seconds = None
        if lasts:
            first, _, after = rest.strip().partition(" ")
            seconds = parse_duration(first)
            if seconds is not None:
                rest = after
        reason = rest.strip()
        if len(reason) > REASON_CHARACTERS:
            raise CommandError(f"A reason has at most {REASON_CHARACTERS} characters.")
        return found, name(usage, "@")(nick), seconds or 0, reason

    return parse


def slow_seconds(argument: str) -> int:
    """Return the seconds between two messages."""
    seconds = parse_duration(argument) if not argument.isdigit() else int(argument[:9])
    if seconds is None or not argument.isascii() or seconds > SLOW_MOST:
        raise _usage(f"/slow SECONDS, at most {SLOW_MOST}")
    return seconds


def uses_and_time(argument: str) -> tuple[bool, int, int]:
    """Return whether an invitation is to the server, for how many uses, for how many seconds."""
    found, argument = options(argument, "--server")
    uses, seconds = 1, _INVITATION_SECONDS
    for word in argument.split():
        lasts = parse_duration(word)
        if lasts:
            seconds = lasts
        elif word.isascii() and word.isdigit() and 0 < len(word) < 7 and int(word):
            uses = int(word)
        else:
            raise _usage("/invitation [--server] [USES] [TIME]")
    return "--server" in found, uses, seconds
