"""What deserves a notification, and what the terminal is sent."""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.notify import Arrival, Desktop, Notice, desktop_of, notice_of, window_title
from chat.client.storage.settings import Level, Settings, parse_quiet

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SAID = Arrival("a:1", "club", "bob", "hi", is_private=False, is_mention=False)
MENTION = replace(SAID, is_mention=True)
PRIVATE = Arrival("a:1", "bob", "bob", "hi", is_private=True, is_mention=False)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("level", "notified"),
    [
        (None, [False, True, True]),
        (Level.ALL, [True, True, True]),
        (Level.MENTIONS, [False, True, True]),
        (Level.NONE, [False, False, True]),
    ],
)
def test_what_is_notified_depends_on_the_room(level: Level | None, notified: list[bool]) -> None:
    settings = Settings() if level is None else Settings(levels={("a:1", "club"): level})
    found = [notice_of(it, settings, NOON) is not None for it in (SAID, MENTION, PRIVATE)]
    assert found == notified


@pytest.mark.parametrize("level", Level)
def test_what_is_set_for_a_conversation_holds_for_it(level: Level) -> None:
    settings = Settings(levels={("a:1", "@bob"): level, ("a:1", "bob"): Level.ALL})
    assert (notice_of(PRIVATE, settings, NOON) is not None) is (level is Level.ALL)
    assert notice_of(replace(PRIVATE, server="b:1"), settings, NOON) is not None


def test_what_is_set_for_all_rooms_holds_where_nothing_else_is_set() -> None:
    settings = Settings(rooms=Level.ALL, levels={("b:1", "club"): Level.NONE})
    assert notice_of(SAID, settings, NOON) is not None
    assert notice_of(replace(SAID, server="b:1"), settings, NOON) is None


def test_what_one_says_or_sees_needs_no_notification() -> None:
    for it in (MENTION, PRIVATE):
        assert notice_of(replace(it, is_own=True), Settings(), NOON) is None
        assert notice_of(replace(it, is_watched=True), Settings(), NOON) is None


def test_bell_and_desktop_are_apart() -> None:
    for bell, desktop in [(True, False), (False, True)]:
        notice = notice_of(MENTION, Settings(bell=bell, desktop=desktop), NOON)
        assert notice is not None and (notice.has_bell, notice.is_on_desktop) == (bell, desktop)
    assert notice_of(MENTION, Settings(bell=False, desktop=False), NOON) is None


@pytest.mark.parametrize(
    ("utc", "is_quiet"),
    [
        ("2026-03-28 21:30", True),  # 22:30, before clocks go forward
        ("2026-03-29 00:59", True),  # 01:59
        ("2026-03-29 01:00", True),  # 03:00
        ("2026-03-29 04:59", True),  # 06:59 in summer
        ("2026-03-29 05:00", False),  # 07:00
        ("2026-10-25 00:30", True),  # 02:30
        ("2026-10-25 01:30", True),  # 02:30 again
        ("2026-10-25 05:59", True),  # 06:59 in winter
        ("2026-10-25 06:00", False),
        ("2026-11-26 20:59", False),  # 21:59
        ("2026-11-26 21:00", True),
    ],
)
def test_quiet_hours_go_over_midnight_and_follow_the_clock(utc: str, is_quiet: bool) -> None:
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC).astimezone(BERLIN)
    settings = Settings(quiet=parse_quiet("22:00-07:00"))
    assert (notice_of(MENTION, settings, now) is None) is is_quiet


def test_quiet_hours_in_the_hour_that_is_there_twice_are_there_twice() -> None:
    settings = Settings(quiet=parse_quiet("02:15-02:45"))
    quiet = []
    for minute in range(0, 180, 15):
        now = datetime.fromtimestamp(1_792_886_400 + minute * 60, BERLIN)  # 02:00 in summer
        quiet.append(notice_of(MENTION, settings, now) is None)
    assert datetime.fromtimestamp(1_792_886_400, BERLIN).isoformat() == "2026-10-25T02:00:00+02:00"
    assert quiet == [False, True, True, False] * 2 + [False] * 4


