"""Backups: complete even while the state is in use, and restored completely or not at all."""

import hashlib
import io
import os
import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.files import write_whole
from chat.ids import LogId
from chat.server.administration import sealed
from chat.server.administration.backup import back_up, is_sealed, restore, verify
from chat.server.administration.requests import ControlError
from chat.server.administration.sealed import CHUNK, Opening, SealedError, Sealing
from chat.server.fanout.epochs import new_epoch
from chat.server.state.directory import StateDirectory
from chat.store.sqlite.schema import prepare

CHEAP = replace(sealed.COST, memory_cost=64, time_cost=1)
RECORDS = 480


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make hashing passphrases cheap."""
    monkeypatch.setattr(sealed, "COST", CHEAP)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Return a state in use by a server: the latest posts are in the write-ahead log."""
    path = tmp_path / "state"
    directory = StateDirectory(path)
    directory.host_key()
    directory.storage_key()
    directory.rotate_host_key()
    (path / "limits").write_text("waiting_total=7")
    (path / "passwords").write_text("ana:x")
    (path / "twistd.log").write_text("a log")
    prepare(path / "encchat.db", True)
    database = sqlite3.connect(path / "encchat.db", isolation_level=None)
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("BEGIN")
    for seq in range(RECORDS):
        database.execute(
            "INSERT INTO journal (log, seq, id, author, kind, time, replaces, data, words)"
            " VALUES (1, ?, x'00', x'00', 0, 0, 0, ?, '')",
            (seq, os.urandom(200)),
        )
    for number in range(1, 4):
        log = LogId(bytes([number]) * 16)
        database.execute("INSERT INTO logs (number, id) VALUES (?, ?)", (number, log))
        for each in range(1, number + 1):
            epoch = new_epoch(log, each, directory.storage_key(), os.urandom)
            database.execute(
                "INSERT INTO epochs (log, number, begins, wrapped) VALUES (?, ?, 1, ?)",
                (number, each, epoch.wrapped),
            )
    database.execute("COMMIT")
    yield path
    database.close()
    directory.close()


def records(path: Path) -> int:
    """Return the number of records in a state."""
    database = sqlite3.connect(path / "encchat.db")
    try:
        [count] = database.execute("SELECT count(*) FROM journal").fetchone()
    finally:
        database.close()
    return int(count)


