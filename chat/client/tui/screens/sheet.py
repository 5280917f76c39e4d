"""What the screens have in common: a sheet with a title, fields, buttons, and a place for refusals.

Everything can be reached with Tab and the arrow keys, and with the mouse. A refusal is shown above
the buttons, and what was typed stays.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ItemGrid, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static

from chat.client.visible import isolate, make_visible

__all__ = ["Done", "Field", "Pick", "Sheet", "button", "hint", "shown", "text"]

T = TypeVar("T")

Done = Callable[[str | None], None]
"""To be called when something was done, or with the sentence why it was not."""

_TEXT_MOST: Final = 4_000
"""Characters of a text from elsewhere that a sheet shows."""


def shown(untrusted: str) -> str:
    """Return a text of somebody else, fit for a terminal; lines stay."""
    lines = untrusted[:_TEXT_MOST].split("\n")
    return "\n".join(isolate(make_visible(line)) for line in lines)


def text(untrusted: str, classes: str = "") -> Static:
    """Return a text, made visible, that is never markup."""
    return Static(Content(shown(untrusted)), classes=classes)


def hint(sentence: str) -> Static:
    """Return an explanation."""
    return text(sentence, "hint")


def button(label: str, id_: str, *, is_main: bool = False, is_bad: bool = False) -> Button:
    """Return a button."""
    made = Button(Content(shown(label)), id=id_, compact=True)
    made.variant = "primary" if is_main else "error" if is_bad else "default"
    return made


class Field(Vertical):
    """A line to type in, below what it is for."""

    DEFAULT_CSS = """
    Field { height: auto; margin-bottom: 1; }
    Field Input { background: $background; padding: 0 1; }
    Field Input:focus { background: $background; text-style: none; }
    """

    def __init__(
        self, label: str, value: str = "", *, id: str, example: str = "", is_secret: bool = False
    ) -> None:
        super().__init__(id=id)
        self._label = label
        self._before = shown(value).strip()
        self._input = Input(self._before, example, password=is_secret, compact=True)
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        yield text(self._label)
        yield self._input

    @property
    def value(self) -> str:
        """What is typed."""
        return self._input.value.strip() if not self._input.password else self._input.value

    @property
    def is_changed(self) -> bool:
        """Whether it is not what it was. What had to be made visible must not be sent back."""
        return self.value != self._before

    def enter(self) -> None:
        """Go there."""
        self._input.focus()


class Pick(Widget, Generic[T], can_focus=True):
    """One of a few values: the arrow keys, Enter and the mouse take the next one."""

    DEFAULT_CSS = """
    Pick { height: 1; width: 1fr; }
    Pick:focus { background: $accent; color: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,enter,space", "step(1)", "Next", show=False),
        Binding("left", "step(-1)", "Before", show=False),
    ]
    at: reactive[int] = reactive(0)

    class Changed(Message):
        """Another value was taken."""

        def __init__(self, pick: "Pick[Any]") -> None:
            super().__init__()
            self.pick = pick

    def __init__(self, label: str, values: Sequence[tuple[T, str]], value: T, *, id: str) -> None:
        super().__init__(id=id)
        self._label = label
        self._values = values
        self.set_reactive(Pick.at, [it for it, _ in values].index(value))

    @property
    def value(self) -> T:
        """The value that is taken."""
        return self._values[self.at][0]

    def take(self, value: T) -> None:
        """Take a value, without telling anybody."""
        self.at = [it for it, _ in self._values].index(value)

    def render(self) -> Content:
        """Return the line."""
        return Content(f"{shown(self._label)}  < {shown(self._values[self.at][1])} >")

    def action_step(self, by: int) -> None:
        """Take another value."""
        self.at = (self.at + by) % len(self._values)
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        """Take the next value."""
        event.stop()
        self.focus()
        self.action_step(1)


