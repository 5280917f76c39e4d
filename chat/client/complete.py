"""Completion of what is typed: commands, nicknames, rooms and emoji.

Names come from other people. One that would not stand in a text as it is, is not offered. However
many there are, completing looks at those that begin alike only.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from itertools import islice
from typing import Final

from chat.client.commands import ENTRIES, Entry
from chat.client.emoji import find_emoji
from chat.client.visible import make_visible
from chat.rooms.values import Contact

__all__ = ["Completion", "Context", "Kind", "Names", "complete", "usage_of"]

_MOST: Final = 50
"""Completions that are offered: more than a list shows."""

_NAME_MOST: Final = 256
"""Characters; more than any name has."""

_NO_PLACE: Final = re.compile("--.*|#[0-9]+", re.DOTALL)
"""What takes no place among the arguments of a command."""

_TEXTS: Final = frozenset({"TEXT", "WORDS", "REASON"})
"""Arguments that go on to the end of the line."""

_EMOJI_LEAST: Final = 2
"""Characters after a colon before it may be an emoji's name. ``:)`` and ``:D`` are none."""


class Kind(Enum):
    """What is completed."""

    COMMAND = auto()
    NICK = auto()
    ROOM = auto()
    EMOJI = auto()
    WORD = auto()
    """One of the words that a command takes."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A way to go on."""

    kind: Kind
    start: int
    end: int
    """What is replaced: from `start` up to the cursor."""
    text: str
    """What stands there instead, with the space behind it."""
    label: str
    """What a list shows."""
    detail: str = ""
    """What a list shows beside it: the usage and help of a command, the emoji itself."""

    def apply(self, text: str) -> tuple[str, int]:
        """Return the completed text, and where the cursor is in it."""
        completed = text[: self.start] + self.text
        rest = text[self.end :]
        # There is a space already.
        if completed.endswith(" ") and rest.startswith(" "):
            rest = rest[1:]
        return completed + rest, len(completed)


class Names:
    """Names that can be completed. Sorted when the first one is: mostly, something else is."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = names

    @cached_property
    def _sorted(self) -> list[tuple[str, str]]:
        return sorted({(name.casefold(), name) for name in self._names if _is_plain(name)})

    def beginning(self, beginning: str) -> Iterator[str]:
        """Return those that begin so, in any case, in order."""
        wanted = beginning.casefold()
        for at in range(bisect_left(self._sorted, (wanted, "")), len(self._sorted)):
            key, name = self._sorted[at]
            if not key.startswith(wanted):
                break
            yield name


@dataclass(frozen=True, slots=True)
class Context:
    """What there is to be completed where something is typed."""

    nicks: Names = field(default_factory=lambda: Names(()))
    """Of members, and of those one has conversations with."""
    recent: tuple[str, ...] = ()
    """Nicknames of those who spoke last, the latest first. They come first."""
    rooms: Names = field(default_factory=lambda: Names(()))


def complete(text: str, cursor: int, context: Context) -> list[Completion]:
    """Return how what stands before the cursor can go on, the best first; at most 50.

    `cursor` is how many characters are before it. What is behind it stays.
    """
    before = text[: max(0, cursor)]
    start = _word_start(before)
    word = before[start:]
    if len(word) > _NAME_MOST:
        return []
    is_command = before.startswith("/") and not before.startswith("//")
    if is_command and start == 0:
        return list(islice(_commands(word, start, len(before)), _MOST))
    if word.startswith(":"):
        return _emoji(word, start, len(before))
    if is_command:
        return list(islice(_arguments(before, start, context), _MOST))
    return list(islice(_names(word, start, len(before), context), _MOST))


def _word_start(before: str) -> int:
    start = len(before)
    while start and not before[start - 1].isspace() and len(before) - start <= _NAME_MOST:
        start -= 1
    return start


def _commands(word: str, start: int, end: int) -> Iterator[Completion]:
    for entry in ENTRIES.values():
        if entry.name.startswith(word[1:].lower()):
            space = " " if entry.usage else ""
            detail = f"{entry.usage}  {entry.help}".strip()
            text = f"/{entry.name}{space}"
            yield Completion(Kind.COMMAND, start, end, text, f"/{entry.name}", detail)


def _emoji(word: str, start: int, end: int) -> list[Completion]:
    name = word[1:]
    if len(name) < _EMOJI_LEAST or not name.isascii():
        return []
    return [
        Completion(Kind.EMOJI, start, end, f"{sign} ", f":{name}:", sign)
        for name, sign in find_emoji(name, _MOST)
    ]


def _arguments(before: str, start: int, context: Context) -> Iterator[Completion]:
    """Complete an argument by what the command's usage has in its place."""
    name, _, typed = before[1:].partition(" ")
    entry = ENTRIES.get(name)
    if entry is None:
        return
    word, end = before[start:], len(before)
    given = [it for it in typed[: start - len(name) - 2].split() if not _NO_PLACE.fullmatch(it)]
    slots = [it.strip("[]") for it in entry.usage.split() if it != "[#N]"]
    if slots and (slots[-1] in _TEXTS and len(given) >= len(slots) - 1):
        yield from _names(word, start, end, context)
    elif len(given) < len(slots):
        for choice in slots[len(given)].split("|"):
            yield from _choice(choice, word, start, end, context)


