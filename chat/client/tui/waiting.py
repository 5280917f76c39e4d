"""What is on the screen while the rest of the client is imported: a fraction of a second."""

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key, Paste
from textual.screen import Screen
from textual.widgets import Static

__all__ = ["WaitingScreen"]


class WaitingScreen(Screen[None]):
    """Keeps what is typed meanwhile."""

    DEFAULT_CSS = """
    WaitingScreen { background: $background; align: center middle; }
    WaitingScreen Static { width: auto; color: $dim; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.typed = ""

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        yield Static(Content("encchat"))

    def on_key(self, event: Key) -> None:
        """Keep what is typed."""
        if event.is_printable and event.character is not None:
            self.typed += event.character
        elif event.key in ("enter", "ctrl+j"):
            self.typed += "\n"  # To be read over before it is sent.
        elif event.key == "backspace":
            self.typed = self.typed[:-1]

    def on_paste(self, event: Paste) -> None:
        """Keep what is pasted."""
        self.typed += event.text
