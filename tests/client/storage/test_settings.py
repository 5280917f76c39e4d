"""What a person has set."""

import stat
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.core.interfaces import StorageError
from chat.client.look import Theme
from chat.client.storage.settings import Level, Quiet, Settings, SettingsFile, parse_quiet

EVERYTHING = """\
# mine
theme = "light" # bright room
mouse = false
typing = false

[notifications]
rooms = "all"
bell = false
desktop = false
quiet = "22:00-07:30"

[notifications."localhost:5555"]
lobby = "none"
"@bob" = "mentions"
"""


def read(home: Path, text: str) -> Settings:
    """Return the settings of a file."""
    (home / "settings.toml").write_text(text)
    return SettingsFile(home).read()


def test_without_a_file_the_usual_holds(tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path / "not" / "there").read()
    assert settings == Settings()
    assert settings.level("a:1", "lobby") is Level.MENTIONS
    assert settings.level("a:1", "@bob") is Level.ALL


def test_everything_can_be_set(tmp_path: Path) -> None:
    settings = read(tmp_path, EVERYTHING)
    assert settings == Settings(
        *(Theme.LIGHT, False, False, Level.ALL, False, False),
        Quiet(time(22), time(7, 30)),
        {("localhost:5555", "lobby"): Level.NONE, ("localhost:5555", "@bob"): Level.MENTIONS},
    )
    assert settings.level("localhost:5555", "lobby") is Level.NONE
    assert settings.level("localhost:5555", "python") is Level.ALL
    assert settings.level("localhost:5555", "@bob") is Level.MENTIONS
    assert settings.level("other:5555", "@bob") is Level.ALL


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ('theme = "blue"', 1, "theme is none of light, dark, high-contrast and none"),
        ("theme = 1", 1, "theme is none of light, dark, high-contrast and none"),
        ('\n\nmouse = "yes"', 3, "mouse is neither true nor false"),
        ("mouse = 1", 1, "mouse is neither true nor false"),
        ("colour = 1", 1, "colour is nothing that can be set"),
        ("[other]\nx = 1", 1, "other is nothing that can be set"),
        ("notifications = 1", 1, "notifications is not a table"),
        ("[notifications]\nbell = 2", 2, "notifications.bell is neither true nor false"),
        ("notifications.bell = 2", 1, "notifications.bell is neither true nor false"),
        ("[notifications]\n\nbel = true", 3, "notifications.bel is nothing that can be set"),
        ('[notifications]\nrooms = "some"', 2, "notifications.rooms is none of all, mentions and"),
        ('[notifications]\nquiet = "22"', 2, "notifications.quiet is not a time like 22:00-07:00"),
        ("[notifications]\nquiet = 22:00:00", 2, "notifications.quiet is not a time"),
        ('[notifications]\nquiet = "07:00-07:00"', 2, "notifications.quiet begins when it ends"),
        (
            '[notifications."a:1"]\nlobby = "x"',
            2,
            'notifications."a:1".lobby is none of all, mentions and none',
        ),
        ("theme = ", 1, "there is a mistake: Invalid value"),
        ('x = "a"\ntheme = "dark', 2, "there is a mistake: "),
    ],
)
def test_what_is_wrong_is_refused_with_line_and_key(
    tmp_path: Path, text: str, line: int, sentence: str
) -> None:
    with pytest.raises(StorageError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"In line {line} of {tmp_path / 'settings.toml'}")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"\xff", b"x" * 2_000_000, b"a = " + b"[" * 100_000, b'"\\ud800" = 1', b"\x00"]
)
def test_what_is_no_such_file_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.toml").write_bytes(content)
    with pytest.raises(StorageError) as caught:
        SettingsFile(tmp_path).read()
    assert "settings.toml" in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        SettingsFile(tmp_path).read()


