"""Marks and links inside a block.

One pass from left to right. Marks that are open are on a stack; one that closes drops those that
were opened after it, which are text then. So everything is opened and closed at most once.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Flag
from typing import Final

from chat.client.markup.links import DESTINATION, URL, safe_target, target_agrees, trim_url
from chat.client.visible import make_visible

__all__ = ["Mark", "Span", "parse_inline", "parse_visible", "visible_lines"]


class Mark(Flag):
    """How a part of a text is marked."""

    NONE = 0
    BOLD = 1
    ITALIC = 2
    STRUCK = 4
    CODE = 8


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text that is drawn in one way. Lines are separated by a line feed."""

    text: str
    marks: Mark = Mark.NONE
    link: str | None = None
    """Where it leads: printable ASCII, and what the text says as well."""


_MARKS: Final = {
    "**": Mark.BOLD,
    "*": Mark.ITALIC,
    "_": Mark.ITALIC,
    "~~": Mark.STRUCK,
}
_SPLIT: Final = {"***": ("**", "*")}
"""Runs that are two marks at once."""

_SPECIAL: Final = re.compile(rf"\\[!-/:-@\[-`{{-~]|`+|\*+|_+|~+|[\[\]]|{URL}")
_BACKTICKS: Final = re.compile("`+")
_DESTINATION: Final = re.compile(DESTINATION)

_SPECIALS_MOST: Final = 1_000
"""Marks, links and the like in one block. What follows more of them is text: nobody writes so many,
and a frame has no time for them."""

_TAB: Final = 4


def visible_lines(text: str) -> list[str]:
    """Return the lines of a text, each made visible, with tabs as spaces."""
    return [make_visible(line.removesuffix("\r").expandtabs(_TAB)) for line in text.split("\n")]


def parse_inline(text: str) -> tuple[Span, ...]:
    """Return the spans of a text that has no blocks in it: an action, a topic, a reason."""
    return parse_visible("\n".join(visible_lines(text)))


def parse_visible(text: str) -> tuple[Span, ...]:
    """Return the spans of a text that was made visible, apart from line feeds."""
    return tuple(_Parser(text).spans())


@dataclass(slots=True)
class _Piece:
    """A part of the text; the marks that are on it are known at the end."""

    text: str
    is_code: bool = False
    link: str | None = None
    begins: Mark = Mark.NONE
    ends: Mark = Mark.NONE
    """What ends before it."""


@dataclass(slots=True)
class _Bracket:
    """An opening bracket that may be a link's."""

    piece: int
    opened: int
    """How many marks were open."""


