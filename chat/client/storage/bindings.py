"""Which keys do what: ``keys.toml`` in the client's directory.

    go-to = "ctrl+k"
    next-unread = ["alt+down", "f6"]

Actions that are not named keep their keys. Keys are named as Textual names them. A key that would
do two things, an action that there is not, and what is no key are refused.
"""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chat.client.storage.toml import TomlFile, quote_toml

__all__ = ["BindingsFile", "Keys", "check_key", "find_conflict"]

Keys = Mapping[str, tuple[str, ...]]
"""The keys of each action."""

_KEYS_MOST: Final = 8
"""Keys of one action."""

_MODIFIERS: Final = frozenset({"alt", "ctrl", "hyper", "meta", "shift", "super"})
_NAMED: Final = frozenset(
    {
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"),
        *("backspace", "enter", "escape", "tab", "space", "minus", "plus", "slash", "backslash"),
        *("underscore", "at", "greater_than_sign", "less_than_sign"),
        *(f"f{number}" for number in range(1, 25)),
    }
)
_SHORT: Final = {
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "low_line": "underscore",
}
"""What Textual calls some characters, which have longer names in Unicode."""
_NAME: Final = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


def check_key(text: str) -> str:
    """Return a key as Textual names it, whatever the order and case. Raises ValueError."""
    *modifiers, key = text.strip().split("+") if text.strip() != "+" else ["plus"]
    modifiers = sorted(it.strip().lower() for it in modifiers)
    if len(set(modifiers)) != len(modifiers) or not _MODIFIERS.issuperset(modifiers):
        raise ValueError(f"is no key: {text!a}")
    key = key.strip()
    if len(key) != 1 or modifiers:
        key = key.lower()  # Without a modifier, a capital letter is a key of its own.
    return "+".join([*modifiers, _key_name(key, text)])


def _key_name(key: str, text: str) -> str:
    if key in _NAMED:
        return key
    if len(key) == 1 and key.isalnum():
        return key
    if len(key) == 1:
        name = unicodedata.name(key, "").lower().replace("-", "_").replace(" ", "_")
    else:
        is_character = unicodedata.lookup if _NAME.fullmatch(key) else None
        try:
            name = key if is_character and is_character(key.replace("_", " ")) else ""
        except KeyError:
            name = ""
    if not name:
        raise ValueError(f"is no key: {text[:40]!a}")
    return _SHORT.get(name, name)


def find_conflict(keys: Keys) -> tuple[str, str, str] | None:
    """Return a key and two actions that it would do; None if each does one thing."""
    taken: dict[str, str] = {}
    for action, own in keys.items():
        for key in own:
            other = taken.setdefault(key, action)
            if other != action:
                return key, other, action
    return None


class BindingsFile:
    """Reads the keys, and changes those of one action at a time. `usual` has all actions."""

    def __init__(self, home: Path, usual: Keys) -> None:
        self._file = TomlFile(home / "keys.toml")
        self._usual = usual

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    def read(self) -> dict[str, tuple[str, ...]]:
        """Return the keys of all actions. Raises StorageError."""
        keys, said = dict(self._usual), self._file.read()
        for action, value in said.items():
            if action not in keys:
                raise self._file.refuse((action,), "is nothing that a key can do")
            try:
                keys[action] = _parse(value)
            except ValueError as error:
                raise self._file.refuse((action,), str(error)) from None
        conflict = find_conflict(keys)
        if conflict is not None:
            key, *actions = conflict
            # The one that the file names is the one to change.
            first, other = sorted(actions, key=lambda it: it not in said)
            raise self._file.refuse((first,), f"has the key {key}, which is that of {other}")
        return keys

    def set(self, action: str, keys: tuple[str, ...]) -> None:
        """Give an action other keys; those of `usual` if they are the same. Raises StorageError.

        They have to be free, and checked.
        """
        value = "[" + ", ".join(map(quote_toml, keys)) + "]"
        self._file.set((action,), "" if keys == self._usual[action] else value)


def _parse(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if len(values) > _KEYS_MOST:
        raise ValueError(f"has more than {_KEYS_MOST} keys")
    keys = []
    for it in values:
        if not isinstance(it, str):
            raise ValueError("is neither a key nor a list of keys")
        keys.append(check_key(it))
    return tuple(dict.fromkeys(keys))
