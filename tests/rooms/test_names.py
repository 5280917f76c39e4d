"""Nicknames: which are valid, and which are the same."""

import unicodedata
from itertools import combinations
from typing import Final

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from precis_i18n import get_profile

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
"""Texts, many of which are nicknames."""


@given(st.text() | LIKELY)
@example("e\u0301va")
@example("\u212bngstrom")
def test_what_is_accepted_is_safe_normal_and_stays_as_it_is(text: str) -> None:
    try:
        nick = prepare_nick(text)
    except RequestError:
        return
    assert prepare_nick(nick) == nick
    assert unicodedata.is_normalized("NFKC", nick)
    assert get_profile("NicknameCasePreserved").enforce(text) == nick
    assert 1 <= len(nick) <= NICK_CHARACTERS
    assert nick.isprintable() and not set(nick) & BIDIRECTIONAL
    assert not any(character.isspace() for character in nick)
    assert not {unicodedata.category(character)[0] for character in nick} & set("CZ")


@given(LIKELY)
def test_names_that_are_equal_after_normalization_are_the_same(text: str) -> None:
    try:
        nick = prepare_nick(text)
    except RequestError:
        assume(False)
    key = name_key(nick)
    assert name_key(key) == key
    for form in ("NFC", "NFD", "NFKC"):
        assert name_key(unicodedata.normalize(form, nick)) == key


@given(st.text() | st.text(min_size=100))
@example("\ud800")
@example("\ufdfa" * 128)
@example("\ufdfa" * 32)
def test_any_text_has_a_key_that_is_its_own_key(text: str) -> None:
    assert name_key(name_key(text)) == name_key(text)


NAMES: Final = (
    *("ana", "bob", "maria", "jos\u00e9", "Ren\u00e9e", "Bj\u00f6rn", "\u0141ukasz", "Nguy\u1ec5n"),
    *("\u5c0f\u660e", "\u0395\u03bb\u03ad\u03bd\u03b7", "\u041e\u043b\u044c\u0433\u0430"),
    *("\u0411\u043e\u0440\u0438\u0441", "\u0645\u062d\u0645\u062f", "\u05e0\u05d5\u05e2\u05d4"),
    *("\u3055\u304f\u3089", "\u30b5\u30af\u30e9", "\uc9c0\ubbfc", "\u0905\u092e\u093f\u0924"),
    *("\u0e2a\u0e21\u0e0a\u0e32\u0e22", "\u0531\u0580\u0561\u0574", "\u0645\u0631\u064a\u0645_7"),
)


@pytest.mark.parametrize("name", NAMES)
def test_common_names_are_accepted_unchanged(name: str) -> None:
    assert prepare_nick(name) == name
    assert name_key(name.upper()) == name_key(name) or name == "\u0395\u03bb\u03ad\u03bd\u03b7"
    assert name_key(name.lower()) == name_key(name)


def test_common_names_are_distinct() -> None:
    for one, other in combinations(NAMES, 2):
        assert name_key(one) != name_key(other)


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
        ("paypal", "p\u0430yp\u0430l"),
        ("alice", "aIice"),
        ("alice", "a1ice"),
        ("Ian", "lan"),
        ("barney", "bamey"),
        ("bob", "b0b"),
        ("NANA", "\u039dANA"),
        ("nana", "\u039dANA"),
        ("\u0412\u0438\u043a\u0442\u043e\u0440", "\u0432\u0438\u043a\u0442\u043e\u0440"),
        ("scope", "\u0455\u0441\u043e\u0440\u0435"),
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
    assert prepare_nick("\u03b1\u0313\u0300\u0345" * NICK_CHARACTERS) == "\u1f82" * NICK_CHARACTERS


def test_the_name_is_shown_in_its_compatibility_form() -> None:
    assert prepare_nick("\u00a0\uff21\ufb01\u00b2") == "Afi2"


@pytest.mark.parametrize("text", ["", " ", " " * 1000, "\u3000"])
def test_nothing_is_no_nickname(text: str) -> None:
    with pytest.raises(NickEmptyError):
        prepare_nick(text)


@pytest.mark.parametrize(
    "text", ["a" * 33, "\U0001d400" * 33, "\n" * 33, "\ufdfa" * 3, "e\u0301" * 65, "a" * 16_000]
)
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
        "a\u0640",
        "\u1100",
        "a\u0661\u06f1",
        "a\u0378",
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


@pytest.mark.parametrize(
    "name",
    [
        *("paypal.", "paypal-", "a..", "bob.-"),
        *("pay\u0335pal", "bo\u0338b", "a\u20dd", "n\u0489", "x\u0336y"),
        *("\U0001042cva", "\U00010330na", "\U00010428b", "\U00010400x"),
        *("e\u0301\u0302\u0303\u0304\u0306\u0307", "x\u0301\u0302\u0303\u0304\u0306"),
    ],
)
def test_what_looks_like_another_name_or_reaches_beyond_its_line_is_none(name: str) -> None:
    with pytest.raises(NickInvalidError):
        prepare_nick(name)
    with pytest.raises(RoomInvalidError):
        prepare_room(name)


@pytest.mark.parametrize(
    "name", ["ana_", "a.b", "x-y", "\U00020bb7", "\u1ec7\u0323", "\u0e1b\u0e49\u0e32"]
)
def test_names_with_marks_and_signs_inside_are_fine(name: str) -> None:
    assert prepare_nick(name)
