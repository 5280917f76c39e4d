"""Everything one can press and type, from the tables that it is made of."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.style import Style

from chat.client.commands import ENTRIES
from chat.client.look import Role
from chat.client.storage.bindings import Keys
from chat.client.tui.keys import MESSAGE, SCREEN, key_words
from chat.client.tui.styles import Styles

__all__ = ["help_content"]

_INPUT: Final[Sequence[tuple[str, str]]] = (
    ("Enter", "send"),
    ("Ctrl-J", "begin another line (also Shift-Enter or Alt-Enter, where the terminal tells)"),
    ("Tab", "complete a nickname, room, command or :emoji:"),
    ("↑ in an empty input", "edit your last message"),
    ("↑ and ↓ in a text", "bring back what you sent before (also Alt-P and Alt-N)"),
    ("Ctrl-Z and Ctrl-Y", "undo, redo"),
)
_LEAVE: Final = ("Ctrl-Q", "leave")


def help_content(styles: Styles, keys: Keys) -> Content:
    """Return the help: keys, then commands."""
    strong = styles.role(Role.ACCENT)
    bold = Style(bold=True)
    lines: list[Content] = []
    everywhere = [(key_words(keys[it.name]), it.help) for it in SCREEN]
    selected = [(key_words(keys[it.name]), it.help) for it in MESSAGE]
    groups = (
        ("In the input", _INPUT),
        ("Everywhere", [*everywhere, _LEAVE]),
        ("In a selected message", selected),
    )
    width = max(len(words) for _, group in groups for words, _ in group) + 2
    for title, group in groups:
        lines.append(Content.styled(title, bold))
        lines += [Content.assemble((f"{words:{width}}", strong), does) for words, does in group]
        lines.append(Content(""))
    lines.append(Content.styled("Commands", bold))
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
