"""The text of a message as rows: paragraphs, quotes, lists and code, wrapped."""

from collections.abc import Callable, Iterable
from typing import Final

from textual.content import Content
from textual.content import Span as Styled
from textual.style import Style

from chat.client.look import Role
from chat.client.markup import Block, Code, Item, Mark, Span, parse, parse_inline
from chat.client.tui.styles import Styles
from chat.client.visible import isolate

__all__ = ["body_rows", "code_blocks", "fold", "inline"]

_NARROWEST: Final = 8
"""Columns that a text has at least, however deep it is."""

_LINES: Final = 200
"""Lines of a message that the log shows: one of 4,000 took ten frames to draw, and 160 screens."""

_BAR: Final = "│ "
_INDENT: Final = 2
_OWN: Final = "\u2068", "\u2069"


def inline(spans: Iterable[Span], styles: Styles) -> Content:
    """Return text with its marks and links."""
    text, styled, at = "", list[Styled](), 0
    for span in spans:
        text += span.text
        style = _style(span, styles)
        if style is not None:
            styled.append(Styled(at, at + len(span.text), style))
        at += len(span.text)
    return Content(text, styled)


def _style(span: Span, styles: Styles) -> Style | None:
    if not span.marks and span.link is None:
        return None
    style = Style(
        bold=Mark.BOLD in span.marks or None,
        italic=Mark.ITALIC in span.marks or None,
        strike=Mark.STRUCK in span.marks or None,
        link=span.link,
    )
    if Mark.CODE in span.marks:
        style = styles.role(Role.CODE) + style
    if span.link is not None:
        style = styles.role(Role.ACCENT) + Style(underline=True) + style
    return style


def body_rows(
    text: str, styles: Styles, width: int, seconds: Callable[[], float], before: Content | None
) -> list[Content]:
    """Return the rows of a text, each at most `width` columns wide; no row is left out.

    `before` stands in front of it if it says what somebody does: then it is one paragraph.
    `seconds` is a monotonic clock, for the time that colours of code may take.
    """
    if before is not None:
        return _wrap(before + inline(parse_inline(text), styles), width)
    rows: list[Content] = []
    for block in parse(text):
        if block.is_apart:
            rows.append(Content(""))
        rows += _block(block, styles, width, seconds)
    return rows or [Content("")]


def fold(text: str) -> tuple[str, int]:
    """Return the lines of a message that the log shows, and how many more there are."""
    lines = text.split("\n", _LINES)
    if len(lines) <= _LINES:
        return text, 0
    return "\n".join(lines[:_LINES]), lines[_LINES].count("\n") + 1


def code_blocks(text: str) -> list[str]:
    """Return the code in a message, block by block."""
    return [block.text for block in parse(text) if isinstance(block, Code)]


def _block(block: Block, styles: Styles, width: int, seconds: Callable[[], float]) -> list[Content]:
    quote = Content.styled(_BAR * block.quotes, styles.role(Role.DIM))
    room = max(_NARROWEST, width - quote.cell_length)
    match block:
        case Code():
            rows = _code(block, styles, room, seconds)
        case Item(marker=marker, level=level):
            indent = " " * (_INDENT * level)
            first = Content.assemble(indent, (marker, styles.role(Role.DIM)), " ")
            lines = _wrap(inline(block.spans, styles), room - first.cell_length)
            other = Content(" " * first.cell_length)
            rows = [(other if at else first) + line for at, line in enumerate(lines)]
        case _:
            rows = _wrap(inline(block.spans, styles), room)
            if block.quotes:
                rows = [row.stylize_before(styles.role(Role.DIM)) for row in rows]
    return [quote + row for row in rows] if block.quotes else rows


def _wrap(content: Content, width: int) -> list[Content]:
    return [_isolated(row) for row in content.wrap(max(_NARROWEST, width))]


def _isolated(row: Content) -> Content:
    """Return a row that does not change the direction of what stands before it."""
    if row.plain.isascii() or isolate(row.plain) == row.plain:
        return row
    opening, closing = _OWN
    return Content.assemble(opening, row, closing)


def _code(block: Code, styles: Styles, width: int, seconds: Callable[[], float]) -> list[Content]:
    # Pygments is imported when the first code is seen.
    from chat.client.highlight import highlight

    back = styles.role(Role.CODE)
    rows = []
    for line in highlight(block.text, block.language, seconds=seconds):
        content = Content.assemble(*((token.text, styles.role(token.role)) for token in line))
        for row in content.fold(max(_NARROWEST, width)):
            pad = " " * max(0, width - row.cell_length)
            rows.append(Content.assemble(row, pad).stylize_before(back))
    return rows