class _Parser:
    """Parses one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[_Piece] = []
        self._open: list[tuple[str, int]] = []
        """Marks that are open, with their pieces."""
        self._counts: Counter[str] = Counter()
        self._brackets: list[_Bracket] = []
        self._last_link = -1
        """The piece of the last link."""
        self._runs: dict[int, list[int]] = defaultdict(list)
        """Where runs of backticks are, by length, the last one first."""
        for run in _BACKTICKS.finditer(text):
            self._runs[len(run[0])].append(run.start())
        for starts in self._runs.values():
            starts.reverse()

    def spans(self) -> Iterator[Span]:
        """Return the spans, of which no two neighbours are alike."""
        self._parse()
        marks, last = Mark.NONE, Span("")
        for piece in self._pieces:
            marks = (marks & ~piece.ends) | piece.begins
            if not piece.text:
                continue
            new = Span(piece.text, marks | (Mark.CODE if piece.is_code else Mark.NONE), piece.link)
            if (new.marks, new.link) == (last.marks, last.link):
                last = Span(last.text + new.text, last.marks, last.link)
                continue
            if last.text:
                yield last
            last = new
        if last.text:
            yield last

    def _parse(self) -> None:
        at = 0
        for _ in range(_SPECIALS_MOST):
            match = _SPECIAL.search(self._text, at)
            if match is None:
                break
            self._add(self._text[at : match.start()])
            at = self._take(match[0], match.start(), match.end())
        self._add(self._text[at:])

    def _add(self, text: str, *, is_code: bool = False, link: str | None = None) -> None:
        self._pieces.append(_Piece(text, is_code, link))

    def _take(self, found: str, start: int, end: int) -> int:
        """Take what was found; return where to go on."""
        match found[0]:
            case "\\":
                self._add(found[1])
                return end
            case "`":
                return self._code(start, end)
            case "*" | "_" | "~":
                self._marks(found, start, end)
                return end
            case "[":
                self._brackets.append(_Bracket(len(self._pieces), len(self._open)))
                self._add(found)
                return end
            case "]":
                return self._close_bracket(end)
            case _:
                url = trim_url(found)
                self._url(url)
                return start + len(url)

    def _code(self, start: int, end: int) -> int:
        starts = self._runs[end - start]
        while starts and starts[-1] < end:
            starts.pop()
        if not starts:
            self._add(self._text[start:end])
            return end
        code = self._text[end : starts[-1]].replace("\n", " ")
        if code.strip() and code[0] == code[-1] == " ":
            code = code[1:-1]
        self._add(code, is_code=True)
        return starts[-1] + end - start

    # --- Marks ---

    def _marks(self, run: str, start: int, end: int) -> None:
        before, after = self._text[start - 1 : start] if start else "", self._text[end : end + 1]
        can_close = before.strip() and not _is_in_word(after)
        can_open = after.strip() and not _is_in_word(before)
        is_known = run in _MARKS or run in _SPLIT
        if run == "**":
            self._swap()
        while can_close and is_known and run:
            token = next((it for it in self._tops(run) if run.startswith(it)), None)
            if token is None:
                break
            self._close(token)
            run = run[len(token) :]
        if can_open and is_known:
            for token in _SPLIT.get(run, (run,) if run else ()):
                self._open.append((token, len(self._pieces)))
                self._counts[token] += 1
                self._add(token)
        else:
            self._add(run)

    def _swap(self) -> None:
        """Let what three asterisks opened be closed by two first."""
        if len(self._open) < 2:
            return
        (outer, piece), (inner, next_piece) = self._open[-2:]
        if (outer, inner) == ("**", "*") and next_piece == piece + 1:
            self._pieces[piece].text, self._pieces[next_piece].text = inner, outer
            self._open[-2:] = [(inner, piece), (outer, next_piece)]

    def _tops(self, run: str) -> list[str]:
        """Return the marks that a run may close, the one that was opened last first."""
        tokens = [it for it in _MARKS if it[0] == run[0] and self._counts[it]]
        if len(tokens) < 2:
            return tokens
        # Both are open: drop what is above them, which nothing can close any more.
        while self._open[-1][0] not in tokens:
            self._drop()
        return sorted(tokens, key=lambda it: it != self._open[-1][0])

    def _close(self, token: str) -> None:
        while self._open[-1][0] != token:
            self._drop()
        mark, piece = _MARKS[token], self._pieces[self._open[-1][1]]
        self._drop()
        piece.text = ""
        piece.begins |= mark
        self._pieces.append(_Piece("", ends=mark))

    def _drop(self) -> None:
        token, _ = self._open.pop()
        self._counts[token] -= 1

    # --- Links ---

    def _url(self, url: str) -> None:
        target = safe_target(url)
        if target is None:
            self._add(url)
        elif target_agrees(url, target):
            self._link(url, target)
        else:
            self._add(f"{url} (")
            self._link(target, target)
            self._add(")")

    def _link(self, text: str, target: str) -> None:
        self._last_link = len(self._pieces)
        self._add(text, link=target)

    def _close_bracket(self, end: int) -> int:
        """Make a link of what is between brackets, if its target follows."""
        bracket = self._brackets.pop() if self._brackets else None
        found = _DESTINATION.match(self._text, end) if bracket else None
        target = safe_target(found[1]) if found else None
        if bracket is None or found is None or target is None:
            self._add("]")
            return end
        self._brackets.clear()  # A link is in no other link.
        inside = self._pieces[bracket.piece + 1 :]
        label = "".join(piece.text for piece in inside)
        does_agree = target_agrees(label, target)
        if self._last_link > bracket.piece and not does_agree:
            self._add("]")
            return end
        while len(self._open) > bracket.opened:
            self._drop()
        self._pieces[bracket.piece].text = ""
        if does_agree:
            for piece in inside:
                piece.link = target
            self._last_link = len(self._pieces) - 1
        elif not label.strip():
            self._link(target, target)
        else:
            self._add(" (")
            self._link(target, target)
            self._add(")")
        return found.end()


def _is_in_word(character: str) -> bool:
    """Tell whether a mark beside a character is inside a word. Scripts that put no spaces between
    words have marks there."""
    return character.isascii() and character.isalnum()
