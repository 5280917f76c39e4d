"""The list of how what is typed can go on, above the input."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from textual.content import Content
from textual.events import Click
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from chat.client.complete import Completion, Context, Kind, Names, complete
from chat.client.look import Role
from chat.client.tui.client import RoomsClient
from chat.client.tui.composer import Composer
from chat.client.tui.styles import Styles
from chat.client.visible import make_visible

__all__ = ["CompletionList", "completion_context"]

_ROWS: Final = 8

_RECENT: Final = 50
"""Messages whose authors are offered first when a name is completed."""

_UNASKED: Final = frozenset({Kind.COMMAND, Kind.EMOJI})
"""What is offered while one types. The others on Tab: a name is a word like any other."""


def completion_context(client: RoomsClient | None) -> Context:
    """Return what there is to be completed in the room that a client shows."""
    if client is None:
        return Context()
    rooms, room = list(client.core.rooms), client.room
    people = [it.name for it in rooms if it.is_private]
    members = (room.members or {}).values() if room is not None else ()
    nicks = chain(people, (it.nick for it in members))
    recent: dict[str, None] = {}
    if room is not None:
        for seq in reversed(room.timeline.tail.numbers[-_RECENT:]):
            message = room.timeline.message(seq)
            if message is not None and not message.is_own:
                recent.setdefault(message.author.nick)
    names = Names(it.name for it in rooms if not it.is_private)
    return Context(Names(nicks), tuple(recent), names)


class CompletionList(Widget):
    """Shows completions for a composer. `context` says what there is."""

    DEFAULT_CSS = """
    CompletionList {
        overlay: screen; constrain: inside inside; display: none;
        width: 100%; max-width: 76; height: auto; background: $panel;
    }
    """

    def __init__(self, styles: Styles, context: Callable[[], Context]) -> None:
        super().__init__()
        self._look = styles
        self._known = context
        self._found: Sequence[Completion] = ()
        self._at = 0
        self.composer: Composer
        """What is completed."""

    @property
    def is_open(self) -> bool:
        """Whether there is a list."""
        return bool(self._found)

    def set_look(self, styles: Styles) -> None:
        """Draw with other colours."""
        self._look = styles
        self.refresh()

    # --- When ---

    def typed(self) -> None:
        """Something was typed: offer what goes on by itself."""
        text, cursor = self.composer.text, self.composer.cursor_index
        word = text[:cursor].rpartition(" ")[2].rpartition("\n")[2]
        is_asked = self.is_open
        if not is_asked and not word.startswith((":", "@")) and not text.startswith("/"):
            return
        if self.composer.is_literal and text.startswith("/"):
            self.close()
            return
        found = complete(text, cursor, self._known())
        if not is_asked and not word.startswith("@"):
            found = [it for it in found if it.kind in _UNASKED]
        # What is whole already needs no list.
        self._show([it for it in found if it.text.strip() != word] if found else [])

    def tab(self) -> None:
        """Complete; offer a list, if there are several ways."""
        if self.is_open:
            self.apply(self._found[self._at])
            return
        found = complete(self.composer.text, self.composer.cursor_index, self._known())
        if len(found) == 1:
            self.apply(found[0])
        else:
            self._show(found)

    def key(self, key: str) -> bool:
        """Take a key of the composer. Return whether it was for the list."""
        if not self.is_open:
            return False
        match key:
            case "up" | "down":
                by = 1 if key == "down" else -1
                self._at = (self._at + by) % len(self._found)
                self.refresh()
            case "tab":
                self.tab()
            case "escape":
                self.close()
            case _:
                return False
        return True

    def apply(self, completion: Completion) -> None:
        """Put a completion into the input."""
        text, cursor = completion.apply(self.composer.text)
        self.composer.complete_to(text, cursor)
        self.close()

    def close(self) -> None:
        """Offer nothing."""
        self._show([])

    def _show(self, found: Sequence[Completion]) -> None:
        self._found, self._at = found, 0
        rows = min(len(found), _ROWS)
        self.display = bool(found)
        if found:
            self.styles.height = rows
            self.styles.offset = (0, -rows)
        self.refresh()

    # --- Drawing ---

    @property
    def _first(self) -> int:
        """The completion in the first row: the chosen one is in the middle, if that can be."""
        return max(0, min(self._at - _ROWS // 2, len(self._found) - _ROWS))

    def render_line(self, y: int) -> Strip:
        """Return a line of the list."""
        width, base = self.size.width, self._look.panel
        start = self._first
        if start + y >= len(self._found):
            return Strip.blank(width, base.rich_style)
        completion = self._found[start + y]
        is_chosen = start + y == self._at
        dim = self._look.role(Role.DIM)
        if is_chosen:
            base = base + self._look.role(Role.SELECTED)
            dim = Style()
        line = Content.assemble(
            "▶ " if is_chosen else "  ",
            make_visible(completion.label),
            ("  " + make_visible(completion.detail) if completion.detail else "", dim),
        ).truncate(width, ellipsis=True)
        return Strip(line.render_segments(base)).adjust_cell_length(width, base.rich_style)

    def on_click(self, event: Click) -> None:
        """Take what was clicked."""
        start = self._first
        if 0 <= start + event.y < len(self._found):
            self.apply(self._found[start + event.y])
            self.composer.focus()
