"""Marks and links in a text."""

import sys
import unicodedata
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.markup import Mark, parse, parse_inline

BOTH = Mark.BOLD | Mark.ITALIC

SOUP = st.text(st.sampled_from("*_~`[]()\\<> \na1:/.\t\r\u2066\u2069\x1bé")) | st.lists(
    st.sampled_from(["**", "***", "~~", "``", "](https://a.b)", "[", "https://a.b/", "x", " "])
).map("".join)


def short(text: str) -> list[object]:
    """Return the spans of a text: a string where nothing is marked, else text and marks."""
    return [
        it.text if it.marks is Mark.NONE and it.link is None else (it.text, it.link or it.marks)
        for it in parse_inline(text)
    ]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("hi there", ["hi there"]),
        ("**b**", [("b", Mark.BOLD)]),
        ("*i* _i_", [("i", Mark.ITALIC), " ", ("i", Mark.ITALIC)]),
        ("~~s~~", [("s", Mark.STRUCK)]),
        ("`c`", [("c", Mark.CODE)]),
        ("***x***", [("x", BOTH)]),
        ("**a *b* c**", [("a ", Mark.BOLD), ("b", BOTH), (" c", Mark.BOLD)]),
        ("*a **b***", [("a ", Mark.ITALIC), ("b", BOTH)]),
        ("***a** b*", [("a", BOTH), (" b", Mark.ITALIC)]),
        ("***a* b**", [("a", BOTH), (" b", Mark.BOLD)]),
        ("**a\nb**", [("a\nb", Mark.BOLD)]),
        ("(*x*), *y*!", ["(", ("x", Mark.ITALIC), "), ", ("y", Mark.ITALIC), "!"]),
        ("这是**粗体**文字", ["这是", ("粗体", Mark.BOLD), "文字"]),
        ("~~a **b**~~", [("a ", Mark.STRUCK), ("b", Mark.STRUCK | Mark.BOLD)]),
    ],
)
def test_marks(text: str, spans: list[object]) -> None:
    assert short(text) == spans


@pytest.mark.parametrize(
    "text",
    [
        *("snake_case_name", "__init__", "2*3*4", "a * b * c", "* x *", "** x **", "a ~ b ~ c"),
        *("**", "****", "*", "~~~", "**open", "_open", "a**", "`open", "[x]", "[x](y)", "f(*args)"),
        *("[x](javascript:alert)", "[x](file:///etc/passwd)", "**kwargs, *args", "~5~"),
        *("[x] (https://)", "http://", "ftp://a.b", "xhttps://a.b", "https://user@a.b"),
        *("https://user:pass@a.b", "https://a.b:port", "![x](y)", "<b>x</b>", "&amp;"),
        *("https://[::1", "https://[zz]", "https://-", "[bold]x[/bold]"),
        *("[@click=app.quit]x[/]", "[/x]"),
    ],
)
def test_what_is_no_mark_is_text(text: str) -> None:
    assert short(text) == [text]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        (r"\*x\* \_y\_ \`z\`", ["*x* _y_ `z`"]),
        (r"\\*x*", ["\\", ("x", Mark.ITALIC)]),
        (r"\[x](https://a.b)", ["[x](", ("https://a.b", "https://a.b/"), ")"]),
        (r"C:\new", [r"C:\new"]),
        ("end\\", ["end\\"]),
        (r"`\*`", [(r"\*", Mark.CODE)]),
    ],
)
def test_a_backslash_takes_the_meaning(text: str, spans: list[object]) -> None:
    assert short(text) == spans


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("`a *b* [c](https://d.e)`", [("a *b* [c](https://d.e)", Mark.CODE)]),
        ("``a ` b``", [("a ` b", Mark.CODE)]),
        ("` a `", [("a", Mark.CODE)]),
        ("`  `", [("  ", Mark.CODE)]),
        ("`a\nb`", [("a b", Mark.CODE)]),
        ("``a`", ["``a`"]),
        ("``a` `b`", ["``a", (" ", Mark.CODE), "b`"]),
        ("**`x`**", [("x", Mark.CODE | Mark.BOLD)]),
        ("*a `b* c`", ["*a ", ("b* c", Mark.CODE)]),
    ],
)
def test_code(text: str, spans: list[object]) -> None:
    assert short(text) == spans


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("https://a.b", [("https://a.b", "https://a.b/")]),
        ("see http://a.b/c.", ["see ", ("http://a.b/c", "http://a.b/c"), "."]),
        ("(https://a.b/c_d)", ["(", ("https://a.b/c_d", "https://a.b/c_d"), ")"]),
        ("https://a.b/c_(d)", [("https://a.b/c_(d)", "https://a.b/c_(d)")]),
        ("*https://a.b*", [("https://a.b", "https://a.b/")]),
        ("HTTPS://A.B/C", [("HTTPS://A.B/C", "https://a.b/C")]),
        ("https://a.b/é", [("https://a.b/é", "https://a.b/%C3%A9")]),
        ("https://[::1]:80/x", [("https://[::1]:80/x", "https://[::1]:80/x")]),
        ("encchat://a.b:5555/#x", [("encchat://a.b:5555/#x", "encchat://a.b:5555/#x")]),
        ("[a.b](https://a.b)", [("a.b", "https://a.b/")]),
        ("[https://a.b/c](https://a.b/c)", [("https://a.b/c", "https://a.b/c")]),
        ("[x](https://a.b)", ["x (", ("https://a.b/", "https://a.b/"), ")"]),
        ("[](https://a.b)", [("https://a.b/", "https://a.b/")]),
        ("[a.b](https://a.b.evil)", ["a.b (", ("https://a.b.evil/", "https://a.b.evil/"), ")"]),
        ("[a.b](https://a.b/evil)", ["a.b (", ("https://a.b/evil", "https://a.b/evil"), ")"]),
        (
            "[https://a.b](https://evil)",
            ["[", ("https://a.b", "https://a.b/"), "](", ("https://evil", "https://evil/"), ")"],
        ),
        (
            "https://\u0430.b",
            ["https://\u0430.b (", ("https://xn--80a.b/", "https://xn--80a.b/"), ")"],
        ),
        ("[[x](https://a.b)](https://c.d)", None),
    ],
)
def test_links_show_where_they_lead(text: str, spans: list[object] | None) -> None:
    if spans is not None:
        assert short(text) == spans
    for it in parse_inline(text):
        assert it.link is None or it.link.lower().rstrip("/").endswith(
            it.text.lower().rstrip("/").replace("é", "%c3%a9")
        )


