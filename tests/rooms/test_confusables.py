"""Look-alikes: the published data, skeletons of UTS 39, and the common key of letters and cases."""

import re
import runpy
import string
import sys
import unicodedata
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat.rooms.confusables import IGNORABLE, fold, parse, skeleton
from chat.rooms.errors import RequestError
from chat.rooms.names import prepare_nick

PUBLISHED: Final = parse(files("chat.rooms").joinpath("confusables.txt").read_text("utf-8"))

APART: Final = frozenset("ΒΓΝΥϬՅƁƉƊƓƘƤƬƮƳƼꞴ\U000118a6\U000118b5\U000118bc")
"""Capital letters that look like another letter than their small letters do, so that the two stay
distinct: otherwise n and v would be the same through the Greek nu."""

ONE: Final = ("i1l", "o0")
"""ASCII letters and digits that are the same: I is the capital of i, and looks like l and 1."""


def is_allowed(text: str) -> bool:
    """Return whether a text may occur inside a name, and stays unchanged."""
    try:
        return prepare_nick(f"x{text}y") == f"x{text}y"
    except RequestError:
        return False


def test_the_data_is_that_which_was_published() -> None:
    text = files("chat.rooms").joinpath("confusables.txt").read_text("utf-8")
    assert re.search(r"^# Version: \d+\.0\.0$", text, re.MULTILINE)
    assert len(PUBLISHED) > 6_000
    assert PUBLISHED["\u0430"] == "a" and PUBLISHED["m"] == "rn" and PUBLISHED["0"] == "O"
    assert "UNICODE LICENSE V3" in files("chat.rooms").joinpath("UNICODE-LICENSE.txt").read_text()


def test_the_cases_are_what_the_script_makes_of_the_data() -> None:
    text = files("chat.rooms").joinpath("cases.txt").read_text("utf-8")
    if f"Unicode {unicodedata.unidata_version}:" not in text:
        pytest.skip("made with another version of Python")
    script = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "confusables.py"))
    assert dict(script["cases"]().rows()) == parse(text)


@pytest.mark.parametrize("line", ["a", "a\tb\tc", "a\n", "\\u12\tb", "\\U00110000\ta", "\u00e9\te"])
def test_a_damaged_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        parse(line)


def test_every_published_pair_that_names_can_have_is_one() -> None:
    tried = 0
    for source, target in PUBLISHED.items():
        if is_allowed(source) and is_allowed(target):
            tried += 1
            assert fold(f"x{source}y") == fold(f"x{target}y"), f"{source!r} {target!r}"
    assert tried > 1_500


@given(st.lists(st.sampled_from(sorted(PUBLISHED)), min_size=1, max_size=8))
def test_names_of_which_every_character_looks_alike_are_one(characters: list[str]) -> None:
    one = unicodedata.normalize("NFC", "".join(characters))
    other = unicodedata.normalize("NFC", "".join(PUBLISHED[it] for it in characters))
    if is_allowed(one) and is_allowed(other):
        assert fold(one) == fold(other)


@given(st.text(), st.text())
def test_texts_with_one_skeleton_have_one_key(one: str, other: str) -> None:
    text = unicodedata.normalize("NFKC", one + other)
    assert skeleton(skeleton(text)) == skeleton(text)
    assert fold(text) == fold(one + other)


@given(st.text() | st.text(st.sampled_from(sorted(PUBLISHED) + list("\u0345\u0304\u0329nb"))))
@example("\ud800")
@example("\u1f80\u0345\u0301\ufdfa")
def test_the_key_of_a_key_is_that_key(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_every_character_has_a_key_that_stays() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        normal = unicodedata.normalize("NFKD", character)
        if character in PUBLISHED or normal != character or character.casefold() != character:
            key = fold(character)
            assert fold(key) == key


def test_capital_and_small_letters_are_one_but_for_a_few() -> None:
    apart = set()
    for character in map(chr, range(sys.maxunicode + 1)):
        small = character.lower()
        if small != character and fold(small) != fold(character):
            apart.add(unicodedata.normalize("NFD", character)[0])
    # The Greek eta equals its small letter, but not with an iota below it.
    assert apart == APART | {"\u0397"}
    assert fold("\u0397") == fold("\u03b7")


def test_letters_of_ascii_stay_distinct_but_for_what_looks_alike() -> None:
    keys: dict[str, str] = {}
    for character in string.ascii_lowercase + string.digits + "_-.":
        keys[fold(character)] = keys.get(fold(character), "") + character
    assert {"".join(sorted(it)) for it in keys.values() if len(it) > 1} == {
        "".join(sorted(it)) for it in ONE
    }
    assert fold("m") == fold("rn") == fold("RN") == fold("M")


DISTINCT: Final = st.text(
    st.sampled_from([it for it in string.ascii_letters + string.digits if it not in "mMlL1I0"]),
    min_size=1,
)


@given(DISTINCT, DISTINCT)
def test_texts_of_ascii_without_look_alikes_are_one_only_if_they_differ_in_case(
    one: str, other: str
) -> None:
    assert (fold(one) == fold(other)) == (one.casefold() == other.casefold())
    assert fold(one) == one.casefold()


def test_what_is_not_shown_does_not_count() -> None:
    assert fold("al" + "".join(IGNORABLE) + "ice") == fold("alice")


LETTERS: Final = (
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "あいうえおかきくけこさしすせそたちつてとなにぬねの",
)


@pytest.mark.parametrize("alphabet", LETTERS)
def test_letters_of_an_alphabet_are_one_only_if_the_data_says_so(alphabet: str) -> None:
    for one, other in combinations(alphabet, 2):
        # The small letters в and ь are the same because their capitals look like B and b.
        if skeleton(one) != skeleton(other) and {one, other} != set("вь"):
            assert fold(one) != fold(other), (one, other)
