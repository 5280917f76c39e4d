"""Which keys do what."""

from pathlib import Path

import pytest

from chat.client.core.interfaces import StorageError
from chat.client.storage.bindings import BindingsFile, check_key, find_conflict

USUAL = {"go-to": ("ctrl+k",), "next-unread": ("alt+down", "f6"), "help": ("f1", "question_mark")}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *(("ctrl+k", "ctrl+k"), ("Ctrl+K", "ctrl+k"), ("shift+ctrl+up", "ctrl+shift+up")),
        *(("f12", "f12"), ("F1", "f1"), ("a", "a"), ("A", "A"), ("?", "question_mark")),
        *(("/", "slash"), ("+", "plus"), ("-", "minus"), ("_", "underscore"), ("@", "at")),
        *(("Enter", "enter"), ("alt+pageup", "alt+pageup"), ("é", "é"), (" x ", "x")),
        *(("question_mark", "question_mark"), ("plus_sign", "plus"), ("ctrl+@", "ctrl+at")),
    ],
)
def test_keys_have_the_names_that_textual_gives_them(text: str, key: str) -> None:
    assert check_key(text) == check_key(key) == key


@pytest.mark.parametrize(
    "text", ["", "ctrl+", "cmd+k", "ctrl+ctrl+k", "f25", "nothing", "ctrl+k,f1", "\x1b", "x" * 999]
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="no key") as caught:
        check_key(text)
    assert "\x1b" not in str(caught.value)


def read(home: Path, text: str) -> dict[str, tuple[str, ...]]:
    """Return the keys of a file."""
    (home / "keys.toml").write_text(text)
    return BindingsFile(home, USUAL).read()


def test_what_is_not_said_stays_usual(tmp_path: Path) -> None:
    assert BindingsFile(tmp_path, USUAL).read() == USUAL
    assert read(tmp_path, 'go-to = "ctrl+g"') == {**USUAL, "go-to": ("ctrl+g",)}
    assert read(tmp_path, 'go-to = ["Ctrl+J", "f2", "f2"]')["go-to"] == ("ctrl+j", "f2")
    assert read(tmp_path, "help = []")["help"] == ()


def test_keys_may_change_places(tmp_path: Path) -> None:
    keys = read(tmp_path, 'go-to = "f1"\nhelp = "ctrl+k"')
    assert (keys["go-to"], keys["help"]) == (("f1",), ("ctrl+k",))


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ('\njump = "f2"', 2, "jump is nothing that a key can do"),
        ('go-to = "nokey"', 1, "go-to is no key: 'nokey'"),
        ("go-to = 5", 1, "go-to is neither a key nor a list of keys"),
        ('go-to = ["f2", 5]', 1, "go-to is neither a key nor a list of keys"),
        ("go-to = " + str([f"f{n}" for n in range(1, 11)]), 1, "go-to has more than 8 keys"),
        ('# x\ngo-to = "f1"', 2, "go-to has the key f1, which is that of help"),
        ('help = "f6"', 1, "help has the key f6, which is that of next-unread"),
        ('help = "f2"\ngo-to = "f2"', 2, "go-to has the key f2, which is that of help"),
    ],
)
def test_what_is_wrong_is_refused_with_line_and_key(
    tmp_path: Path, text: str, line: int, sentence: str
) -> None:
    with pytest.raises(StorageError) as caught:
        read(tmp_path, text)
    assert str(caught.value) == f"In line {line} of {tmp_path / 'keys.toml'}, {sentence}"


def test_what_is_set_is_read_and_the_usual_is_not_written(tmp_path: Path) -> None:
    file = BindingsFile(tmp_path, USUAL)
    file.set("go-to", ("f2", "ctrl+g"))
    assert file.read() == {**USUAL, "go-to": ("f2", "ctrl+g")}
    file.set("go-to", USUAL["go-to"])
    assert file.read() == USUAL and "go-to" not in file.path.read_text()


def test_a_conflict_names_both() -> None:
    assert find_conflict(USUAL) is None
    assert find_conflict({"a": ("x", "y"), "b": ("z", "y")}) == ("y", "a", "b")