def change_all(file: SettingsFile) -> None:
    """Set everything."""
    file.set_theme(Theme.HIGH_CONTRAST)
    file.set_mouse(False)
    file.set_typing(False)
    file.set_rooms(Level.NONE)
    file.set_bell(False)
    file.set_desktop(False)
    file.set_quiet(Quiet(time(1), time(2, 5)))
    file.set_level("a:1", "lobby", Level.ALL)


CHANGED = Settings(
    *(Theme.HIGH_CONTRAST, False, False, Level.NONE, False, False, Quiet(time(1), time(2, 5))),
    {("a:1", "lobby"): Level.ALL},
)


def test_what_is_set_is_read(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "new")
    change_all(file)
    assert file.read() == CHANGED
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_what_a_person_wrote_stays_as_it_is(tmp_path: Path) -> None:
    read(tmp_path, EVERYTHING)
    file = SettingsFile(tmp_path)
    file.set_bell(True)
    file.set_level("localhost:5555", "python", Level.ALL)
    expected = EVERYTHING.replace("bell = false", "bell = true") + 'python = "all"\n'
    assert file.path.read_text() == expected
    file.set_level("localhost:5555", "python", None)
    file.set_quiet(None)
    assert file.path.read_text() == EVERYTHING.replace('quiet = "22:00-07:30"\n', "").replace(
        "bell = false", "bell = true"
    )


@pytest.mark.parametrize(
    "text",
    ["notifications = { bell = true }\n", 'theme = """\nlight"""\n', "'theme' = 'li' # x\n\\"],
)
def test_a_file_that_cannot_be_changed_well_is_not_changed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(StorageError):
        change_all(SettingsFile(tmp_path))
    assert path.read_text() == text or "theme" not in text


@given(
    st.lists(
        st.tuples(
            st.text(max_size=8) | st.sampled_from(["a:1", "[::1]:5"]),
            st.text(max_size=8) | st.sampled_from(["lobby", "@bob", 'a"b', "x\n[y]"]),
            st.sampled_from([*Level, None]),
        ),
        max_size=6,
    )
)
def test_a_room_may_have_any_name(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str, Level | None]]
) -> None:
    file = SettingsFile(tmp_path_factory.mktemp("home"))
    levels: dict[tuple[str, str], Level] = {}
    for server, room, level in changes:
        if server in ("rooms", "bell", "desktop", "quiet"):
            continue
        file.set_level(server, room, level)
        levels.pop((server, room), None)
        if level is not None:
            levels[server, room] = level
    assert file.read().levels == levels


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        SettingsFile(tmp_path).set_level("a:1", "\ud800", Level.ALL)


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("", None),
        ("22:00-07:00", Quiet(time(22), time(7))),
        (" 01:30 - 02:00 ", Quiet(time(1, 30), time(2))),
        ("00:00-23:59", Quiet(time(0), time(23, 59))),
    ],
)
def test_quiet_hours(text: str, quiet: Quiet | None) -> None:
    assert parse_quiet(text) == quiet
    assert quiet is None or parse_quiet(str(quiet)) == quiet


@pytest.mark.parametrize("text", ["22:00", "22:00-", "25:00-07:00", "22:00-07:00:30", "a-b", "-"])
def test_what_are_no_quiet_hours(text: str) -> None:
    with pytest.raises(ValueError, match="22:00-07:00"):
        parse_quiet(text)


@pytest.mark.parametrize(
    ("hours", "clock", "is_quiet"),
    [
        ("22:00-07:00", "21:59", False),
        ("22:00-07:00", "22:00", True),
        ("22:00-07:00", "00:00", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("12:00-13:00", "12:30", True),
        ("12:00-13:00", "13:00", False),
        ("12:00-13:00", "23:00", False),
    ],
)
def test_quiet_hours_may_go_over_midnight(hours: str, clock: str, is_quiet: bool) -> None:
    quiet = parse_quiet(hours)
    assert quiet is not None and quiet.contains(time.fromisoformat(clock)) is is_quiet