def _choice(choice: str, word: str, start: int, end: int, context: Context) -> Iterator[Completion]:
    if choice == "COMMAND":
        for name in ENTRIES:
            if name.startswith(word.removeprefix("/").lower()):
                yield Completion(Kind.COMMAND, start, end, name, f"/{name}", ENTRIES[name].help)
    elif choice == "ROOM":
        for room in context.rooms.beginning(word.removeprefix("#")):
            yield Completion(Kind.ROOM, start, end, f"{room} ", room)
    elif choice in ("NICK", "@NICK"):
        sign = choice.removesuffix("NICK") or ("@" if word.startswith("@") else "")
        for nick in _nicks(word.removeprefix("@"), context):
            yield Completion(Kind.NICK, start, end, f"{sign}{nick} ", f"{sign}{nick}")
    elif choice == "WHO":
        for contact in Contact:
            yield from _choice(contact.value, word, start, end, context)
    elif choice.islower() and choice.startswith(word.lower()):
        yield Completion(Kind.WORD, start, end, f"{choice} ", choice)


def _names(word: str, start: int, end: int, context: Context) -> Iterator[Completion]:
    """Complete a name in a text. At the beginning of it, it is whom one talks to."""
    if word.startswith("#"):
        for room in context.rooms.beginning(word[1:]):
            yield Completion(Kind.ROOM, start, end, f"#{room} ", f"#{room}")
        return
    sign = "@" if word.startswith("@") else ""
    if word:
        after = ": " if start == 0 and not sign else " "
        for nick in _nicks(word.removeprefix("@"), context):
            yield Completion(Kind.NICK, start, end, f"{sign}{nick}{after}", nick)


def _nicks(beginning: str, context: Context) -> Iterator[str]:
    wanted = beginning.casefold()
    recent = [
        nick
        for nick in dict.fromkeys(context.recent)
        if nick.casefold().startswith(wanted) and _is_plain(nick)
    ]
    yield from recent
    for nick in context.nicks.beginning(beginning):
        if nick not in recent:
            yield nick


def _is_plain(name: str) -> bool:
    """Tell whether a name stands in a text as it is, as one word."""
    return 0 < len(name) <= _NAME_MOST and make_visible(name) == name and name.split() == [name]


def usage_of(text: str) -> Entry | None:
    """Return the command that is being typed, whose usage can be shown; None if it is none."""
    if not text.startswith("/") or text.startswith("//"):
        return None
    return ENTRIES.get(text[1:].partition(" ")[0])
