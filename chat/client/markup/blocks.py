"""From a message to its blocks, line by line. Blocks are flat: each says how deep it is."""

import re
from dataclasses import dataclass, field
from typing import Final

from chat.client.markup.inline import Span, parse_visible, visible_lines
from chat.limits import TEXT_BYTES

__all__ = ["Block", "Code", "Item", "Paragraph", "flatten", "parse"]

_PARSED_MOST: Final = 2 * TEXT_BYTES
"""Characters of a text that has blocks and marks. A longer one is nobody's message."""

_LEVELS: Final = 4
"""Levels of lists. What is deeper is on the last one."""

_BULLET: Final = "•"
_QUOTE: Final = re.compile("(?:> ?){0,3}>(?: |$)")
"""Up to four levels. What is not followed by a space is a face: >:("""
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)")
_LANGUAGE: Final = re.compile(r"\s*([0-9A-Za-z_+#.-]{1,32})\s*", re.ASCII)
_ITEM: Final = re.compile(r"( *)([-*+]|[0-9]{1,3}[.)]) +(?=\S)")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of text."""

    spans: tuple[Span, ...]
    quotes: int = 0
    """In how many quotes it is."""
    is_apart: bool = False
    """Whether an empty line is before it."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list."""

    spans: tuple[Span, ...]
    marker: str
    """A bullet, or the number as it was typed: "3."."""
    level: int
    quotes: int = 0
    is_apart: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """Code between fences."""

    text: str
    language: str
    """As it was typed; empty if it was not said."""
    quotes: int = 0
    is_apart: bool = False


Block = Paragraph | Item | Code


def parse(text: str) -> tuple[Block, ...]:
    """Return the blocks of a message, made visible."""
    if len(text) > _PARSED_MOST:
        return (Paragraph((Span("\n".join(visible_lines(text))),)),)
    parser = _Parser()
    for line in visible_lines(text):
        parser.take(line)
    parser.end()
    return tuple(parser.blocks)


def flatten(text: str) -> str:
    """Return a message in one line without marks, as a quotation or a notification has it."""
    parts = []
    for block in parse(text):
        whole = block.text if isinstance(block, Code) else "".join(it.text for it in block.spans)
        parts.append(f"{block.marker} {whole}" if isinstance(block, Item) else whole)
    return " ".join(" ".join(parts).split())


@dataclass(slots=True)
class _Lines:
    """A block that may go on."""

    quotes: int
    is_apart: bool
    lines: list[str] = field(default_factory=list)
    marker: str = ""
    """Of an item; empty in a paragraph."""
    level: int = 0
    fence: str = ""
    """Of code; empty elsewhere."""
    language: str = ""


class _Parser:
    """Takes one line after the other."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._current: _Lines | None = None
        self._is_apart = False
        """Whether the last line was empty."""

    def take(self, line: str) -> None:
        """Take a line."""
        if self._current is not None and self._current.fence and self._code(self._current, line):
            return
        quotes, rest = _unquote(line)
        current = self._current
        if not rest.strip():
            self.end()
            self._is_apart = True
        elif fence := _FENCE.fullmatch(rest):
            begun = self._begin(_Lines(quotes, self._is_apart, fence=fence[1]))
            language = _LANGUAGE.fullmatch(fence[2])
            if language:
                begun.language = language[1]
            elif fence[2].strip():
                begun.lines.append(fence[2])
        elif item := _ITEM.match(rest):
            above = -1 if current is None or current.quotes != quotes else current.level
            begun = _Lines(quotes, self._is_apart, [rest[item.end() :]])
            begun.marker = _BULLET if item[2] in "-*+" else item[2]
            is_in_list = current is not None and current.marker
            begun.level = min(len(item[1]) // 2, above + 1, _LEVELS - 1) if is_in_list else 0
            self._begin(begun)
        elif current is not None and current.quotes == quotes and _goes_on(current, rest):
            current.lines.append(rest.strip() if current.marker else rest)
        else:
            self._begin(_Lines(quotes, self._is_apart, [rest]))

    def end(self) -> None:
        """End the block that may go on."""
        found, self._current = self._current, None
        if found is None:
            return
        where, text = (found.quotes, found.is_apart), "\n".join(found.lines)
        if found.fence:
            self.blocks.append(Code(text, found.language, *where))
        elif found.marker:
            spans = parse_visible(text)
            self.blocks.append(Item(spans, found.marker, found.level, *where))
        else:
            self.blocks.append(Paragraph(parse_visible(text), *where))

    def _begin(self, lines: _Lines) -> _Lines:
        self.end()
        lines.is_apart = lines.is_apart and bool(self.blocks)
        self._current, self._is_apart = lines, False
        return lines

    def _code(self, current: _Lines, line: str) -> bool:
        """Take a line in a fence; return False if it is behind it, because its quote has ended."""
        rest = line
        if current.quotes:
            quotes, rest = _unquote(line)
            if quotes < current.quotes:
                self.end()
                return False
        bare = rest.strip()
        if len(bare) >= len(current.fence) and not bare.strip(current.fence[0]):
            self.end()
        else:
            current.lines.append(rest)
        return True


def _unquote(line: str) -> tuple[int, str]:
    """Return in how many quotes a line is, and the line without their signs."""
    quote = _QUOTE.match(line)
    return (quote[0].count(">"), line[quote.end() :]) if quote else (0, line)


def _goes_on(current: _Lines, line: str) -> bool:
    return not current.marker or line.startswith("  ")
