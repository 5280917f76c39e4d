"""Where one was."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.core.address import Address, parse_address
from chat.client.core.interfaces import StorageError
from chat.client.storage.servers import Servers, Visit

HOME, OTHER = Address("localhost"), Address("::1", 7000)


def test_the_latest_comes_first_and_each_server_once(tmp_path: Path) -> None:
    servers = Servers(tmp_path / "new")
    assert servers.read() == ()
    servers.note(Visit(HOME, "ana", "lobby"))
    servers.note(Visit(OTHER, "bob"))
    servers.note(Visit(HOME, "anna", "@bob"))
    assert Servers(tmp_path / "new").read() == (Visit(HOME, "anna", "@bob"), Visit(OTHER, "bob"))
    assert stat.S_IMODE(servers.path.stat().st_mode) == 0o600


def test_of_a_link_only_host_and_port_are_kept(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    link = parse_address("encchat://localhost/club?token=AAAAAAAAAAAAAAAAAAAAAA")
    assert link.token
    servers.note(Visit(link, "ana", "club"))
    assert servers.read() == (Visit(HOME, "ana", "club"),)
    assert "AAAA" not in servers.path.read_text()


def test_no_more_than_32_are_kept(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    for port in range(1, 41):
        servers.note(Visit(Address("h", port), "ana"))
    assert [it.address.port for it in servers.read()] == list(range(40, 8, -1))


def test_what_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    servers.note(Visit(HOME, "ana"))
    before = servers.path.stat().st_ino
    servers.note(Visit(HOME, "ana"))
    assert servers.path.stat().st_ino == before


@given(st.text(), st.text())
def test_names_may_be_anything(
    tmp_path_factory: pytest.TempPathFactory, nick: str, room: str
) -> None:
    servers = Servers(tmp_path_factory.mktemp("home"))
    servers.note(Visit(HOME, nick, room))
    servers.note(Visit(OTHER, room, nick))
    assert servers.read() == (Visit(OTHER, room, nick), Visit(HOME, nick, room))


@pytest.mark.parametrize("content", ["x", "localhost:1 -a", "localhost:0 -a -", "a:1 -%ff -"])
def test_a_damaged_file_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    servers = Servers(tmp_path)
    servers.path.write_text(f"# mine\nlocalhost:1 -ana -\n{content}\n")
    with pytest.raises(StorageError, match="damaged in line 3"):
        servers.read()
    with pytest.raises(StorageError):
        servers.note(Visit(HOME, "ana"))
    assert content in servers.path.read_text()


@pytest.mark.parametrize("nick", ["\ud800"])
def test_a_name_that_is_no_text_is_refused(tmp_path: Path, nick: str) -> None:
    with pytest.raises(StorageError):
        Servers(tmp_path).note(Visit(HOME, nick))
