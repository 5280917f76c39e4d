"""The first minute."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from chat.client.core.address import Address, parse_address
from chat.client.tui.welcome import (
    ChangedKeyScreen,
    NewKey,
    PasswordScreen,
    TrustScreen,
    WelcomeScreen,
)
from chat.wire.hostkey import fingerprint, fingerprint_words
from tests.client.tui.screens.support import (
    HOSTILE,
    Asked,
    check_reachable,
    click,
    on_screen,
    screen_text,
    sizes,
    type_in,
)

KEY = NewKey(
    "chat.example:5555", fingerprint(bytes(32)), tuple(fingerprint_words(bytes(32)).split())
)


class Left:
    """Counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        """Count."""
        self.times += 1


def welcome(enter: Asked, left: Left, **more: object) -> WelcomeScreen:
    """Return the first screen."""
    address = more.get("address")
    assert address is None or isinstance(address, Address)
    return WelcomeScreen(enter, left, home="~/.config/encchat", address=address)


@sizes
def test_everything_is_there_and_keys_alone_suffice(size: tuple[int, int]) -> None:
    enter, left = Asked(), Left()

    async def act(pilot: Pilot[None]) -> None:
        check_reachable(pilot)
        shown = screen_text(pilot)
        for word in ("Welcome to encchat", "Invitation link", "nickname"):
            assert word in shown
        await pilot.press(*"localhost", "enter", *"ana", "enter")
        assert enter.calls == [(Address("localhost"), "ana")]
        enter.answer()
        await pilot.pause()
        assert not isinstance(pilot.app.screen, WelcomeScreen)

    on_screen(welcome(enter, left), act, size)
    assert left.times == 0


@sizes
def test_the_mouse_alone_suffices(size: tuple[int, int]) -> None:
    enter, left = Asked(), Left()

    async def act(pilot: Pilot[None]) -> None:
        await type_in(pilot, "#where", "chat.example")
        await type_in(pilot, "#nick", "ana")
        assert await click(pilot, "#enter")
        assert enter.calls == [(Address("chat.example"), "ana")]
        enter.answer("no")
        assert await click(pilot, "#close")

    on_screen(welcome(enter, left), act, size)
    assert left.times == 1


@pytest.mark.parametrize(
    ("where", "nick", "sentence", "focused"),
    [
        ("", "ana", "Paste an invitation, or type where the server is.", "where"),
        ("a b", "ana", "That is no address: an address has the form HOST:PORT", "where"),
        ("encchat://h/#SHA256:x", "ana", "That is no address: the fingerprint", "where"),
        ("localhost", "", "Choose a nickname", "nick"),
    ],
)
def test_what_cannot_be_is_said_where_it_was_typed(
    where: str, nick: str, sentence: str, focused: str
) -> None:
    enter, left = Asked(), Left()

    async def act(pilot: Pilot[None]) -> None:
        await type_in(pilot, "#where", where)
        await type_in(pilot, "#nick", nick)
        await click(pilot, "#enter")
        await pilot.pause()
        assert sentence in " ".join(screen_text(pilot).replace("│", " ").split())
        assert pilot.app.screen.query_one(f"#{focused} Input").has_focus
        assert pilot.app.screen.query_one("#where Input", Input).value == where
        assert pilot.app.screen.query_one("#nick Input", Input).value == nick

    on_screen(welcome(enter, left), act)
    assert enter.calls == []


def test_a_refusal_is_shown_and_what_was_typed_is_still_there() -> None:
    enter, left = Asked(), Left()

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press(*"localhost", "enter", *"ana", "enter")
        assert "Connecting…" in screen_text(pilot)
        await pilot.press("enter")
        assert len(enter.calls) == 1
        enter.answer("The nickname ana is taken.")
        await pilot.pause()
        assert "The nickname ana is taken." in screen_text(pilot)
        assert "Connecting" not in screen_text(pilot)
        await pilot.press("a", "enter")
        assert enter.calls[1] == (Address("localhost"), "anaa")

    on_screen(welcome(enter, left), act)


