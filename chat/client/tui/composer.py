"""Where a message is written: several lines, history, and what is pasted."""

import re
from typing import ClassVar, Final, Protocol

from textual.binding import Binding, BindingType
from textual.events import Key, Paste
from textual.message import Message as Told
from textual.widgets import TextArea

__all__ = ["PASTE_LINES", "Composer", "ComposerUser"]

PASTE_LINES: Final = 5
"""More lines than these are pasted only after a question."""

_BREAKS: Final = frozenset({"ctrl+j", "shift+enter", "alt+enter"})
"""Keys that break the line. No bindings: those that have priority overtake what was typed before
them, and the others come too late."""

_HISTORY: Final = 200
"""Messages that can be brought back."""


_ACTING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e]")
"""What would act on the terminal when a pasted text is drawn. Somebody else may have written it."""


class ComposerUser(Protocol):
    """What a composer tells, at once: what is typed behind a key belongs to what comes after it."""

    def submit(self, text: str, *, is_literal: bool) -> None:
        """Send what is written. It is literal if its beginning was pasted: no command then."""
        ...

    def edit_last(self) -> None:
        """Edit what was said last."""
        ...

    def complete(self) -> None:
        """Complete what the cursor stands behind."""
        ...

    def page(self, direction: int) -> None:
        """Scroll what was said, up (-1) or down."""
        ...

    def takes_key(self, key: str) -> bool:
        """Take a key before the input does. Return whether that was done."""
        ...


class Composer(TextArea):
    """The input of a room. Enter sends, Ctrl-J breaks the line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=False),
        Binding("alt+p", "recall(-1)", "Sent before", show=False),
        Binding("alt+n", "recall(1)", "Sent after", show=False),
    ]

    DEFAULT_CSS = """
    Composer {
        height: auto; max-height: 8; min-height: 1; padding: 0 1; border: none;
        background: $panel; scrollbar-size-vertical: 1;
        &:focus { border: none; }
        & .text-area--cursor-line { background: $panel; }
    }
    """

    class LongPasted(Told):
        """The user pasted more lines than are taken without a question."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id, soft_wrap=True, tab_behavior="focus", compact=True, highlight_cursor_line=False
        )
        self.cursor_blink = False
        self._sent: list[str] = []
        self.user: ComposerUser | None = None
        """Who is told what is typed."""
        self._recalled: int | None = None
        self._kept = ""
        self._is_pasted = False
        """Whether the beginning of the text was pasted."""

    # --- What is written ---

    def put(self, text: str, *, is_literal: bool = False) -> None:
        """Replace what is written; the cursor stands at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)
        self._is_pasted = is_literal and bool(text)

    def complete_to(self, text: str, cursor: int) -> None:
        """Replace what is written by its completion, which can be undone."""
        before = text[:cursor]
        end = before.count("\n"), len(before.rpartition("\n")[2])
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor(end)

    @property
    def is_literal(self) -> bool:
        """Whether what is written is no command, because it was pasted."""
        return self._is_pasted

    @property
    def cursor_index(self) -> int:
        """Where the cursor is in the text."""
        row, column = self.cursor_location
        return sum(len(it) + 1 for it in self.document.lines[:row]) + column

    def paste(self, text: str) -> None:
        """Insert text that is no command, whatever it begins with."""
        start = min(self.selection.start, self.selection.end)
        if start == (0, 0):
            self._is_pasted = True
        result = self._replace_via_keyboard(text, *self.selection)
        if result is not None:
            self.move_cursor(result.end_location)

    def remember(self, text: str) -> None:
        """Let the user bring a text back."""
        if text.strip() and (not self._sent or self._sent[-1] != text):
            self._sent.append(text)
            del self._sent[:-_HISTORY]
        self._recalled = None

    # --- Keys ---

    async def _on_key(self, event: Key) -> None:
        if self.user is not None and self.user.takes_key(event.key):
            event.stop()
            event.prevent_default()
            return
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            if self.user is not None:
                self.user.submit(self.text, is_literal=self._is_pasted)
            return
        if event.key in _BREAKS:
            event.stop()
            event.prevent_default()
            self._replace_via_keyboard("\n", *self.selection)
            return
        await super()._on_key(event)
        if not self.text:
            self._is_pasted = False

    async def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        text = _ACTING.sub("", event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if text.rstrip("\n").count("\n") >= PASTE_LINES:
            self.post_message(self.LongPasted(text))
        else:
            self.paste(text)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up; in an empty input, edit the last message; at the first line, go back in time."""
        if select or self.cursor_location[0] > 0 or not self._is_first_row():
            super().action_cursor_up(select)
        elif not self.text:
            if self.user is not None:
                self.user.edit_last()
        else:
            self.action_recall(-1)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down; at the last line, go forward in time."""
        is_last = self.cursor_location[0] == self.document.line_count - 1
        if select or not is_last or self._recalled is None:
            super().action_cursor_down(select)
        else:
            self.action_recall(1)

    def action_cursor_page_up(self) -> None:
        """Scroll what was said: the input itself is small."""
        if self.user is not None:
            self.user.page(-1)

    def action_cursor_page_down(self) -> None:
        """Scroll what was said."""
        if self.user is not None:
            self.user.page(1)

    def _is_first_row(self) -> bool:
        return self.wrapped_document.location_to_offset(self.cursor_location).y == 0

    def action_recall(self, direction: int) -> None:
        """Bring back what was sent before, or after that."""
        at = len(self._sent) if self._recalled is None else self._recalled
        at += direction
        if at < 0 or not self._sent:
            return
        if self._recalled is None:
            self._kept = self.text
        if at >= len(self._sent):
            self._recalled = None
            self.put(self._kept)
        else:
            self.put(self._sent[at])
            self._recalled = at

    def action_complete(self) -> None:
        """Complete what the cursor stands behind."""
        if self.user is not None:
            self.user.complete()
