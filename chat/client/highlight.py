"""Code in colours: what of it is a keyword, a string, a comment. Pygments finds that.

Code comes from other people, so what they can make Pygments do is bounded: only the languages here,
only so many characters, and only so long. What is not coloured is still shown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

from pygments.lexer import Lexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

from chat.client.look import Role

__all__ = ["LANGUAGES", "Token", "highlight"]

_CHARACTERS_MOST: Final = 4_096
"""Code that is longer is not coloured: some expressions of Pygments take the square of the length,
so half a message is a quarter of the time."""
_SECONDS_MOST: Final = 0.005
"""After this time the rest stays without colours. A frame has 16 ms. It is looked at after each
token, and no token of these languages takes long."""


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a line of code."""

    text: str
    role: Role


_LEXERS: Final = {
    ("bash", "sh", "shell", "zsh"): ("shell", "BashLexer"),
    ("c", "h"): ("c_cpp", "CLexer"),
    ("console", "shell-session"): ("shell", "BashSessionLexer"),
    ("cpp", "c++", "cc", "hpp"): ("c_cpp", "CppLexer"),
    ("css",): ("css", "CssLexer"),
    ("diff", "patch"): ("diff", "DiffLexer"),
    ("docker", "dockerfile"): ("configs", "DockerLexer"),
    ("go", "golang"): ("go", "GoLexer"),
    ("haskell", "hs"): ("haskell", "HaskellLexer"),
    ("html",): ("html", "HtmlLexer"),
    ("java",): ("jvm", "JavaLexer"),
    ("javascript", "js", "jsx"): ("javascript", "JavascriptLexer"),
    ("json",): ("data", "JsonLexer"),
    ("kotlin", "kt"): ("jvm", "KotlinLexer"),
    ("nix",): ("nix", "NixLexer"),
    ("php",): ("php", "PhpLexer"),
    ("python", "py", "python3", "pycon"): ("python", "PythonLexer"),
    ("ruby", "rb"): ("ruby", "RubyLexer"),
    ("rust", "rs"): ("rust", "RustLexer"),
    ("sql",): ("sql", "SqlLexer"),
    ("toml",): ("configs", "TOMLLexer"),
    ("typescript", "ts", "tsx"): ("javascript", "TypeScriptLexer"),
    ("xml", "svg"): ("html", "XmlLexer"),
    ("yaml", "yml"): ("data", "YamlLexer"),
}
_NAMED: Final = {name: lexer for names, lexer in _LEXERS.items() for name in names}

_ROLES: Final = {
    Comment: Role.CODE_COMMENT,
    Keyword: Role.CODE_KEYWORD,
    Operator.Word: Role.CODE_KEYWORD,
    Name.Builtin: Role.CODE_NAME,
    Name.Class: Role.CODE_NAME,
    Name.Decorator: Role.CODE_NAME,
    Name.Function: Role.CODE_NAME,
    Name.Tag: Role.CODE_KEYWORD,
    Number: Role.CODE_NUMBER,
    String: Role.CODE_STRING,
}

LANGUAGES: Final = frozenset(_NAMED)
"""The names of the languages that are coloured."""


def highlight(
    code: str, language: str, *, seconds: Callable[[], float]
) -> tuple[tuple[Token, ...], ...]:
    """Return the lines of code, each as its tokens; nothing of the text is added or lost.

    `language` is what stands behind the fence. `code` has to be visible. `seconds` is a monotonic
    clock.
    """
    lines: list[list[Token]] = [[]]
    for text, role in _tokens(code, language, seconds):
        first, *others = text.split("\n")
        _add(lines[-1], first, role)
        for part in others:
            lines.append([])
            _add(lines[-1], part, role)
    return tuple(map(tuple, lines))


def _add(line: list[Token], text: str, role: Role) -> None:
    if text and line and line[-1].role is role:
        line[-1] = Token(line[-1].text + text, role)
    elif text:
        line.append(Token(text, role))


def _tokens(code: str, language: str, seconds: Callable[[], float]) -> Iterator[tuple[str, Role]]:
    end = 0
    if language.lower() in LANGUAGES and len(code) <= _CHARACTERS_MOST:
        lexer = _lexer(language.lower())
        last = seconds() + _SECONDS_MOST
        for start, kind, text in lexer.get_tokens_unprocessed(f"{code}\n"):
            # Lexers in lexers do not promise an order, or to leave nothing out.
            if start != end or seconds() > last:
                break
            yield text[: len(code) - end], _role(kind)
            end += len(text)
    if end < len(code):
        yield code[end:], Role.CODE


@cache
def _lexer(language: str) -> Lexer:
    module, name = _NAMED[language]
    lexer: Lexer = getattr(import_module(f"pygments.lexers.{module}"), name)()
    return lexer


@cache
def _role(kind: _TokenType) -> Role:
    for ancestor in reversed(kind.split()):
        role = _ROLES.get(ancestor)
        if role is not None:
            return role
    return Role.CODE
