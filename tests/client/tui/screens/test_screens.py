"""Screens for what commands can do as well."""

import shlex
from collections.abc import Callable
from datetime import time

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList

from chat.client.core.interfaces import StorageError
from chat.client.look import Theme
from chat.client.storage.settings import Level, Quiet, Settings
from chat.client.tui.screens.devices import DeviceLine, DevicesScreen, LinkScreen
from chat.client.tui.screens.invitation import InvitationScreen, Made
from chat.client.tui.screens.keys import KeysScreen
from chat.client.tui.screens.moderation import Moderation, ModerationScreen
from chat.client.tui.screens.people import BlocksScreen, RequestsScreen
from chat.client.tui.screens.picture import qr_rows
from chat.client.tui.screens.room import RoomSettingsScreen, RoomState
from chat.client.tui.screens.settings import Setters, SettingsScreen
from chat.rooms.roles import Action
from tests.client.tui.screens.support import (
    HOSTILE,
    SIZES,
    Asked,
    check_reachable,
    click,
    on_screen,
    screen_text,
    type_in,
)

PRINT = "SHA256:GYf9SlfUG7LgQD2Fk/MPC8/WFMAQ9daEPZm9FpEM2qE"
DEVICES = [
    DeviceLine(PRINT, "24 November 2026", True, True),
    DeviceLine("SHA256:other", "1 May 2026", False, False),
]
ACTIONS = [Action.KICK, Action.MUTE, Action.BAN]
ROOM = RoomState("club", "tea", 5, "by invitation", None, True)
KEYS = {"go-to": ("ctrl+k",), "help": ("f1",), "search": ("ctrl+f",)}
WORDS = {"go-to": "go to a room", "help": "show all keys", "search": "search"}


def flat(pilot: "Pilot[None]") -> str:
    """Return what is on the screen, in one line."""
    return " ".join(screen_text(pilot).replace("│", " ").split())


def no_setters(**more: Callable[..., None]) -> Setters:
    """Return setters that do nothing, but for those that are given."""
    names = ("theme", "mouse", "typing", "rooms", "bell", "desktop", "quiet")
    return Setters(**{name: more.get(name, lambda _: None) for name in names})


def all_screens(text: str) -> list[Screen[None]]:
    """Return each screen, with a text wherever others have a say."""
    asked = Asked()
    return [
        DevicesScreen([DeviceLine(text, text, True, False)], asked, lambda: None),
        LinkScreen(text, text, text, 10, lambda _: None),
        InvitationScreen(text, lambda *_: None, lambda _: None),
        ModerationScreen(text, text, ACTIONS, asked),
        BlocksScreen([text, text], asked, asked),
        RequestsScreen([text], asked, asked, asked, {text: text}),
        RoomSettingsScreen(RoomState(text, text, 5, text, None, True), asked, asked, asked),
        RoomSettingsScreen(RoomState(text, text, 5, text, None, False), asked, asked, asked),
        SettingsScreen(Settings(), no_setters(), lambda: None, path=text),
        KeysScreen({text: ("f1",)}, {text: ("f1",)}, {text: text}, lambda *_: None, path=text),
    ]


NUMBERS = range(len(all_screens("x")))


@pytest.mark.parametrize("number", NUMBERS)
def test_every_button_is_there_at_every_size_and_escape_closes(number: int) -> None:
    screen = all_screens("name")[number]

    async def act(pilot: Pilot[None]) -> None:
        for size in reversed(SIZES):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            check_reachable(pilot)
        seen = set()
        for _ in range(14):
            focused = pilot.app.focused
            assert focused is not None
            seen.add(focused)
            await pilot.press("tab")
        for it in pilot.app.screen.query("*"):
            is_hidden = not all(parent.display for parent in it.ancestors_with_self)
            assert it in seen or is_hidden or not it.focusable
        await pilot.press("escape")
        await pilot.pause()
        assert screen not in pilot.app.screen_stack

    on_screen(screen, act)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("text", [HOSTILE, "\x1b[" * 200_000])
def test_nothing_from_elsewhere_acts_on_the_terminal_or_the_toolkit(number: int, text: str) -> None:
    async def act(pilot: Pilot[None]) -> None:
        for _ in range(4):
            assert not set(screen_text(pilot)) & set("\x1b\x07\x9b\u202e")
            await pilot.press("tab")

    on_screen(all_screens(text)[number], act)


# --- Devices ---