def test_a_link_can_be_marked_but_marks_do_not_cross_its_edge() -> None:
    [span] = parse_inline("[**a.b**](https://a.b)")
    assert (span.text, span.marks, span.link) == ("a.b", Mark.BOLD, "https://a.b/")
    assert short("[**x](https://a.b) y**")[0] == "**x ("


@given(SOUP)
def test_nothing_is_invented_and_no_two_neighbours_are_alike(text: str) -> None:
    spans = parse_inline(text)
    for one, other in pairwise(spans):
        assert (one.marks, one.link) != (other.marks, other.link)
    for span in spans:
        assert span.text
        if span.link is not None:
            assert span.link.isascii() and span.link.isprintable() and " " not in span.link


@given(st.text() | SOUP)
def test_nothing_acts_on_a_terminal(text: str) -> None:
    whole = "".join(span.text for span in parse_inline(text))
    depth = 0
    for character in whole:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"} or character == "\n"
        depth += (character in "\u2066\u2067\u2068") - (character == "\u2069")
        assert depth >= 0
        if character == "\n":
            assert depth == 0
    assert depth == 0


@given(st.text(st.characters(exclude_characters="*_~`[]\\<>:", categories=["L", "N", "Zs"])))
def test_a_text_without_marks_is_itself(text: str) -> None:
    assert "".join(span.text for span in parse_inline(text)) == text


def steps(text: str) -> int:
    """Return how many lines of code it takes to parse a text."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        parse(text)
    finally:
        sys.settrace(before)
    return count


NESTED = "[" * 512 + "x" + "](https://a.b)" * 512
BACKTICKS = "".join("`" * (number % 120 + 1) + " " for number in range(130))


@pytest.mark.parametrize(
    "part",
    [
        *("**a", "*a ", " a*", "*a _b **c ~~d ", "a* b_ c** d~~ ", "[", "[a](", "](https://a.b)"),
        *(
            "`",
            "` ",
            "``` ",
            "\\*",
            "> > > > ",
            "> \n",
            "\n",
            "- x\n",
            "  - x\n\n",
            "```\n",
            "~~~\n",
        ),
        *("***a ***b", "a***b ***c", "((((", "[x](a(b)", "\u2066", "e\u0301", "](((((", "https://"),
        *("https://a.b/(", "https://a.b/)", "1. ", "[https://a.b](https://c.d)", "[]()", "\t", "_"),
        *(NESTED, BACKTICKS),
    ],
)
def test_the_worst_text_takes_steps_in_proportion_to_its_length(part: str) -> None:
    half, whole = (part * (size // len(part) + 1) for size in (4_096, 8_192))
    counts = steps(half[:4_096]), steps(whole[:8_192])
    assert counts[1] < 500_000
    assert counts[1] < 2.5 * counts[0] + 5_000


@pytest.mark.parametrize("part", ["**a ", "[", "x", "\n", "> ", "`", "\x1b"])
def test_a_million_characters_are_one_text_without_marks(part: str) -> None:
    text = (part * 1_000_000)[:1_000_000]
    assert steps(text) < 20 * len(text) + 1_000
    [block] = parse(text)
    assert not hasattr(block, "marker")
