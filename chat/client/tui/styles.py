"""The look as the toolkit's styles and themes."""

from functools import cache
from typing import Final

from textual.color import Color
from textual.style import Style
from textual.theme import Theme as ToolkitTheme

from chat.client import look
from chat.client.look import Palette, Role, Theme

__all__ = ["Styles", "theme_name", "toolkit_theme"]

_COLOURLESS: Final = Palette(
    bg="#000000",
    panel="#000000",
    line="#808080",
    text="#ffffff",
    dim="#ffffff",
    accent="#ffffff",
    good="#ffffff",
    warn="#ffffff",
    bad="#ffffff",
    mention="#000000",
    names=("#ffffff",) * look.HUES,
    is_dark=True,
)
"""What the toolkit computes with where there are no colours; a filter then takes them all away."""


class Styles:
    """The styles of one theme."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._palette = look.palette(theme)
        self.role = cache(self._role)
        """Return how a role is drawn."""
        self.name = cache(self._name)
        """Return how a nickname of one of the `look.HUES` is drawn."""

    @property
    def has_colours(self) -> bool:
        """Whether there are any but the terminal's own."""
        return self._palette is not None

    @property
    def bg(self) -> Style:
        """Behind the log."""
        return self._back(None if self._palette is None else self._palette.bg)

    @property
    def panel(self) -> Style:
        """Behind everything at the side, and behind the message that is selected."""
        return self._back(None if self._palette is None else self._palette.panel)

    @property
    def line(self) -> Style:
        """A separator."""
        if self._palette is None:
            return Style(dim=True)
        return Style(foreground=Color.parse(self._palette.line))

    def _back(self, colour: str | None) -> Style:
        return Style() if colour is None else Style(background=Color.parse(colour))

    def _role(self, role: Role) -> Style:
        return _styled(look.style(self.theme, role))

    def _name(self, hue: int) -> Style:
        return _styled(look.name_style(self.theme, hue)) + Style(bold=True)


def _styled(style: look.Style) -> Style:
    return Style(
        foreground=None if style.colour is None else Color.parse(style.colour),
        background=None if style.background is None else Color.parse(style.background),
        bold=style.is_bold or None,
        dim=style.is_dim or None,
        reverse=style.is_reverse or None,
        underline=style.is_underlined or None,
    )


def theme_name(theme: Theme) -> str:
    """Return what the toolkit calls a theme."""
    return f"encchat-{theme.value}"


def toolkit_theme(theme: Theme) -> ToolkitTheme:
    """Return the toolkit's theme."""
    colours = look.palette(theme) or _COLOURLESS
    return ToolkitTheme(
        theme_name(theme),
        primary=colours.accent,
        secondary=colours.dim,
        accent=colours.accent,
        foreground=colours.text,
        background=colours.bg,
        surface=colours.panel,
        panel=colours.panel,
        success=colours.good,
        warning=colours.warn,
        error=colours.bad,
        dark=colours.is_dark,
        variables={
            "line": colours.line,
            "dim": colours.dim,
            "border": colours.accent,
            "border-blurred": colours.line,
            "scrollbar": colours.line,
            "scrollbar-background": colours.bg,
            "scrollbar-hover": colours.dim,
            "scrollbar-active": colours.accent,
            "scrollbar-background-hover": colours.bg,
            "scrollbar-background-active": colours.bg,
            "input-cursor-background": colours.text,
            "input-cursor-foreground": colours.bg,
            "block-cursor-background": colours.accent,
            "block-cursor-foreground": colours.bg,
            "block-cursor-text-style": "none",
        },
    )