def test_a_device_is_taken_away_after_a_second_press() -> None:
    revoke = Asked()

    async def act(pilot: Pilot[None]) -> None:
        assert "SHA256:other" in screen_text(pilot) and "this one" in screen_text(pilot)
        await click(pilot, "#revoke")
        assert "the device you sit at" in flat(pilot)
        await pilot.press("shift+tab", "shift+tab", "down")
        await click(pilot, "#revoke")
        assert "Press again to take SHA256:other away" in flat(pilot) and revoke.calls == []
        await pilot.pause()
        await click(pilot, "#revoke")
        assert revoke.calls == [("SHA256:other",)]
        revoke.answer("That cannot be.")
        await pilot.pause()
        assert "That cannot be." in flat(pilot)
        await click(pilot, "#revoke")
        await click(pilot, "#revoke")
        revoke.answer()
        await pilot.pause()
        assert "SHA256:other" not in flat(pilot) and "not yours any more" in flat(pilot)

    on_screen(DevicesScreen(DEVICES, revoke, lambda: None), act)


def test_linking_shows_the_whole_line_and_a_picture_where_there_is_room() -> None:
    copied: list[str] = []
    link = f"encchat://chat.example:5555/#{PRINT}"
    line = f"encchat '{link}' --nick ana --link ABCD-EFGH"

    def screen() -> LinkScreen:
        return LinkScreen("ABCD-EFGH", link, "ana", 10, copied.append)

    async def usual(pilot: Pilot[None]) -> None:
        assert line.replace(" ", "") in "".join(screen_text(pilot).replace("│", "").split())
        await click(pilot, "#copy")
        assert copied == [line]
        await click(pilot, "#picture")
        drawn = [row.strip() for row in screen_text(pilot).split("\n") if row.strip()]
        assert drawn == [row.strip() for row in qr_rows(line)]
        await pilot.press("escape")
        await pilot.pause()
        assert line[:20] in flat(pilot)

    async def narrow(pilot: Pilot[None]) -> None:
        await click(pilot, "#picture")
        assert "The picture needs 45 columns and 23 rows." in flat(pilot)
        await pilot.click()
        await pilot.pause()
        assert isinstance(pilot.app.screen, LinkScreen)

    on_screen(screen(), usual, (80, 24))
    on_screen(screen(), narrow, (40, 20))


@pytest.mark.parametrize("hostile", ["$(reboot)", "`x`", "a;b", "a b", "'"])
def test_the_line_to_type_is_quoted_for_a_shell(hostile: str) -> None:
    copied: list[str] = []

    async def act(pilot: Pilot[None]) -> None:
        await click(pilot, "#copy")

    on_screen(LinkScreen(hostile, hostile, hostile, 10, copied.append), act)
    assert [shlex.split(it) for it in copied] == [
        ["encchat", hostile, "--nick", hostile, "--link", hostile]
    ]


@pytest.mark.parametrize("text", ["x", "encchat://a/#" + PRINT, "x" * 500])
def test_a_picture_is_square_and_quiet_around(text: str) -> None:
    rows = qr_rows(text)
    width = len(rows[0])
    assert {len(row) for row in rows} == {width} and len(rows) == (width + 1) // 2
    assert rows[0] == "█" * width
    assert all(row[:2] == row[-2:] == "██" for row in rows)
    assert qr_rows("x" * 1_001) == []


# --- Invitations ---


def test_an_invitation_is_made_shown_and_copied() -> None:
    calls: list[tuple[bool, int, int]] = []
    answers: list[Made] = []
    copied: list[str] = []

    def make(is_on_server: bool, uses: int, seconds: int, made: Made) -> None:
        calls.append((is_on_server, uses, seconds))
        answers.append(made)

    async def act(pilot: Pilot[None]) -> None:
        await type_in(pilot, "#uses", "0")
        await click(pilot, "#make")
        assert "1 or more" in flat(pilot)
        await type_in(pilot, "#uses", "3")
        await type_in(pilot, "#time", "soon")
        await click(pilot, "#make")
        assert calls == [] and "times are written like" in flat(pilot)
        assert pilot.app.screen.query_one("#time Input", Input).value == "soon"
        await type_in(pilot, "#time", "12h")
        await click(pilot, "#place")
        await click(pilot, "#make")
        assert calls == [(True, 3, 43_200)]
        answers[-1]("", "You may not invite.")
        await pilot.pause()
        assert "You may not invite." in flat(pilot)
        await click(pilot, "#make")
        answers[-1]("encchat://h/club?token=x", None)
        await pilot.pause()
        assert "encchat://h/club?token=x" in flat(pilot)
        await pilot.press("enter")
        assert copied == ["encchat://h/club?token=x"]
        await click(pilot, "#picture")
        assert "▀" in screen_text(pilot)

    on_screen(InvitationScreen("club", make, copied.append), act)


