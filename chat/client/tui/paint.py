"""Rows of a log as strips of the terminal. No widget, no room: values in, strips out.

Whatever people wrote is made visible here, and becomes `Content` without markup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from time import monotonic
from typing import Final

from rich.segment import Segment
from textual.content import Content, Span
from textual.strip import Strip
from textual.style import Style

from chat.client.core.model import Message, MessageState, Reply
from chat.client.core.rooms import Room
from chat.client.look import (
    Role,
    continues_group,
    day_words,
    format_time,
    hue_of,
    is_same_day,
)
from chat.client.markup import flatten
from chat.client.tui.bodies import body_rows, fold
from chat.client.tui.rows import Note, NoteKind, Presence, Row
from chat.client.tui.styles import Styles
from chat.client.visible import isolate, make_visible
from chat.ids import AccountId

__all__ = ["TEXT_INDENT", "Context", "Painter", "label", "shown"]

TEXT_INDENT: Final = 2
"""Columns to the left of texts: the first has marks."""

_QUOTED: Final = 200
"""Characters of a message that another one answers."""

_NOTES: Final = {
    NoteKind.EVENT: (Role.DIM, "·"),
    NoteKind.ANSWER: (Role.TEXT, " "),
    NoteKind.TROUBLE: (Role.BAD, "!"),
}
"""The role and the mark of notes."""


def shown(text: str) -> str:
    """Return text of other people, fit for one line on the screen."""
    return make_visible(isolate(text))


def label(room: Room) -> str:
    """Return what a room or conversation is called on the screen."""
    return f"{'@' if room.is_private else '#'}{shown(room.name)}"


@dataclass(frozen=True, slots=True)
class Context:
    """What else a row looks like, besides what it says."""

    before: Row | None = None
    """The row above it."""
    new: str = ""
    """The words of the marker above it, if the user left off there."""
    is_selected: bool = False
    is_mention: bool = False


class Painter:
    """Draws rows. `clock` says what day it is: milliseconds of UTC since 1970. `seconds` is a
    monotonic clock."""

    def __init__(
        self, clock: Callable[[], int], zone: tzinfo, seconds: Callable[[], float] = monotonic
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._zone = zone

    def paint(
        self,
        row: Row | None,
        context: Context,
        styles: Styles,
        width: int,
        hue: Callable[[AccountId], int] = hue_of,
    ) -> list[Strip]:
        """Return the lines of a row, each `width` columns wide; none if nothing is known of it.

        `hue` is the colour of an account's nickname.
        """
        if row is None:
            return []
        lines = _Lines(styles, width, context)
        time = self._time(row)
        before = context.before
        is_new_day = before is None or not is_same_day(self._time(before), time, self._zone)
        if is_new_day:
            lines.rule(day_words(time, self._clock(), self._zone), styles.role(Role.DIM))
        if context.new:
            lines.rule(context.new, styles.role(Role.ACCENT) + Style(bold=True))
        match row:
            case Message():
                is_first = is_new_day or bool(context.new) or not self._continues(before, row)
                name = styles.name(hue(row.author.account))
                self._message(lines, row, styles, name, is_first=is_first)
            case Presence():
                lines.text(Content(_presence_words(row)), styles.role(Role.DIM), mark="·")
            case Note(kind, text):
                role, mark = _NOTES[kind]
                for line in text.split("\n"):
                    lines.text(Content(_line(line)), styles.role(role), mark=mark)
        return lines.strips

    def _message(
        self, lines: "_Lines", message: Message, styles: Styles, name: Style, *, is_first: bool
    ) -> None:
        dim = styles.role(Role.DIM)
        nick = shown(message.author.nick)
        is_action = message.content.is_action and not message.is_deleted
        if is_first and not is_action:
            time = self._time(message)
            # The day is above, in words.
            lines.head(
                Content.assemble((nick, name), "  ", (format_time(time, time, self._zone), dim))
            )
        if message.reply is not None:
            lines.quote(_quote(message.reply), dim)
        if message.is_deleted:
            lines.text(Content("deleted"), dim + Style(italic=True), mark=" ")
            return
        before = Content.assemble("* ", (nick, name), " ") if is_action else None
        body_text, folded = fold(message.text)
        bodies = body_rows(body_text, styles, lines.room, self._seconds, before)
        if folded:
            more = "1 more line" if folded == 1 else f"{folded:,} more lines"
            bodies.append(Content.styled(f"… {more}; info shows all", dim))
        if message.is_edited:
            edited = Content.assemble(bodies[-1].rstrip(), (" (edited)", dim))
            bodies[-1:] = edited.wrap(lines.room)
        mark, style = _mark(message, styles)
        text = dim if message.state is MessageState.WAITING else styles.role(Role.TEXT)
        for body in bodies:
            lines.row(body, text, mark=mark, mark_style=style)
            mark = " "
        if message.reactions:
            counts = message.reaction_counts.items()
            words = "  ".join(f"{shown(sign)} {count}" for sign, count in counts)
            lines.text(Content(words), styles.role(Role.ACCENT), mark=" ")
        if message.refusal is not None:
            why = f"Not sent: {shown(message.refusal.text)}"
            lines.text(Content(why), styles.role(Role.BAD), mark=" ")

    def _time(self, row: Row) -> int:
        return row.time or self._clock()

    def _continues(self, before: Row | None, message: Message) -> bool:
        """Whether a message stands below the name that the one above has."""
        return (
            isinstance(before, Message)
            and before.author == message.author
            and (before.is_deleted or not before.content.is_action)
            and continues_group(self._time(before), self._time(message))
        )


class _Lines:
    """Lines of one row, as they are added."""

    def __init__(self, styles: Styles, width: int, context: Context) -> None:
        self.strips: list[Strip] = []
        self._styles = styles
        self._width = width
        self.room = max(8, width - TEXT_INDENT)
        """Columns of text."""
        self._is_marked = context.is_mention
        self._is_selected = context.is_selected
        self._plain = self._base = styles.bg
        if context.is_selected:
            self._base = styles.panel
        elif context.is_mention:
            self._base = styles.role(Role.MENTION)

    def rule(self, words: str, style: Style) -> None:
        """Add a separator with words in it."""
        line = f"── {words} "
        rest = Content(line).cell_length
        content = Content(line + "─" * max(0, self._width - rest))
        self._add(content.truncate(self._width), style, self._plain)

    def head(self, content: Content) -> None:
        """Add the line with the name."""
        gutter = self._gutter(" ", None)
        self._add(
            Content.assemble(gutter, content.truncate(self._width - 1, ellipsis=True)),
            Style(),
            self._base,
        )

    def quote(self, content: Content, style: Style) -> None:
        """Add the line about the message that this one answers."""
        gutter = self._gutter(" ", None)
        rest = self._width - TEXT_INDENT - 1
        self._add(
            Content.assemble(gutter, " ╭ ", content.truncate(rest - 1, ellipsis=True)),
            style,
            self._base,
        )

    def text(
        self, content: Content, style: Style, *, mark: str, mark_style: Style | None = None
    ) -> None:
        """Add lines of text, the first with a mark."""
        for line in content.wrap(self.room):
            self.row(line, style, mark=mark, mark_style=mark_style)
            mark = " "

    def row(
        self, content: Content, style: Style, *, mark: str, mark_style: Style | None = None
    ) -> None:
        """Add a line of text that is not too long."""
        gutter = self._gutter(mark, mark_style or style)
        self._add(Content.assemble(gutter, " ", content), style, self._base)

    def _gutter(self, mark: str, style: Style | None) -> Content:
        if self._is_selected:
            return Content("▶", [Span(0, 1, self._styles.role(Role.ACCENT))])
        if mark == " " and self._is_marked:
            return Content("▌", [Span(0, 1, self._styles.role(Role.WARN))])
        return Content(mark, [Span(0, 1, style)] if style is not None else None)

    def _add(self, content: Content, style: Style, back: Style) -> None:
        base = back + style
        segments: Sequence[Segment] = content.render_segments(base)
        strip = Strip(segments).adjust_cell_length(self._width, back.rich_style)
        self.strips.append(strip)


def _line(text: str) -> str:
    return shown(text.expandtabs(4))


def _mark(message: Message, styles: Styles) -> tuple[str, Style]:
    if message.state is MessageState.WAITING:
        return "○", styles.role(Role.WARN)
    if message.state is MessageState.REFUSED:
        return "✗", styles.role(Role.BAD)
    return " ", Style()


def _quote(reply: Reply) -> Content:
    if reply.author is None or reply.content is None:
        return Content(f"message {reply.seq}")
    text = flatten(reply.content.text[:_QUOTED])
    return Content(f"{shown(reply.author.nick)}: {isolate(text)}")


def _presence_words(presence: Presence) -> str:
    arrived = [nick for nick, is_here in presence.is_here.items() if is_here]
    gone = [nick for nick, is_here in presence.is_here.items() if not is_here]
    parts = [
        f"{_names(nicks)} {word}" for nicks, word in ((arrived, "joined"), (gone, "left")) if nicks
    ]
    return ", ".join(parts)


_NAMED: Final = 5


def _names(nicks: Sequence[str]) -> str:
    names = [shown(it) for it in nicks[:_NAMED]]
    if len(nicks) > _NAMED:
        names.append(f"{len(nicks) - _NAMED} others")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
