"""TOML files that a person may edit and that the client changes: read strictly, written carefully.

Whatever is wrong is refused with a sentence that names file, line and key; nothing is ignored. A
change replaces one line, so that comments and order stay as the person wrote them.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chat.client.core.interfaces import StorageError
from chat.files import write_whole

__all__ = ["TomlFile", "quote_toml"]

_BYTES_MOST: Final = 1_048_576
"""More than any settings have."""

_DUE_TO: Final = re.compile(r"(?P<what>.*?) \(at (?:line (?P<line>\d+), column \d+|end of .*)\)")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that sets a value or begins a table, found again by reading it alone."""

    number: int
    """Counted from 0."""
    path: KeyPath
    is_table: bool


class TomlFile:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, object]:
        """Return what the file says; nothing if there is none. Raises StorageError."""
        return self._parse(self._text())

    def refuse(self, path: KeyPath, sentence: str) -> StorageError:
        """Return the error about a key. `sentence` goes on after the key's name."""
        try:
            lines = self._text().split("\n")
        except StorageError:
            lines = []
        numbers = [it.number for it in _locate(lines) if it.path == path]
        where = f"line {numbers[-1] + 1} of {self.path}" if numbers else str(self.path)
        return StorageError(f"In {where}, {'.'.join(map(_key, path))} {sentence}")

    def set(self, path: KeyPath, value: str) -> None:
        """Set one key, to a value as TOML has it; "" takes the key away. Raises StorageError."""
        *table, key = path
        text = self._text()
        lines = text.split("\n") if text else []
        found = list(_locate(lines))
        at = [it.number for it in found if it.path == path and not it.is_table]
        new = [f"{_key(key)} = {value}"] if value else []
        if at:
            lines[at[0] : at[0] + 1] = new
        elif new:
            begin, end = _table_lines(found, tuple(table), len(lines))
            if begin is None:
                name = ".".join(map(_key, table))
                lines = [*_without_end(lines), *([""] if any(lines) else []), f"[{name}]", *new, ""]
            else:
                while end > begin and not lines[end - 1].strip():
                    end -= 1
                lines[end:end] = new if end < len(lines) else [*new, ""]
        self._write("\n".join(lines), path, value)

    def _write(self, text: str, path: KeyPath, value: str) -> None:
        wanted = _changed(self.read(), path, tomllib.loads(f"x = {value}")["x"] if value else None)
        try:
            is_right = _without_empty(self._parse(text)) == _without_empty(wanted)
        except StorageError:
            is_right = False
        if not is_right:
            key = ".".join(map(_key, path))
            raise StorageError(f"{self.path} is written in a way that hides {key}; set it there")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.path, text.encode())
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}") from None

    def _text(self) -> str:
        try:
            with open(self.path, "rb") as file:
                content = file.read(_BYTES_MOST + 1)
            if len(content) > _BYTES_MOST:
                raise StorageError(f"{self.path} is too large to be settings")
            return content.decode().replace("\r\n", "\n")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise StorageError(f"{self.path} is not UTF-8") from None

    def _parse(self, text: str) -> dict[str, object]:
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            due = _DUE_TO.fullmatch(str(error))
            what = due["what"] if due else "It is nested too deeply"
            number = (due and due["line"]) or text.count("\n") + 1
            where = f"line {number} of {self.path}"
            raise StorageError(f"In {where} there is a mistake: {what}") from None


def quote_toml(text: str) -> str:
    """Return a string as TOML has it, in printable ASCII and what is plain besides."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    if "\ud800" <= character <= "\udfff":
        raise ValueError("a surrogate is no character")
    return f"\\U{ord(character):08x}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else quote_toml(name)


def _locate(lines: list[str]) -> Iterator[_Line]:
    """Return the lines that set something, as far as each can be read alone."""
    table: KeyPath = ()
    for number, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            found = tomllib.loads(line)
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        path: KeyPath = ()
        inner: object = found
        while isinstance(inner, dict) and len(inner) == 1:
            [(name, inner)] = inner.items()
            path += (name,)
        if line.lstrip().startswith("["):
            table = path
            yield _Line(number, path, True)
        else:
            yield _Line(number, table + path, False)


def _table_lines(found: list[_Line], table: KeyPath, end: int) -> tuple[int | None, int]:
    """Return where a table begins and ends; None if it is not there."""
    tables = [it for it in found if it.is_table]
    if not table:
        return 0, tables[0].number if tables else end
    for at, it in enumerate(tables):
        if it.path == table:
            return it.number + 1, tables[at + 1].number if at + 1 < len(tables) else end
    return None, end


def _without_end(lines: list[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _changed(values: dict[str, object], path: KeyPath, value: object) -> dict[str, object]:
    """Return values with one of them set, or taken away."""
    name, *rest = path
    changed = dict(values)
    if rest:
        inner = changed.get(name)
        table = inner if isinstance(inner, dict) else {}
        changed[name] = _changed(table, tuple(rest), value)
    elif value is None:
        changed.pop(name, None)
    else:
        changed[name] = value
    return changed


def _without_empty(values: dict[str, object]) -> dict[str, object]:
    """Return values without tables that say nothing."""
    kept = {
        name: _without_empty(value) if isinstance(value, dict) else value
        for name, value in values.items()
    }
    return {name: value for name, value in kept.items() if value != {}}