# --- Moderation ---


def test_somebody_is_muted_for_a_while() -> None:
    moderate = Asked()

    async def act(pilot: Pilot[None]) -> None:
        assert "For how long" not in screen_text(pilot)
        await pilot.press("right")
        assert "let read only" in flat(pilot) and "For how long" in flat(pilot)
        await type_in(pilot, "#time", "30x")
        await type_in(pilot, "#reason", "loud")
        await click(pilot, "#do")
        assert moderate.calls == [] and "30x" in flat(pilot)
        await type_in(pilot, "#time", "30m")
        await pilot.press("tab", "enter")
        assert moderate.calls == [(Moderation(Action.MUTE, "bob", False, 1_800, "loud"),)]
        moderate.answer("You are no operator here.")
        await pilot.pause()
        assert "You are no operator here." in flat(pilot)
        assert pilot.app.screen.query_one("#reason Input", Input).value == "loud"
        await click(pilot, "#do")
        moderate.answer()
        await pilot.pause()
        assert not isinstance(pilot.app.screen, ModerationScreen)

    on_screen(ModerationScreen("bob", "club", ACTIONS, moderate), act)


def test_somebody_is_banned_from_the_server_for_good() -> None:
    moderate = Asked()

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("left", "down", "enter")
        await type_in(pilot, "#reason", "x" * 201)
        await click(pilot, "#do")
        assert "at most 200 characters" in flat(pilot)
        await type_in(pilot, "#reason", "")
        await click(pilot, "#do")
        assert moderate.calls == [(Moderation(Action.BAN, "bob", True, 0, ""),)]

    on_screen(ModerationScreen("bob", "club", ACTIONS, moderate), act)


# --- People ---


def test_blocking_and_unblocking() -> None:
    block, unblock = Asked(), Asked()

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("tab", *"@eve", "enter")
        assert block.calls == [("eve",)]
        block.answer("There is no eve.")
        await pilot.pause()
        assert "There is no eve." in flat(pilot)
        assert pilot.app.screen.query_one(Input).value == "@eve"
        await pilot.press("enter")
        block.answer()
        await pilot.pause()
        assert "eve is blocked." in flat(pilot)
        pilot.app.screen.query_one(OptionList).highlighted = 0
        await click(pilot, "#unblock")
        assert unblock.calls == [("bob",)]
        unblock.answer()
        await pilot.pause()
        assert "bob can write to you again." in flat(pilot)
        assert pilot.app.screen.query_one(OptionList).option_count == 1

    on_screen(BlocksScreen(["bob"], block, unblock), act)


@pytest.mark.parametrize("button", ["accept", "decline", "block"])
def test_requests_are_answered(button: str) -> None:
    acts = {name: Asked() for name in ("accept", "decline", "block")}
    screen = RequestsScreen(
        ["bob", "eve"], acts["accept"], acts["decline"], acts["block"], {"eve": "Another eve!"}
    )

    async def act(pilot: Pilot[None]) -> None:
        assert "Another eve!" not in flat(pilot)
        await pilot.press("down")
        await pilot.pause()
        assert "Another eve!" in flat(pilot)
        await click(pilot, f"#{button}")
        assert acts[button].calls == [("eve",)]
        acts[button].answer()
        await pilot.pause()
        assert pilot.app.screen.query_one(OptionList).option_count == 1

    on_screen(screen, act)


def test_nobody_on_a_list_is_said() -> None:
    asked = Asked()

    async def act(pilot: Pilot[None]) -> None:
        assert "You have blocked nobody." in flat(pilot)
        await click(pilot, "#unblock")
        assert asked.calls == []

    on_screen(BlocksScreen([], asked, asked), act)


# --- A room ---


