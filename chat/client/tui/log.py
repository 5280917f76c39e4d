"""The log of a room: a window onto any number of rows, of which only what is seen is ever drawn.

What stays in its place is the row at the top of the view, or the end; never a line number. So
nothing jumps when a row turns out to be taller than guessed, when older messages come in above,
when one is edited, or when the width changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Region, Size
from textual.message import Message as Told
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chat.client.core.model import Message
from chat.client.look import Role
from chat.client.tui.document import Document
from chat.client.tui.drawn import DrawnRows
from chat.client.tui.keys import MESSAGE, bindings
from chat.client.tui.paint import TEXT_INDENT, Painter
from chat.client.tui.styles import Styles

__all__ = ["LogView"]

_WIDEST: Final = 100
"""Columns: longer lines are hard to read."""

_WHEEL: Final = 3
"""Lines."""


@dataclass(slots=True)
class _Anchor:
    """What stays in its place: a row, and which of its lines is at the top. None is the end."""

    key: int | None = None
    line: int = 0


class LogView(ScrollView, can_focus=True):
    """Shows a `Document`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(MESSAGE),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "top", "Oldest that is here", show=False),
        Binding("end", "end", "End", show=False),
    ]

    DEFAULT_CSS = """
    LogView {
        background: $background; scrollbar-size-vertical: 1;
        overflow-x: hidden; overflow-y: scroll;
    }
    """

    class OlderWanted(Told):
        """The user looks at the oldest rows there are."""

    class NewerWanted(Told):
        """The user looks at the newest rows there are, which are not the end."""

    class EndWanted(Told):
        """The user wants to go to the end, which is not among the rows."""

    class Selected(Told):
        """Another message is selected, or none."""

    class Moved(Told):
        """The view shows other rows."""

    def __init__(self, painter: Painter, styles: Styles, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = styles
        self._document: Document | None = None
        self._seen_version = -1
        self._anchor = _Anchor()
        self._places: dict[int, _Anchor] = {}
        self._drawn = DrawnRows(painter)
        self._is_settling = False
        self.selected: int | None = None
        """The key of the message that is selected."""
        self.empty_text = ""
        """What stands where there are no messages; made visible already."""

    # --- What is shown ---

    @property
    def document(self) -> Document | None:
        """The rows."""
        return self._document

    def show(self, document: Document | None) -> None:
        """Show another room's rows; its end, or where it was left."""
        self._document = document
        self._drawn.clear()
        self._seen_version = -1
        self._anchor = _Anchor()
        self._select(None)
        self.settle()
        self.refresh()

    def set_look(self, styles: Styles) -> None:
        """Draw with other colours."""
        self._look = styles
        self._drawn.clear()
        self.refresh()

    @property
    def is_at_end(self) -> bool:
        """Whether the latest message is in view, and will be."""
        return self._anchor.key is None

    @property
    def columns(self) -> int:
        """How wide a row is."""
        return max(TEXT_INDENT + 8, min(self.scrollable_content_region.width, _WIDEST))

    def last_visible(self) -> int | None:
        """Return the key of the last row in view."""
        document = self._document
        if document is None or not len(document):
            return None
        index, _ = document.heights.find(int(self.scroll_y) + self._rows_in_view() - 1)
        return document.key(min(index, len(document) - 1))

    def settle(self) -> None:
        """Measure what is in view, and put the view where its anchor is."""
        document = self._document
        if document is None or self._is_settling or not self.size.width:
            return
        self._is_settling = True
        try:
            document.set_width(self.columns - TEXT_INDENT)
            self._drop_changed(document)
            self._seen_version = document.version
            self._place(document)
        finally:
            self._is_settling = False

    def _drop_changed(self, document: Document) -> None:
        if self.selected is not None:
            self.selected = document.became.get(self.selected, self.selected)
        if self._anchor.key is not None:
            self._anchor.key = document.became.get(self._anchor.key, self._anchor.key)
        document.became.clear()
        self._drawn.drop_changed(document)

    def _lines(self, document: Document, index: int) -> list[Strip]:
        return self._drawn.lines(document, index, self._look, self.columns, self.selected)

    def note_mentions(self, is_mention: Callable[[Message], bool]) -> None:
        """Draw messages that name the user as such: the function tells which."""
        self._drawn.is_mention = is_mention

    def _place(self, document: Document) -> None:
        rows = self._rows_in_view()
        index = None if self._anchor.key is None else document.index(self._anchor.key)
        top = None if index is None else self._top_at(document, index, rows)
        if top is None:
            seen, at = 0, len(document) - 1
            while at >= 0 and seen < rows:
                seen += self._measure(document, at)
                at -= 1
            top = max(0, document.heights.total - rows)
            self._anchor = _Anchor()
            if not document.is_at_end and len(document):
                at, line = document.heights.find(top)
                self._anchor = _Anchor(document.key(at), line)
        self.virtual_size = Size(self.columns, document.heights.total)
        self.scroll_y = top
        self.refresh()

    def _top_at(self, document: Document, index: int, rows: int) -> int | None:
        """Return the line at the top of the view, so that the anchor is where it was.

        None if the end would come into view.
        """
        seen, at = -self._anchor.line, index
        while at < len(document) and seen < rows:
            seen += self._measure(document, at)
            at += 1
        if seen < rows:
            return None
        line = min(self._anchor.line, max(0, document.heights[index] - 1))
        return document.heights.top(index) + line

    def _measure(self, document: Document, index: int) -> int:
        lines = self._lines(document, index)
        document.set_height(index, len(lines))
        return len(lines)

    def _rows_in_view(self) -> int:
        return max(1, self.scrollable_content_region.height)

    # --- Drawing ---

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines that are in view."""
        document = self._document
        if document is not None and document.version != self._seen_version:
            self.settle()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Return a line of the view."""
        back = self._look.bg.rich_style
        width = self.size.width
        document = self._document
        if document is None or not len(document):
            return self._empty_line(y, width)
        # What does not fill the view stands at its end, where the next message comes.
        y -= max(0, self._rows_in_view() - document.heights.total)
        if y < 0:
            return Strip.blank(width, back)
        index, line = document.heights.find(y + int(self.scroll_y))
        if index >= len(document):
            return Strip.blank(width, back)
        lines = self._lines(document, index)
        strip = lines[line] if line < len(lines) else Strip.blank(0)
        return strip.crop_extend(0, width, back)

    def _empty_line(self, y: int, width: int) -> Strip:
        """Return a line of what stands where there are no messages."""
        base = self._look.bg
        rows = [
            row
            for line in self.empty_text.split("\n")
            for row in Content(line).wrap(max(8, min(width, _WIDEST) - 4))
        ]
        at = y - max(0, (self._rows_in_view() - len(rows)) // 2)
        if not 0 <= at < len(rows):
            return Strip.blank(width, base.rich_style)
        line = Content.assemble("  ", rows[at])
        strip = Strip(line.render_segments(base + self._look.role(Role.DIM)))
        return strip.adjust_cell_length(width, base.rich_style)

    # --- Moving ---

    def scroll_lines(self, lines: int) -> None:
        """Move the view up (below 0) or down."""
        document = self._document
        if document is None or not len(document):
            return
        index, line = document.heights.find(int(self.scroll_y))
        line += lines
        while line < 0 and index > 0:
            index -= 1
            line += self._measure(document, index)
        while index < len(document) - 1 and line >= (height := self._measure(document, index)):
            line -= height
            index += 1
        self._anchor = _Anchor(document.key(index), max(0, line))
        self.settle()
        self._moved(document)

    def scroll_to_key(self, key: int, *, is_selected: bool = True) -> bool:
        """Bring a row into view, with what is around it. Return whether there is such a row."""
        document = self._document
        index = None if document is None else document.index(key)
        if document is None or index is None:
            return False
        if is_selected:
            self._select(key)
        top = document.heights.top(index)
        start, rows = int(self.scroll_y), self._rows_in_view()
        height = self._measure(document, index)
        if not start <= top <= start + rows - height:
            self._anchor = _Anchor(key, 0)
            self.settle()
            self.scroll_lines(-rows // 3)
        self.settle()
        self._moved(document)
        return True

    def action_page(self, direction: int) -> None:
        """Move by a page, but for two lines."""
        self.scroll_lines(direction * max(1, self._rows_in_view() - 2))

    def action_top(self) -> None:
        """Go to the oldest row there is."""
        document = self._document
        if document is not None and len(document):
            self._anchor = _Anchor(document.key(0), 0)
            self.settle()
            self._moved(document)

    def action_end(self) -> None:
        """Go to the end, and stay there."""
        if self._document is not None and not self._document.is_at_end:
            self.post_message(self.EndWanted())
            return
        self._anchor = _Anchor()
        self._select(None)
        self.settle()
        if self._document is not None:
            self._moved(self._document)

    def _moved(self, document: Document) -> None:
        if self.scroll_y < self._rows_in_view():
            self.post_message(self.OlderWanted())
        below = document.heights.total - int(self.scroll_y) - self._rows_in_view()
        if below < self._rows_in_view() and not document.is_at_end:
            self.post_message(self.NewerWanted())
        self.post_message(self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Note where the scroll bar was dragged to."""
        super().watch_scroll_y(old_value, new_value)
        document = self._document
        if (
            self._is_settling
            or document is None
            or not len(document)
            or round(old_value) == round(new_value)
        ):
            return
        index, line = document.heights.find(int(new_value))
        is_end = new_value >= self.max_scroll_y or index >= len(document)
        is_end = is_end and document.is_at_end
        if index >= len(document):
            index, line = len(document) - 1, 0
        self._anchor = _Anchor() if is_end else _Anchor(document.key(index), line)
        self.call_later(self.settle)
        self._moved(document)

    def on_resize(self, event: Resize) -> None:
        """Lay out anew, with the same row at the top."""
        self._drawn.clear()
        self.settle()

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Scroll by the wheel."""
        event.stop()
        event.prevent_default()
        self.scroll_lines(-_WHEEL)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Scroll by the wheel."""
        event.stop()
        event.prevent_default()
        self.scroll_lines(_WHEEL)

    # --- Selecting ---

    @property
    def selected_message(self) -> Message | None:
        """The message that is selected."""
        if self._document is None or self.selected is None:
            return None
        return self._document.message(self.selected)

    def action_select(self, direction: int) -> None:
        """Select the message above or below; the last one in view, if none was."""
        document = self._document
        if document is None:
            return
        at = None if self.selected is None else document.index(self.selected)
        if at is None:
            last = self.last_visible()
            at = None if last is None else document.index(last)
            found = next(document.messages_before(0 if at is None else at + 1), None)
        else:
            step = document.messages_before if direction < 0 else document.messages_after
            found = next(step(at), None)
        if found is None:
            if direction < 0:
                self.scroll_lines(-_WHEEL)
            else:
                self.action_end()
            return
        self._select(document.key(found))
        self._reveal(document, found)

    def _reveal(self, document: Document, index: int) -> None:
        height = self._measure(document, index)
        top = document.heights.top(index)
        start, rows = int(self.scroll_y), self._rows_in_view()
        if top < start:
            self.scroll_lines(top - start)
        elif top + height > start + rows:
            self.scroll_lines(min(top - start, top + height - start - rows))
        else:
            self.settle()

    def deselect(self) -> None:
        """Select no message."""
        self._select(None)

    def _select(self, key: int | None) -> None:
        if key == self.selected:
            return
        for changed in (self.selected, key):
            if changed is not None:
                self._drawn.drop(changed)
        self.selected = key
        self.refresh()
        self.post_message(self.Selected())

    def on_click(self, event: Click) -> None:
        """Select the message that was clicked."""
        document = self._document
        if document is None:
            return
        y = event.y - max(0, self._rows_in_view() - document.heights.total)
        index, _ = document.heights.find(y + int(self.scroll_y))
        if y >= 0 and index < len(document) and document.message(document.key(index)) is not None:
            self._select(document.key(index))
