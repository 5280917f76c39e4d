"""Small questions, and texts to read."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

__all__ = ["Ask", "Confirm", "Reader"]


class Confirm(ModalScreen[bool]):
    """Asks for a yes or a no.

    A question that comes by itself `is_sudden`: then no letter answers it, because one may be in
    the middle of a word, and Enter says no.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", "No", show=False),
        Binding("n", "letter(False)", "No", show=False),
        Binding("y", "letter(True)", "Yes", show=False),
        Binding("left", "app.focus_previous", "Before", show=False),
        Binding("right", "app.focus_next", "After", show=False),
    ]

    DEFAULT_CSS = """
    Confirm { align: center middle; background: $background 60%; }
    Confirm > Vertical {
        width: 64; max-width: 96%; height: auto; background: $panel; padding: 1 2;
        border: round $line;
    }
    Confirm Horizontal { height: auto; margin-top: 1; }
    Confirm Button { margin-right: 2; }
    """

    def __init__(
        self, question: str, yes: str, no: str = "Cancel", *, is_sudden: bool = False
    ) -> None:
        super().__init__()
        self._is_sudden = is_sudden
        self._question = question
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        with Vertical():
            yield Static(Content(self._question))
            with Horizontal():
                yield Button(Content(self._yes), id="yes", variant="primary", compact=True)
                yield Button(Content(self._no), id="no", compact=True)

    def on_mount(self) -> None:
        """Begin at the answer that changes nothing, if the question is sudden."""
        self.query_one("#no" if self._is_sudden else "#yes").focus()

    def action_letter(self, is_yes: bool) -> None:
        """Answer by a letter."""
        if not self._is_sudden:
            self.dismiss(is_yes)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, is_yes: bool) -> None:
        """Answer."""
        self.dismiss(is_yes)


class Ask(ModalScreen[str | None]):
    """Asks for a line. Returns None where the user gives up."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    DEFAULT_CSS = """
    Ask { align: center middle; background: $background 60%; }
    Ask > Vertical {
        width: 64; max-width: 96%; height: auto; background: $panel; padding: 1 2;
        border: round $line;
    }
    Ask Input { background: $background; padding: 0 1; margin-top: 1; }
    Ask .trouble { color: $error; margin-top: 1; }
    Ask .hint { color: $dim; margin-top: 1; }
    """

    def __init__(
        self,
        question: str,
        *,
        value: str = "",
        trouble: Sequence[str] = (),
        hint: str = "Enter goes on, Esc cancels.",
        is_secret: bool = False,
    ) -> None:
        super().__init__()
        self._question = question
        self._value = value
        self._trouble = trouble
        self._hint = hint
        self._is_secret = is_secret

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        with Vertical():
            yield Static(Content(self._question))
            yield Input(self._value, password=self._is_secret, compact=True)
            if self._trouble:
                yield Static(Content("\n".join(self._trouble)), classes="trouble")
            yield Static(Content(self._hint), classes="hint")

    def on_mount(self) -> None:
        """Do not blink."""
        self.query_one(Input).cursor_blink = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Give up."""
        self.dismiss(None)


class Reader(ModalScreen[None]):
    """Shows a text that may be longer than the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,enter", "close", "Close", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Up", show=False),
        Binding("pagedown,space", "page(1)", "Down", show=False),
        Binding("home", "edge(-1)", "Beginning", show=False),
        Binding("end", "edge(1)", "End", show=False),
    ]

    DEFAULT_CSS = """
    Reader { align: center middle; background: $background 60%; }
    Reader > Vertical {
        width: 100; max-width: 98%; height: auto; max-height: 96%; background: $panel;
        padding: 0 1; border: round $line;
    }
    Reader VerticalScroll { height: auto; max-height: 80vh; scrollbar-size-vertical: 1; }
    Reader Static { width: 1fr; height: auto; }
    Reader #title { text-style: bold; margin-bottom: 1; }
    Reader #close { color: $dim; margin-top: 1; }
    """

    def __init__(self, title: str, text: Content) -> None:
        super().__init__()
        self._title_text = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        with Vertical():
            yield Static(Content(self._title_text), id="title")
            with VerticalScroll():
                yield Static(self._text)
            yield Static(Content("Esc closes."), id="close")

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Move the text."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Move the text by a page."""
        box = self.query_one(VerticalScroll)
        box.scroll_relative(y=by * max(1, box.size.height - 2), animate=False)

    def action_edge(self, where: int) -> None:
        """Go to the beginning or the end of the text."""
        box = self.query_one(VerticalScroll)
        if where < 0:
            box.scroll_home(animate=False)
        else:
            box.scroll_end(animate=False)
