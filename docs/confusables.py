"""Writes the data for look-alike characters: ``python docs/confusables.py PUBLISHED [--check]``.

PUBLISHED is Unicode's ``confusables.txt`` (www.unicode.org/Public/security). The script makes two
files in chat/rooms from it: ``confusables.txt``, without comments, and ``cases.txt``, which
says what else to treat as equal so that case makes no difference.
"""

import hashlib
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from chat.rooms.confusables import skeleton

__all__ = ["Cases", "cases", "main", "trim"]

_ROOMS: Final = Path(__file__).parents[1] / "chat" / "rooms"

_ORDER: Final = ("LATIN", "CYRILLIC")
"""Scripts whose capital letters are joined with their small letters first: if two pairs conflict,
the later one stays separate."""


def trim(published: bytes) -> str:
    """Return the published file without comments and unused columns."""
    lines = published.decode("utf-8-sig").splitlines()
    version = next(line for line in lines if line.startswith("# Version: "))
    head = [
        "# Made by docs/confusables.py from Unicode's confusables.txt (UTS 39); comments left out.",
        version,
        f"# SHA-256: {hashlib.sha256(published).hexdigest()}",
        "# Copyright 1991-2026 Unicode, Inc.; the licence is in UNICODE-LICENSE.txt beside this.",
    ]
    rows = []
    for line in lines:
        source, _, rest = line.partition("#")[0].partition(";")
        if rest:
            rows.append((_text(source), _text(rest.partition(";")[0])))
    return "\n".join(head) + "\n" + _lines(sorted(rows))


def _text(points: str) -> str:
    return "".join(chr(int(point, 16)) for point in points.split())


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{_escape(source)}\t{_escape(target)}\n" for source, target in pairs)


def _escape(text: str) -> str:
    points = map(ord, text)
    return "".join(f"\\u{it:04x}" if it <= 0xFFFF else f"\\U{it:08x}" for it in points)


class Cases:
    """Classes of prototypes that are the same letter, capital or small, or look like it.

    A class has at most one member that must stay distinct: an ASCII letter or digit, or a text of
    several characters. Joining two such members is refused, unless one is a letter with marks.
    """

    def __init__(self) -> None:
        # I and i come first: the capital I looks like l, so i, l and 1 are the same.
        self._class = {it: {"i", "l"} for it in "il"}
        self._means = {"i": "i", "l": "i"}
        self._marked: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        """Join two skeletons, if possible."""
        while len(one) > 1 and len(other) > 1 and one[-1] == other[-1]:
            one, other = one[:-1], other[:-1]
        if len(one) > 1:
            one, other = other, one
        if len(one) > 1:
            return
        means = {self._meaning(it) for it in (one, other)} - {""}
        if len(means) > 1:
            if len(other) > 1 and all(map(unicodedata.combining, other[1:])):
                self._marked[other] = self._meaning(one)
            return
        joined = self._members(one) | (self._members(other) if len(other) == 1 else set())
        for member in joined:
            self._class[member] = joined
            self._means |= dict.fromkeys([member], *means) if means else {}

    def key(self, text: str) -> str:
        """Return the key of a text."""
        return "".join(map(self._key, text))

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield each text that has another key, and the key."""
        for character in sorted(self._class):
            key = self._key(character)
            # Leave out what case folding does anyway.
            if key != character and skeleton(_fold(character)) != key:
                yield character, key
        yield from sorted(self._marked.items())

    def _members(self, character: str) -> set[str]:
        return self._class.get(character, {character})

    def _meaning(self, text: str) -> str:
        if len(text) > 1:
            return self.key(text)
        if text in self._means:
            return self._means[text]
        is_distinct = text.isascii() and text.isalnum()
        return self.key(skeleton(text.lower())) if is_distinct else ""

    def _key(self, character: str) -> str:
        if character not in self._class:
            return character
        if character in self._means:
            return self._means[character]
        return min(it for it in self._class[character] if _fold(it) == it)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def cases() -> Cases:
    """Return the classes from all capital letters."""
    capitals = []
    for character in map(chr, range(sys.maxunicode + 1)):
        script = unicodedata.name(character, "").partition(" ")[0]
        if _fold(character) != character and unicodedata.is_normalized("NFKC", character):
            rank = [*_ORDER, script].index(script)
            capitals.append((not character.isascii(), rank, character))
    classes = Cases()
    for _, _, character in sorted(capitals):
        one, other = skeleton(character), skeleton(_fold(character))
        if one != other:
            classes.join(one, other)
    return classes


def main(arguments: list[str]) -> None:
    """Write the files, or with ``--check`` fail if that would change them."""
    published, *check = arguments
    # The second is made from the first, so write that first.
    _put("confusables.txt", trim(Path(published).read_bytes()), is_check=bool(check))
    head = (
        "# Made by docs/confusables.py from confusables.txt beside this and the case folding of\n"
        f"# Unicode {unicodedata.unidata_version}: what stands for prototypes and marked letters.\n"
    )
    _put("cases.txt", head + _lines(cases().rows()), is_check=bool(check))


def _put(name: str, text: str, *, is_check: bool) -> None:
    path = _ROOMS / name
    if not is_check:
        path.write_text(text, "utf-8")
    elif path.read_text("utf-8") != text:
        sys.exit(f"{name} is out of date: run python docs/confusables.py")


if __name__ == "__main__":
    main(sys.argv[1:])
