"""Everything one can press and type, from the tables that it is made of."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.style import Style

from chat.client.commands import ENTRIES
from chat.client.look import Role
from chat.client.tui.styles import Styles

__all__ = ["KEYS", "help_content"]

KEYS: Final[Sequence[tuple[str, str]]] = (
    ("Enter", "send"),
    ("Ctrl-J", "begin another line (also Shift-Enter or Alt-Enter, where the terminal tells)"),
    ("Tab", "complete a nickname, room, command or :emoji:"),
    ("↑ in an empty input", "edit your last message"),
    ("↑ ↓ in a text", "bring back what you sent before (also Alt-P, Alt-N)"),
    ("Ctrl-Z, Ctrl-Y", "undo, redo"),
    ("Ctrl-K", "go to a room or person"),
    ("Alt-↑, Alt-↓", "previous, next room with something unread"),
    ("Ctrl-P", "all commands"),
    ("Ctrl-F", "search"),
    ("Ctrl-G", "go to the first new message, to a date, to the end"),
    ("Page Up, Page Down", "scroll"),
    ("Ctrl-↑ or Shift-Tab", "select a message; then"),
    ("  ↑ ↓", "the one above or below"),
    ("  r  e  d", "reply, edit, delete"),
    ("  +  y  i", "react, copy, all about it"),
    ("  o  t", "what it replies to; try again, if it was refused"),
    ("Esc", "to the end; out of a reply, an edit, a selection"),
    ("F2, F3", "show or hide rooms, members"),
    ("F6", "to the next part of the screen"),
    ("F1 or ? in a selection", "this help"),
    ("Ctrl-Q", "leave"),
)
"""What the keys do, in the order in which one needs them."""


def help_content(styles: Styles) -> Content:
    """Return the help: keys, then commands."""
    strong = styles.role(Role.ACCENT)
    bold = Style(bold=True)
    width = max(len(keys) for keys, _ in KEYS) + 2
    lines = [Content.styled("Keys", bold)]
    lines += [Content.assemble((f"{keys:{width}}", strong), does) for keys, does in KEYS]
    lines += [Content(""), Content.styled("Commands", bold)]
    width = max(len(entry.line) for entry in ENTRIES.values()) + 2
    for entry in ENTRIES.values():
        lines.append(Content.assemble((f"{entry.line:{width}}", strong), entry.help))
        if entry.more:
            lines.append(Content.assemble(" " * width, (entry.more, styles.role(Role.DIM))))
    lines.append(Content(""))
    lines.append(
        Content("A line that does not begin with / is sent; // at its beginning sends a line that")
    )
    lines.append(Content("begins with /. What is pasted is never a command."))
    return Content("\n").join(lines)
