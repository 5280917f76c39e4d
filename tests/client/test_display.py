"""What others wrote never acts on a terminal."""

import unicodedata

import pytest
from chat.client.logs import LogView
from chat.client.texts import Texts
from hypothesis import given
from hypothesis import strategies as st

from chat.client.line.display import explain_close, format_body, format_prefix, make_visible
from chat.ids import AccountId
from chat.limits import ClientLimits
from chat.testing.ids import ANY_LOG
from chat.wire.errors import CloseCode
from chat.wire.messages import (
    Body,
    DeleteBody,
    EditBody,
    JoinedBody,
    LeftBody,
    Opened,
    ReactionBody,
    RenamedBody,
    TextBody,
    TopicBody,
    Unknown,
)

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


ANA, BOB = AccountId(bytes(16)), AccountId(bytes(15) + b"\x01")
LONG = "x" * 41


def texts() -> Texts:
    known = Texts(9)
    known.take(3, TextBody(0, ANA, "ana", "hello\x07"))
    known.take(5, TextBody(0, ANA, "ana", LONG))
    known.take(6, TextBody(0, ANA, "ana", LONG[1:]))
    return known


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (TextBody(0, ANA, "ana", "hello"), "ana: hello"),
        (TextBody(0, ANA, "a\nb", "x\nbob: y"), r"a\nb: x\nbob: y"),
        (TextBody(0, BOB, "bob", "hi", 3), r'bob (to ana: "hello\x07"): hi'),
        (TextBody(0, BOB, "bob", "hi", 4), "bob (to #4): hi"),
        (EditBody(0, ANA, "ana", 3, "bye\x1b"), r'* ana edited "hello\x07": bye\x1b'),
        (EditBody(0, ANA, "ana", 4, "bye"), "* ana edited #4: bye"),
        (DeleteBody(0, ANA, "ana", 5), f'* ana deleted "{LONG[:39]}…"'),
        (DeleteBody(0, ANA, "ana", 6), f'* ana deleted "{LONG[1:]}"'),
        (ReactionBody(0, BOB, "bob", 3, "👍"), r'* bob reacted 👍 to "hello\x07"'),
        (ReactionBody(0, BOB, "bob", 3, ""), r'* bob took back the reaction to "hello\x07"'),
        (TopicBody(0, BOB, "bob", "all\n"), r"* bob set the topic: all\n"),
        (JoinedBody(0, ANA, "ana"), "* ana joined"),
        (LeftBody(0, ANA, "ana\x1b"), r"* ana\x1b left"),
        (RenamedBody(0, ANA, "anna", "ana"), "* ana is now known as anna"),
        (Unknown("sung"), None),
    ],
)
def test_a_record_is_one_line(body: Body | Unknown, line: str | None) -> None:
    shown = format_body(body, texts())
    assert (None if shown is None else make_visible(shown)) == line


@pytest.mark.parametrize(
    ("kind", "is_current", "is_own", "prefix"),
    [
        ("public", True, False, ""),
        ("public", False, False, "[python] "),
        ("invite", False, True, "[python] "),
        ("private", False, False, "[private] "),
        ("private", False, True, "[private to python] "),
    ],
)
def test_where_it_was_said_stands_before_it(
    kind: str, is_current: bool, is_own: bool, prefix: str
) -> None:
    view = LogView(Opened(ANY_LOG, kind, "python", 0, 0, 1, ""), ClientLimits())
    assert format_prefix(view, is_current=is_current, is_own=is_own) == prefix


@pytest.mark.parametrize("code", [*CloseCode, 99, 2**40])
def test_every_close_code_is_a_sentence(code: int) -> None:
    assert explain_close(code, None).endswith(".")


def test_when_to_come_back_is_said() -> None:
    assert explain_close(CloseCode.SHUTDOWN, 5).endswith("come back in 5 seconds.")