def test_with_a_link_there_is_nothing_to_type_but_the_name() -> None:
    enter, left = Asked(), Left()
    link = parse_address(f"encchat://chat.example/club#{fingerprint(bytes(32))}")

    async def act(pilot: Pilot[None]) -> None:
        assert "You are going to chat.example:5555, room club." in screen_text(pilot)
        await pilot.press(*"ana", "enter")
        assert enter.calls == [(link, "ana")]
        await pilot.press("escape")

    on_screen(welcome(enter, left, address=link), act)
    assert left.times == 1


@sizes
@pytest.mark.parametrize("yes", [True, False])
def test_a_new_key_is_shown_whole_and_trusted_only_on_purpose(
    size: tuple[int, int], yes: bool
) -> None:
    answers: list[bool] = []

    async def act(pilot: Pilot[None]) -> None:
        check_reachable(pilot)
        shown = "".join(screen_text(pilot).replace("│", "").split())
        assert KEY.fingerprint in shown or size == (40, 20)
        assert pilot.app.screen.query_one("#close").has_focus
        if yes:
            await pilot.press("shift+tab", "enter")
        else:
            await pilot.press("enter")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, TrustScreen)

    on_screen(TrustScreen(KEY, answers.append), act, size)
    assert answers == [yes]


def test_escape_trusts_nobody() -> None:
    answers: list[bool] = []

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("y", "space", "escape")

    on_screen(TrustScreen(KEY, answers.append), act)
    assert answers == [False]


@sizes
def test_a_changed_key_stops_with_an_explanation(size: tuple[int, int]) -> None:
    left = Left()

    async def act(pilot: Pilot[None]) -> None:
        check_reachable(pilot)
        assert "has changed" in screen_text(pilot)
        await pilot.press("enter")

    on_screen(ChangedKeyScreen(["It is not the one that was pinned.", HOSTILE], left), act, size)
    assert left.times == 1


@sizes
def test_a_password_is_not_shown_and_stays_after_a_refusal(size: tuple[int, int]) -> None:
    enter, left = Asked(), Left()

    async def act(pilot: Pilot[None]) -> None:
        check_reachable(pilot)
        await pilot.press(*" s3cret ", "enter")
        assert "s3cret" not in screen_text(pilot)
        assert enter.calls == [(" s3cret ",)]
        enter.answer("That password is wrong.")
        await pilot.pause()
        assert "That password is wrong." in screen_text(pilot)
        assert pilot.app.screen.query_one(Input).value == " s3cret "
        await pilot.press("escape")

    on_screen(PasswordScreen("localhost:5555", enter, left), act, size)
    assert left.times == 1


def test_an_answer_that_comes_when_the_screen_is_gone_or_covered_is_harmless() -> None:
    enter, left = Asked(), Left()

    async def act(pilot: Pilot[None]) -> None:
        screen = pilot.app.screen
        await pilot.press(*"x", "enter")
        await pilot.app.push_screen(TrustScreen(KEY, lambda _: None))
        enter.answer()
        await pilot.press("escape")
        await pilot.pause()
        assert screen not in pilot.app.screen_stack
        enter.answer("too late")
        await pilot.pause()

    on_screen(PasswordScreen("localhost:5555", enter, left), act)
    assert left.times == 0


@pytest.mark.parametrize("make", ["password", "trust", "changed"])
def test_nothing_from_elsewhere_acts_on_the_terminal_or_the_toolkit(make: str) -> None:
    screens = {
        "password": PasswordScreen(HOSTILE, Asked(), Left(), refusal=HOSTILE),
        "trust": TrustScreen(NewKey(HOSTILE, HOSTILE, (HOSTILE,) * 3), lambda _: None),
        "changed": ChangedKeyScreen([HOSTILE, "x" * 10**6], Left()),
    }

    async def act(pilot: Pilot[None]) -> None:
        shown = screen_text(pilot)
        assert "[/x]" in shown and not set(shown) & set("\x1b\x07\x9b\u202e")

    on_screen(screens[make], act)
