"""One small fault: a replacement of a few bytes in a module, and how to show it."""

import warnings
from dataclasses import dataclass
from pathlib import PurePosixPath
from textwrap import dedent
from types import CodeType
from typing import Final

__all__ = ["Fault", "fingerprint"]

_SHOWN_LINES: Final = 6
"""Lines of a statement to show; the rest of a longer one is cut."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A replacement in a module. Offsets are in bytes, like those of `ast`."""

    path: PurePosixPath
    """Relative to the root of the checkout."""
    line: int
    function: str
    """The function it is in, with its class; empty outside functions."""
    what: str
    start: int
    end: int
    text: bytes

    def apply(self, source: bytes) -> bytes:
        """Return the module with the fault in it."""
        return source[: self.start] + self.text + source[self.end :]

    def diff(self, source: bytes) -> list[str]:
        """Return the changed lines, before and after."""
        begin = source.rfind(b"\n", 0, self.start) + 1
        end = source.find(b"\n", self.end)
        rest = source[self.end : len(source) if end < 0 else end]
        was = source[begin : self.end] + rest
        now = source[begin : self.start] + self.text + rest
        old, new = was.decode().splitlines(), now.decode().splitlines()
        plain = dedent("\n".join([*old, *new])).splitlines()
        return [
            *_shortened([f"- {line}" for line in plain[: len(old)]]),
            *_shortened([f"+ {line}" for line in plain[len(old) :]]),
        ]


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= _SHOWN_LINES:
        return lines
    return [*lines[: _SHOWN_LINES - 1], f"{lines[0][0]} ..."]


def fingerprint(source: bytes) -> str | None:
    """Return the compiled code of a module without line numbers; None if it is not valid Python.

    Two sources with the same fingerprint behave the same.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, "module", "exec", dont_inherit=True)
    except SyntaxError:
        return None
    return repr(_content(code))


def _content(code: CodeType) -> tuple[object, ...]:
    return (
        code.co_code,
        code.co_exceptiontable,
        code.co_flags,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        tuple(_constant(value) for value in code.co_consts),
    )


def _constant(value: object) -> object:
    if isinstance(value, CodeType):
        return _content(value)
    if isinstance(value, frozenset):
        return sorted(map(repr, value))  # Equal sets may have any order.
    return value