def test_only_what_changes_is_set_and_in_order() -> None:
    topic, slow, level = Asked(), Asked(), Asked()

    async def act(pilot: Pilot[None]) -> None:
        await type_in(pilot, "#slow", "1 year")
        await click(pilot, "#save")
        assert "/slow SECONDS" in flat(pilot)
        await type_in(pilot, "#slow", "10")
        await click(pilot, "#level")
        await click(pilot, "#save")
        assert level.calls == [(Level.ALL,)] and slow.calls == []
        level.answer()
        assert slow.calls == [(10,)]
        slow.answer("No.")
        await pilot.pause()
        assert "No." in flat(pilot)
        assert pilot.app.screen.query_one("#slow Input", Input).value == "10"
        assert topic.calls == []

    on_screen(RoomSettingsScreen(ROOM, topic, slow, level), act)


def test_a_topic_that_had_to_be_made_visible_is_not_sent_back() -> None:
    topic, slow, level = Asked(), Asked(), Asked()
    room = RoomState("club", "\x1b[31m" + "x" * 5_000, 5, "open", None, True)

    async def act(pilot: Pilot[None]) -> None:
        await click(pilot, "#save")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, RoomSettingsScreen)

    on_screen(RoomSettingsScreen(room, topic, slow, level), act)
    assert topic.calls == slow.calls == level.calls == []


# --- Settings ---


def test_settings_hold_as_soon_as_they_are_chosen() -> None:
    calls: list[object] = []
    setters = no_setters(
        **{name: calls.append for name in ("theme", "mouse", "rooms", "bell", "quiet")}
    )

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("right")
        await click(pilot, "#mouse")
        await pilot.press("down", "down", "left")
        assert calls == [Theme.HIGH_CONTRAST, False, Level.ALL]
        await type_in(pilot, "#quiet", "late")
        await click(pilot, "#quiet-hours")
        assert "is not a time like 22:00-07:00" in flat(pilot)
        assert pilot.app.screen.query_one("#quiet Input", Input).value == "late"
        await type_in(pilot, "#quiet", "23:00-06:00")
        await pilot.press("enter")
        assert calls[-1] == Quiet(time(23), time(6))

    on_screen(SettingsScreen(Settings(), setters, lambda: None, path="settings.toml"), act)


def test_what_cannot_be_kept_is_said_and_not_shown_as_if_it_were() -> None:
    def refuse(_: object) -> None:
        raise StorageError("the disk is full")

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("right")
        await pilot.pause()
        assert "the disk is full." in flat(pilot)
        assert "Colours < dark >" in flat(pilot)

    on_screen(SettingsScreen(Settings(), no_setters(theme=refuse), lambda: None, path="x"), act)


# --- Keys ---


def keys_screen(bound: list[tuple[str, tuple[str, ...]]]) -> KeysScreen:
    """Return the screen of keys."""
    return KeysScreen(KEYS, KEYS, WORDS, lambda *it: bound.append(it), path="keys.toml")


@pytest.mark.parametrize(
    ("key", "bound"), [("f5", "f5"), ("ctrl+g", "ctrl+g"), ("question_mark", "question_mark")]
)
def test_a_key_is_pressed_to_be_taken(key: str, bound: str) -> None:
    found: list[tuple[str, tuple[str, ...]]] = []

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("down", "enter")
        await pilot.pause()
        assert "Press the key for: " in flat(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert f"{bound}: " in flat(pilot)

    on_screen(keys_screen(found), act)
    assert [keys for _, keys in found] == [(bound,)]


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("ctrl+f", "ctrl+f is the key for: search. Give that another one first."),
        ("tab", "tab is needed everywhere"),
        ("escape", "go to a room (ctrl+k)"),
    ],
)
def test_a_key_that_is_taken_is_refused(key: str, sentence: str) -> None:
    found: list[tuple[str, tuple[str, ...]]] = []

    async def act(pilot: Pilot[None]) -> None:
        pilot.app.screen.query_one(OptionList).highlighted = 0
        await click(pilot, "#change")
        await pilot.press(key)
        await pilot.pause()
        assert sentence in flat(pilot)
        assert isinstance(pilot.app.screen, KeysScreen)

    on_screen(keys_screen(found), act)
    assert found == []


def test_the_usual_key_comes_back() -> None:
    found: list[tuple[str, tuple[str, ...]]] = []
    screen = KeysScreen({**KEYS, "help": ()}, KEYS, WORDS, lambda *it: found.append(it), path="x")

    async def act(pilot: Pilot[None]) -> None:
        assert "show all keys (no key)" in flat(pilot)
        pilot.app.screen.query_one(OptionList).highlighted = 1
        await click(pilot, "#usual")
        assert "show all keys (f1)" in flat(pilot)

    on_screen(screen, act)
    assert found == [("help", ("f1",))]
