"""Words: the same for both engines."""

import sqlite3
from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.store.sqlite import schema
from chat.store.words import indexed, is_found, phrases, words


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
        ("na\u00efve \u00c5ngstr\u00f6m \u1ebf \u00f1", ["naive", "angstrom", "e", "n"]),
        ("e\u0301a cafe\u0301", ["ea", "cafe"]),
        ("\u0301x", ["x"]),
        ("don't", ["don", "t"]),
        ("a_b 1.5 x\u00b2", ["a", "b", "1", "5", "x2"]),
        ("stra\u00dfe \u00c6ON", ["strasse", "\u00e6on"]),
        ("Привет МИР", ["привет", "мир"]),
        ("ΑΒΓ", ["αβγ"]),
        ("日本語 テスト", ["日", "本", "語", "テ", "ス", "ト"]),
        ("안녕", ["안", "녕"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("用Python写", ["用", "python", "写"]),
        ("\U0001f44d\U0001f3fd ok\ue000", ["\U0001f44d", "\U0001f3fd", "ok\ue000"]),
        ("\U0001f44dй", ["\U0001f44d", "й"]),
        ("\u2764\ufe0f 5\u20ac", ["\u2764", "5", "\u20ac"]),
        ("\ufb01le \uff21\uff22", ["file", "ab"]),
        ("a\0b", ["a", "b"]),
        ("\u200d\u200e", []),
        ("\u200b\u00e9", ["e"]),
        ("\ufdfa" * 3_000, ["صلى", "الله", "عليه", *["وسلمصلى", "الله", "عليه"] * 454, "وسلمصل"]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found
    assert fts_words(indexed(text)) == found
    assert bool(phrases(text)) == bool(found)


@given(
    text=st.text(
        st.sampled_from("aZ\u00e9\u0301 -_5\u00dfЖ上ท\u0e35\U0001f600")
        | st.characters(codec="utf-8")
    )
)
def test_an_index_finds_the_same_words(text: str) -> None:
    assert fts_words(indexed(text)) == words(text)


@given(text=st.text(max_size=60))
def test_a_text_is_found_by_its_own_words(text: str) -> None:
    found = words(text)
    assert all(is_found(found, [[word]]) for word in found)
    assert is_found(found, [found]) or not found
    assert words(normalize("NFC", text)) == words(normalize("NFD", text))


def test_every_character_has_its_place() -> None:
    for code in (*range(0x20000), 0x20000, 0x3FFFD, 0xF0000, 0x10FFFD):
        kind = category(chr(code))
        if kind[0] in "LN" or kind == "Co" or (kind[0] == "S" and code > 0x7F):
            assert words(chr(code)) or not normalize("NFKC", chr(code)).strip().isalnum(), hex(code)


def test_phrases() -> None:
    assert phrases("Red  blue-green !? (x)") == [["red"], ["blue", "green"], ["x"]]
    assert phrases(" -- ") == phrases('"') == phrases('"" "-"') == []
    assert phrases('one "two  three" four') == [["one"], ["two", "three"], ["four"]]
    assert phrases('a"b c') == [["a"], ["b", "c"]]
    assert phrases("\u201cb c\u201d \u201ed e\u201c") == [["b", "c"], ["d", "e"]]
    assert phrases('上海 "a\0b" a\0b') == [["上", "海"], ["a", "b"], ["a"], ["b"]]
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
