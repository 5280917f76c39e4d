"""The password file: contents, refusals, and that unknown users cost as much as known ones."""

import fcntl
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.exceptions import HashingError, VerificationError
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import capturedLogs

from chat.rooms.errors import NickInvalidError
from chat.server.passwords.file import (
    BadPasswordError,
    PasswordFile,
    PasswordFileError,
    prepare_password,
)
from tests.server.passwords.parameters import CHEAP, DEARER
from tests.server.support import chat_lines

INVALID = "A password cannot be empty or contain control or invisible characters."
COST = "m=8,t=1,p=1"
SALT = "AAECAwQFBgcICQoLDA0ODw"
HASH = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a path for a password file."""
    return tmp_path / "passwords"


@pytest.fixture
def users(path: Path) -> PasswordFile:
    """Return a file with one user."""
    users = PasswordFile(path, CHEAP)
    users.set("bob", "hunter2")
    return users


@pytest.fixture
def costs(users: PasswordFile, monkeypatch: pytest.MonkeyPatch) -> list[Parameters]:
    """Return a list of the costs of all hashes from now on."""
    costs: list[Parameters] = []
    verify = PasswordHasher.verify

    def count(hasher: PasswordHasher, hash: str, password: bytes) -> bool:
        costs.append(extract_parameters(hash))
        return verify(hasher, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", count)
    return costs


def write(path: Path, content: bytes | str) -> PasswordFile:
    """Return a file with this content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return PasswordFile(path, CHEAP)


def complaint(users: PasswordFile) -> str:
    """Return the sentence with which every operation on a file is refused."""
    before = users.path.read_bytes() if users.path.is_file() else None
    sentences = set()
    for use in (
        users.nicks,
        lambda: users.verify("bob", "hunter2"),
        lambda: users.set("bob", "hunter2"),
        lambda: users.remove("bob"),
    ):
        with pytest.raises(PasswordFileError) as caught:
            use()
        sentences.add(str(caught.value))
    assert before is None or users.path.read_bytes() == before
    [sentence] = sentences
    assert "\n" not in sentence and str(users.path) in sentence
    return sentence


# --- Passwords ---


@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        ("hunter2", "hunter2"),
        (" a  b ", " a  b "),
        ("a\u3000b\u00a0c", "a b c"),
        ("e\u0301", "\u00e9"),
        ("Correct \u2260 correct", "Correct \u2260 correct"),
        ("\uff41", "\uff41"),
        ("\u03b1\u0313\u0300\u0345" * 85, "\u1f82" * 85),
        ("x" * 256, "x" * 256),
    ],
)
def test_passwords_are_opaque_strings(typed: str, prepared: str) -> None:
    assert prepare_password(typed) == prepared.encode()
    assert prepare_password(prepared) == prepared.encode()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "A password cannot be empty"),
        ("x" * 257, "A password has at most 256 bytes."),
        ("\u00e9" * 129, "A password has at most 256 bytes."),
        ("e\u0301" * 10_000_000, "A password has at most 256 bytes."),
        ("a\nb", INVALID),
        ("a\0", INVALID),
        ("\ud800", INVALID),
        ("\u200b", INVALID),
    ],
    ids=range(8),
)
def test_other_passwords_are_refused_with_a_sentence(
    users: PasswordFile, typed: str, sentence: str
) -> None:
    for refuse in (lambda: prepare_password(typed), lambda: users.set("bob", typed)):
        with pytest.raises(BadPasswordError, match=f"^{re.escape(sentence)}"):
            refuse()
    assert users.verify("bob", "hunter2") and not users.verify("bob", typed)


# --- Setting and verifying ---


def test_a_user_has_a_line(users: PasswordFile, path: Path) -> None:
    users.set("\u00e4nne", "x")
    lines = path.read_text("utf-8").splitlines()
    for line, nick in zip(lines, ["bob", "\u00e4nne"], strict=True):
        pattern = r":\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}"
        assert re.fullmatch(re.escape(nick) + pattern, line)
    assert users.nicks() == ["bob", "\u00e4nne"]


