"""Emoji by name, as typed between colons: ``:tada:``. The names are Unicode's and GitHub's.

The table is read at the first use, because that takes longer than a frame.
"""

from functools import cache
from typing import Final

__all__ = ["emoji_named", "find_emoji"]

_VERSION_MOST: Final = 15.1
"""Of Unicode's emoji. What is newer, most terminals and fonts do not have yet."""


def emoji_named(name: str) -> str | None:
    """Return the emoji with this name, without colons; None if there is none."""
    return _table().get(name.lower())


def find_emoji(beginning: str, most: int) -> list[tuple[str, str]]:
    """Return names with their emoji: at most so many, those that begin so first, short ones first.

    Names of which a later word begins so follow.
    """
    wanted = beginning.lower()
    found = [
        (not name.startswith(wanted), len(name), name)
        for name in _table()
        if name.startswith(wanted) or f"_{wanted}" in name
    ]
    return [(name, _table()[name]) for _, _, name in sorted(found)[:most]]


@cache
def _table() -> dict[str, str]:
    """Return the emoji by name. Those that differ by the colour of skin alone are left out."""
    from emoji import EMOJI_DATA, STATUS

    table: dict[str, str] = {}
    for sign, facts in EMOJI_DATA.items():
        if facts["status"] != STATUS["fully_qualified"] or facts["E"] > _VERSION_MOST:
            continue
        for quoted in (facts["en"], *facts.get("alias", ())):
            name = quoted.strip(":").lower()
            if name.isascii() and "skin_tone" not in name:
                table.setdefault(name, sign)
    return table
