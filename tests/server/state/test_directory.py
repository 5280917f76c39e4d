"""The state directory: private, for one server at a time, with a permanent identity."""

import base64
import errno
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from Crypto.PublicKey import ECC
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from chat.server.settings import ConfigurationError
from chat.server.state.directory import STORE, StateDirectory, default_state_path
from chat.wire.hostkey import HostKey, predecessors
from tests.server.support import chat_lines


@contextmanager
def opened(path: Path) -> Iterator[StateDirectory]:
    """Open a state directory temporarily."""
    state = StateDirectory(path)
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
    # The operator reads one sentence, without a chained traceback.
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


def test_an_empty_directory_becomes_private_and_the_log_says_so(tmp_path: Path) -> None:
    for _ in range(2):
        tmp_path.chmod(0o755)
        with capturedLogs() as events, opened(tmp_path):
            assert mode(tmp_path) == 0o700
        assert chat_lines(events) == [f"Made {tmp_path} accessible to its owner only"]
        (tmp_path / "lock").unlink()


def test_what_is_private_already_is_not_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    for _ in range(2):
        with capturedLogs() as events, opened(path):
            pass
        assert not chat_lines(events)


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


@pytest.mark.parametrize("name", ["host_key.pem", "storage_key"])
def test_a_key_that_was_lost_is_never_replaced(tmp_path: Path, name: str) -> None:
    with opened(tmp_path) as state:
        state.host_key()
        state.storage_key()
        (tmp_path / name).unlink()
        (tmp_path / STORE).touch()
        with pytest.raises(ConfigurationError) as caught:
            [state.host_key(), state.storage_key()]
        sentence = str(caught.value)
        assert sentence.startswith(
            f"{name} is missing from {tmp_path}, next to encchat.db: restore it from a backup. "
        )
        assert not (tmp_path / name).exists()


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
    (tmp_path / "host_key.pem.new").write_text("half a k", "ascii")
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
    ids=lambda content: f"{len(content)} bytes",  # Some of the errors depend on random bytes.
)
def test_a_damaged_host_key_is_a_sentence_and_is_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "host_key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    assert complaint(tmp_path) == f"{path} is not an Ed25519 private key in PEM"
    assert path.read_bytes() == content


def test_a_host_key_that_is_no_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "host_key.pem"
    path.mkdir()
    assert complaint(tmp_path) == f"the host key {path} cannot be used: Is a directory"


# --- Rotating the host key ---


def rotate(path: Path, times: int = 1) -> list[HostKey]:
    """Rotate a server's host key, with a restart each time; return all keys it has had."""
    with opened(path) as state:
        keys = [state.host_key()]
    for _ in range(times):
        with opened(path) as state:
            keys.append(state.rotate_host_key())
    return keys


def proven(host_key: HostKey) -> list[bytes]:
    """Return the earlier keys that lead to this one, oldest first."""
    return [*predecessors(host_key.public, host_key.successions)][::-1]


@pytest.mark.parametrize("times", [1, 2, 8])
def test_a_rotated_host_key_can_be_traced_to_those_before(tmp_path: Path, times: int) -> None:
    keys = rotate(tmp_path, times)
    assert len({key.public for key in keys}) == times + 1
    with opened(tmp_path) as state:
        host_key = state.host_key()
    assert host_key.public == keys[-1].public
    assert proven(host_key) == proven(keys[-1]) == [key.public for key in keys[:-1]]


def test_of_many_rotations_the_last_eight_are_kept(tmp_path: Path) -> None:
    keys = rotate(tmp_path, 10)
    with opened(tmp_path) as state:
        assert proven(state.host_key()) == [key.public for key in keys[2:-1]]
    assert len((tmp_path / "host_key_history").read_text("ascii").splitlines()) == 8


def test_a_history_with_more_is_cut_when_it_is_read(tmp_path: Path) -> None:
    keys = rotate(tmp_path, 8)
    oldest = HostKey.generate()
    text = (tmp_path / "host_key_history").read_text("ascii")
    message = b" " * 64 + b"encchat/1 host key succession\0" + oldest.public + keys[0].public
    line = base64.b64encode(oldest.public + oldest.sign(message)).decode()
    (tmp_path / "host_key_history").write_text(f"{line}\n{text}", "ascii")
    with opened(tmp_path) as state:
        assert proven(state.host_key()) == [key.public for key in keys[:-1]]


