"""What the user is made to notice, and where nothing is allowed to come through."""

import re
from pathlib import Path

import pytest

from chat.ids import LogId
from chat.wire import messages as m
from tests.client.tui.support import Desk, run


class Rung:
    """Counts bells and keeps what is written to the terminal."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bells = 0
        self.written: list[str] = []
        monkeypatch.setattr(desk.app, "bell", self._bell)
        driver = desk.app._driver
        assert driver is not None
        monkeypatch.setattr(type(driver), "is_headless", False)
        monkeypatch.setattr(driver, "write", self.written.append)

    def _bell(self) -> None:
        self.bells += 1


def test_a_mention_elsewhere_rings_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.type("/create python")
        rung = Rung(desk, monkeypatch)
        await desk.say("bob", "hi all")
        assert rung.bells == 0 and re.search("#lobby +1 *\n", desk.text())
        await desk.say("bob", "hi ana")
        assert rung.bells == 1 and re.search("#lobby +@1 2 *\n", desk.text())
        assert any("(1) #python - encchat" in it for it in rung.written)
        await desk.say("bob", "ana, again")
        assert rung.bells == 1  # Not twice a second.
        desk.clock.advance(2)
        await desk.say("bob", "ana!")
        assert rung.bells == 2

    run(Desk(tmp_path), test)


def test_what_is_before_the_eyes_does_not_ring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        rung = Rung(desk, monkeypatch)
        await desk.say("bob", "hi ana")
        assert rung.bells == 0
        assert desk.screen.room is not None and desk.screen.room.unread == 0
        desk.app.app_focus = False
        desk.clock.advance(2)
        await desk.say("bob", "ana?")
        assert rung.bells == 1 and desk.screen.room.unread == 1
        assert any("── new ──" in line for line in desk.log_lines())
        desk.app.app_focus = True
        desk.conductor.focus_changed()
        await desk.settle()
        assert desk.screen.room.unread == 0

    run(Desk(tmp_path), test)


def test_what_one_scrolled_away_from_is_not_read(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        for number in range(60):
            await desk.say("bob", f"message {number}")
        await desk.press("pageup", "pageup")
        room = desk.screen.room
        assert room is not None
        for _ in range(3):
            await desk.say("carol", "later")
        assert room.unread == 3 and "3 new below" in desk.text()
        await desk.press("escape")
        assert room.unread == 0 and "later" in desk.text()

    run(Desk(tmp_path), test)


HOSTILE = [
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b[2J\x1b[H\x9b31m",
    "\x9d0;title\x9c",
    "a\x08\x08b\rc\x0c\x0bd",
    "\u202etxet\u202c \u2066x \u2069\u2069",
    "[@click=app.quit]x[/] [/] [bold",
    "[link=https://evil.example]x[/link]",
    "\x00\x01\x02\x7f\x85",
    "z" + "\u0301" * 200,
    "\U000e0041\ufeff\u200b\u2028\u2029",
    "x" * 8_000,
    "\n" * 100,
    "👩‍👩‍👧‍👦" * 50,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_others_acts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Wherever it is shown: as a message, a nickname, a topic, a reaction, a notice, a request, an
    invitation, a hit of a search, a reply, the title."""

    async def test(desk: Desk) -> None:
        await desk.enter()
        rung = Rung(desk, monkeypatch)
        server, lobby = desk.server, desk.server.room("lobby")
        nick = (text[:30].replace("\n", " ") or "x").strip() or "x"
        bob = server.account(nick)
        seq = server.add(lobby, m.TextBody(0, bob, nick, text))
        server.add(lobby, m.TextBody(0, bob, nick, text, seq))
        server.add(lobby, m.ReactionBody(0, bob, nick, seq, text[:16]))
        server.add(lobby, m.TopicBody(0, bob, nick, text[:150]))
        server.passing(lobby, m.JoinedBody(0, bob, nick))
        server.passing(lobby, m.TypingBody(0, bob, nick))
        desk.receive(
            m.Notice(text[:200]),
            m.Invited(text[:30], nick),
            m.Requested(LogId(lobby.log[:-1] + b"x"), bob, nick),
            m.Opened(LogId(lobby.log[:-1] + b"y"), "public", text[:30], 0, 0, 3, text[:100]),
        )
        desk.carry()
        await desk.settle()
        for keys in (("ctrl+k",), ("ctrl+up",), ("i",), ("escape",), ("f3",), ("escape",)):
            await desk.press(*keys)
            screen = desk.text()
            assert not set(screen.replace("\n", "")) & set(map(chr, [*range(32), *range(127, 160)]))
            assert not set(screen) & set("\u202d\u202e\u200b\ufeff\u2028\u2029")
            assert not any("\U000e0000" <= character <= "\U000e007f" for character in screen)
            await desk.press("escape")
        for title in (it for it in rung.written if it.startswith("\x1b]2;")):
            assert title.endswith("\x1b\\") and title[4:-2].isprintable()
        assert desk.app.is_running

    run(Desk(tmp_path), test, size=(120, 30))


@pytest.mark.parametrize("count", [3, 5, 300])
def test_notices_do_not_cover_the_screen_however_many_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        above: list[str] = []
        monkeypatch.setattr(desk.screen, "notify", lambda text, **_: above.append(text))
        for number in range(count):
            desk.receive(m.Notice(f"notice {number}."))
        await desk.settle()
        assert above == [f"notice {number}." for number in range(min(count, 4))]
        # The others are in the log.
        assert (f"notice {count - 1}." in desk.text()) is (count > 4)
        desk.clock.advance(5)
        desk.receive(m.Notice("A later one."))
        assert above[-1] == "A later one."

    run(Desk(tmp_path), test)


@pytest.mark.parametrize(("width", "is_said"), [(40, True), (59, True), (60, False), (120, False)])
def test_what_is_new_elsewhere_is_said_where_the_list_of_rooms_is_not(
    tmp_path: Path, width: int, is_said: bool
) -> None:
    async def test(desk: Desk) -> None:
        await desk.enter()
        await desk.type("/create other")
        assert "elsewhere" not in desk.text()
        for number in range(3):
            await desk.say("bob", f"message {number}")
        assert ("3 new elsewhere" in desk.lines()[0]) is is_said
        await desk.go_to("lobby")
        assert "elsewhere" not in desk.text()

    run(Desk(tmp_path), test, (width, 20))
