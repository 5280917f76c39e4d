"""What others wrote never acts on a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import width

from chat.client.visible import isolate, make_visible, shorten, without_isolates, wrap

JOINERS = "\u200c\u200d"
CONTAINED = "\u061c\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
"""What stays where an isolate contains it."""


@given(st.text(st.characters()))
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    for character in make_visible(text):
        category = unicodedata.category(character)
        is_kept = character in JOINERS or character in CONTAINED
        assert category not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or is_kept


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"])))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert make_visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("one\ntwo\r\n", r"one\ntwo\r\n"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202egnihton", r"\u202egnihton"),
        ("\u2066x\u2069", "\u2066x\u2069"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("\u200bx\ufeff", r"\u200bx\ufeff"),
        ("👩\u200d👩", "👩\u200d👩"),
    ],
)
def test_what_would_act_is_written_out(text: str, shown: str) -> None:
    assert make_visible(text) == shown


def test_a_text_of_forty_characters_is_quoted_whole() -> None:
    assert shorten("x" * 40) == f'"{"x" * 40}"'
    assert shorten("x" * 41) == f'"{"x" * 39}…"'


# --- Direction, flags, marks ---

FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e007f"
RLM, FSI, PDI, RLI = "\u200f", "\u2068", "\u2069", "\u2067"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{RLM}x", r"\u200fx"),
        (f"{FSI}{RLM}x{PDI}", f"{FSI}{RLM}x{PDI}"),
        (f"{FSI}\u202ex{PDI}", FSI + r"\u202ex" + PDI),
        (f"{PDI}{RLM}{FSI}", r"\u2069\u200f\u2068"),
        (f"{RLI}{RLM}", r"\u2067\u200f"),
        (FLAG, FLAG),
        ("\U0001f3f4\U000e0067", "\U0001f3f4" + r"\U000e0067"),
        ("x\U000e0067\U000e007f", r"x\U000e0067\U000e007f"),
        ("Z" + "\u0301" * 40 + "a", "Z" + "\u0301" * 4 + "a"),
        ("a\u20dd\u20dd\u20dd\u20dd\u20dd", "a\u20dd\u20dd\u20dd\u20dd"),
    ],
)
def test_what_is_contained_stays_and_the_rest_is_written_out(text: str, shown: str) -> None:
    assert make_visible(text) == shown


@pytest.mark.parametrize(
    "text", ["\u05d0", f"x{RLM}", f"\u05d0{PDI} evil", f"{RLI}\u05d0", "\u0661"]
)
def test_what_goes_from_right_to_left_is_isolated_and_cannot_break_out(text: str) -> None:
    isolated = isolate(text)
    assert isolated[0] == FSI and isolated[-1] == PDI
    depth = 0
    for character in isolated[:-1]:
        depth += character in (FSI, RLI, "\u2066")
        depth -= character == PDI
        assert depth > 0
    assert depth == 1
    assert make_visible(isolated) == isolated
    assert set(without_isolates(isolated)) <= set(text)


@given(st.text())
def test_a_part_that_is_isolated_is_never_written_out_for_its_direction(text: str) -> None:
    shown = make_visible(f"bob: {isolate(text)}")
    assert r"\u2068" not in shown and r"\u2069" not in shown


def test_ordinary_text_is_not_isolated() -> None:
    for text in ("hello", "Gr\u00fc\u00dfe", "\u4f60\u597d", "\U0001f469\u200d\U0001f469", "1234"):
        assert isolate(text) == text


# --- Long lines ---


def test_what_continues_a_line_is_marked() -> None:
    line = "bob: ok" + " " * 73 + "eve: yes, pay eve"
    assert wrap(line, 80) == [line[:80], "  > eve: yes, pay eve"]


@given(st.text(), st.integers(8, 40))
def test_rows_fit_and_nothing_is_lost(text: str, columns: int) -> None:
    text = make_visible(text)
    rows = wrap(text, columns)
    assert all(row.startswith("  > ") for row in rows[1:])
    assert rows[0] + "".join(row[4:] for row in rows[1:]) == text
    assert all(width(row) <= columns for row in rows)


def test_wide_characters_and_families_are_not_cut() -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    assert wrap("\u4f60" * 5, 8) == ["\u4f60" * 4, "  > \u4f60"]
    assert wrap(f"1234567{family}", 8) == ["1234567", f"  > {family}"]
