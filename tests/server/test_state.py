"""The state directory: private, one server's at a time, and the same identity for ever."""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from Crypto.PublicKey import ECC
from twisted.trial.unittest import SynchronousTestCase

from chat.server.state import ConfigurationError, State, default_state_path
from chat.wire.hostkey import HostKey


@contextmanager
def opened(path: Path) -> Iterator[State]:
    """Open a state directory for a while."""
    state = State(path)
    try:
        yield state
    finally:
        state.close()


def mode(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def complaint(path: Path) -> str:
    """Return the sentence with which a state directory is refused."""
    with pytest.raises(ConfigurationError) as caught, opened(path) as state:
        state.host_key()
    # What the operator reads is one sentence, with no trace of what was tried behind it.
    assert caught.value.__suppress_context__
    sentence = str(caught.value)
    assert "\n" not in sentence and str(path) in sentence
    return sentence


# --- The directory ---


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_made_is_private(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        path = tmp_path / "deep" / "state"
        with opened(path) as state:
            state.host_key()
    finally:
        os.umask(before)
    assert mode(path) == 0o700
    files = {file.name: mode(file) for file in path.iterdir()}
    assert files == {"lock": 0o600, "host_key.pem": 0o600}


def test_an_empty_directory_becomes_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with opened(tmp_path):
        assert mode(tmp_path) == 0o700


def test_a_directory_that_serves_something_else_too_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "something else").touch()
    tmp_path.chmod(0o1777)
    with opened(tmp_path) as state:
        state.host_key()
    assert mode(tmp_path) == 0o1777
    assert mode(tmp_path / "host_key.pem") == 0o600


def test_a_second_server_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    with opened(tmp_path):
        assert complaint(tmp_path) == f"another server is using the state directory {tmp_path}"
    with opened(tmp_path):
        pass


def test_a_refused_server_leaves_nothing_open(tmp_path: Path) -> None:
    with opened(tmp_path):
        before = os.listdir("/dev/fd")
        for _ in range(3):
            complaint(tmp_path)
        assert len(os.listdir("/dev/fd")) == len(before)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert re.fullmatch(
        rf"the state directory {path} cannot be used: (File exists|Not a directory)",
        complaint(path),
    )
    assert "Not a directory" in complaint(path / "state")


def test_a_lock_that_is_no_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    assert "Is a directory" in complaint(tmp_path)


# --- The host key ---


def test_the_host_key_stays_the_same(tmp_path: Path) -> None:
    with opened(tmp_path) as state:
        first = state.host_key()
        assert state.host_key().public == first.public
    with opened(tmp_path) as state:
        assert state.host_key().public == first.public
        assert state.host_key().fingerprint == first.fingerprint


def test_every_server_has_its_own(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        with opened(tmp_path / name) as state:
            keys.add(state.host_key().public)
    assert len(keys) == 2


def test_what_an_interrupted_start_left_behind_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "host_key.new").write_text("half a k", "ascii")
    with opened(tmp_path) as state:
        state.host_key()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["host_key.pem", "lock"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"half a k",
        b"\xff\xfe\x00",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"ssh-ed25519",
        HostKey.generate().to_pem()[:60].encode(),
        ECC.generate(curve="P-256").export_key(format="PEM").encode(),
        ECC.generate(curve="Ed25519").public_key().export_key(format="PEM").encode(),
    ],
    ids=lambda content: f"{len(content)} bytes",  # Some are random.
)
def test_a_damaged_host_key_is_a_sentence_and_is_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "host_key.pem"
    path.write_bytes(content)
    assert complaint(tmp_path) == f"{path} is not an Ed25519 private key in PEM"
    assert path.read_bytes() == content


def test_a_host_key_that_is_no_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "host_key.pem"
    path.mkdir()
    assert complaint(tmp_path) == f"the host key {path} cannot be used: Is a directory"


# --- Where it is ---


def test_the_environment_names_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCCHAT_STATE", "/srv/chat")
    assert default_state_path() == Path("/srv/chat")


@pytest.mark.parametrize("value", [None, ""])
def test_without_it_the_directory_is_the_platform_s(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("ENCCHAT_STATE", raising=False)
    if value is not None:
        monkeypatch.setenv("ENCCHAT_STATE", value)
    path = default_state_path()
    assert path.is_relative_to("/home/alice")
    assert path.parts[-2:] == ("encchat", "server")


class StorageKeyTests(SynchronousTestCase):
    """The key that wraps the logs' keys."""

    def setUp(self) -> None:
        """Make a state directory."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "state"
        self.state = State(self.path)
        self.addCleanup(self.state.close)

    def test_it_is_made_once_and_nobody_else_s(self) -> None:
        key = self.state.storage_key()
        assert len(key) == 64 and key == self.state.storage_key()
        assert (self.path / "storage_key").stat().st_mode & 0o777 == 0o600

    def test_what_is_none_is_a_sentence_and_is_left_as_it_is(self) -> None:
        for content in (b"", b"\n", b"00" * 63, b"0" * 127, b"zz" * 64, b"\xff" * 64):
            (self.path / "storage_key").write_bytes(content)
            with pytest.raises(ConfigurationError, match="is not a storage key"):
                self.state.storage_key()
            assert (self.path / "storage_key").read_bytes() == content

    def test_what_cannot_be_read_is_a_sentence(self) -> None:
        (self.path / "storage_key").mkdir()
        with pytest.raises(ConfigurationError, match="cannot be used: Is a directory"):
            self.state.storage_key()
