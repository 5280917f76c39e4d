"""Getting somewhere: rooms, people, commands, hits, days; with keys or the mouse alone."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.widgets import Input

from chat.client.commands import ENTRIES
from chat.client.tui.days import parse_day
from chat.client.tui.picker import Choice, rank
from chat.ids import AccountId, LogId
from chat.wire import messages as m
from tests.client.tui.support import NOON, Desk, run

DAY = 86_400_000


def test_alt_arrows_go_to_what_is_unread(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        for name in ("a", "b", "c"):
            await desk.type(f"/create {name}")
        for name in ("a", "lobby"):
            await desk.say("bob", "hi", name)
        visited = []
        for key in ("alt+down", "alt+down", "alt+down"):
            await desk.press(key)
            room = desk.screen.room
            assert room is not None
            visited.append(room.name)
        assert visited == ["lobby", "a", "a"]

    run(Desk(tmp_path), test)


def test_an_unknown_room_can_be_joined_and_a_person_be_written_to(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        desk.server.room("python", "bob")
        desk.server.account("carol")
        await desk.enter()
        await desk.go_to("python")
        await desk.press("ctrl+k")
        desk.app.screen.query_one(Input).value = "@carol"
        await desk.press("enter")
        room = desk.screen.room
        assert room is not None and room.is_private and room.name == "carol"

    run(Desk(tmp_path), test)


def test_the_palette_has_every_command(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.press("ctrl+p")
        for name, entry in ENTRIES.items():
            if name == "quit":
                continue
            desk.app.screen.query_one(Input).value = entry.line
            await desk.settle()
            assert entry.line in desk.text()
        desk.app.screen.query_one(Input).value = "/ban"
        await desk.press("enter")
        assert desk.composer.text == "/ban "

    run(Desk(tmp_path), test, (120, 30))


ARGUMENTS = {
    "join": "python",
    "create": "new",
    "msg": "bob hi",
    "known": "bob",
    "accept": "bob",
    "decline": "bob",
    "block": "bob",
    "unblock": "bob",
    "me": "waves",
    "reply": "yes",
    "react": "+1",
    "edit": "changed",
    "search": "hi",
    "invite": "bob",
    "slow": "5",
    "nick": "anna",
    "revoke": "SHA256:x",
    "topic": "about",
    **{action: "bob" for action in ("kick", "ban", "unban", "mute", "unmute", "op", "deop")},
}


@pytest.mark.parametrize("name", [it for it in ENTRIES if it != "quit"])
def test_every_command_works_in_the_input_and_shows_what_came_of_it(
    tmp_path: Path, name: str
) -> None:
    async def test(desk: Desk) -> None:
        desk.server.room("python", "bob")
        desk.server.blocked.append("bob")
        await desk.enter()
        await desk.say("bob", "hi")
        await desk.type("mine")
        before = desk.text()
        await desk.type(f"/{name} {ARGUMENTS.get(name, '')}".rstrip())
        assert desk.text() != before
        assert desk.app.is_running

    run(Desk(tmp_path), test, (100, 30))


def test_a_hit_is_gone_to(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.say("bob", "a needle")
        for number in range(120):
            desk.server.says("bob", desk.server.room("lobby"), f"hay {number}")
        desk.carry()
        await desk.type("/create other")
        await desk.press("ctrl+f")
        desk.app.screen.query_one(Input).value = "needle"
        await desk.press("enter")
        assert "a needle" in desk.text()
        await desk.press("enter")
        assert "▶ a needle" in desk.log_lines()
        await desk.press("escape")
        assert "  hay 119" in desk.log_lines()

    run(Desk(tmp_path), test)


def test_one_goes_to_what_a_message_answers(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        seq = await desk.say("bob", "the question")
        for number in range(60):
            desk.server.says("bob", desk.server.room("lobby"), f"noise {number}")
        await desk.say("carol", "the answer", reply=seq)
        await desk.press("ctrl+up", "o")
        assert "▶ the question" in desk.log_lines()

    run(Desk(tmp_path), test)


def test_one_goes_to_a_day_and_to_the_first_new_message(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        lobby, bob = desk.server.room("lobby"), desk.server.account("bob")
        for day in range(5, 0, -1):
            for number in range(30):
                at = NOON - day * DAY + number
                desk.server.add(lobby, m.TextBody(at, bob, "bob", f"day {day} number {number}"))
        desk.carry()
        await desk.press("ctrl+g")
        desk.app.screen.query_one(Input).value = "date"
        await desk.press("enter")
        desk.app.screen.query_one(Input).value = "2026-11-26"
        await desk.press("enter")
        assert "▶ day 2 number 0" in desk.log_lines()
        await desk.press("escape", "ctrl+g")
        desk.app.screen.query_one(Input).value = "2026-11-24"
        await desk.press("enter")
        assert "▶ day 4 number 0" in desk.log_lines()
        await desk.press("escape")
        await desk.type("/create other")
        for number in range(60):
            desk.server.says("bob", lobby, f"new {number}")
        desk.carry()
        await desk.go_to("lobby")
        await desk.press("ctrl+g")
        desk.app.screen.query_one(Input).value = "first new"
        await desk.press("enter")
        lines = desk.log_lines()
        assert "▶ new 0" in lines and any("── new ──" in line for line in lines)

    run(Desk(tmp_path), test)


def test_the_mouse_alone_is_enough(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.type("mine")
        await desk.type("/create other")
        await desk.click("#lobby")
        assert desk.screen.room is not None and desk.screen.room.name == "lobby"
        await desk.click("  mine")
        await desk.click("r reply", 2)
        assert "to ana" in desk.text()
        await desk.click("Esc gives up")
        assert "to ana" not in desk.text()
        await desk.click("  mine")
        await desk.click("d delete", 2)
        await desk.click("Delete", 1, last=True)
        assert "  deleted" in desk.log_lines()
        await desk.click("#lobby", last=False)
        assert "Settings of lobby" in desk.text()

    run(Desk(tmp_path), test, (120, 30))


@pytest.mark.parametrize(("key", "is_joined"), [("enter", True), ("escape", False)])
def test_an_invitation_is_followed_on_purpose(tmp_path: Path, key: str, is_joined: bool) -> None:
    async def test(desk: Desk) -> None:
        desk.server.room("den", "bob")
        await desk.enter()
        desk.receive(m.Invited("den", "bob"))
        await desk.settle()
        await desk.click("+den")
        assert "bob invites you to den" in desk.text()
        assert desk.client.core.room("den") is None
        await desk.press(key)
        assert (desk.client.core.room("den") is not None) is is_joined

    run(Desk(tmp_path), test)


@pytest.mark.parametrize(
    ("query", "note", "question"),
    [
        ("den", "bob invites you", "bob invites you to den"),
        ("carol", "asks to talk to you", "carol asks to talk to you alone"),
        ("@car", "asks to talk to you", "carol asks to talk to you alone"),
    ],
)
def test_who_asks_and_who_invites_is_among_the_rooms_and_people(
    tmp_path: Path, query: str, note: str, question: str
) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        desk.receive(
            m.Invited("den", "bob"), m.Requested(LogId(bytes(16)), AccountId(bytes(16)), "carol")
        )
        await desk.press("ctrl+k")
        assert "#den" in desk.text() and "@carol" in desk.text()
        desk.app.screen.query_one(Input).value = query
        await desk.settle()
        assert note in desk.text()
        await desk.press("enter")
        assert question in desk.text()

    run(Desk(tmp_path), test)


@pytest.mark.parametrize("width", [40, 59, 60, 80, 99, 100, 120, 160, 300])
def test_it_fits_every_width(tmp_path: Path, width: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.say("bob", "some words that are long enough to be wrapped at forty columns " * 3)
        screen = desk.text()
        assert ("\n rooms" in screen) == (width >= 60)
        assert ("here (" in screen) == (width >= 100)
        assert "#lobby" in screen and "some words" in screen and "ana at" in screen
        text = [line for line in desk.log_lines() if "words" in line]
        assert all(len(line) <= 100 for line in text)
        await desk.press("f3")
        assert ("here (" in desk.text()) == (width < 100)
        await desk.press("escape")
        await desk.press("f2")
        assert ("\n rooms" in desk.text()) == (width < 60)

    run(Desk(tmp_path), test, (width, 20))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-11-28"),
        ("Yesterday", "2026-11-27"),
        ("saturday", "2026-11-28"),
        ("fri", "2026-11-27"),
        ("monday", "2026-11-23"),
        ("2025-02-28", "2025-02-28"),
        ("24.11.", "2026-11-24"),
        ("24.12.", "2025-12-24"),
        ("24.12.2024", "2024-12-24"),
        ("11-27", "2026-11-27"),
        ("nonsense", None),
        ("2026-13-01", None),
        ("", None),
        ("29.2.", None),
    ],
)
def test_days_are_read(text: str, expected: str | None) -> None:
    now = datetime.fromtimestamp(NOON / 1_000, UTC)
    found = parse_day(text, now)
    assert (None if found is None else f"{found:%Y-%m-%d}") == expected


def test_the_best_match_comes_first() -> None:
    choices = [Choice(it, it) for it in ("#python", "#lobby", "#pyramid", "@polly")]
    assert [it.key for it in rank(choices, "py")][:2] == ["#python", "#pyramid"]
    assert [it.key for it in rank(choices, "")] == [it.key for it in choices]
    assert rank(choices, "zzz") == []
