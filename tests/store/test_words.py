"""What a word is: for both engines the same."""

import sqlite3
from unicodedata import category, ucd_3_2_0

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.store.sqlite import schema
from chat.store.words import has_word, is_found, phrases, words


def fts_words(text: str) -> list[str]:
    """Return the words that SQLite finds in a text."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(schema._WORDS)
        connection.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, instance)")
        connection.execute("INSERT INTO words (text) VALUES (?)", (text,))
        rows = connection.execute("SELECT term FROM vocabulary ORDER BY offset").fetchall()
    finally:
        connection.close()
    return [word for [word] in rows]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" ... !", []),
        ("Red red-GREEN", ["red", "red", "green"]),
        ("naïve Ångström ế ñ", ["naive", "angstrom", "e", "n"]),
        ("e\u0301a cafe\u0301", ["ea", "cafe"]),
        ("\u0301x", ["x"]),
        ("don't", ["don", "t"]),
        ("a_b 1.5 x²", ["a", "b", "1", "5", "x²"]),
        ("straße ÆON", ["straße", "æon"]),
        ("Привет МИР", ["привет", "мир"]),
        ("ΑΒΓ", ["αβγ"]),
        ("日本語 テスト", ["日本語", "テスト"]),
        ("안녕", ["안녕"]),
        ("\U0001f44d ok\ue000", ["ok\ue000"]),
        ("a\0b", ["a", "b"]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == fts_words(text) == found
    assert has_word(text) == bool(found)


# As far as both have heard of a character, and what the Unicode Consortium has not changed.
KNOWN = st.characters(
    codec="utf-8", exclude_characters="\u0130\u0345", max_codepoint=0x2FFF
).filter(lambda it: ucd_3_2_0.category(it) == category(it) != "Cn")


@given(text=st.text(st.sampled_from("aZé\u0301 -_5ßЖ") | KNOWN, max_size=30))
def test_words_are_those_of_sqlite(text: str) -> None:
    theirs = [_without_case(word) for word in fts_words(text)]
    assert [_without_case(word) for word in words(text)] == theirs


def _without_case(word: str) -> str:
    # The two folds differ in a few letters outside of Latin; where words end is the same.
    return "".join("x" if ord(it) > 0x24F else it for it in word)


def test_phrases() -> None:
    assert phrases("Red  blue-green !? (x)") == [["red"], ["blue", "green"], ["x"]]
    assert phrases(" -- ") == []
    text = words("one two three two")
    for typed, is_there in (
        ("two", True),
        ("three one", True),
        ("two-three", True),
        ("three-two", True),
        ("one-three", False),
        ("two-three-four", False),
        ("one-two-three-two-one", False),
        ("four", False),
    ):
        assert is_found(text, phrases(typed)) == is_there, typed
