"""A nickname that has become another account's: said loudly, before anything is sent."""

from pathlib import Path

import pytest

from chat.client.core.address import Address
from chat.client.core.interfaces import StorageError
from chat.client.storage.known_accounts import KnownAccounts
from chat.ids import AccountId, LogId
from chat.wire import messages as m
from tests.client.model import ModelServer
from tests.client.support import Person

OTHER = "bob is another account now than the one you talked to by that name;"
REFUSED = f"{OTHER} nothing was sent. If you mean who has the name now, type /known NICK."


@pytest.fixture
def server() -> ModelServer:
    server = ModelServer()
    server.room("lobby", "bob")
    return server


def enter(home: Path, server: ModelServer) -> Person:
    person = Person(home, server, is_terminal=True).enter()
    person.screen.clear()
    return person


def swap(server: ModelServer) -> None:
    """Let bob be known as robert, and somebody new as bob."""
    server.nicks[server.account("bob")] = "robert"
    server.account("bob")


@pytest.mark.parametrize("when", ["connected", "away", "another start"])
def test_nothing_is_sent_to_who_took_the_name(
    tmp_path: Path, server: ModelServer, when: str
) -> None:
    ana = enter(tmp_path, server)
    ana.type("/msg bob the door code is 4711")
    log = server.private("ana", "bob")
    if when == "another start":
        ana.end()
    elif when == "away":
        ana.cut()
    swap(server)
    if when == "another start":
        ana = enter(tmp_path, server)
    elif when == "away":
        ana.come_back()
        ana.carry()
    else:
        server.passing(log, m.RenamedBody(0, server.account("robert"), "robert", "bob"))
        ana.carry()
    ana.screen.clear()
    count = len(server.logs)
    ana.type("/msg bob and the alarm is off", "/msg BOB hello?", "/msg @bob /known bob")
    assert [line.lower() for line in ana.screen.everything] == [REFUSED.lower()] * 3
    assert len(server.logs) == count and log.texts() == ["the door code is 4711"]
    # Under the new name it is who it was.
    ana.type("/msg robert is it you?")
    assert log.texts() == ["the door code is 4711", "is it you?"]
    ana.type("/known bob", "/msg bob welcome")
    assert "* You take bob for whoever has that name now." in ana.screen.everything
    assert server.private("ana", "bob").texts() == ["welcome"]
    assert server.private("ana", "bob") is not log


def test_who_took_the_name_and_opened_a_conversation_is_no_better(
    tmp_path: Path, server: ModelServer
) -> None:
    ana = enter(tmp_path, server)
    ana.type("/msg bob hi")
    ana.end()
    swap(server)
    ana = enter(tmp_path, server)
    log = server.asks("bob", "ana")
    ana.carry()
    warning = "* Another account: the bob who asks is another account than the one you talked to"
    assert any(line.startswith(warning) for line in ana.screen.errors)
    ana.type("/accept bob", "/msg bob hello")
    assert ana.screen.everything[-1] == REFUSED and log.texts() == []


def test_what_cannot_be_kept_is_not_sent(tmp_path: Path, server: ModelServer) -> None:
    (tmp_path / "known_accounts").write_text("what is this\n")
    ana = enter(tmp_path, server)
    ana.type("/msg bob hi")
    [line] = ana.screen.errors
    assert "known_accounts is damaged in line 1" in line and line.endswith("Nothing was sent.")
    assert not any(log.kind == "private" for log in server.logs.values())


ANA, LOG = AccountId(b"a" * 16), LogId(b"l" * 16)


def test_the_file_keeps_them_by_server_account_and_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "known_accounts"
    here, there = Address("here"), Address("there", 5556)
    known = KnownAccounts(path, here)
    known.keep(ANA, "bob", LOG)
    known.keep(ANA, "bob", LOG)
    assert len(path.read_text().splitlines()) == 1
    again = KnownAccounts(path, here)
    assert again.find(ANA, "B0B") == LOG
    assert again.find(AccountId(b"b" * 16), "bob") is None
    assert KnownAccounts(path, there).find(ANA, "bob") is None
    again.keep(ANA, "bob", None)
    assert again.find(ANA, "bob") is KnownAccounts(path, here).find(ANA, "bob") is None


@pytest.mark.parametrize("text", [b"a b c", b"here:5555 zz bob -", b"\xff\n"])
def test_a_damaged_file_makes_nobody_new(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "known_accounts"
    path.write_bytes(text)
    with pytest.raises(StorageError):
        KnownAccounts(path, Address("here")).find(ANA, "bob")


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        KnownAccounts(tmp_path, Address("here")).find(ANA, "bob")
    known = KnownAccounts(tmp_path / "known_accounts", Address("here"))
    assert known.find(ANA, "bob") is None
    (tmp_path / "known_accounts").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        known.keep(ANA, "bob", LOG)
