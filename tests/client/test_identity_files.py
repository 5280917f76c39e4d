"""What the files of keys are called: never too long, never the same for two, and found again."""

import os
import pwd
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import quote

import pytest

from chat.client.core.interfaces import StorageError
from chat.client.storage.identities import Identities
from chat.client.storage.known_hosts import default_home
from chat.wire.identity import Identity

LONG = (
    "\u4e2d" * 27,
    "\u4e2d" * 32,
    "\ud55c\uae00" * 16,
    "\U00020000" * 32,
    "\u0390" * 32,  # Casefolded it has three times as many characters.
    "e\u0301" * 16 + "\u4e2d" * 16,
)


@pytest.mark.parametrize("nick", LONG)
def test_a_long_nickname_has_a_key_that_is_found_again(tmp_path: Path, nick: str) -> None:
    key = Identities(tmp_path).identity(nick).public
    assert Identities(tmp_path).identity(nick).public == key
    [path] = tmp_path.iterdir()
    # What create_whole puts beside it has to fit as well.
    assert len(os.fsencode(path.name)) + len(f".{2**22}.new") <= 143
    assert "%" not in path.name.partition("+")[0][-2:]


@pytest.mark.parametrize("nick", LONG)
def test_renaming_to_it_keeps_the_key(tmp_path: Path, nick: str) -> None:
    identities = Identities(tmp_path)
    key = identities.identity("ana").public
    assert identities.rename("ana", nick) is None
    assert Identities(tmp_path).identity(nick).public == key
    assert identities.rename(nick, "bob") is None
    assert Identities(tmp_path).identity("bob").public == key


def test_no_two_nicknames_share_a_file(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    nicks = {"\u4e2d" * count + end for count in range(9, 31) for end in ("", "a", "+", "\u4e8c")}
    shown = {identities.path(nick).name for nick in nicks}
    assert len(shown) == len(nicks)
    imitation = identities.path("\u4e2d" * 30).name.removeprefix("identity-").removesuffix(".pem")
    assert identities.path(imitation).name not in shown
    assert identities.path("\u4e2d" * 30 + "A") == identities.path("\u4e2d" * 30 + "a")


def test_short_ones_are_called_as_ever(tmp_path: Path) -> None:
    for nick in ("ana", "a" * 32, "[" * 32, "\u00e9" * 16, "\u4e2d" * 10):
        assert Identities(tmp_path).path(nick).name == f"identity-{quote(nick, safe='')}.pem"


@pytest.mark.parametrize("count", [11, 20, 25])
def test_those_of_earlier_versions_are_found(tmp_path: Path, count: int) -> None:
    nick = "\u4e2d" * count
    old = tmp_path / f"identity-{quote(nick, safe='')}.pem"
    old.write_text(Identity.from_seed(bytes(32)).to_pem())
    old.chmod(0o600)
    assert Identities(tmp_path).identity(nick).public == Identity.from_seed(bytes(32)).public
    assert [*tmp_path.iterdir()] == [old]


def test_without_a_home_the_directory_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENCCHAT_HOME", "HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", Mock(side_effect=KeyError))
    with pytest.raises(StorageError, match=r"^there is no home directory; set \$ENCCHAT_HOME$"):
        default_home()
    monkeypatch.setenv("XDG_CONFIG_HOME", "/srv/config")
    assert default_home() == Path("/srv/config/encchat")
    monkeypatch.setenv("ENCCHAT_HOME", "/srv/home")
    assert default_home() == Path("/srv/home")
