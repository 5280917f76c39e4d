"""The command line."""

import pytest

from chat.client.arguments import parse_arguments
from chat.client.core.address import Address
from chat.limits import Limits


@pytest.mark.parametrize("number", ["0", "50", "1000"])
def test_how_much_of_the_past_is_shown_can_be_chosen(number: str) -> None:
    assert parse_arguments(["--history", number]).history == int(number)


@pytest.mark.parametrize("number", ["1001", "-1", "x", "", "+1", "1_0", "٣", "9" * 5000])
def test_how_much_is_a_number(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([f"--history={number}"])
    assert caught.value.code == 2 and "from 0 to 1000" in capsys.readouterr().err


def test_without_arguments_it_is_this_machine() -> None:
    arguments = parse_arguments([])
    assert arguments.address == Address("localhost", 5555)
    assert (arguments.nick, arguments.plain, arguments.trust_new) == (None, False, False)
    assert arguments.history == 50


def test_the_help_says_how_fast_a_script_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    limits = Limits()
    assert f"{limits.messages_burst:,} lines at once and then {limits.messages_per_second}" in said


def test_a_wrong_address_is_refused_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(["host:\x1b99"])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert r"host:\x1b99" in message and "HOST:PORT" in message
