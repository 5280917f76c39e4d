"""A QR code in half blocks: two of its rows in one of the terminal's."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Static

__all__ = ["PictureScreen", "qr_rows"]

_TEXT_MOST: Final = 1_000
"""Bytes. A picture of more is larger than any screen."""
_BORDER: Final = 2
"""Modules of quiet around it: less than the standard's four, but scanners take it."""


def qr_rows(text: str) -> list[str]:
    """Return the rows of a QR code, where a block is light; none if the text is too long."""
    import segno

    if len(text.encode(errors="replace")) > _TEXT_MOST:
        return []
    code = segno.make(text.encode(errors="replace"), error="l", micro=False)
    modules = [[not dark for dark in row] for row in code.matrix_iter(border=_BORDER)]
    if len(modules) % 2:
        modules.append([True] * len(modules[0]))
    signs = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    return [
        "".join(signs[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(modules[::2], modules[1::2], strict=True)
    ]


class PictureScreen(ModalScreen[None]):
    """Shows a QR code over everything else: it needs nearly all of a small terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,space,q", "close", "Close", show=False)
    ]
    DEFAULT_CSS = """
    PictureScreen { align: center middle; background: $background; }
    PictureScreen Static { width: auto; height: auto; max-width: 100%; }
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._rows = qr_rows(text)

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        yield Static()

    def on_resize(self) -> None:
        """Draw it, if there is room for it."""
        columns, rows = len(self._rows[0]) if self._rows else 0, len(self._rows)
        if not rows:
            sentence = "That is too long for a picture."
        elif columns > self.size.width or rows > self.size.height:
            sentence = f"The picture needs {columns} columns and {rows} rows. Esc closes."
        else:
            # White on black whatever the theme: scanners need that.
            style = Style.parse("#ffffff on #000000")
            self.query_one(Static).update(Content("\n".join(self._rows)).stylize(style))
            return
        self.query_one(Static).update(Content(sentence))

    def on_click(self) -> None:
        """Close."""
        self.action_close()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
