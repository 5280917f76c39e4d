"""The files of keys: made once, for one's own eyes, and refused when anything is wrong."""

import os
import stat
from pathlib import Path

import pytest

from chat.client.core.interfaces import StorageError
from chat.client.storage.identities import Identities
from chat.wire.identity import Identity

posix_only = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


def test_each_nickname_has_a_key_that_is_made_once(tmp_path: Path) -> None:
    home = tmp_path / "not" / "there"
    key = Identities(home).identity("Ana").public
    assert Identities(home).identity("aNA").public == key
    assert Identities(home).identity("bob").public != key
    assert sorted(path.name for path in home.iterdir()) == ["identity-ana.pem", "identity-bob.pem"]


@posix_only
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    identities = Identities(tmp_path / "home")
    identities.identity("ana")
    path = identities.path("ana")
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0
    path.chmod(0o640)
    with pytest.raises(StorageError, match=r"can be read by others; chmod 600 it first$"):
        identities.identity("ana")


def test_a_key_that_is_of_no_use_goes_away_again_if_it_was_made_here(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    identities.identity("ana")
    identities.identity("bob")
    identities.discard("Ana")
    identities.discard("nobody")
    assert [path.name for path in tmp_path.iterdir()] == ["identity-bob.pem"]
    Identities(tmp_path).discard("bob")
    identities.keep("bob")
    identities.discard("bob")
    assert [path.name for path in tmp_path.iterdir()] == ["identity-bob.pem"]


def test_a_key_that_another_client_has_put_there_since_stays(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    identities.identity("ana")
    identities.path("ana").unlink()
    other = Identities(tmp_path).identity("ana").public
    identities.discard("ana")
    assert identities.identity("ana").public == other


def test_a_key_that_another_client_was_faster_to_make_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities, other = Identities(tmp_path), Identities(tmp_path)
    generate = Identity.generate

    def be_slow() -> Identity:
        monkeypatch.undo()
        other.identity("ana")
        return generate()

    monkeypatch.setattr(Identity, "generate", be_slow)
    key = identities.identity("ana").public
    assert key == other.identity("ana").public
    identities.discard("ana")
    assert identities.identity("ana").public == key


def test_a_key_that_became_one_of_no_use_since_stays(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    identities.identity("ana")
    identities.path("ana").write_text("damaged")
    identities.discard("ana")
    assert identities.path("ana").read_text() == "damaged"


@posix_only
def test_a_key_that_was_made_is_durable_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    sync, link = os.fsync, os.link

    def note_sync(descriptor: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        happened.append("directory" if is_directory else "content")
        sync(descriptor)

    def note_link(source: Path, target: Path) -> None:
        happened.append(f"link to {target.name}")
        link(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "link", note_link)
    identities = Identities(tmp_path)
    identities.identity("ana")
    assert happened == ["content", "link to identity-ana.pem", "directory"]
    happened.clear()
    identities.rename("ana", "anna")
    assert happened == ["content", "link to identity-anna.pem", "directory"]


def test_a_key_that_is_away_already_is_no_fault(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    identities.identity("ana")
    identities.path("ana").unlink()
    identities.discard("ana")
    identities.identity("ana")


def test_a_key_that_was_there_before_or_named_stays(tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519"
    path.write_text(Identity.from_seed(bytes(32)).to_pem())
    path.chmod(0o600)
    Identities(tmp_path).identity("ana")
    for identities in (Identities(tmp_path), Identities(tmp_path, path)):
        identities.identity("ana")
        identities.discard("ana")
    assert len(list(tmp_path.iterdir())) == 2


def test_names_of_files_are_tame(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    for nick in ("..", "a/b", "con", "caf\u00e9", "a%2fb"):
        path = identities.path(nick)
        assert path.parent == tmp_path and path.name.isascii()
        assert path.name.startswith("identity-")


def test_a_passphrase_protects_what_is_made(tmp_path: Path) -> None:
    key = Identities(tmp_path, passphrase="geheim").identity("ana").public
    assert "ENCRYPTED" in (tmp_path / "identity-ana.pem").read_text()
    assert Identities(tmp_path, passphrase="geheim").identity("ana").public == key
    with pytest.raises(StorageError, match=r"is protected; use --passphrase$"):
        Identities(tmp_path).identity("ana")
    with pytest.raises(StorageError, match=r"has another passphrase$"):
        Identities(tmp_path, passphrase="other").identity("ana")


def test_a_file_that_the_user_names_is_the_key_of_every_nickname(tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519"
    path.write_text(Identity.from_seed(bytes(32)).to_pem())
    path.chmod(0o600)
    identities = Identities(tmp_path, path)
    for nick in ("ana", "bob"):
        assert identities.identity(nick).public == Identity.from_seed(bytes(32)).public
    assert identities.rename("ana", "anna") is None
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(StorageError, match="cannot be used: No such file"):
        Identities(tmp_path, tmp_path / "nothing").identity("ana")


@pytest.mark.parametrize("content", [b"", b"damaged", b"\xff\xfe", b"ssh-ed25519 AAAA"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "identity-ana.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StorageError, match=r"is not a private Ed25519 key$"):
        Identities(tmp_path).identity("ana")
    assert path.read_bytes() == content


def test_a_new_name_takes_the_key_along(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    key = identities.identity("ana").public
    for _ in range(2):
        assert identities.rename("ana", "anna") is None
    assert identities.identity("anna").public == identities.identity("ana").public == key
    assert identities.rename("anna", "ANNA") is None


def test_a_name_that_has_another_key_keeps_it(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    identities.identity("ana")
    other = identities.identity("bob").public
    assert identities.rename("ana", "bob") == str(identities.path("ana"))
    assert identities.identity("bob").public == other


def test_a_key_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        Identities(tmp_path / "home").identity("ana")
