"""The blocks of a message."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.markup import Block, Code, Item, Mark, Paragraph, Span, flatten, parse


def paragraph(text: str, quotes: int = 0, *, apart: bool = False) -> Paragraph:
    """Return a paragraph without marks."""
    return Paragraph((Span(text),), quotes, apart)


def item(text: str, marker: str = "•", level: int = 0, quotes: int = 0) -> Item:
    """Return an item without marks."""
    return Item((Span(text),), marker, level, quotes)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        (" \n\n ", []),
        ("one\ntwo", [paragraph("one\ntwo")]),
        ("one\r\ntwo\r\n", [paragraph("one\ntwo")]),
        ("  indented", [paragraph("  indented")]),
        ("a\n\n\nb", [paragraph("a"), paragraph("b", apart=True)]),
        ("\n\na", [paragraph("a")]),
        ("# no heading\n---", [paragraph("# no heading\n---")]),
        ("a\tb", [paragraph("a   b")]),
        ("> q", [paragraph("q", 1)]),
        (">", []),
        ("> a\n> b\nc", [paragraph("a\nb", 1), paragraph("c")]),
        ("> > a\n>> b\n> c", [paragraph("a\nb", 2), paragraph("c", 1)]),
        ("> a\n>\n> b", [paragraph("a", 1), paragraph("b", 1, apart=True)]),
        (">:( no\n>_<", [paragraph(">:( no\n>_<")]),
        ("> > > > > > x", [paragraph("> > x", 4)]),
        ("- a\n* b\n+ c", [item("a"), item("b"), item("c")]),
        ("1. a\n22) b\n999. c", [item("a", "1."), item("b", "22)"), item("c", "999.")]),
        ("2026. was a year", [paragraph("2026. was a year")]),
        ("-x\n-", [paragraph("-x\n-")]),
        (
            "- a\n  - b\n    - c\n- d",
            [item("a"), item("b", level=1), item("c", level=2), item("d")],
        ),
        ("- a\n        - b", [item("a"), item("b", level=1)]),
        ("    - a", [item("a")]),
        ("- a\n  more\nno more", [item("a\nmore"), paragraph("no more")]),
        ("> - a\n>   b\n- c", [item("a\nb", quotes=1), item("c")]),
        ("text\n- a", [paragraph("text"), item("a")]),
    ],
)
def test_blocks(text: str, blocks: list[Block]) -> None:
    assert list(parse(text)) == blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```\nx\n```", [Code("x", "")]),
        (
            "```py\nx = *1*\n\n> y\n- z\n```\nend",
            [Code("x = *1*\n\n> y\n- z", "py"), *parse("end")],
        ),
        ("~~~c++\n```\n~~~", [Code("```", "c++")]),
        ("````\n```\n````", [Code("```", "")]),
        ("```\nnever closed", [Code("never closed", "")]),
        ("```\n```", [Code("", "")]),
        ("```not a language\nx\n```", [Code("not a language\nx", "")]),
        ("```\n\tx\n```", [Code("    x", "")]),
        ("a\n```\nb\n```\nc", [paragraph("a"), Code("b", ""), paragraph("c")]),
        ("> ```\n> x\n> ```\ny", [Code("x", "", 1), paragraph("y")]),
        ("> ```\n> x\ny", [Code("x", "", 1), paragraph("y")]),
        ("```inline```", [Paragraph((Span("inline", Mark.CODE),))]),
        ("a\n\n```\nb\n```", [paragraph("a"), Code("b", "", 0, True)]),
    ],
)
def test_code(text: str, blocks: list[Block]) -> None:
    assert list(parse(text)) == blocks


def test_marks_may_go_over_lines_but_not_over_blocks() -> None:
    assert parse("**a\nb**") == (Paragraph((Span("a\nb", Mark.BOLD),)),)
    assert parse("**a\n\nb**") == (paragraph("**a"), paragraph("b**", apart=True))
    assert parse("- *a\n  b*") == (Item((Span("a\nb", Mark.ITALIC),), "•", 0),)


def test_what_acts_on_a_terminal_is_written_out_everywhere() -> None:
    text = "\x1b[2J\n> \x9bq\n- \x07i\n```\x1b\n\u202ec\x00\n```"
    assert parse(text) == (
        paragraph(r"\x1b[2J"),
        paragraph(r"\x9bq", 1),
        item(r"\x07i"),
        Code("\\x1b\n\\u202ec\\x00", ""),
    )


@given(st.text() | st.text(st.sampled_from("> -*`~1.\n\tx\x1b\u2067\u2069 ")))
def test_nothing_acts_on_a_terminal(text: str) -> None:
    for block in parse(text):
        whole = (
            [block.text, block.language]
            if isinstance(block, Code)
            else [span.text for span in block.spans]
        )
        for character in "".join(whole):
            category = unicodedata.category(character)
            assert category not in {"Cc", "Cs", "Zl", "Zp"} or character == "\n"
        assert 0 <= block.quotes <= 4
        assert not isinstance(block, Item) or 0 <= block.level < 4


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("**a**\n\n> b\n- c\n1. d", "a b • c 1. d"),
        ("```py\nx = 1\ny\n```", "x = 1 y"),
        ("[x](https://a.b)", "x (https://a.b/)"),
        ("a\x1bb\n\tc", r"a\x1bb c"),
    ],
)
def test_flat(text: str, line: str) -> None:
    assert flatten(text) == line
