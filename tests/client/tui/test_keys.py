"""The names of keys."""

import pytest

from chat.client.tui.keys import key_words


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("ctrl+k",), "Ctrl-K"),
        (("alt+up", "f6"), "Alt-↑ or F6"),
        (("ctrl+shift+pageup",), "Ctrl-Shift-Page Up"),
        (("r", "R"), "r or R"),
        (("plus", "ctrl+plus"), "+ or Ctrl-+"),
        (("question_mark",), "?"),
    ],
)
def test_keys_are_called_as_people_call_them(keys: tuple[str, ...], words: str) -> None:
    assert key_words(keys) == words
