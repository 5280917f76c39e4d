"""Lines above and below: which room this is, what one can do now, and how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click, Resize
from textual.message import Message as Told
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from chat.client.look import Role
from chat.client.tui.styles import Styles

__all__ = ["Bar", "Piece"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar, and what happens when it is clicked."""

    text: str
    """Made visible already."""
    role: Role = Role.DIM
    action: str = ""
    """Empty where a click does nothing."""
    is_bold: bool = False
    can_shrink: bool = False
    """Whether it is what is cut where there is not enough room."""


class Bar(Widget):
    """One line of pieces, which is not there while it is empty, unless it `is_kept`."""

    DEFAULT_CSS = """
    Bar { height: 1; background: $panel; }
    """

    class Clicked(Told):
        """A piece was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, styles: Styles, *, id: str | None = None, is_kept: bool = False) -> None:
        super().__init__(id=id)
        self._look = styles
        self._pieces: Sequence[Piece] = ()
        self._spans: list[tuple[int, int, str]] = []
        self._is_kept = is_kept
        self.display = is_kept

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(piece.text for piece in self._pieces)

    def show(self, *pieces: Piece) -> None:
        """Show these; nothing at all without any."""
        self._pieces = pieces
        self.display = self._is_kept or bool(pieces)
        self.refresh()

    def set_look(self, styles: Styles) -> None:
        """Draw with other colours."""
        self._look = styles
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Draw anew."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the line."""
        width = self.size.width
        base = self._look.panel
        fixed = sum(Content(it.text).cell_length for it in self._pieces if not it.can_shrink)
        line, at = Content(" "), 1
        self._spans = []
        for piece in self._pieces:
            text = Content(piece.text)
            if piece.can_shrink:
                text = text.truncate(max(0, width - fixed - 2), ellipsis=True)
            style = self._look.role(piece.role) + Style(bold=piece.is_bold or None)
            if piece.action:
                self._spans.append((at, at + text.cell_length, piece.action))
            at += text.cell_length
            line = line.append(text.stylize(style))
        line = line.truncate(width, ellipsis=True)
        return Strip(line.render_segments(base)).adjust_cell_length(width, base.rich_style)

    def on_click(self, event: Click) -> None:
        """Say which piece was clicked."""
        for start, end, action in self._spans:
            if start <= event.x < end:
                self.post_message(self.Clicked(action))
                return
