"""A QR code in half blocks: two of its rows in one of the terminal's."""

from functools import cached_property
from typing import Final

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

__all__ = ["Picture", "qr_rows"]

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


class Picture(Static):
    """Shows a QR code where there is room for it, and says so where there is none."""

    DEFAULT_CSS = "Picture { height: auto; }"

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    @cached_property
    def _rows(self) -> list[str]:
        return qr_rows(self._text)

    def on_resize(self) -> None:
        """Draw it, or leave it."""
        if not self._rows or len(self._rows[0]) > self.size.width:
            self.update(Content("For a picture to scan, make the terminal larger."))
            return
        # White on black whatever the theme: scanners need that.
        style = Style.parse("#ffffff on #000000")
        self.update(Content("\n".join(self._rows)).stylize(style))
