"""The file of accepted host keys."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chat.client.core.address import Address
from chat.client.core.interfaces import StorageError
from chat.client.storage.known_hosts import KnownHosts, default_home
from chat.wire.hostkey import fingerprint

HOME = Address("localhost")
OTHER = Address("::1", 7000)
PIN = fingerprint(bytes(32))
OTHER_PIN = fingerprint(bytes(31) + b"\x01")


@pytest.fixture
def known_hosts(tmp_path: Path) -> KnownHosts:
    return KnownHosts(tmp_path / "not" / "there" / "yet" / "known_hosts")


def test_nothing_is_known_without_a_file(known_hosts: KnownHosts) -> None:
    assert known_hosts.fingerprint(HOME) is None


def test_what_was_pinned_is_known_by_address_and_port(known_hosts: KnownHosts) -> None:
    known_hosts.pin(HOME, PIN)
    known_hosts.pin(OTHER, OTHER_PIN)
    again = KnownHosts(known_hosts.path)
    assert again.fingerprint(HOME) == PIN
    assert again.fingerprint(OTHER) == OTHER_PIN
    assert again.fingerprint(Address("localhost", 5556)) is None
    assert again.fingerprint(Address("localhos")) is None


def test_the_last_pin_of_an_address_counts(known_hosts: KnownHosts) -> None:
    known_hosts.pin(HOME, PIN)
    known_hosts.pin(OTHER, PIN)
    known_hosts.pin(HOME, OTHER_PIN)
    assert known_hosts.fingerprint(HOME) == OTHER_PIN
    assert known_hosts.fingerprint(OTHER) == PIN


def test_file_and_directory_are_for_the_user_alone(known_hosts: KnownHosts) -> None:
    known_hosts.pin(HOME, PIN)
    assert stat.S_IMODE(known_hosts.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(known_hosts.path.parent.stat().st_mode) == 0o700


def test_a_pin_is_durable_and_written_at_once(
    known_hosts: KnownHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(known_hosts.path.read_bytes())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    known_hosts.pin(HOME, PIN)
    [content] = synced
    assert content.startswith(f"localhost:5555 {PIN} ".encode()) and content.endswith(b"\n")


def test_clients_that_pin_at_once_lose_nothing(known_hosts: KnownHosts) -> None:
    known_hosts.pin(HOME, PIN)
    addresses = [Address("localhost", port) for port in range(6000, 6050)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda it: KnownHosts(known_hosts.path).pin(it, PIN), addresses))
    assert all(known_hosts.fingerprint(address) == PIN for address in [HOME, *addresses])


def test_comments_and_empty_lines_are_left_alone(known_hosts: KnownHosts) -> None:
    known_hosts.pin(HOME, PIN)
    with known_hosts.path.open("a") as file:
        file.write("\n# a note\n")
    known_hosts.pin(OTHER, OTHER_PIN)
    assert known_hosts.fingerprint(OTHER) == OTHER_PIN


@pytest.mark.parametrize(
    "line",
    [
        "localhost:5555",
        f"localhost:5555 {PIN}",
        f"localhost:5555 {PIN[:-1]} 2026-01-01",
        f"localhost:5555  {PIN} 2026-01-01",
        f"localhost:5555 {PIN} 2026-01-01 more",
    ],
)
def test_a_damaged_line_is_refused_with_its_number(known_hosts: KnownHosts, line: str) -> None:
    known_hosts.pin(OTHER, OTHER_PIN)
    with known_hosts.path.open("a") as file:
        file.write(line + "\n")
    known_hosts.pin(HOME, PIN)
    for address in (HOME, OTHER):  # Before and behind it, every line is read.
        with pytest.raises(
            StorageError, match="damaged in line 2; put it right or remove that line"
        ):
            known_hosts.fingerprint(address)


def test_a_file_that_is_no_text_is_refused(known_hosts: KnownHosts) -> None:
    known_hosts.pin(HOME, PIN)
    known_hosts.path.write_bytes(b"\xff\xfe")
    with pytest.raises(StorageError, match="is not UTF-8; put it right or remove it"):
        known_hosts.fingerprint(HOME)


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").mkdir()
    known_hosts = KnownHosts(tmp_path / "known_hosts")
    with pytest.raises(StorageError, match=r"known_hosts cannot be read: \w"):
        known_hosts.fingerprint(HOME)
    with pytest.raises(StorageError, match=r"known_hosts cannot be written: \w"):
        known_hosts.pin(HOME, PIN)


def test_the_settings_directory_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCCHAT_HOME", "/somewhere")
    assert default_home() == Path("/somewhere")
    monkeypatch.delenv("ENCCHAT_HOME")
    assert default_home().name == "encchat"
