"""The command line of ``chat.admin``, and how it prints answers."""

import json
from pathlib import Path

import pytest

from chat import admin
from chat.server.administration import requests


def test_the_state_and_json_may_stand_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCCHAT_STATE", "/srv/50%")
    for command in (
        ["status"],
        ["ban", "bob", "--reason", "x"],
        ["rooms", "delete", "den"],
        ["backup", "x"],
    ):
        first, *rest = command
        for words in (
            ["--state", "/a", "--json", *command],
            [*command, "--state=/a", "--json"],
            [first, "--state", "/a", "--json", *rest],
            ["--state", "/b", first, "--json", *rest, "--state", "/a"],
        ):
            parsed = admin.parse_arguments(words)
            assert (parsed.state, parsed.json) == (Path("/a"), True), words
        plain = admin.parse_arguments(command)
        assert (plain.state, plain.json) == (Path("/srv/50%"), False)
    with pytest.raises(SystemExit) as caught:
        admin.parse_arguments(["ban", "--help"])
    assert caught.value.code == 0


def test_accounts_and_rooms_are_listed_or_deleted() -> None:
    for words, request in (
        (["users"], requests.Users()),
        (["accounts"], requests.Users()),
        (["rooms"], requests.Rooms()),
        (["accounts", "delete", "bob"], requests.DeleteAccount("bob")),
        (["rooms", "delete", "den"], requests.DeleteRoom("den")),
        (["status"], requests.Status()),
        (["invite"], requests.Invite(1, 604_800)),
        (["invite", "--address", "Chat.example.org"], invite("chat.example.org:5555")),
        (["invite", "--address", "encchat://[::1]:9/"], invite("[::1]:9")),
    ):
        parsed = admin.parse_arguments(words)
        assert parsed.make(parsed) == request
    for bad in (["rooms", "delete"], ["accounts", "bob"], ["invite", "--address", "a b"]):
        with pytest.raises(SystemExit) as caught:
            admin.parse_arguments(bad)
        assert caught.value.code == 2


def invite(address: str) -> requests.Invite:
    """Return a request for an invitation."""
    return requests.Invite(1, 604_800, address=address)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, None),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_700_000_000_000, "2023-11-14T22:13:20.000Z"),
        (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
    ],
)
def test_times_in_json_are_those_of_rfc_3339(
    milliseconds: int, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = admin.parse_arguments(["--json", "bans"])
    for answer in (
        [{"whom": "bob", "until": milliseconds}],
        {"time": milliseconds, "records": milliseconds},
    ):
        admin._show(arguments, answer)
        shown = json.loads(capsys.readouterr().out)
        if isinstance(shown, list):
            assert shown == [{"whom": "bob", "until": text}]
        else:
            assert shown == {"time": text, "records": milliseconds}


def test_what_was_done_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = admin.parse_arguments(["op", "bob"])
    admin._show(arguments, {"done": "bob is an operator of the server."})
    assert capsys.readouterr().out == "bob is an operator of the server.\n"
