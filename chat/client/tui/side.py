"""A list at the side of the log: one line an entry, some of which are headings. Any number of them.

Used for rooms and for members. Lines are drawn when they are seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Blur, Click, Focus, Resize
from textual.geometry import Size
from textual.message import Message as Told
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from chat.client.look import Role
from chat.client.tui.styles import Styles

__all__ = ["Entry", "SideList"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line. Without a key, it is a heading."""

    key: str | None
    text: str
    """Made visible already."""
    role: Role = Role.TEXT
    badge: str = ""
    """At the right."""
    is_bold: bool = False
    nick: Style | None = None
    """What a name looks like, instead of the role."""


class SideList(ScrollView, can_focus=True):
    """Shows entries; one may be current, and one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Up", show=False),
        Binding("pagedown", "move(10)", "Down", show=False),
        Binding("home", "move(-1000000)", "First", show=False),
        Binding("end", "move(1000000)", "Last", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    DEFAULT_CSS = """
    SideList { background: $panel; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    class Chosen(Told):
        """The user chose an entry."""

        def __init__(self, source: "SideList", key: str) -> None:
            super().__init__()
            self.source = source
            self.key = key

        @property
        def control(self) -> "SideList":
            """The list."""
            return self.source

    def __init__(self, styles: Styles, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = styles
        self._count = 0
        self._entry: Callable[[int], Entry] = lambda _: Entry(None, "")
        self._current: str | None = None
        self._cursor: str | None = None

    def show(self, count: int, entry: Callable[[int], Entry], current: str | None = None) -> None:
        """Show `count` entries; `entry` returns one by its number."""
        self._count, self._entry, self._current = count, entry, current
        self.virtual_size = Size(self.size.width, count)
        self.refresh()

    def show_all(self, entries: Sequence[Entry], current: str | None = None) -> None:
        """Show entries."""
        self.show(len(entries), entries.__getitem__, current)

    def set_look(self, styles: Styles) -> None:
        """Draw with other colours."""
        self._look = styles
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a line."""
        back = self._look.panel
        width = self.size.width
        at = y + int(self.scroll_y)
        if at >= self._count:
            return Strip.blank(width, back.rich_style)
        entry = self._entry(at)
        is_current = entry.key is not None and entry.key == self._current
        is_under = self.has_focus and entry.key is not None and entry.key == self._cursor
        accent = self._look.role(Role.ACCENT)
        style = accent if is_current else entry.nick or self._look.role(entry.role)
        if entry.is_bold or is_current:
            style += Style(bold=True)
        if is_under:
            back = back + self._look.role(Role.SELECTED)
            style = accent = Style()
        mark = "▶" if is_under else "▌" if is_current else " "
        room = max(1, self._columns - 1 - (len(entry.badge) + 1 if entry.badge else 0))
        text = Content(entry.text).truncate(room, ellipsis=True)
        gap = " " * max(0, room - text.cell_length)
        line = Content.assemble(
            (mark, accent),
            text.stylize(style),
            gap,
            (f" {entry.badge}" if entry.badge else "", accent),
        )
        return Strip(line.render_segments(back)).adjust_cell_length(width, back.rich_style)

    @property
    def _columns(self) -> int:
        return self.scrollable_content_region.width or self.size.width

    def on_focus(self, event: Focus) -> None:
        """Begin where the current entry is."""
        if self._cursor is None or self._find(self._cursor) is None:
            self._cursor = self._current
        if self._cursor is None:
            self.action_move(1)
        self.refresh()

    def on_blur(self, event: Blur) -> None:
        """Hide the cursor."""
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Be as wide as there is room."""
        self.virtual_size = Size(event.size.width, self._count)

    def _find(self, key: str | None) -> int | None:
        return next((at for at in range(self._count) if self._entry(at).key == key), None)

    def action_move(self, by: int) -> None:
        """Move the cursor over so many entries that can be chosen."""
        keys = [at for at in range(self._count) if self._entry(at).key is not None]
        if not keys:
            return
        at = self._find(self._cursor) if self._cursor is not None else None
        place = keys.index(at) if at in keys else -1 if by > 0 else len(keys)
        at = keys[min(len(keys) - 1, max(0, place + by))]
        self._cursor = self._entry(at).key
        rows = max(1, self.size.height)
        if not int(self.scroll_y) <= at < int(self.scroll_y) + rows:
            self.scroll_to(y=max(0, at - rows // 2), animate=False)
        self.refresh()

    def action_choose(self) -> None:
        """Choose the entry under the cursor."""
        if self._cursor is not None and self._find(self._cursor) is not None:
            self.post_message(self.Chosen(self, self._cursor))

    def on_click(self, event: Click) -> None:
        """Choose the entry that was clicked."""
        at = event.y + int(self.scroll_y)
        if 0 <= at < self._count and (key := self._entry(at).key) is not None:
            self._cursor = key
            self.post_message(self.Chosen(self, key))
