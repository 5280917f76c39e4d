"""A list to choose from by typing a few letters: rooms and people, commands, signs, what was found.

All text is made visible before it gets here, and is content without markup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from chat.client.look import Role
from chat.client.tui.styles import Styles

__all__ = ["Choice", "Picker", "rank"]

_SHOWN = 200
"""Choices that are shown at once; typing finds the others."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose."""

    key: str
    text: str
    """What is matched, and shown."""
    note: str = ""
    """Shown behind it."""


def rank(choices: Sequence[Choice], query: str) -> list[Choice]:
    """Return the choices that match, the best first; all in their order for an empty query."""
    query = query.strip()
    if not query:
        return list(choices)
    matcher = Matcher(query)
    scored = [(matcher.match(choice.text), at, choice) for at, choice in enumerate(choices)]
    found = sorted((it for it in scored if it[0] > 0), key=lambda it: (-it[0], it[1]))
    return [choice for _, _, choice in found]


class Picker(ModalScreen[str | None]):
    """Returns the key of what was chosen, or None. With `free`, also what was typed, if nothing
    matches: `free` makes a choice of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Close", show=False),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "move(-8)", "Up", show=False, priority=True),
        Binding("pagedown", "move(8)", "Down", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    Picker { align: center top; background: $background 60%; }
    Picker > Vertical {
        width: 72; max-width: 96%; height: auto; max-height: 80%; margin-top: 2;
        background: $panel; padding: 0 1; border: round $line;
    }
    Picker Input { background: $panel; padding: 0; }
    Picker OptionList {
        border: none; background: $panel; padding: 0; height: auto; max-height: 20;
        scrollbar-size-vertical: 1;
    }
    Picker Static { color: $dim; height: auto; }
    """

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        styles: Styles,
        *,
        free: Callable[[str], Choice | None] = lambda _: None,
        empty: str = "Nothing matches.",
    ) -> None:
        super().__init__()
        self._title_text = title
        self._choices = choices
        self._look = styles
        self._free = free
        self._empty = empty
        self._shown: list[Choice] = []

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        with Vertical():
            yield Static(Content(self._title_text))
            yield Input(placeholder="Type to find", id="query", compact=True)
            yield OptionList(id="choices")

    def on_mount(self) -> None:
        """Show all."""
        self.query_one(Input).cursor_blink = False
        self.query_one(OptionList).can_focus = False
        self._list("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches."""
        self._list(event.value)

    def _list(self, query: str) -> None:
        shown = rank(self._choices, query)
        free = self._free(query)
        if free is not None:
            shown.append(free)
        self._shown = shown[:_SHOWN]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(self._prompt(choice)) for choice in self._shown)
        if not shown:
            options.add_option(Option(Content(self._empty), disabled=True))
        options.highlighted = 0 if shown else None

    def _prompt(self, choice: Choice) -> Content:
        width = max(8, self.query_one(OptionList).scrollable_content_region.width or 60)
        line = Content(choice.text)
        if choice.note:
            line = Content.assemble(line, "  ", (choice.note, self._look.role(Role.DIM)))
        return line.truncate(width, ellipsis=True)

    def action_move(self, by: int) -> None:
        """Move the highlight."""
        options = self.query_one(OptionList)
        if self._shown:
            at = (options.highlighted or 0) + by
            options.highlighted = min(len(self._shown) - 1, max(0, at))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose what is highlighted."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._shown):
            self.dismiss(self._shown[at].key)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose what was clicked."""
        if event.option_index < len(self._shown):
            self.dismiss(self._shown[event.option_index].key)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
