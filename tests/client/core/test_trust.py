"""Which host keys are trusted: the rules as a whole table, and the sentences."""

import re
from itertools import product
from pathlib import Path

import pytest

from chat.client.core.address import Address, parse_address
from chat.client.core.trust import HostKeyCheck, TrustError, Verdict, judge, word_lines
from chat.client.storage.known_hosts import KnownHosts
from chat.wire.hostkey import HostKey, fingerprint, fingerprint_words

KEY, OTHER_KEY = bytes(32), bytes(31) + b"\x01"
PIN, OTHER_PIN = fingerprint(KEY), fingerprint(OTHER_KEY)

FIRST = HostKey.from_seed(bytes(32))
SECOND = FIRST.succeed()
THIRD = SECOND.succeed()
STRANGER = HostKey.generate()
OLD_PIN, OLDER_PIN = SECOND.fingerprint, FIRST.fingerprint


KNOWN = {"none": None, "it": PIN, "old": OLD_PIN, "older": OLDER_PIN, "another": OTHER_PIN}


@pytest.mark.parametrize("given", KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("pinned", KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize(
    ("is_loopback", "can_ask", "trust_new"), list(product([False, True], repeat=3))
)
def test_the_rules(
    given: str | None, pinned: str | None, is_loopback: bool, can_ask: bool, trust_new: bool
) -> None:
    verdict = judge(
        PIN,
        predecessors=[OLD_PIN, OLDER_PIN],
        given=given,
        pinned=pinned,
        is_loopback=is_loopback,
        can_ask=can_ask,
        trust_new=trust_new,
    )
    # A key that differs from what is known is refused, whatever else is said.
    if given == OTHER_PIN:
        assert verdict is Verdict.REFUSE_MISMATCH
    elif pinned == OTHER_PIN:
        assert verdict is Verdict.REFUSE_CHANGED
    elif pinned == PIN:
        assert verdict is Verdict.KNOWN
    # One that a known key has signed is as good as known.
    elif OLD_PIN in (given, pinned) or OLDER_PIN in (given, pinned):
        assert verdict is Verdict.SUCCEEDED
    elif given == PIN or is_loopback or trust_new:
        assert verdict is Verdict.PIN
    elif can_ask:
        assert verdict is Verdict.ASK
    else:
        assert verdict is Verdict.REFUSE_NEW


def check(
    path: Path, *, given: str | None = None, can_ask: bool = False, trust_new: bool = False
) -> HostKeyCheck:
    address = Address("chat.example.org", 5555, given)
    known_hosts = KnownHosts(path / "known_hosts")
    return HostKeyCheck(address, known_hosts, can_ask=can_ask, trust_new=trust_new)


def test_a_pinned_key_is_known_the_next_time(tmp_path: Path) -> None:
    first = check(tmp_path, trust_new=True)
    assert first.examine(KEY, is_loopback=False) is Verdict.PIN
    assert not first.pin()
    assert check(tmp_path).examine(KEY, is_loopback=False) is Verdict.KNOWN


def words_of(lines: list[str]) -> str:
    """Return the words of the lines that have six of them."""
    words = [line.split() for line in lines if re.fullmatch(r"    \w+( \w+){5}", line)]
    return " ".join(word for line in words for word in line)


def test_a_changed_key_is_refused_in_a_sentence_and_the_way_out_follows(tmp_path: Path) -> None:
    first = check(tmp_path)
    first.examine(KEY, is_loopback=True)
    first.pin()
    for changed in (
        check(tmp_path),
        check(tmp_path, trust_new=True, can_ask=True),
        check(tmp_path, given=OTHER_PIN),
    ):
        with pytest.raises(TrustError) as caught:
            changed.examine(OTHER_KEY, is_loopback=True)
        first_line, *more = caught.value.lines
        assert str(caught.value) == first_line
        assert first_line == (
            "The host key of chat.example.org:5555 has CHANGED, so nothing was sent: somebody may "
            "be posing as this server."
        )
        assert f"It was  {PIN}" in more and f"and is  {OTHER_PIN}" in more
        assert words_of(more) == fingerprint_words(OTHER_KEY)
        assert "which the old key has not signed, as it does when an operator changes it." in more
        assert (
            "Ask the operator for either, but not through this server. If it is the same," in more
        )
        assert (
            f"remove the lines that begin with chat.example.org:5555 from {tmp_path}/known_hosts."
            in more
        )
        assert max(map(len, more)) < 100 + len(str(tmp_path))


def test_a_key_that_is_not_the_links_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrustError) as caught:
        check(tmp_path, given=PIN, trust_new=True).examine(OTHER_KEY, is_loopback=True)
    first_line, *more = caught.value.lines
    assert first_line == (
        "The host key of chat.example.org:5555 is not the one in the link, so nothing was sent."
    )
    assert f"It is  {OTHER_PIN}" in more and words_of(more) == fingerprint_words(OTHER_KEY)
    assert "Ask its operator for the link, but not through this server." in more
    assert max(map(len, more)) < 100
    assert not (tmp_path / "known_hosts").exists()


def pinned(path: Path, key: HostKey) -> None:
    """Let a client meet a server with this key for the first time."""
    first = check(path, trust_new=True)
    assert first.examine(key.public, key.successions, is_loopback=False) is Verdict.PIN
    first.pin()


def follow(checking: HostKeyCheck, key: HostKey) -> Verdict:
    """Examine a key with its successions."""
    return checking.examine(key.public, key.successions, is_loopback=False)


@pytest.mark.parametrize("known", [FIRST, SECOND], ids=["older", "old"])
def test_a_key_that_the_pinned_one_has_signed_is_pinned_in_its_place(
    tmp_path: Path, known: HostKey
) -> None:
    pinned(tmp_path, known)
    checking = check(tmp_path)
    assert follow(checking, THIRD) is Verdict.SUCCEEDED
    assert checking.pin()
    assert follow(check(tmp_path), THIRD) is Verdict.KNOWN


def test_who_has_followed_does_not_go_back(tmp_path: Path) -> None:
    pinned(tmp_path, FIRST)
    checking = check(tmp_path)
    follow(checking, SECOND)
    checking.pin()
    # Whoever has stolen the first key may sign what they like with it.
    for key in (FIRST, FIRST.succeed()):
        with pytest.raises(TrustError, match="CHANGED"):
            follow(check(tmp_path, given=OLDER_PIN), key)
    assert follow(check(tmp_path, given=OLDER_PIN), SECOND) is Verdict.KNOWN


def test_a_succession_from_a_key_that_is_not_known_is_a_change(tmp_path: Path) -> None:
    pinned(tmp_path, STRANGER)
    with pytest.raises(TrustError, match="CHANGED"):
        follow(check(tmp_path, trust_new=True), THIRD)


def test_a_succession_that_does_not_verify_is_a_change(tmp_path: Path) -> None:
    pinned(tmp_path, FIRST)
    forged = FIRST.public + STRANGER.sign(b"")
    with pytest.raises(TrustError, match="CHANGED"):
        check(tmp_path).examine(STRANGER.public, forged, is_loopback=False)


def test_the_link_may_have_an_earlier_key(tmp_path: Path) -> None:
    checking = check(tmp_path, given=OLDER_PIN)
    assert follow(checking, THIRD) is Verdict.SUCCEEDED
    assert checking.pin()
    assert follow(check(tmp_path, given=OLDER_PIN), THIRD) is Verdict.KNOWN
    assert follow(check(tmp_path), THIRD) is Verdict.KNOWN


def test_the_link_may_have_a_later_key_than_the_pinned_one(tmp_path: Path) -> None:
    pinned(tmp_path, FIRST)
    assert follow(check(tmp_path, given=OLD_PIN), THIRD) is Verdict.SUCCEEDED
    with pytest.raises(TrustError, match="not the one in the link"):
        follow(check(tmp_path, given=THIRD.fingerprint), SECOND)


def test_a_new_key_is_new_whatever_came_before_it(tmp_path: Path) -> None:
    assert follow(check(tmp_path, can_ask=True), THIRD) is Verdict.ASK
    with pytest.raises(TrustError, match="not known here"):
        follow(check(tmp_path), THIRD)


def test_a_key_pinned_by_consent_is_not_said_to_be_signed(tmp_path: Path) -> None:
    pinned(tmp_path, FIRST)
    checking = check(tmp_path, can_ask=True)
    assert follow(checking, SECOND) is Verdict.SUCCEEDED
    (tmp_path / "known_hosts").unlink()
    assert follow(checking, SECOND) is Verdict.ASK
    assert not checking.pin()


def test_a_script_is_told_what_it_can_do(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match=f"is not known here: {re.escape(PIN)}") as caught:
        check(tmp_path).examine(KEY, is_loopback=False)
    assert "--trust-new" in caught.value.lines[1]


def test_a_person_can_compare_the_fingerprint_and_its_words(tmp_path: Path) -> None:
    asking = check(tmp_path, can_ask=True)
    assert asking.examine(KEY, is_loopback=False) is Verdict.ASK
    assert asking.offered == PIN
    assert " ".join(asking.words()) == fingerprint_words(KEY)


def test_words_are_shown_six_in_a_line() -> None:
    words = fingerprint_words(KEY).split()
    lines = word_lines(words)
    assert words_of(lines) == fingerprint_words(KEY) and len(lines) == len(words) // 6
    assert word_lines(["one"] * 7) == ["    " + " ".join(["one"] * 6), "    one"]


def test_an_invitation_leads_to_the_server_that_was_examined(tmp_path: Path) -> None:
    checking = check(tmp_path, trust_new=True)
    checking.examine(KEY, is_loopback=False)
    address = parse_address(checking.link("den", bytes(16)))
    assert (address.host, address.fingerprint) == ("chat.example.org", PIN)
    assert (address.room, address.token) == ("den", bytes(16))
    assert parse_address(checking.link(None, bytes(16))).room is None


def test_a_file_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").mkdir()
    broken = check(tmp_path, trust_new=True)
    with pytest.raises(TrustError, match=r"cannot be read: .*\.$"):
        broken.examine(KEY, is_loopback=False)
    with pytest.raises(TrustError, match=r"cannot be written: .*\.$"):
        broken.pin()
