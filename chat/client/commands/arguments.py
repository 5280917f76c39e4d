"""How the arguments of commands are read. Each function raises CommandError."""

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from chat.client.commands.entry import CommandError
from chat.durations import DurationError, parse_duration, take_duration
from chat.limits import REASON_CHARACTERS, SEQ_MAX, SLOW_MOST, TEXT_BYTES
from chat.rooms.values import Contact

__all__ = [
    "contact",
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
    usage = "/create ROOM [invite-only]"
    room, _, how = argument.partition(" ")
    if how.strip() not in ("", "invite-only"):
        raise _usage(usage)
    return name(usage)(room.removeprefix("#")), bool(how.strip())


def recipient_and_text(argument: str) -> tuple[str, str]:
    """Return a nickname and a text."""
    usage = "/msg NICK TEXT"
    nick, _, rest = argument.partition(" ")
    return name(usage, "@")(nick), text(usage)(rest.strip())


def contact(argument: str) -> str | None:
    """Return who may write; None to ask."""
    choices = [it.value for it in Contact]
    if argument and argument not in choices:
        raise _usage(f"/contact [{'|'.join(choices)}]")
    return argument or None


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
        found, argument = options(argument, "--server", "--network", "--force")
        nick, _, rest = argument.partition(" ")
        seconds, reason = _time_and_rest(rest) if lasts else (0, rest.strip())
        if len(reason) > REASON_CHARACTERS:
            raise CommandError(f"A reason has at most {REASON_CHARACTERS} characters.")
        return found, name(usage, "@")(nick), seconds, reason

    return parse


def _time_and_rest(text: str) -> tuple[int, str]:
    """Return the seconds that a text begins with, 0 for good, and the rest."""
    first, _, rest = text.strip().partition(" ")
    if first == "forever":
        return 0, rest.strip()
    try:
        seconds, rest = take_duration(text)
    except DurationError as error:
        raise CommandError(f"{error} A reason that begins with a number follows a time.") from None
    return seconds or 0, rest.strip()


def slow_seconds(argument: str) -> int:
    """Return the seconds between two messages."""
    try:
        is_plain = argument.isascii() and argument.isdigit() and len(argument) < 20
        seconds = int(argument) if is_plain else parse_duration(argument)
    except DurationError:
        seconds = -1
    if not 0 <= seconds <= SLOW_MOST:
        raise _usage(f"/slow SECONDS, at most {SLOW_MOST}")
    return seconds


def uses_and_time(argument: str) -> tuple[bool, int, int]:
    """Return whether an invitation is to the server, for how many uses, for how many seconds."""
    found, argument = options(argument, "--server")
    uses, seconds = 1, _INVITATION_SECONDS
    words = deque(argument.split())
    try:
        while words:
            word = words.popleft()
            if not (word.isascii() and word.isdigit()):
                seconds = parse_duration(word)
            elif words and words[0].isalpha():
                seconds = parse_duration(f"{word} {words.popleft()}")
            elif 0 < len(word) < 7 and int(word):
                uses = int(word)
            else:
                raise _usage("/invitation [--server] [USES] [TIME]")
    except DurationError as error:
        raise CommandError(str(error)) from None
    return "--server" in found, uses, seconds
