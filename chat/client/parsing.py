"""What a typed line means."""

import re
from collections.abc import Callable
from typing import Final

from chat.client.commands import (
    Command,
    CommandError,
    Delete,
    Edit,
    Help,
    History,
    Invite,
    Join,
    Kick,
    Leave,
    Quit,
    React,
    Rename,
    Reply,
    Rooms,
    Say,
    Search,
    Tell,
    Topic,
    Who,
)
from chat.limits import REACTION_BYTES, SEQ_MAX, TEXT_BYTES

__all__ = ["parse_line"]

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


_COMMANDS: Final[dict[str, Callable[[str], Command]]] = {
    "/join": _join,
    "/leave": lambda argument: Leave(argument.removeprefix("#")),
    "/topic": Topic,
    "/invite": lambda argument: Invite(_need(argument.removeprefix("@"), "/invite NICK")),
    "/kick": lambda argument: Kick(_need(argument.removeprefix("@"), "/kick NICK"), False),
    "/ban": lambda argument: Kick(_need(argument.removeprefix("@"), "/ban NICK"), True),
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
