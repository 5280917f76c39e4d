"""Files are complete or not there at all."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.files import create_whole, exposure, write_whole

OLD, NEW = b"what was there", b"what is to be there"


def _names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_a_file_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, NEW)
    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert _names(tmp_path) == {"file"}


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    write_whole(path, NEW)
    assert path.read_bytes() == NEW


def test_what_was_left_by_a_crash_is_in_nobody_s_way(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / "file.new").write_bytes(b"half of i")
    write_whole(path, NEW)
    assert path.read_bytes() == NEW
    assert _names(tmp_path) == {"file"}


def test_a_file_that_is_there_is_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert create_whole(path, OLD)
    assert not create_whole(path, NEW)
    assert path.read_bytes() == OLD
    assert _names(tmp_path) == {"file"}


@pytest.mark.parametrize("write", [write_whole, create_whole])
def test_content_and_name_are_durable(
    write: Callable[[Path, bytes], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sync the content, then rename, then sync the directory."""
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        there = (tmp_path / "file").exists()
        synced.append(f"{'directory' if is_directory else 'content'} {there}")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write(tmp_path / "file", NEW)
    assert synced == ["content False", "directory True"]


@pytest.mark.parametrize("write", [write_whole, create_whole])
def test_a_disk_that_fails_leaves_what_was_there(
    write: Callable[[Path, bytes], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)

    def fail(descriptor: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        write(path, NEW)
    assert path.read_bytes() == OLD


def test_what_root_replaces_stays_its_owner_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    given: list[tuple[int, int]] = []
    owner = path.stat()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda _, user, group: given.append((user, group)))
    write_whole(path, NEW)
    assert given == [(owner.st_uid, owner.st_gid)]


def test_what_root_makes_belongs_to_the_owner_of_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, user, _: given.append((Path(path).name, user)))
    owner = tmp_path.stat().st_uid
    for user, expected in ((0, [("new.new", owner)]), (1000, [])):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        (tmp_path / "new").unlink(missing_ok=True)
        write_whole(tmp_path / "new", NEW)
        assert given == expected
        given.clear()


@pytest.mark.parametrize(
    ("mode", "is_private"),
    [
        *((mode, True) for mode in (0o600, 0o400, 0o700, 0o440)),
        *((mode, False) for mode in (0o640, 0o604, 0o444, 0o460, 0o450, 0o610, 0o4440)),
    ],
)
def test_a_secret_is_its_owner_s_or_plainly_meant_for_a_group(
    tmp_path: Path, mode: int, is_private: bool
) -> None:
    path = tmp_path / "secret"
    path.touch()
    path.chmod(mode)
    wrong = exposure(path)
    assert wrong is None if is_private else wrong is not None and f"mode {mode:04o}" in wrong
    assert exposure(tmp_path) is None  # Not a file, so it has another sentence.
