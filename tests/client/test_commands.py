"""What typed lines mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.commands import (
    HELP,
    Command,
    CommandError,
    Help,
    Quit,
    Rename,
    Say,
    Who,
    parse_line,
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hello", Say("hello")),
        ("  indented", Say("  indented")),
        ("//me", Say("/me")),
        ("///", Say("//")),
        ("/nick ana", Rename("ana")),
        ("/nick   ana  ", Rename("ana")),
        ("/nick two words", Rename("two words")),
        ("/who", Who()),
        ("/who ", Who()),
        ("/quit", Quit()),
        ("/help", Help()),
        ("", None),
        ("   ", None),
    ],
)
def test_a_line_is_understood(line: str, command: Command | None) -> None:
    assert parse_line(line) == command


@pytest.mark.parametrize(
    "line", ["/", "/nick", "/nick  ", "/who me", "/quit now", "/dance", "/NICK x"]
)
def test_a_command_that_is_none_is_not_sent(line: str) -> None:
    with pytest.raises(CommandError, match=r"\w"):
        parse_line(line)


@given(st.text(min_size=1))
def test_every_text_can_be_said(text: str) -> None:
    line = "/" + text if text.startswith("/") else text
    assert parse_line(line) == (Say(text) if text.strip() else None)


def test_help_names_every_command() -> None:
    assert all(name in HELP for name in ("/nick", "/who", "/quit", "/help"))
