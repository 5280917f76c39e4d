"""Which host keys are trusted: the rules as a whole table, and the sentences."""

from itertools import product
from pathlib import Path

import pytest

from chat.client.address import Address
from chat.client.known_hosts import KnownHosts
from chat.client.trust import HostKeyCheck, TrustError, Verdict, judge
from chat.wire.hostkey import fingerprint

KEY, OTHER_KEY = bytes(32), bytes(31) + b"\x01"
PIN, OTHER_PIN = fingerprint(KEY), fingerprint(OTHER_KEY)


@pytest.mark.parametrize("given", [None, PIN, OTHER_PIN])
@pytest.mark.parametrize("pinned", [None, PIN, OTHER_PIN])
@pytest.mark.parametrize(
    ("is_loopback", "is_terminal", "trust_new"), list(product([False, True], repeat=3))
)
def test_the_rules(
    given: str | None, pinned: str | None, is_loopback: bool, is_terminal: bool, trust_new: bool
) -> None:
    verdict = judge(
        PIN,
        given=given,
        pinned=pinned,
        is_loopback=is_loopback,
        is_terminal=is_terminal,
        trust_new=trust_new,
    )
    # A key that differs from what is known is refused, whatever else is said.
    if given == OTHER_PIN:
        assert verdict is Verdict.REFUSE_MISMATCH
    elif pinned == OTHER_PIN:
        assert verdict is Verdict.REFUSE_CHANGED
    elif pinned == PIN:
        assert verdict is Verdict.KNOWN
    elif given == PIN or is_loopback or trust_new:
        assert verdict is Verdict.PIN
    elif is_terminal:
        assert verdict is Verdict.ASK
    else:
        assert verdict is Verdict.REFUSE_NEW


def check(
    path: Path, *, given: str | None = None, is_terminal: bool = False, trust_new: bool = False
) -> HostKeyCheck:
    address = Address("chat.example.org", 5555, given)
    known_hosts = KnownHosts(path / "known_hosts")
    return HostKeyCheck(address, known_hosts, is_terminal=is_terminal, trust_new=trust_new)


def test_a_pinned_key_is_known_the_next_time(tmp_path: Path) -> None:
    first = check(tmp_path, trust_new=True)
    assert first.examine(KEY, is_loopback=False) is Verdict.PIN
    said = first.pin()
    assert "chat.example.org:5555" in said and PIN in said
    assert check(tmp_path).examine(KEY, is_loopback=False) is Verdict.KNOWN


def test_a_changed_key_is_refused_with_both_fingerprints_and_the_way_out(tmp_path: Path) -> None:
    first = check(tmp_path)
    first.examine(KEY, is_loopback=True)
    first.pin()
    for changed in (
        check(tmp_path),
        check(tmp_path, trust_new=True, is_terminal=True),
        check(tmp_path, given=OTHER_PIN),
    ):
        with pytest.raises(TrustError) as caught:
            changed.examine(OTHER_KEY, is_loopback=True)
        text = str(caught.value)
        assert "CHANGED" in text and PIN in text and OTHER_PIN in text
        assert str(tmp_path / "known_hosts") in text


def test_a_key_that_is_not_the_links_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="not the one in the link"):
        check(tmp_path, given=PIN, trust_new=True).examine(OTHER_KEY, is_loopback=True)
    assert not (tmp_path / "known_hosts").exists()


def test_a_script_is_told_what_it_can_do(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="--trust-new"):
        check(tmp_path).examine(KEY, is_loopback=False)


def test_a_person_is_shown_the_fingerprint(tmp_path: Path) -> None:
    asking = check(tmp_path, is_terminal=True)
    assert asking.examine(KEY, is_loopback=False) is Verdict.ASK
    assert any(PIN in line for line in asking.question())


def test_a_file_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").mkdir()
    broken = check(tmp_path, trust_new=True)
    with pytest.raises(TrustError, match=r"cannot be read: .*\.$"):
        broken.examine(KEY, is_loopback=False)
    with pytest.raises(TrustError, match=r"cannot be written: .*\.$"):
        broken.pin()
