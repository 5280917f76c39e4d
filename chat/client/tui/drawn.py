"""Rows of a log as they were drawn last: the few hundred around what is seen."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from textual.strip import Strip

from chat.client.core.model import Message
from chat.client.look import format_number
from chat.client.tui.document import Document
from chat.client.tui.paint import Context, Painter
from chat.client.tui.styles import Styles

__all__ = ["DrawnRows"]

_KEPT: Final = 512


class DrawnRows:
    """Draws rows, and remembers the last ones, by key."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._drawn: OrderedDict[int, list[Strip]] = OrderedDict()
        self.is_mention: Callable[[Message], bool] = lambda _: False
        """Tells whether a message names the user."""

    def clear(self) -> None:
        """Draw everything anew."""
        self._drawn.clear()

    def drop(self, key: int) -> None:
        """Draw a row anew."""
        self._drawn.pop(key, None)

    def drop_changed(self, document: Document) -> None:
        """Draw what has changed anew, with what quotes it."""
        for key in document.changed:
            self.drop(key)
        document.changed.clear()
        if document.requoted:
            for key in list(self._drawn):
                message = document.message(key)
                reply = None if message is None else message.reply
                if reply is not None and reply.seq in document.requoted:
                    self.drop(key)
            document.requoted.clear()

    def lines(
        self, document: Document, index: int, styles: Styles, columns: int, selected: int | None
    ) -> list[Strip]:
        """Return the lines of a row, each so many columns wide. `selected` is the key of a row."""
        key = document.key(index)
        lines = self._drawn.get(key)
        if lines is not None:
            self._drawn.move_to_end(key)
            return lines
        row = document.row(index)
        context = Context(
            document.row(index - 1) if index else None,
            _marker(document, index),
            key == selected,
            isinstance(row, Message) and not row.is_own and self.is_mention(row),
        )
        lines = self._painter.paint(row, context, styles, columns, document.hues.of)
        self._drawn[key] = lines
        if len(self._drawn) > _KEPT:
            self._drawn.popitem(last=False)
        return lines


def _marker(document: Document, index: int) -> str:
    """Return what stands above a row if the user left off there."""
    if document.marker is None or index != document.first_new():
        return ""
    shown = document.shown_new()
    if document.new <= shown:
        return "new"
    return f"{format_number(document.new)} new; last {format_number(shown)} shown"