def test_what_a_new_password_costs(path: Path) -> None:
    PasswordFile(path).set("bob", "hunter2")
    assert path.read_text().startswith("bob:$argon2id$v=19$m=65536,t=3,p=4$")
    assert PasswordFile(path, CHEAP).verify("bob", "hunter2")


def test_a_password_is_right_or_wrong(users: PasswordFile) -> None:
    assert users.verify("bob", "hunter2")
    for nick, password in (("bob", "hunter3"), ("bob", ""), ("bob", "Hunter2"), ("eve", "hunter2")):
        assert not users.verify(nick, password)


def test_a_nickname_is_the_same_in_other_letters(users: PasswordFile) -> None:
    assert users.verify("BOB", "hunter2") and users.verify("\uff42ob", "hunter2")
    users.set(" BOB ", "other")
    assert users.nicks() == ["BOB"]
    assert users.verify("bob", "other") and not users.verify("bob", "hunter2")
    assert users.remove("Bob") and users.nicks() == []


def test_the_same_password_has_another_hash(users: PasswordFile, path: Path) -> None:
    users.set("eve", "hunter2")
    first, second = path.read_text().splitlines()
    assert first.split("$")[4] != second.split("$")[4]


def test_who_is_removed_is_unknown(users: PasswordFile) -> None:
    users.set("eve", "x")
    assert users.remove("bob") and not users.remove("bob")
    assert users.nicks() == ["eve"] and not users.verify("bob", "hunter2")
    assert users.remove("eve") and users.nicks() == [] and not users.verify("eve", "x")
    users.set("eve", "y")
    assert users.verify("eve", "y")


def test_what_is_no_nickname_gets_no_password(users: PasswordFile) -> None:
    for nick in ("a:b", "a\nb", "$x"):
        with pytest.raises(NickInvalidError):
            users.set(nick, "x")
    assert users.nicks() == ["bob"]


@given(
    users=st.dictionaries(
        st.from_regex(r"[a-z0-9]([a-z0-9_.-]{0,8}[a-z0-9_])?", fullmatch=True),
        st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20),
        max_size=4,
    )
)
def test_what_is_set_is_verified(users: dict[str, str]) -> None:
    with TemporaryDirectory() as directory:
        file = PasswordFile(Path(directory) / "passwords", CHEAP)
        accepted = []
        for nick, password in users.items():
            try:
                file.set(nick, password)
            except BadPasswordError:
                continue
            accepted.append(nick)
        again = PasswordFile(Path(directory) / "passwords", CHEAP)
        for nick in accepted:
            assert again.verify(nick, users[nick])
            assert not again.verify(nick, users[nick] + "x")
        if accepted:
            assert again.nicks() == accepted


# --- The cost of unknown users ---


def test_wrong_and_unknown_cost_the_same(path: Path, costs: list[Parameters]) -> None:
    for nick in ("bob", "eve", "", "x" * 10_000):
        assert not PasswordFile(path, DEARER).verify(nick, "wrong")
    assert costs == [CHEAP] * 4


def test_nobody_is_known_by_the_password_of_another(path: Path, costs: list[Parameters]) -> None:
    assert not PasswordFile(path, DEARER).verify("eve", "hunter2")
    assert costs == [CHEAP] and path.read_text().startswith(f"bob:$argon2id$v=19${COST}$")


def test_strangers_are_as_different_as_users_are(path: Path, costs: list[Parameters]) -> None:
    users = PasswordFile(path, DEARER)
    users.set("dear", "x")
    strangers = [f"stranger{number}" for number in range(64)]
    for stranger in (*strangers, *strangers):
        users.verify(stranger, "wrong")
    assert costs.count(CHEAP) > 20 and costs.count(DEARER) > 20
    assert costs[:64] == costs[64:]


