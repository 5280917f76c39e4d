"""A module's source by nodes of its syntax tree: their positions, and variants of their text."""

import ast
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

__all__ = ["Text", "off_by_one"]

_OPERATOR: Final = re.compile(
    rb"#[^\n]*|(<=|>=|==|!=|<|>|\bnot\s+in\b|\bin\b|\bis\s+not\b|\bis\b|\band\b|\bor\b)"
)
"""An operator between two operands, or a comment, which may contain words that look like one."""

_SIMPLE: Final = (ast.Attribute, ast.Call, ast.Compare, ast.Name, ast.Subscript)
"""What `not` binds to as a whole."""


class Text:
    """The source of a module."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        lines = source.splitlines(keepends=True)
        self._starts = list(accumulate(map(len, lines), initial=0))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return the start and end of a node, without parentheses around it."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def of(self, node: ast.expr | ast.stmt) -> bytes:
        """Return a node's source."""
        start, end = self.span(node)
        return self._source[start:end]

    def line(self, offset: int) -> int:
        """Return the line number of an offset, from 1."""
        return bisect_right(self._starts, offset)

    def operator(self, left: ast.expr, right: ast.expr) -> tuple[int, int]:
        """Return the start and end of the operator between two operands."""
        _, start = self.span(left)
        end, _ = self.span(right)
        for found in _OPERATOR.finditer(self._source, start, end):
            if found.group(1):
                return found.span(1)
        raise ValueError(f"no operator in line {left.lineno}")

    def joined(self, operands: Sequence[ast.expr], start: int, end: int, operator: bytes) -> bytes:
        """Return the source between two offsets, with another operator between the operands."""
        parts = []
        for left, right in pairwise(operands):
            place, behind = self.operator(left, right)
            parts += [self._source[start:place], operator]
            start = behind
        return b"".join([*parts, self._source[start:end]])

    def negated(self, test: ast.expr) -> bytes:
        """Return the opposite of a condition."""
        text = self.of(test)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return text.removeprefix(b"not").strip()
        return b"not " + text if isinstance(test, _SIMPLE) else b"not (" + text + b")"


def off_by_one(literal: bytes) -> tuple[bytes, bytes]:
    """Return the neighbouring integers, written in the same style."""
    value = int(literal, 0)
    form = "_" if b"_" in literal else "d"
    if literal[:2].lower() == b"0x":
        is_upper = literal[2:] == literal[2:].upper()
        return (
            _hexadecimal(value - 1, len(literal), is_upper),
            _hexadecimal(value + 1, len(literal), is_upper),
        )
    return format(value - 1, form).encode(), format(value + 1, form).encode()


def _hexadecimal(value: int, width: int, is_upper: bool) -> bytes:
    text = format(value, f"#0{width}x")
    return (text.upper().replace("X", "x") if is_upper else text).encode()