class Sheet(ModalScreen[None]):
    """A sheet over the room. Esc closes it.

    Subclasses return its fields and its buttons; `press` is called with the id of a button, or with
    that of the main one when Enter ends a line.
    """

    AUTO_FOCUS = ""
    """Not the toolkit's: it scrolls what is above the field away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Before", show=False),
        Binding("pagedown", "page(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Up", show=False),
    ]

    DEFAULT_CSS = """
    Sheet { align: center middle; background: $background 60%; }
    Sheet > Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%; background: $panel;
        padding: 0 1; border: round $border-blurred;
    }
    Sheet #title { text-style: bold; margin-bottom: 1; max-height: 3; }
    Sheet #fields { height: auto; max-height: 50vh; scrollbar-size-vertical: 1; }
    Sheet Static { width: 1fr; height: auto; }
    Sheet .hint { color: $secondary; margin-bottom: 1; }
    Sheet .strong { text-style: bold; }
    Sheet .bad { color: $error; }
    Sheet #trouble { color: $error; min-height: 1; max-height: 4; }
    Sheet #trouble.good { color: $success; }
    Sheet #buttons { height: auto; grid-gutter: 0 1; grid-rows: 1; }
    Sheet #buttons Button { width: 1fr; }
    Sheet OptionList, Sheet OptionList:focus {
        height: auto; max-height: 10; border: none; padding: 0; background: $background;
    }
    """

    heading: ClassVar[str] = ""
    main: ClassVar[str] = ""
    """The id of the button that Enter presses."""

    def __init__(self) -> None:
        super().__init__()
        self._is_busy = False
        self._is_over = False

    def fields(self) -> Iterable[Widget]:
        """Return what is between title and buttons."""
        raise NotImplementedError

    def buttons(self) -> Iterable[Button]:
        """Return the buttons; one that closes follows."""
        return ()

    def title_text(self) -> str:
        """Return the title."""
        return self.heading

    def press(self, id_: str) -> None:
        """Do what a button is for."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        with Vertical():
            yield Static(Content(shown(self.title_text())), id="title")
            yield VerticalScroll(*self.fields(), id="fields", can_focus=False)
            yield Static(id="trouble")
            with ItemGrid(min_column_width=16, id="buttons"):
                yield from self.buttons()
                yield button(self.close_label(), "close")

    def close_label(self) -> str:
        """Return what the last button says."""
        return "Close (Esc)"

    def on_mount(self) -> None:
        """Begin."""
        # The toolkit calls the handlers of all ancestors, so this is not for overriding.
        self.start()

    def start(self) -> None:
        """Begin where something is typed."""
        for listed in self.query(OptionList):
            if listed.option_count:
                listed.highlighted = 0
        for widget in self.query("Input, Pick, OptionList, Button"):
            if widget.focusable:
                widget.focus(scroll_visible=False)
                break

    def action_move(self, by: int) -> None:
        """Go to the next field, or show more of what is between title and buttons."""
        box = self.query_one("#fields")
        can_scroll = box.scroll_y < box.max_scroll_y if by > 0 else box.scroll_y > 0
        if can_scroll and isinstance(self.focused, Button):
            box.scroll_relative(y=by, animate=False)
        elif by > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_page(self, by: int) -> None:
        """Show the next page of what is between title and buttons."""
        box = self.query_one("#fields")
        box.scroll_relative(y=by * max(1, box.size.height - 1), animate=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Press."""
        event.stop()
        if event.button.id == "close":
            self.action_close()
        elif event.button.id is not None and not self._is_busy:
            self.press(event.button.id)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next line, or do it."""
        event.stop()
        inputs = list(self.query(Input))
        at = inputs.index(event.input)
        if at + 1 < len(inputs):
            inputs[at + 1].focus()
        elif self.main and not self._is_busy:
            self.press(self.main)

    def action_close(self) -> None:
        """Go back."""
        self.end()

    def end(self) -> None:
        """Go away, as soon as nothing is above."""
        self._is_over = True
        if self.is_active:
            self.dismiss(None)

    def on_screen_resume(self) -> None:
        """Go away, if that could not be done before."""
        # By the time this is told, the sheet may be gone; what is above then must stay.
        if self._is_over and self.is_active:
            self.dismiss(None)

    # --- What came of it ---

    def refuse(self, sentence: str) -> None:
        """Show why something was not done; what was typed stays."""
        self._tell(sentence, is_bad=True)

    def tell(self, sentence: str) -> None:
        """Show that something was done."""
        self._tell(sentence, is_bad=False)

    def _tell(self, sentence: str, *, is_bad: bool) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.update(Content(shown(sentence)))
        trouble.set_class(not is_bad, "good")

    def begin(self, then: Callable[[], None]) -> Done:
        """Begin something that takes a while; return what is to be called when it is done.

        `then` is called if it was not refused, and the sheet is still there.
        """
        self._is_busy = True
        self.tell("")

        def done(refusal: str | None) -> None:
            self._is_busy = False
            if not self.is_attached:
                return
            if refusal is None:
                then()
            else:
                self.refuse(refusal)

        return done

    def closing(self) -> Done:
        """Begin something after which the sheet closes."""
        return self.begin(self.end)
