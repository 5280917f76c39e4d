"""What others wrote never acts on a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.display import explain_close, format_delivered, make_visible
from chat.wire.connection import Delivered
from chat.wire.errors import CloseCode
from chat.wire.messages import Body, JoinedBody, LeftBody, RenamedBody, TextBody, Unknown

JOINERS = "\u200c\u200d"


@given(st.text(st.characters()))
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    for character in make_visible(text):
        category = unicodedata.category(character)
        assert category not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or character in JOINERS


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
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("\u200bx\ufeff", r"\u200bx\ufeff"),
        ("👩\u200d👩", "👩\u200d👩"),
    ],
)
def test_what_would_act_is_written_out(text: str, shown: str) -> None:
    assert make_visible(text) == shown


def delivered(body: Body | Unknown) -> Delivered:
    return Delivered(bytes(16), 1, bytes(16), body)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (TextBody(0, bytes(16), "ana", "hello"), "ana: hello"),
        (TextBody(0, bytes(16), "a\nb", "x\nbob: y"), r"a\nb: x\nbob: y"),
        (JoinedBody(0, bytes(16), "ana"), "* ana joined"),
        (LeftBody(0, bytes(16), "ana\x1b"), r"* ana\x1b left"),
        (RenamedBody(0, bytes(16), "anna", "ana"), "* ana is now known as anna"),
        (Unknown("sung"), None),
    ],
)
def test_a_record_is_one_line(body: Body | Unknown, line: str | None) -> None:
    assert format_delivered(delivered(body)) == line


@pytest.mark.parametrize("code", [*CloseCode, 99, 2**40])
def test_every_close_code_is_a_sentence(code: int) -> None:
    assert explain_close(code, None).endswith(".")


def test_when_to_come_back_is_said() -> None:
    assert explain_close(CloseCode.SHUTDOWN, 5).endswith("come back in 5 seconds.")
