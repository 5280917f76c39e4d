"""What typed lines mean."""

import pytest
from chat.client.parsing import parse_line
from hypothesis import given
from hypothesis import strategies as st

from chat.client import commands as c
from chat.client.commands import HELP, Command, CommandError
from chat.limits import REACTION_BYTES, SEQ_MAX, TEXT_BYTES
from chat.rooms.roles import Action


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hello", c.Say("hello")),
        ("  indented", c.Say("  indented")),
        ("//me", c.Say("/me")),
        ("///", c.Say("//")),
        ("", None),
        ("   ", None),
        ("/nick ana", c.Rename("ana")),
        ("/nick   ana  ", c.Rename("ana")),
        ("/nick two words", c.Rename("two words")),
        ("/who", c.Who()),
        ("/who ", c.Who()),
        ("/rooms", c.Rooms()),
        ("/quit", c.Quit()),
        ("/help", c.Help()),
        ("/join python", c.Join("python")),
        ("/join #python", c.Join("python")),
        ("/join python invite-only", c.Join("python", True)),
        ("/leave", c.Leave("")),
        ("/leave #python", c.Leave("python")),
        ("/topic", c.Topic("")),
        ("/topic all things", c.Topic("all things")),
        ("/invite bob", c.Invite("bob")),
        ("/invite @bob", c.Invite("bob")),
        ("/kick bob", c.Moderate(Action.KICK, "bob")),
        ("/kick @bob no more of this", c.Moderate(Action.KICK, "bob", reason="no more of this")),
        ("/kick bob 7d", c.Moderate(Action.KICK, "bob", reason="7d")),
        ("/ban bob", c.Moderate(Action.BAN, "bob")),
        ("/ban bob 7d", c.Moderate(Action.BAN, "bob", 604_800)),
        ("/ban bob 30m spam, spam", c.Moderate(Action.BAN, "bob", 1_800, "spam, spam")),
        ("/ban --server bob", c.Moderate(Action.BAN, "bob", on_server=True)),
        ("/ban --network bob", c.Moderate(Action.BAN, "bob", on_server=True, network=True)),
        ("/unban bob", c.Moderate(Action.UNBAN, "bob")),
        ("/mute bob 10s", c.Moderate(Action.MUTE, "bob", 10)),
        ("/unmute bob", c.Moderate(Action.UNMUTE, "bob")),
        ("/op bob", c.Moderate(Action.OP, "bob")),
        ("/deop --server bob", c.Moderate(Action.DEOP, "bob", on_server=True)),
        ("/slow 10", c.Slow(10)),
        ("/slow 5m", c.Slow(300)),
        ("/slow 0", c.Slow(0)),
        ("/invitation", c.MakeInvitation(1, 604_800, False)),
        ("/invitation 10", c.MakeInvitation(10, 604_800, False)),
        ("/invitation 2h 3", c.MakeInvitation(3, 7_200, False)),
        ("/invitation --server 1d", c.MakeInvitation(1, 86_400, True)),
        ("/link", c.Link()),
        ("/devices", c.Devices()),
        ("/revoke SHA256:abc", c.Revoke("SHA256:abc")),
        ("/msg bob hello there", c.Tell("bob", "hello there")),
        ("/msg @bob /me", c.Tell("bob", "/me")),
        ("/history", c.History("")),
        ("/history #python", c.History("python")),
        ("/history @bob", c.History("bob", True)),
        ("/search one two", c.Search("one two")),
        ("/edit bye", c.Edit(None, "bye")),
        ("/edit #12 bye now", c.Edit(12, "bye now")),
        ("/edit #tag", c.Edit(None, "#tag")),
        ("/edit #12th", c.Edit(None, "#12th")),
        ("/delete", c.Delete(None)),
        ("/delete #12", c.Delete(12)),
        ("/reply me too", c.Reply(None, "me too")),
        (f"/reply #{SEQ_MAX} me", c.Reply(SEQ_MAX, "me")),
        ("/react 👍", c.React(None, "👍")),
        ("/react #12 👍", c.React(12, "👍")),
        ("/react #12", c.React(12, "")),
        ("/react", c.React(None, "")),
        ("x" * TEXT_BYTES, c.Say("x" * TEXT_BYTES)),
    ],
)
def test_a_line_is_understood(line: str, command: Command | None) -> None:
    assert parse_line(line) == command


@pytest.mark.parametrize(
    "line",
    [
        *("/", "/nick", "/nick  ", "/who me", "/quit now", "/dance", "/NICK x", "/rooms x"),
        *("/join", "/join #", "/join a b", "/invite", "/kick", "/ban @", "/search"),
        *("/msg", "/msg bob", "/edit", "/edit #3", "/reply #3 ", "/delete this", "/delete #3 x"),
        *("/edit #0 x", f"/edit #{SEQ_MAX + 1} x", f"/react {'x' * (REACTION_BYTES + 1)}"),
        "x" * (TEXT_BYTES + 1),
        "é" * (TEXT_BYTES // 2 + 1),
        f"/topic {'x' * 65_000}",
        f"/msg bob {'x' * (TEXT_BYTES + 1)}",
    ],
)
def test_a_command_that_is_none_is_not_sent(line: str) -> None:
    with pytest.raises(CommandError, match=r"\w.*(\.|])$|used like this"):
        parse_line(line)


@given(st.text(min_size=1))
def test_every_text_can_be_said(text: str) -> None:
    line = "/" + text if text.startswith("/") else text
    assert parse_line(line) == (c.Say(text) if text.strip() else None)


def test_help_names_every_command() -> None:
    names = "join leave rooms topic invite kick ban msg history search edit delete reply react"
    for name in (*names.split(), "who", "nick", "quit", "help"):
        assert f"/{name}" in HELP
