"""What a typed line means."""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from chat.client.commands import (
    Command,
    CommandError,
    Delete,
    Devices,
    Edit,
    Help,
    History,
    Invite,
    Join,
    Leave,
    Link,
    MakeInvitation,
    Moderate,
    Quit,
    React,
    Rename,
    Reply,
    Revoke,
    Rooms,
    Say,
    Search,
    Slow,
    Tell,
    Topic,
    Who,
)
from chat.durations import parse_duration
from chat.limits import REACTION_BYTES, REASON_CHARACTERS, SEQ_MAX, SLOW_MOST, TEXT_BYTES
from chat.rooms.roles import Action

__all__ = ["parse_line"]

_INVITATION_SECONDS: Final = 7 * 86_400

_NUMBER: Final = re.compile(r"#([0-9]{1,20})(?: +|$)")


def _need(argument: str, usage: str) -> str:
    if not argument:
        raise CommandError(f"It is used like this: {usage}")
    return argument


def _text(text: str, usage: str) -> str:
    """Return a text that can be posted."""
    size = len(_need(text, usage).encode())
    if size > TEXT_BYTES:
        raise CommandError(f"A message has at most {TEXT_BYTES} bytes; this one has {size}.")
    return text


def _numbered(argument: str) -> tuple[int | None, str]:
    """Return the number at the beginning, and the rest."""
    match = _NUMBER.match(argument)
    if match is None:
        return None, argument
    seq = int(match[1])
    if not 1 <= seq <= SEQ_MAX:
        raise CommandError("There is no message with such a number.")
    return seq, argument[match.end() :]


def _edit(argument: str) -> Command:
    seq, text = _numbered(argument)
    return Edit(seq, _text(text, "/edit [#N] TEXT"))


def _delete(argument: str) -> Command:
    seq, rest = _numbered(argument)
    if rest:
        raise CommandError("It is used like this: /delete [#N]")
    return Delete(seq)


def _reply(argument: str) -> Command:
    seq, text = _numbered(argument)
    return Reply(seq, _text(text, "/reply [#N] TEXT"))


def _react(argument: str) -> Command:
    seq, sign = _numbered(argument)
    if len(sign.encode()) > REACTION_BYTES:
        raise CommandError(f"A reaction has at most {REACTION_BYTES} bytes.")
    return React(seq, sign)


def _join(argument: str) -> Command:
    room, _, how = argument.partition(" ")
    if how.strip() not in ("", "invite-only"):
        raise CommandError("It is used like this: /join ROOM [invite-only]")
    return Join(_need(room.removeprefix("#"), "/join ROOM [invite-only]"), bool(how.strip()))


def _tell(argument: str) -> Command:
    nick, _, text = argument.partition(" ")
    return Tell(_need(nick.removeprefix("@"), "/msg NICK TEXT"), _text(text, "/msg NICK TEXT"))


def _history(argument: str) -> Command:
    if argument.startswith("@"):
        return History(argument[1:], is_private=True)
    return History(argument.removeprefix("#"))


def _options(argument: str, *known: str) -> tuple[set[str], str]:
    """Return the options at the beginning, and the rest."""
    found = set()
    while argument.startswith("--"):
        option, _, argument = argument.partition(" ")
        if option not in known:
            raise CommandError(f"There is no {option} here.")
        found.add(option)
        argument = argument.lstrip()
    return found, argument


def _moderate(action: Action, argument: str) -> Command:
    lasts = action in (Action.BAN, Action.MUTE)
    usage = f"/{action.value} NICK {'[TIME] ' if lasts else ''}[REASON]"
    options, argument = _options(argument, "--server", "--network")
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
    network = "--network" in options
    if network and action is not Action.BAN:
        raise CommandError("Only a ban can be of a network.")
    nick = _need(nick.removeprefix("@"), usage)
    return Moderate(action, nick, seconds or 0, reason, network or "--server" in options, network)


def _slow(argument: str) -> Command:
    seconds = parse_duration(argument) if not argument.isdigit() else int(argument[:9])
    if seconds is None or not argument.isascii() or seconds > SLOW_MOST:
        raise CommandError(f"It is used like this: /slow SECONDS, at most {SLOW_MOST}")
    return Slow(seconds)


def _invitation(argument: str) -> Command:
    options, argument = _options(argument, "--server")
    uses, seconds = 1, _INVITATION_SECONDS
    for word in argument.split():
        lasts = parse_duration(word)
        if lasts:
            seconds = lasts
        elif word.isascii() and word.isdigit() and 0 < len(word) < 7 and int(word):
            uses = int(word)
        else:
            raise CommandError("It is used like this: /invitation [--server] [USES] [TIME]")
    return MakeInvitation(uses, seconds, "--server" in options)


_COMMANDS: Final[dict[str, Callable[[str], Command]]] = {
    "/join": _join,
    "/leave": lambda argument: Leave(argument.removeprefix("#")),
    "/topic": Topic,
    "/invite": lambda argument: Invite(_need(argument.removeprefix("@"), "/invite NICK")),
    **{f"/{action.value}": partial(_moderate, action) for action in Action},
    "/slow": _slow,
    "/invitation": _invitation,
    "/revoke": lambda argument: Revoke(_need(argument, "/revoke KEY")),
    "/msg": _tell,
    "/history": _history,
    "/search": lambda argument: Search(_need(argument, "/search WORDS")),
    "/edit": _edit,
    "/delete": _delete,
    "/reply": _reply,
    "/react": _react,
    "/nick": lambda argument: Rename(_need(argument, "/nick NAME")),
}
_ALONE: Final[dict[str, Command]] = {
    "/rooms": Rooms(),
    "/link": Link(),
    "/devices": Devices(),
    "/who": Who(),
    "/quit": Quit(),
    "/help": Help(),
}
"""Commands that take nothing after them."""


def parse_line(line: str) -> Command | None:
    """Return what a line (without its end) asks for; None for an empty one. Raises CommandError.

    Whatever it returns fits a message of the protocol.
    """
    if not line.strip():
        return None
    if line.startswith("//"):
        return Say(_text(line[1:], ""))
    if not line.startswith("/"):
        return Say(_text(line, ""))
    name, _, argument = line.partition(" ")
    argument = argument.strip()
    if name in _ALONE:
        if argument:
            raise CommandError(f"{name} takes nothing after it.")
        return _ALONE[name]
    if name not in _COMMANDS:
        raise CommandError("There is no such command; /help lists them.")
    command = _COMMANDS[name](argument)
    if len(argument.encode()) > TEXT_BYTES + 64:  # More than any text with a name before it.
        raise CommandError("That is too long.")
    return command