def test_what_a_rotation_writes_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        rotate(tmp_path)
    finally:
        os.umask(before)
    files = {file.name: mode(file) for file in tmp_path.iterdir()}
    assert files == {"lock": 0o600, "host_key.pem": 0o600, "host_key_history": 0o600}


def test_the_old_private_half_is_gone(tmp_path: Path) -> None:
    old, _ = rotate(tmp_path)
    assert all(old.to_pem() != file.read_text() for file in tmp_path.iterdir())


class Crash(BaseException):
    """The process ends here."""


def interrupt(
    monkeypatch: pytest.MonkeyPatch, calls: int, error: BaseException, *, is_after: bool
) -> None:
    """Make the system fail in, or right after, one of the calls that change a directory."""
    left = count(calls, -1)

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            is_last = next(left) == 0
            if is_last and not is_after:
                raise error
            result = call(*arguments, **options)
            if is_last:
                raise error
            return result

        return wrapped

    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    monkeypatch.setattr(Path, "rename", failing(Path.rename))
    monkeypatch.setattr(Path, "unlink", failing(Path.unlink))


CALLS = 8
"""Twice: unlink a leftover file, sync the new file, rename it, sync the directory."""


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("calls", range(CALLS))
def test_a_crash_at_any_point_of_a_rotation_leaves_a_host_key_that_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int, is_after: bool
) -> None:
    *earlier, old = rotate(tmp_path, 2)
    with opened(tmp_path) as state, monkeypatch.context() as patch:
        interrupt(patch, calls, Crash(), is_after=is_after)
        with pytest.raises(Crash):
            state.rotate_host_key()
    before = [key.public for key in earlier]
    with opened(tmp_path) as state:
        now = state.host_key()
        if now.public == old.public:
            assert proven(now) == before
        else:
            assert proven(now) == [*before, old.public]
        following = state.rotate_host_key()
        assert proven(following) == [*proven(now), now.public]
    # Only the second rename takes effect.
    assert (now.public != old.public) is ((calls, is_after) >= (CALLS - 2, True))


@pytest.mark.parametrize("calls", range(CALLS))
def test_a_disk_that_is_full_is_a_sentence_and_the_next_attempt_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    rotate(tmp_path)
    with opened(tmp_path) as state:
        with monkeypatch.context() as patch:
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            interrupt(patch, calls, full, is_after=False)
            with pytest.raises(ConfigurationError) as caught:
                state.rotate_host_key()
        assert str(caught.value) == (
            f"the host key in {tmp_path} cannot be replaced: No space left on device"
        )
        now = state.host_key()
        assert proven(state.rotate_host_key()) == [*proven(now), now.public]


def test_an_earlier_key_that_was_put_back_has_what_led_to_it(tmp_path: Path) -> None:
    first, second, _ = rotate(tmp_path, 2)
    for put_back, before in ((second, [first.public]), (first, [])):
        (tmp_path / "host_key.pem").write_text(put_back.to_pem(), "ascii")
        (tmp_path / "host_key.pem").chmod(0o600)
        with opened(tmp_path) as state:
            assert proven(state.host_key()) == before


def test_a_history_that_does_not_lead_to_the_host_key_is_a_sentence(tmp_path: Path) -> None:
    rotate(tmp_path, 2)
    history = tmp_path / "host_key_history"
    one, two = history.read_text("ascii").splitlines()
    for damaged in (
        one,
        f"{two}\n{one}",
        f"{one}\n\n{two}",
        f"{one[:-4]}\n{two}",
        f"{one}AAAA\n{two}",
        f"{one}{two}",
        f"{one}\n{two[:-1]}",
        f"{one}\n-{two[1:]}",
        f"{one}\n{two}\n{two}",
        f"A{one[1:]}\n{two}" if one[0] != "A" else f"B{one[1:]}\n{two}",
        "é",
        "# a note",
    ):
        history.write_text(damaged, "utf-8")
        assert complaint(tmp_path).startswith(
            f"{history} does not lead to the host key in host_key.pem: "
        )
        assert history.read_text("utf-8") == damaged
    history.unlink()
    with opened(tmp_path) as state:
        assert state.host_key().successions == b""


