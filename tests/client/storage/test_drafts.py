"""What was typed and not sent."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.core.address import Address
from chat.client.core.interfaces import StorageError
from chat.client.storage import drafts as module
from chat.client.storage.drafts import DRAFT_BYTES, Drafts
from chat.files import write_whole
from chat.ids import AccountId, LogId

HOME = Address("localhost")
ANA, BOB = AccountId(b"a" * 16), AccountId(b"b" * 16)
LOBBY, PYTHON = LogId(b"l" * 16), LogId(b"p" * 16)


def test_drafts_are_kept_by_server_account_and_room(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    places = [
        (server, account, log)
        for server in (HOME, Address("localhost", 7), Address("::1"))
        for account in (ANA, BOB)
        for log in (LOBBY, PYTHON)
    ]
    for number, place in enumerate(places):
        drafts.note(*place, f"text {number}\nline")
    assert not drafts.is_saved
    drafts.save()
    assert drafts.is_saved
    again = Drafts(tmp_path)
    assert [again.read(*place) for place in places] == [
        f"text {number}\nline" for number in range(len(places))
    ]


def test_what_is_noted_is_read_before_it_is_saved(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    assert drafts.read(HOME, ANA, LOBBY) == ""
    drafts.note(HOME, ANA, LOBBY, "x")
    assert drafts.read(HOME, ANA, LOBBY) == "x"
    assert list(tmp_path.iterdir()) == []


def test_an_empty_draft_leaves_no_file(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    drafts.note(HOME, ANA, LOBBY, "x")
    drafts.save()
    for text in (" \n", ""):
        drafts.note(HOME, ANA, LOBBY, text)
        drafts.save()
    assert list((tmp_path / "drafts").iterdir()) == []


def test_files_are_for_the_user_alone(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    drafts.note(HOME, ANA, LOBBY, "secret")
    drafts.save()
    [file] = (tmp_path / "drafts").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@given(st.text(st.characters()) | st.sampled_from(["../../x", "/etc/passwd", "a\x00b", "\ud800"]))
def test_the_name_of_a_server_is_no_part_of_a_path(
    tmp_path_factory: pytest.TempPathFactory, host: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    drafts = Drafts(home)
    drafts.note(Address(host), ANA, LOBBY, "x")
    drafts.save()
    [file] = (home / "drafts").iterdir()
    assert file.name.isalnum() and len(file.name) == 32


@pytest.mark.parametrize("text", ["x" * 200_000, "é" * 200_000, "x" + "你" * 100_000, "a\ud800b"])
def test_a_draft_is_bounded_and_always_text(tmp_path: Path, text: str) -> None:
    drafts = Drafts(tmp_path)
    drafts.note(HOME, ANA, LOBBY, text)
    drafts.save()
    found = Drafts(tmp_path).read(HOME, ANA, LOBBY)
    assert DRAFT_BYTES - 4 < len(found.encode()) <= DRAFT_BYTES or found == "ab"
    assert text.startswith(found) or found == "ab"


def test_the_oldest_drafts_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FILES_MOST", 3)
    drafts = Drafts(tmp_path)
    logs = [LogId(bytes([number]) * 16) for number in range(5)]
    for number, log in enumerate(logs):
        drafts.note(HOME, ANA, log, f"{number}")
        drafts.save()
        for file in (tmp_path / "drafts").iterdir():
            if file.read_text() == f"{number}":
                os.utime(file, (number, number))
    assert [drafts.read(HOME, ANA, log) for log in logs] == ["", "", "2", "3", "4"]


def test_what_cannot_be_saved_stays_noted(tmp_path: Path) -> None:
    (tmp_path / "drafts").write_text("in the way")
    drafts = Drafts(tmp_path)
    drafts.note(HOME, ANA, LOBBY, "x")
    with pytest.raises(StorageError, match="cannot be written"):
        drafts.save()
    assert not drafts.is_saved and drafts.read(HOME, ANA, LOBBY) == "x"
    (tmp_path / "drafts").unlink()
    drafts.save()
    assert Drafts(tmp_path).read(HOME, ANA, LOBBY) == "x"


def test_what_changes_while_it_is_saved_is_saved_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = Drafts(tmp_path)

    def slowly(path: Path, content: bytes) -> None:
        write_whole(path, content)
        drafts.note(HOME, ANA, LOBBY, "two")

    drafts.note(HOME, ANA, LOBBY, "one")
    monkeypatch.setattr(module, "write_whole", slowly)
    drafts.save()
    assert not drafts.is_saved
    monkeypatch.undo()
    drafts.save()
    assert Drafts(tmp_path).read(HOME, ANA, LOBBY) == "two"
