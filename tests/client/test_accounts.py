"""The file of one's accounts."""

import stat
from base64 import b64encode
from pathlib import Path

import pytest

from chat.client.accounts import Accounts, AccountsError
from chat.client.address import Address

HOME, OTHER = Address("localhost"), Address("localhost", 7000)
SECRET = bytes(range(32))


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "not" / "yet" / "accounts", HOME)


def test_without_a_file_there_is_none(accounts: Accounts) -> None:
    assert accounts.secret("ana") is None


def test_what_was_created_is_known_by_address_and_nickname(accounts: Accounts) -> None:
    secret = accounts.create("Ana")
    assert len(secret) == 32
    assert Accounts(accounts.path, HOME).secret("aNA") == secret
    assert accounts.secret("bob") is None
    assert Accounts(accounts.path, OTHER).secret("ana") is None
    other = Accounts(accounts.path, OTHER).create("ana")
    assert other != secret and accounts.secret("ana") == secret


def test_file_and_directory_are_for_the_user_alone(accounts: Accounts) -> None:
    accounts.create("ana")
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(accounts.path.parent.stat().st_mode) == 0o700


def test_a_line_is_address_nickname_secret(accounts: Accounts) -> None:
    secret = accounts.create("ana")
    assert accounts.path.read_text() == f"localhost:5555 ana {b64encode(secret).decode()}\n"


def test_the_last_line_counts(accounts: Accounts) -> None:
    accounts.create("ana")
    accounts.create("bob")
    assert accounts.create("ana") == accounts.secret("ana")


def test_a_new_name_takes_the_secret_along(accounts: Accounts) -> None:
    secret = accounts.create("ana")
    accounts.rename("ana", "anna", secret)
    assert (accounts.secret("ana"), accounts.secret("anna")) == (None, secret)
    accounts.rename("anna", "Anna", secret)
    assert accounts.secret("anna") == secret
    accounts.rename("Anna", "ana", secret)
    assert (accounts.secret("ana"), accounts.secret("anna")) == (secret, None)


def test_a_secret_made_for_nothing_is_taken_back(accounts: Accounts) -> None:
    assert accounts.withdraw("ana", accounts.create("ana")) is None
    assert accounts.secret("ana") is None


def test_what_another_client_wrote_meanwhile_is_not_taken_back(accounts: Accounts) -> None:
    first, second = accounts.create("ana"), accounts.create("ana")
    assert accounts.withdraw("ana", second) == first
    assert accounts.secret("ana") == first


@pytest.mark.parametrize(
    "line",
    [
        "localhost:5555",
        "localhost:5555 ana",
        "localhost:5555 ana secret",
        f"localhost:5555 ana {b64encode(SECRET[1:]).decode()}",
        f"localhost:5555  ana {b64encode(SECRET).decode()}",
        f"localhost:5555 ana {b64encode(SECRET).decode()} more",
        f"localhost:5555 ana {b64encode(SECRET).decode()}é",
    ],
)
def test_a_damaged_line_is_refused_with_its_number(accounts: Accounts, line: str) -> None:
    accounts.create("bob")
    with accounts.path.open("a", encoding="utf-8") as file:
        file.write(f"# a note\n\n{line}\n")
    with pytest.raises(AccountsError, match="damaged in line 4"):
        accounts.secret("bob")


def test_a_file_that_is_no_text_is_refused(accounts: Accounts) -> None:
    accounts.create("ana")
    accounts.path.write_bytes(b"\xff\xfe")
    with pytest.raises(AccountsError, match="not UTF-8"):
        accounts.secret("ana")


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "accounts").mkdir()
    accounts = Accounts(tmp_path / "accounts", HOME)
    with pytest.raises(AccountsError, match=r"accounts cannot be read: \w"):
        accounts.secret("ana")
    with pytest.raises(AccountsError, match=r"accounts cannot be written: \w"):
        accounts.create("ana")
