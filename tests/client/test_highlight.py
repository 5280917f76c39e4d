"""Code in colours."""

from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.client.highlight import LANGUAGES, Token, highlight
from chat.client.look import Role


def no_time() -> float:
    """Be a clock that stands still."""
    return 0.0


def text_of(lines: tuple[tuple[Token, ...], ...]) -> str:
    """Return the text of tokens."""
    return "\n".join("".join(token.text for token in line) for line in lines)


@pytest.mark.parametrize(
    ("language", "code", "text", "role"),
    [
        ("python", "def f(): pass", "def", Role.CODE_KEYWORD),
        ("py", "def f(): pass", "f", Role.CODE_NAME),
        ("PY", "x = 'a'", "'a'", Role.CODE_STRING),
        ("py", "x = 1.5  # why", "1.5", Role.CODE_NUMBER),
        ("py", "x = 1.5  # why", "# why", Role.CODE_COMMENT),
        ("py", "a and b", "and", Role.CODE_KEYWORD),
        ("rs", 'fn main() { "x" }', "fn", Role.CODE_KEYWORD),
        ("c++", "// c", "// c", Role.CODE_COMMENT),
        ("json", "[1]", "1", Role.CODE_NUMBER),
        ("sh", "# x", "# x", Role.CODE_COMMENT),
        ("nothing", "def f", "def f", Role.CODE),
        ("", "def f", "def f", Role.CODE),
    ],
)
def test_roles(language: str, code: str, text: str, role: Role) -> None:
    lines = highlight(code, language, seconds=no_time)
    assert Token(text, role) in lines[0]
    assert text_of(lines) == code


def test_a_comment_of_two_lines_is_one_on_each() -> None:
    lines = highlight("/* a\nb */ int x;", "c", seconds=no_time)
    assert lines[0] == (Token("/* a", Role.CODE_COMMENT),)
    assert lines[1][0] == Token("b */", Role.CODE_COMMENT)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(sorted(LANGUAGES)), st.text() | st.text(st.sampled_from("a(\"'/*#{<\n\t \\"))
)
def test_nothing_is_added_or_lost(language: str, code: str) -> None:
    lines = highlight(code, language, seconds=no_time)
    assert text_of(lines) == code
    for line in lines:
        assert all(token.text for token in line)
        assert all(one.role is not other.role for one, other in pairwise(line))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_when_the_time_is_over_the_rest_is_not_coloured(language: str) -> None:
    code = "if x: # y\n" * 300
    calls = count()
    lines = highlight(code, language, seconds=lambda: next(calls) / 1_000)
    assert text_of(lines) == code
    assert next(calls) < 10
    assert lines[-2] == (Token("if x: # y", Role.CODE),)


def test_what_is_long_is_not_coloured_at_all() -> None:
    code = "def f(): pass\n" * 10_000
    lines = highlight(code, "python", seconds=no_time)
    assert text_of(lines) == code
    assert {token.role for line in lines for token in line} == {Role.CODE}
