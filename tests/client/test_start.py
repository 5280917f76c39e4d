"""Who gets the full screen."""

import pytest

from chat.client.start import can_fill_screen


@pytest.mark.parametrize("term", ["xterm-256color", "screen", "tmux-256color", "linux", "vt100"])
@pytest.mark.parametrize("encoding", ["utf-8", "UTF-8", "utf8", "UTF_8"])
def test_a_terminal_is_filled(term: str, encoding: str) -> None:
    environment = {"TERM": term}
    assert can_fill_screen(environment, are_terminals=True, encoding=encoding, platform="linux")


@pytest.mark.parametrize("environment", [{}, {"TERM": ""}, {"TERM": "dumb"}, {"TERM": "unknown"}])
def test_one_that_can_move_no_cursor_is_not(environment: dict[str, str]) -> None:
    assert not can_fill_screen(environment, are_terminals=True, encoding="utf-8", platform="linux")
    assert can_fill_screen(environment, are_terminals=True, encoding="utf-8", platform="win32")


@pytest.mark.parametrize("encoding", ["", "ascii", "ANSI_X3.4-1968", "iso8859-1", "latin-1"])
def test_one_that_is_not_utf8_is_not(encoding: str) -> None:
    environment = {"TERM": "xterm"}
    assert not can_fill_screen(environment, are_terminals=True, encoding=encoding, platform="linux")


def test_a_pipe_is_not() -> None:
    environment = {"TERM": "xterm"}
    assert not can_fill_screen(environment, are_terminals=False, encoding="utf-8", platform="linux")
