"""Nicknames: what is allowed, and which are the same."""

import unicodedata
from typing import Final

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chat.limits import NICK_CHARACTERS, ROOM_CHARACTERS
from chat.rooms.errors import (
    NickEmptyError,
    NickInvalidError,
    NickTooLongError,
    RequestError,
    RoomEmptyError,
    RoomInvalidError,
    RoomTooLongError,
)
from chat.rooms.names import name_key, prepare_nick, prepare_room

BIDIRECTIONAL: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)

LIKELY: Final = st.text(
    st.characters(categories=["L", "M", "N"]) | st.sampled_from(" _-."),
    min_size=1,
    max_size=NICK_CHARACTERS + 2,
)
"""Texts of which many are nicknames."""


@given(st.text() | LIKELY)
@example("e\u0301va")
@example("\u212bngstrom")
def test_what_is_accepted_is_safe_normal_and_stays_as_it_is(text: str) -> None:
    try:
        nick = prepare_nick(text)
    except RequestError:
        return
    assert prepare_nick(nick) == nick
    assert unicodedata.is_normalized("NFC", nick)
    assert 1 <= len(nick) <= NICK_CHARACTERS
    assert nick.isprintable() and not set(nick) & BIDIRECTIONAL
    assert not any(character.isspace() for character in nick)
    assert not {unicodedata.category(character)[0] for character in nick} & set("CZ")


@given(LIKELY)
def test_names_that_are_equal_after_compatibility_and_case_folding_are_the_same(text: str) -> None:
    try:
        nick = prepare_nick(text)
    except RequestError:
        assume(False)
    key = name_key(nick)
    assert name_key(key) == key
    for form in ("NFC", "NFD", "NFKC"):
        assert name_key(unicodedata.normalize(form, nick)) == key
    assert name_key(nick.casefold()) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "aLICE"),
        ("stra\u00dfe", "STRASSE"),
        ("\u00e9va", "E\u0301VA"),
        ("\uff21lice", "alice"),
        ("\ufb01n", "fin"),
        ("x\u00b2", "x2"),
        ("\u03c3\u03c2", "\u03a3\u03a3"),
    ],
)
def test_these_are_the_same(one: str, other: str) -> None:
    assert name_key(prepare_nick(one)) == name_key(prepare_nick(other))


@pytest.mark.parametrize(
    "text", ["a", "7", "a_b-c.d", "\u00c9va", "\u674e\u96f7", "\u0645\u0631\u064a\u0645", "9" * 32]
)
def test_these_are_nicknames(text: str) -> None:
    assert prepare_nick(text) == text


def test_spaces_around_are_dropped() -> None:
    assert prepare_nick("  alice ") == "alice"


def test_the_length_is_that_of_the_composed_form() -> None:
    assert prepare_nick("e\u0301" * NICK_CHARACTERS) == "\u00e9" * NICK_CHARACTERS


@pytest.mark.parametrize("text", ["", " ", " " * 1000])
def test_nothing_is_no_nickname(text: str) -> None:
    with pytest.raises(NickEmptyError):
        prepare_nick(text)


@pytest.mark.parametrize("text", ["a" * 33, "\U0001d400" * 33, "\n" * 33])
def test_a_nickname_has_at_most_32_characters(text: str) -> None:
    with pytest.raises(NickTooLongError, match="at most 32 characters"):
        prepare_nick(text)


@pytest.mark.parametrize(
    "text",
    [
        "two words",
        "a\tb",
        "\talice",
        "a\x00",
        "a\x1b[31m",
        "a\x7f",
        "a\x9b",
        "a\u00a0b",
        "a\u2028b",
        "a\u200bb",
        "a\u202eb",
        "a\u2066b",
        "a\ufeff",
        "a\ue000",
        "a\ud800",
        "a@b",
        "a:b",
        "\U0001f600",
        "_a",
        "-a",
        ".a",
        "\u0301a",
    ],
)
def test_these_are_no_nicknames(text: str) -> None:
    with pytest.raises(NickInvalidError):
        prepare_nick(text)


@pytest.mark.parametrize(
    "hidden", ["\u034f", "\u115f", "\u1160", "\u180b", "\u3164", "\ufe0f", "\uffa0", "\U000e0100"]
)
def test_letters_and_marks_that_show_nothing_are_not_allowed(hidden: str) -> None:
    for text in (hidden, "alice" + hidden):
        with pytest.raises(NickInvalidError):
            prepare_nick(text)


@given(st.text() | LIKELY)
def test_rooms_are_named_by_the_rules_of_nicknames(text: str) -> None:
    try:
        nick = prepare_nick(text)
    except RequestError as error:
        with pytest.raises(RequestError) as refused:
            prepare_room(text)
        assert refused.value.code == error.code.replace("nick", "room")
    else:
        assert prepare_room(text) == nick


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("  ", RoomEmptyError),
        ("r" * (ROOM_CHARACTERS + 1), RoomTooLongError),
        ("#python", RoomInvalidError),
        ("two words", RoomInvalidError),
    ],
)
def test_names_of_rooms_that_are_refused(text: str, refusal: type[RequestError]) -> None:
    with pytest.raises(refusal):
        prepare_room(text)
