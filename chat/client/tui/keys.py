"""The keys of the application: one table, from which bindings, help and the keys' file are made."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

from chat.client.storage.bindings import Keys

__all__ = ["KEYS", "MESSAGE", "SCREEN", "Key", "bindings", "key_words", "usual_keys"]


@dataclass(frozen=True, slots=True)
class Key:
    """What keys do."""

    name: str
    """In the keys' file."""
    keys: tuple[str, ...]
    action: str
    help: str
    has_priority: bool = False
    """Whether it goes before what the focused widget does with the key."""


SCREEN: Final = (
    Key("go-to", ("ctrl+k",), "go", "go to a room or person", True),
    Key("previous-unread", ("alt+up",), "unread(-1)", "the room before with something new", True),
    Key("next-unread", ("alt+down",), "unread(1)", "the next room with something new", True),
    Key("palette", ("ctrl+p",), "palette", "everything one can do", True),
    Key("search", ("ctrl+f",), "search", "search", True),
    Key("jump", ("ctrl+g",), "jump", "go to the first new message, a date, the end", True),
    Key("select", ("ctrl+up", "shift+tab"), "select_message", "select a message", True),
    Key("page-up", ("pageup",), "page(-1)", "scroll up"),
    Key("page-down", ("pagedown",), "page(1)", "scroll down"),
    Key("back", ("escape",), "back", "to the end; out of a reply, an edit, a selection"),
    Key("rooms", ("f2",), "toggle_side('rooms')", "show or hide rooms"),
    Key("members", ("f3",), "toggle_side('members')", "show or hide members"),
    Key("next-part", ("f6",), "next_part", "to the next part of the screen", True),
    Key("help", ("f1",), "help", "this help"),
)
"""Everywhere on the screen of rooms."""

MESSAGE: Final = (
    Key("above", ("up", "k"), "select(-1)", "the message above"),
    Key("below", ("down", "j"), "select(1)", "the message below"),
    Key("reply", ("r",), "screen.act('reply')", "reply"),
    Key("edit", ("e",), "screen.act('edit')", "edit"),
    Key("react", ("plus",), "screen.act('react')", "react"),
    Key("delete", ("d",), "screen.act('delete')", "delete, or give up what was refused"),
    Key("copy", ("y",), "screen.act('copy')", "copy"),
    Key("info", ("i",), "screen.act('info')", "all about it"),
    Key("origin", ("o",), "screen.act('origin')", "go to what it replies to"),
    Key("again", ("t",), "screen.act('again')", "try again what was refused"),
    Key("message-help", ("question_mark",), "screen.help", "this help"),
)
"""Where a message is selected."""

KEYS: Final = {key.name: key for key in (*SCREEN, *MESSAGE)}

_WORDS: Final = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "Page Up",
    "pagedown": "Page Down",
    "escape": "Esc",
    "plus": "+",
    "minus": "-",
    "question_mark": "?",
}


def bindings(keys: Iterable[Key]) -> list[Binding]:
    """Return the toolkit's bindings, with the usual keys."""
    return [
        Binding(
            ",".join(key.keys),
            key.action,
            key.help,
            show=False,
            priority=key.has_priority,
            id=key.name,
        )
        for key in keys
    ]


def usual_keys() -> Keys:
    """Return the keys of each action, where no file says otherwise."""
    return {name: key.keys for name, key in KEYS.items()}


def key_words(keys: Iterable[str]) -> str:
    """Return keys as people call them: "Ctrl-K"."""
    return " or ".join(_words(key) for key in keys)


def _words(key: str) -> str:
    *modifiers, last = key.split("+")
    # A letter alone is what one types; on a key with modifiers it is written as on the key.
    last = _WORDS.get(last, last if len(last) == 1 and not modifiers else last.capitalize())
    return "-".join([*(it.capitalize() for it in modifiers), last])