def test_another_host_key_does_not_go_with_the_history(tmp_path: Path) -> None:
    rotate(tmp_path)
    (tmp_path / "host_key.pem").unlink()
    assert "does not lead to the host key" in complaint(tmp_path)


def test_a_history_that_is_no_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "host_key_history"
    path.mkdir()
    assert complaint(tmp_path) == f"the history of host keys {path} cannot be used: Is a directory"


def test_a_damaged_history_is_not_rotated_away(tmp_path: Path) -> None:
    rotate(tmp_path)
    (tmp_path / "host_key_history").write_text("damaged", "ascii")
    with opened(tmp_path) as state, pytest.raises(ConfigurationError):
        state.rotate_host_key()
    assert (tmp_path / "host_key_history").read_text("ascii") == "damaged"


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
        self.state = StateDirectory(self.path)
        self.addCleanup(self.state.close)

    def test_it_is_made_once_and_nobody_else_s(self) -> None:
        key = self.state.storage_key()
        assert len(key) == 64 and key == self.state.storage_key()
        assert (self.path / "storage_key").stat().st_mode & 0o777 == 0o600

    def test_what_is_none_is_a_sentence_and_is_left_as_it_is(self) -> None:
        for content in (b"", b"\n", b"00" * 63, b"0" * 127, b"zz" * 64, b"\xff" * 64):
            (self.path / "storage_key").write_bytes(content)
            (self.path / "storage_key").chmod(0o600)
            with pytest.raises(ConfigurationError, match="is not a storage key"):
                self.state.storage_key()
            assert (self.path / "storage_key").read_bytes() == content

    def test_what_cannot_be_read_is_a_sentence(self) -> None:
        (self.path / "storage_key").mkdir()
        with pytest.raises(ConfigurationError, match="cannot be used: Is a directory"):
            self.state.storage_key()


@pytest.mark.parametrize("name", ["host_key.pem", "storage_key"])
def test_a_key_that_others_can_use_is_refused_unless_it_is_meant_for_a_group(
    tmp_path: Path, name: str
) -> None:
    state = StateDirectory(tmp_path / "state")
    read = {"host_key.pem": state.host_key, "storage_key": state.storage_key}[name]
    read()
    path = state.path / name
    for mode in (0o644, 0o640, 0o604, 0o660, 0o444, 0o441, 0o620, 0o4440):
        path.chmod(mode)
        with pytest.raises(ConfigurationError) as caught:
            read()
        assert str(caught.value) == (
            f"others can use {path} (mode {mode:04o}): chmod 600 {path}, or 440 if its group is "
            "to read it, as with a mounted secret"
        )
    for mode in (0o600, 0o400, 0o440):
        path.chmod(mode)
        read()
    mounted = tmp_path / "mounted"
    path.rename(mounted)
    path.symlink_to(mounted)
    read()
    mounted.chmod(0o444)
    with pytest.raises(ConfigurationError, match="as with a mounted secret"):
        read()
    state.close()


def test_the_address_that_clients_use_is_remembered(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")
    assert state.address() == ""
    for address in ("chat.example.org:5555", "[::1]:99", "localhost:5555"):
        state.set_address(address)
        assert state.address() == address
    (state.path / "address").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="address cannot be read"):
        state.address()
    (state.path / "address").unlink()
    (state.path / "address.new").mkdir()
    with pytest.raises(ConfigurationError, match="address cannot be written"):
        state.set_address("x")
    state.close()


def test_the_proxies_are_those_of_the_last_start(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")
    file = state.path / "proxies"
    assert state.proxies() == []
    for proxies in (["127.0.0.1/32"], ["10.0.0.0/8", "::1/128", "unix"], ["unix"], []):
        for _ in range(2):
            state.set_proxies(proxies)
            assert state.proxies() == proxies
    assert not file.exists()
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="proxies cannot be read"):
        state.proxies()
    state.set_proxies(["unix"])
    (state.path / "proxies.new").mkdir()
    state.set_proxies(["unix"])  # Nothing to write.
    with pytest.raises(ConfigurationError, match="proxies cannot be written"):
        state.set_proxies(["::1/128"])
    state.close()
