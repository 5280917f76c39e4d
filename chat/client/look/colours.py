"""Colours, by what they mean.

Every text colour has a contrast (WCAG 2) of at least 4.5 on the log, on a panel and on a line that
names the user. Without colours the same roles are bold, dim, reverse or underlined, so a face asks
for the style of a role and never for a colour. Colour is never the only sign of anything.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from chat.ids import AccountId

__all__ = [
    "HUES",
    "NameHues",
    "Palette",
    "Role",
    "Style",
    "Theme",
    "choose_theme",
    "hue_of",
    "name_style",
    "palette",
    "style",
]

HUES: Final = 12
"""How many colours nicknames have."""

_ACCOUNTS_MOST: Final = 4_096
"""Accounts of one room whose colours are kept apart. Later ones have that of their id."""


class Theme(Enum):
    """What a person chooses; the value is its name in the settings."""

    LIGHT = "light"
    DARK = "dark"
    HIGH_CONTRAST = "high-contrast"
    NONE = "none"
    """No colours but the terminal's own."""


class Role(Enum):
    """What something means."""

    TEXT = auto()
    """What people say."""
    DIM = auto()
    """Times, who comes and goes, hints, muted rooms."""
    ACCENT = auto()
    """Links, the focus, the room one is in, counts of unread messages."""
    GOOD = auto()
    """Verified, stored."""
    WARN = auto()
    """Waiting, reconnecting."""
    BAD = auto()
    """Refused, a key that changed."""
    MENTION = auto()
    """A line that names the user: its background."""
    SELECTED = auto()
    """What the arrow keys are on."""
    CODE = auto()
    CODE_KEYWORD = auto()
    CODE_NAME = auto()
    CODE_STRING = auto()
    CODE_NUMBER = auto()
    CODE_COMMENT = auto()


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme, each as ``#rrggbb``."""

    bg: str
    """Behind the log."""
    panel: str
    """Behind rooms, members and input."""
    line: str
    """Separators. Too pale for text."""
    text: str
    dim: str
    accent: str
    good: str
    warn: str
    bad: str
    mention: str
    """Behind a line that names the user."""
    names: tuple[str, ...]
    """The colours of nicknames, as many as `HUES`, of equal lightness."""
    is_dark: bool
    has_bold_names: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """How something is drawn. A colour that is None is the one that is there anyway."""

    colour: str | None = None
    background: str | None = None
    is_bold: bool = False
    is_dim: bool = False
    is_reverse: bool = False
    is_underlined: bool = False


_LIGHT: Final = Palette(
    bg="#f8fafd",
    panel="#eff3f6",
    line="#dadee3",
    text="#1c2229",
    dim="#5d646c",
    accent="#2863ab",
    good="#21763c",
    warn="#915c08",
    bad="#ba2b2e",
    mention="#fcf0cf",
    names=(
        *("#993845", "#97400d", "#7e5403", "#666005", "#3a6d12", "#0b6f49"),
        *("#0c6c68", "#11697a", "#02629c", "#4a54a6", "#6f4797", "#8b3b74"),
    ),
    is_dark=False,
)

_DARK: Final = Palette(
    bg="#101419",
    panel="#171c22",
    line="#2a3138",
    text="#dadee3",
    dim="#9399a0",
    accent="#7aaeef",
    good="#6fc884",
    warn="#ebb25f",
    bad="#f47b74",
    mention="#31280c",
    names=(
        *("#f59aa1", "#f2a07c", "#e1ad63", "#c2bb64", "#99c77f", "#73cd9f"),
        *("#51cec7", "#54c9e3", "#78bff9", "#a3b2fe", "#c8a5f0", "#e79bce"),
    ),
    is_dark=True,
)

_HIGH_CONTRAST: Final = Palette(
    bg="#000000",
    panel="#000000",
    line="#dadee3",
    text="#ffffff",
    dim="#ffffff",
    accent="#9cc8ff",
    good="#8ee8a2",
    warn="#ffd089",
    bad="#ffa39d",
    mention="#31280c",
    names=_DARK.names,
    is_dark=True,
    has_bold_names=True,
)

_PALETTES: Final[Mapping[Theme, Palette]] = {
    Theme.LIGHT: _LIGHT,
    Theme.DARK: _DARK,
    Theme.HIGH_CONTRAST: _HIGH_CONTRAST,
}

_COLOURLESS: Final[Mapping[Role, Style]] = {
    Role.DIM: Style(is_dim=True),
    Role.ACCENT: Style(is_underlined=True),
    Role.WARN: Style(is_bold=True),
    Role.BAD: Style(is_bold=True),
    Role.MENTION: Style(is_bold=True),
    Role.SELECTED: Style(is_reverse=True),
    Role.CODE_KEYWORD: Style(is_bold=True),
    Role.CODE_COMMENT: Style(is_dim=True),
}
"""Without colours. Roles that are not here are drawn like text."""

_NAME_HUES: Final[Mapping[Role, int]] = {
    Role.CODE_KEYWORD: 10,
    Role.CODE_NAME: 8,
    Role.CODE_STRING: 4,
    Role.CODE_NUMBER: 1,
}
"""What of code has which colour of nicknames: those are readable and of equal lightness."""


def palette(theme: Theme) -> Palette | None:
    """Return the colours of a theme; None where it has none."""
    return _PALETTES.get(theme)


def choose_theme(chosen: Theme, environment: Mapping[str, str]) -> Theme:
    """Return the theme to use: none at all where ``NO_COLOR`` is set (no-color.org)."""
    return Theme.NONE if environment.get("NO_COLOR") else chosen


def style(theme: Theme, role: Role) -> Style:
    """Return how a role is drawn in a theme."""
    colours = palette(theme)
    if colours is None:
        return _COLOURLESS.get(role, Style())
    if role in _NAME_HUES:
        return Style(colours.names[_NAME_HUES[role]])
    match role:
        case Role.MENTION:
            return Style(colours.text, colours.mention)
        case Role.SELECTED:
            return Style(colours.bg, colours.accent)
        case Role.CODE:
            return Style(colours.text, colours.panel)
        case Role.CODE_COMMENT:
            return Style(colours.dim)
        case _:
            return Style(getattr(colours, role.name.lower()))


def hue_of(account: AccountId) -> int:
    """Return the colour of an account, less than `HUES`: of its id, so a new name keeps it."""
    return int.from_bytes(account[:4], "big") % HUES


def name_style(theme: Theme, hue: int) -> Style:
    """Return how a nickname is drawn; `hue` is of `hue_of` or `NameHues`."""
    colours = palette(theme)
    if colours is None:
        return Style(is_bold=True)
    return Style(colours.names[hue], is_bold=colours.has_bold_names)


class NameHues:
    """The colours of the nicknames of one room, moved apart where two would be the same.

    Whoever comes first keeps the colour of their id, so nobody's changes while one reads.
    """

    def __init__(self) -> None:
        self._hues: dict[AccountId, int] = {}
        self._uses: Counter[int] = Counter()

    def of(self, account: AccountId) -> int:
        """Return the colour of an account: its own, or the nearest one that fewer have."""
        known = self._hues.get(account)
        if known is not None:
            return known
        own = hue_of(account)
        if len(self._hues) >= _ACCOUNTS_MOST:
            return own
        hue = min(range(HUES), key=lambda it: (self._uses[it], _distance(it, own), it))
        self._hues[account] = hue
        self._uses[hue] += 1
        return hue


def _distance(hue: int, other: int) -> int:
    apart = abs(hue - other)
    return min(apart, HUES - apart)