def test_in_an_empty_file_all_are_unknown_and_cost_nothing(
    path: Path, costs: list[Parameters]
) -> None:
    assert not write(path, "").verify("bob", "x")
    assert costs == []


def test_what_is_no_password_costs_nobody_anything(
    users: PasswordFile, costs: list[Parameters]
) -> None:
    for nick in ("bob", "eve"):
        assert not users.verify(nick, "") and not users.verify(nick, "x" * 257)
    assert costs == []


def test_what_cannot_be_computed_is_no_wrong_password(
    users: PasswordFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise VerificationError("Memory allocation error")

    monkeypatch.setattr(PasswordHasher, "verify", fail)
    for nick in ("bob", "eve"):
        with pytest.raises(VerificationError):
            users.verify(nick, "hunter2")


# --- Weak hashes ---


def test_a_login_replaces_a_weaker_hash(users: PasswordFile, path: Path) -> None:
    users.set("eve", "x")
    before = path.read_text().splitlines()
    stronger = PasswordFile(path, DEARER)
    assert not stronger.verify("bob", "wrong") and path.read_text().splitlines() == before
    assert stronger.verify("BOB", "hunter2")
    after = path.read_text().splitlines()
    assert after[0].startswith("bob:$argon2id$v=19$m=8,t=2,p=1$") and after[1] == before[1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stronger.verify("bob", "hunter2") and not stronger.verify("bob", "wrong")
    assert path.read_text().splitlines() == after


def test_a_stronger_or_equal_hash_stays(path: Path) -> None:
    for parameters in (DEARER, replace(CHEAP, memory_cost=16), CHEAP):
        PasswordFile(path, parameters).set("bob", "hunter2")
        before = path.read_bytes()
        assert PasswordFile(path, CHEAP).verify("bob", "hunter2")
        assert path.read_bytes() == before


def test_a_hash_that_cannot_be_replaced_is_logged_and_the_login_goes_on(
    users: PasswordFile, path: Path
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    def no_memory(*_: object) -> str:
        raise HashingError("Memory allocation error")

    before = path.read_bytes()
    sentence = "A password keeps a weaker hash than new ones: "
    for target, name, failing, reason in (
        (os, "fsync", full, f"the password file {path} cannot be used: No space left on device"),
        (PasswordHasher, "hash", no_memory, "Memory allocation error"),
    ):
        with pytest.MonkeyPatch.context() as patch, capturedLogs() as events:
            patch.setattr(target, name, failing)
            assert PasswordFile(path, DEARER).verify("bob", "hunter2")
        assert chat_lines(events) == [sentence + reason]
        assert path.read_bytes() == before


def test_a_file_of_somebody_else_s_is_not_replaced(
    users: PasswordFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    before = path.read_bytes()
    with capturedLogs() as events:
        assert PasswordFile(path, DEARER).verify("bob", "hunter2")
    assert chat_lines(events)[0].endswith(": the file is somebody else's")
    assert path.read_bytes() == before


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_password_that_is_changed_meanwhile_does_not_come_back(
    users: PasswordFile, path: Path, monkeypatch: pytest.MonkeyPatch, is_removed: bool
) -> None:
    hash = PasswordHasher.hash

    def change(hasher: PasswordHasher, password: bytes) -> str:
        monkeypatch.undo()
        if is_removed:
            users.remove("bob")
        else:
            users.set("bob", "other")
        return hash(hasher, password)

    monkeypatch.setattr(PasswordHasher, "hash", change)
    assert PasswordFile(path, DEARER).verify("bob", "hunter2")
    assert not users.verify("bob", "hunter2") and users.verify("bob", "other") is not is_removed


# --- Valid and invalid contents ---


@pytest.mark.parametrize(
    "content", ["", *(f"bob:$argon2id$v=19${COST}${SALT}${HASH}{end}" for end in ("", "\r\n"))]
)
def test_a_file_may_be_empty_or_have_another_end_of_line(path: Path, content: str) -> None:
    users = write(path, content)
    assert users.nicks() == (["bob"] if content else [])
    users.set("eve", "x")
    assert users.nicks()[-1] == "eve"


@pytest.mark.parametrize(
    "cost",
    [
        *("m=8,t=12,p=1", "m=262144,t=3,p=4", "m=65536,t=12,p=16", "m=128,t=1,p=16"),
        *("m=19456,t=2,p=1", "m=102400,t=2,p=8"),
    ],
)
def test_other_costs_are_taken(path: Path, cost: str) -> None:
    assert write(path, f"bob:$argon2id$v=19${cost}${SALT}${HASH}\n").nicks() == ["bob"]


@pytest.mark.parametrize(
    "line",
    [
        *("", "#", "bob", "bob:", "bob:hunter2", f"$argon2id$v=19${COST}${SALT}${HASH}"),
        f":$argon2id$v=19${COST}${SALT}${HASH}",
        f"b b:$argon2id$v=19${COST}${SALT}${HASH}",
        f"bob:$argon2id$v=19${COST}${SALT}${HASH} ",
        f"bob:$argon2id$v=19${COST}${SALT}${HASH}:more",
        f"bob:$argon2id$v=19${COST}${SALT}${HASH}$more",
        f"bob:$argon2id$v=19${COST}${SALT}",
        f"bob:$argon2id$v=19${COST}${SALT}$",
        f"bob:$argon2id$v=19${COST}$${HASH}",
        f"bob:$argon2id$v=19${COST}${SALT}==${HASH}=",
        f"bob:$argon2id$v=19${COST}${SALT[:-1]}x${HASH}",
        f"bob:$argon2id$v=19${COST}${SALT}${HASH[:-1]}9",
        f"bob:$argon2id$v=19${COST}${SALT[:-1]}${HASH}",
        f"bob:$argon2id$v=19${COST}${SALT}AA${HASH}",
        f"bob:$argon2id$v=19${COST}${SALT[:-1]}-${HASH}",
        f"bob:$argon2id${COST}${SALT}${HASH}",
        f"bob:$argon2id$v=16${COST}${SALT}${HASH}",
        f"bob:$argon2i$v=19${COST}${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=8,t=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$p=1,t=1,m=8${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=8,t=0,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=8,t=01,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=8,t=-1,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=8,t=\u0661,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=8,t=1,p=0${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=7,t=1,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=15,t=1,p=2${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=262145,t=1,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=8,t=13,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=136,t=1,p=17${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=262144,t=4,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m=65537,t=12,p=1${SALT}${HASH}",
        f"bob:$argon2id$v=19$m={'9' * 5_000},t=1,p=1${SALT}${HASH}",
        f"bob:$scrypt$ln=15,r=8,p=1${SALT}${HASH}",
        b"b\xffb:$argon2id$v=19$m=8,t=1,p=1$" + f"{SALT}${HASH}".encode(),
        b"\xff\xfe\x00",
    ],
    ids=range(41),
)
def test_any_other_line_is_refused_by_its_number(
    path: Path, costs: list[Parameters], line: str | bytes
) -> None:
    damaged = line.encode() if isinstance(line, str) else line
    good = f"ana:$argon2id$v=19${COST}${SALT}${HASH}\n".encode()
    for number, content in ((2, good + damaged + b"\n"), (1, damaged + b"\n" + good)):
        users = write(path, content)
        assert (
            complaint(users) == f"line {number} of {path} is not a nickname with an argon2id hash"
        )
    assert costs == []


def test_a_nickname_has_one_line(path: Path) -> None:
    rest = f":$argon2id$v=19${COST}${SALT}${HASH}\n"
    users = write(path, f"bob{rest}eve{rest}BOB{rest}")
    assert complaint(users) == f"line 3 of {path} repeats a nickname"


def test_a_file_has_a_bound(path: Path) -> None:
    line = f"{{:09}}:$argon2id$v=19${COST}${SALT}${HASH}\n"
    users = write(path, "".join(line.format(n) for n in range(2**20 // len(line.format(0)))))
    assert len(users.nicks()) > 9_000
    before = path.read_bytes()
    with pytest.raises(PasswordFileError, match="has more than 1048576 bytes"):
        users.set("one-more-user-with-a-long-nick", "x")
    assert path.read_bytes() == before
    sentence = complaint(write(path, before + before))
    assert sentence == f"the password file {path} has more than 1048576 bytes"


# --- The file itself ---


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_written_is_private(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        PasswordFile(path, CHEAP).set("bob", "x")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert sorted(file.name for file in path.parent.iterdir()) == ["passwords"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_of_one_s_own_that_others_may_use_is_refused(
    users: PasswordFile, path: Path, mode: int
) -> None:
    path.chmod(mode)
    assert complaint(users) == (
        f"others may read or change the password file {path}; its mode must be"
        f" 0600, or 0440 if its group is to read it, not {mode:04o}"
    )
    for mode in (0o400, 0o440):
        path.chmod(mode)
        assert users.nicks() == ["bob"]


def test_a_file_of_somebody_else_s_is_their_own_business(
    users: PasswordFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.chmod(0o640)
    other = path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert users.nicks() == ["bob"]


def test_what_root_changes_stays_its_owner_s(
    users: PasswordFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda _, uid, gid: given.append((uid, gid)))
    owner = path.stat()
    for euid, expected in ((owner.st_uid + 1, []), (0, [(owner.st_uid, owner.st_gid)])):
        monkeypatch.setattr(os, "geteuid", lambda euid=euid: euid)
        users.set("eve", "x")
        assert given == expected


def test_a_missing_file_is_a_sentence_and_no_user(path: Path) -> None:
    users = PasswordFile(path, CHEAP)
    for use in (users.nicks, lambda: users.verify("bob", "x"), lambda: users.remove("bob")):
        with pytest.raises(PasswordFileError) as caught:
            use()
        sentence = f"the password file {path} cannot be used: No such file or directory"
        assert str(caught.value) == sentence


def test_what_is_no_file_is_a_sentence(path: Path) -> None:
    path.mkdir()
    assert complaint(PasswordFile(path, CHEAP)) == (
        f"the password file {path} cannot be used: Is a directory"
    )
    assert complaint(PasswordFile(path / "no" / "where", CHEAP)).endswith(
        "cannot be used: No such file or directory"
    )


def test_what_an_interrupted_change_left_behind_is_replaced(
    users: PasswordFile, path: Path
) -> None:
    path.with_name("passwords.new").write_text("half a l")
    users.set("eve", "x")
    assert users.nicks() == ["bob", "eve"]
    assert not path.with_name("passwords.new").exists()


def test_a_change_that_fails_changes_nothing(
    users: PasswordFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(PasswordFileError, match="cannot be used: No space left on device"):
        users.set("bob", "other")
    assert users.verify("bob", "hunter2")


def test_of_two_changes_none_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def flock(_: object, operation: int) -> None:
        taken.append(operation)
        if len(taken) == 1:  # Another process was faster while this one waited.
            PasswordFile(path, CHEAP).set("eve", "x")

    monkeypatch.setattr(fcntl, "flock", flock)
    PasswordFile(path, CHEAP).set("bob", "x")
    assert PasswordFile(path).nicks() == ["eve", "bob"]
    assert taken == [fcntl.LOCK_EX] * 3  # The last one is for the file that the other has written.


def test_changes_wait_for_each_other(path: Path) -> None:
    names = [f"user{number}" for number in range(20)]
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda name: PasswordFile(path, CHEAP).set(name, "x"), names))
    assert sorted(PasswordFile(path).nicks()) == sorted(names)


def test_a_refused_file_leaves_nothing_open(path: Path) -> None:
    users = write(path, "rubbish")
    complaint(users)
    before = len(os.listdir("/dev/fd"))
    complaint(users)
    assert len(os.listdir("/dev/fd")) == before