def test_words() -> None:
    notice = notice_of(replace(MENTION, text="**ana**: see\n> this"), Settings(), NOON)
    assert notice is not None
    assert (notice.title, notice.body) == ("bob in club", "ana: see this")
    private = notice_of(PRIVATE, Settings(), NOON)
    assert private is not None and private.title == "bob"


@pytest.mark.parametrize(
    ("desktop", "sequence"),
    [
        (Desktop.OSC_9, "\x1b]9;bob in club: hi\x1b\\"),
        (Desktop.OSC_777, "\x1b]777;notify;bob in club;hi\x1b\\"),
        (Desktop.OSC_99, "\x1b]99;i=1:d=0;bob in club\x1b\\\x1b]99;i=1:p=body;hi\x1b\\"),
    ],
)
def test_sequences(desktop: Desktop, sequence: str) -> None:
    assert desktop.sequence(Notice("bob in club", "hi", True, True)) == sequence


HOSTILE = st.text(st.characters()) | st.text(
    st.sampled_from("\x1b\\;]\x07\x9c\x9d\n\r\u202e9\u2067")
)
SHAPE = re.compile(r"(\x1b\][0-9]+;[^\x1b]*\x1b\\){1,2}")


@given(HOSTILE, HOSTILE, HOSTILE, st.booleans(), st.sampled_from(Desktop))
def test_nothing_of_others_acts_on_the_terminal(
    author: str, room: str, text: str, is_private: bool, desktop: Desktop
) -> None:
    arrival = Arrival("a:1", room, author, text, is_private, is_mention=True)
    notice = notice_of(arrival, Settings(), NOON)
    assert notice is not None
    sequence = desktop.sequence(notice)
    assert SHAPE.fullmatch(sequence) and len(sequence) < 600
    usual = desktop.sequence(Notice("t", "b", True, True))
    assert sequence.count(";") == usual.count(";")
    assert sequence.count("\\") == usual.count("\\")
    for part in (notice.title, notice.body, window_title(room, 3)):
        assert all(
            unicodedata.category(it) not in {"Cc", "Cs", "Zl", "Zp"} and it not in "\u202e\u2067"
            for it in part
        )


@pytest.mark.parametrize("text", ["x" * 10**6, "\x1b" * 10**6, "[" * 10**6, "e\u0301" * 10**6])
def test_a_million_characters_are_a_short_notification(text: str) -> None:
    notice = notice_of(Arrival("a:1", text, text, text, False, True), Settings(), NOON)
    assert notice is not None
    assert len(notice.title) <= 140 and 100 < len(notice.body) <= 200
    assert notice.body.endswith("…")
    assert len(window_title(text, 10**9)) < 100


@pytest.mark.parametrize(
    ("environment", "desktop"),
    [
        ({}, None),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-kitty"}, Desktop.OSC_99),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Desktop.OSC_99),
        ({"TERM": "foot"}, Desktop.OSC_777),
        ({"TERM": "rxvt-unicode-256color"}, Desktop.OSC_777),
        ({"TERM": "xterm-ghostty"}, Desktop.OSC_777),
        ({"TERM_PROGRAM": "iTerm.app"}, Desktop.OSC_9),
        ({"TERM_PROGRAM": "WezTerm"}, Desktop.OSC_9),
        ({"TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, None),
        ({"TERM": "screen", "STY": "1"}, None),
    ],
)
def test_only_terminals_that_understand_are_sent_it(
    environment: dict[str, str], desktop: Desktop | None
) -> None:
    assert desktop_of(environment) is desktop


@pytest.mark.parametrize(
    ("room", "mentions", "title"),
    [
        ("lobby", 0, "lobby - encchat"),
        ("lobby", 3, "(3) lobby - encchat"),
        ("", 0, "encchat"),
        ("", 2, "(2) encchat"),
        ("a\x1b]0;b\x07", 0, "a/x1b]0,b/x07 - encchat"),
    ],
)
def test_titles(room: str, mentions: int, title: str) -> None:
    assert window_title(room, mentions) == title