@pytest.mark.parametrize("passphrase", [None, "correct horse", "Straße 上海 é"])
def test_a_backup_of_a_used_state_is_complete(
    state: Path, tmp_path: Path, passphrase: str | None
) -> None:
    target = tmp_path / "backup"
    made = back_up(state, target, passphrase)
    assert made == verify(target, passphrase) and made.records == RECORDS
    assert is_sealed(target) is (passphrase is not None)
    assert target.stat().st_mode & 0o777 == 0o600
    assert (b"PRIVATE KEY" in target.read_bytes()) is (passphrase is None)
    elsewhere = tmp_path / "below" / "elsewhere"
    assert restore(target, elsewhere, passphrase) == made
    kept = {"encchat.db", "host_key.pem", "host_key_history", "storage_key", "limits", "passwords"}
    assert {path.name for path in elsewhere.iterdir()} == kept == set(made.files)
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in elsewhere.iterdir()} == {0o600}
    assert records(elsewhere) == RECORDS
    again = StateDirectory(elsewhere)
    assert again.host_key().fingerprint == made.fingerprint and again.host_key().successions
    assert again.storage_key() == bytes.fromhex((state / "storage_key").read_text())
    again.close()
    prepare(elsewhere / "encchat.db", True)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_was_there_is_replaced_by_a_whole_backup_or_not_at_all(
    state: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backup"
    target.write_text("an old one")
    (state / "storage_key").rename(tmp_path / "storage_key")
    with pytest.raises(ControlError, match="storage_key is missing from"):
        back_up(state, target, None)
    assert target.read_text() == "an old one"
    (tmp_path / "storage_key").rename(state / "storage_key")
    back_up(state, target, None)
    assert verify(target, None).records == RECORDS


def test_where_no_backup_can_be_is_a_sentence(state: Path, tmp_path: Path) -> None:
    for target, sentence in (
        (state / "backup", "would be in the state directory"),
        (state / ".." / "state" / "x", "would be in the state directory"),
        (tmp_path, "is a directory; name a file"),
        (tmp_path / "none" / "x", "No such file or directory"),
    ):
        with pytest.raises(ControlError, match=sentence):
            back_up(state, target, None)
    with pytest.raises(ControlError, match="does not exist"):
        back_up(tmp_path / "nothing", tmp_path / "x", None)


def test_nothing_is_restored_over_anything(state: Path, tmp_path: Path) -> None:
    back_up(state, tmp_path / "backup", None)
    before = sorted(path.name for path in state.iterdir())
    with pytest.raises(ControlError, match="is not empty"):
        restore(tmp_path / "backup", state, None)
    assert sorted(path.name for path in state.iterdir()) == before
    used = tmp_path / "used"
    lock = StateDirectory(used)
    with pytest.raises(ControlError, match="another server is using"):
        restore(tmp_path / "backup", used, None)
    lock.close()
    restore(tmp_path / "backup", used, None)
    assert records(used) == RECORDS


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (os.urandom(64).hex(), "the storage key does not open the messages"),
        ("00" * 64, "the storage key does not open the messages"),
        ("00" * 63, "is not a storage key"),
        ("", "is not a storage key"),
        ("x" * 128, "is not a storage key"),
        (None, "storage_key is missing"),
    ],
)
def test_a_storage_key_that_opens_nothing_is_found(
    state: Path, tmp_path: Path, key: str | None, sentence: str
) -> None:
    path = state / "storage_key"
    path.unlink()
    if key is not None:
        write_whole(path, key.encode())
    with pytest.raises(ControlError, match=sentence):
        back_up(state, tmp_path / "backup", None)
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("which", ["one bit", "another epoch's", "another log's"])
def test_one_epoch_that_the_storage_key_does_not_open_is_found(
    state: Path, tmp_path: Path, which: str
) -> None:
    database = sqlite3.connect(state / "encchat.db")
    [right] = database.execute("SELECT wrapped FROM epochs WHERE log = 3 AND number = 2").fetchone()
    where = {"another epoch's": "log = 3 AND number = 1", "another log's": "log = 2 AND number = 2"}
    if which in where:
        [wrong] = database.execute(f"SELECT wrapped FROM epochs WHERE {where[which]}").fetchone()
    else:
        wrong = right[:-1] + bytes([right[-1] ^ 1])
    for wrapped, is_found in ((wrong, True), (right, False)):
        database.execute("UPDATE epochs SET wrapped = ? WHERE log = 3 AND number = 2", (wrapped,))
        database.commit()
        if is_found:
            with pytest.raises(ControlError, match="the storage key does not open"):
                back_up(state, tmp_path / "backup", None)
        else:
            back_up(state, tmp_path / "backup", None)
            assert verify(tmp_path / "backup", None).records == RECORDS
    database.close()


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_damage_anywhere_is_found(state: Path, tmp_path: Path, passphrase: str | None) -> None:
    target = tmp_path / "backup"
    back_up(state, target, passphrase)
    whole = target.read_bytes()
    damaged = tmp_path / "damaged"
    step = len(whole) // 12
    cuts = [whole[:size] for size in range(0, len(whole) - 1_024, step)]
    flips = [
        whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        for place in range(40, len(whole), step)
    ]
    found = 0
    for content in cuts + flips:
        damaged.write_bytes(content)
        try:
            contents = verify(damaged, passphrase)
        except ControlError:
            found += 1
            with pytest.raises(ControlError):
                restore(damaged, tmp_path / "restored", passphrase)
            assert not (tmp_path / "restored").exists()
        else:  # The padding of a tar archive, which nobody reads.
            assert passphrase is None and contents == verify(target, None)
    assert found >= len(cuts) + (len(flips) if passphrase else len(flips) // 2)


def test_a_wrong_passphrase_or_none_is_a_sentence(state: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    back_up(state, target, "correct horse")
    for wrong in ("correct horsf", "Correct horse", "correct horse "):
        with pytest.raises(ControlError, match="the passphrase is wrong, or the file is damaged"):
            verify(target, wrong)
    for none in (None, ""):
        with pytest.raises(ControlError, match="is encrypted and needs its passphrase"):
            verify(target, none)


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a backup with these members."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        for member, content in members:
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return b"encchat-backup 1 plain\n" + file.getvalue()


def listing(*names: str) -> tuple[tarfile.TarInfo, bytes]:
    """Return a list of empty files."""
    empty = hashlib.sha256().hexdigest()
    files = ", ".join(f'"{name}": {{"size": 0, "sha256": "{empty}"}}' for name in names)
    text = f'{{"time": 0, "fingerprint": "", "records": 0, "files": {{{files}}}}}'
    return tarfile.TarInfo("files.json"), text.encode()


NEEDED = ("encchat.db", "host_key.pem", "storage_key")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not a backup of encchat"),
        (b"SQLite format 3\0", "is not a backup of encchat"),
        (b"encchat-backup 2 plain\n", "or comes from a later version"),
        (b"encchat-backup 1 plain\n", "is damaged"),
        (archive(), "is damaged"),
        (archive((tarfile.TarInfo("encchat.db"), b"")), "does not begin with a list"),
        (archive((tarfile.TarInfo("files.json"), b"[]")), "is damaged"),
        (archive(listing("encchat.db")), "is incomplete"),
        (archive(listing(*NEEDED)), "encchat.db, host_key.pem, storage_key is missing"),
        (archive(listing(*NEEDED, "../x")), r"'\.\./x' is not a file name"),
        (archive(listing(*NEEDED, "/etc/x")), "'/etc/x' is not a file name"),
        (archive(listing(*NEEDED, "..")), r"'\.\.' is not a file name"),
        (
            archive(listing(*NEEDED), (tarfile.TarInfo("x"), b"")),
            "contains 'x', which it does not list",
        ),
        (
            archive(listing(*NEEDED), (tarfile.TarInfo("encchat.db"), b"x")),
            "contains 'encchat.db', which it does not list",
        ),
    ],
)
def test_what_is_no_backup_is_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ControlError, match=sentence):
        restore(tmp_path / "x", tmp_path / "state", None)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    link = tarfile.TarInfo("encchat.db")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    (tmp_path / "x").write_bytes(archive(listing(*NEEDED), (link, b"")))
    with pytest.raises(ControlError, match=r"contains 'encchat\.db', which it does not list"):
        verify(tmp_path / "x", None)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_is_sealed_is_opened_whatever_its_size(size: int) -> None:
    content = os.urandom(size)
    file = io.BytesIO()
    sealing = Sealing(file, "x")
    for start in range(0, size, 10_000):
        sealing.write(content[start : start + 10_000])
    sealing.close()
    file.seek(0)
    assert io.BufferedReader(Opening(file, "x")).read() == content


@given(st.permutations(range(4)), st.integers(0, 4))
def test_chunks_keep_their_order_and_number(order: list[int], count: int) -> None:
    file = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed, "COST", CHEAP)
        sealing = Sealing(file, "x")
        sealing.write(bytes(4 * CHUNK))
        sealing.close()
        whole = file.getvalue()
        boxes = [whole[16:][place * sealed._BOX : (place + 1) * sealed._BOX] for place in range(4)]
        chosen = [boxes[place] for place in order[:count]]
        reader = Opening(io.BytesIO(whole[:16] + b"".join(chosen)), "x")
        if chosen == boxes:
            assert io.BufferedReader(reader).read() == bytes(4 * CHUNK)
        else:
            with pytest.raises(SealedError):
                io.BufferedReader(reader).read()
