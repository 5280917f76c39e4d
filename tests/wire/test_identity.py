"""Identities: keys in both formats, and signatures for one connection of one server."""

import hashlib
from typing import Final

import pytest
from Crypto import IncorrectPassphraseError, PassphraseRequiredError
from hypothesis import given
from hypothesis import strategies as st

from chat.ids import DeviceKey
from chat.testing import HOST_KEY, Pair
from chat.wire.connection import Established
from chat.wire.hostkey import HostKey
from chat.wire.identity import Identity, identity_fingerprint, verify_login
from tests.wire.support import flip

ALICE: Final = Identity.from_seed(bytes(32))
BINDING: Final = bytes(range(32))

# Made with ``ssh-keygen -t ed25519 -N ""`` and ``-N geheim`` for these tests only.
OPENSSH: Final = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDX6fm8HYJVS2lMNxI1IFBaUCzYI/R3tQ5vAcCmI3wGvQAAAJBO2BGmTtgR
pgAAAAtzc2gtZWQyNTUxOQAAACDX6fm8HYJVS2lMNxI1IFBaUCzYI/R3tQ5vAcCmI3wGvQ
AAAECym8n7NGCkVuIib12jBVYXFI7oHvHkBbVlOVPDO85+wdfp+bwdglVLaUw3EjUgUFpQ
LNgj9He1Dm8BwKYjfAa9AAAAB3Jvb3RAdm0BAgMEBQY=
-----END OPENSSH PRIVATE KEY-----
"""
OPENSSH_FINGERPRINT: Final = "SHA256:TMIvHS/s3JV/OLT/YHPbD3Rk6Qc1reHvYObi+qIGTWg"
OPENSSH_PROTECTED: Final = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBcB6XA47
f155+OomwSc91hAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAII4DvgouHQcxpg/+
Y/1LanC6p4NSdtBbKY12Dl2xfqePAAAAkLENt5AKuFKsgVkne3tmUfRegSv3gF+NC5UjsP
3XtPdNEY/ozeXONkjrHHuFr1dzGF9juto1qBO46I1SAF6odUo4K76oIaweai4ZQ2V8iQb5
wTWKDTpACFy843gKMXpuCvZjUQUlC0eJ6lfdfocxOKL8119HgVBPzHNPWdAj432zYjW0p0
tRaDLKV8qYXeCGwA==
-----END OPENSSH PRIVATE KEY-----
"""
OPENSSH_PROTECTED_FINGERPRINT: Final = "SHA256:aH5YU6IDkN5jwUXtmHB/CpPtPX0YOPI5+Xumg+C1hGQ"


def test_a_signature_is_for_one_key_and_one_connection() -> None:
    signature = ALICE.sign_login(BINDING)
    assert len(signature) == 64 and verify_login(ALICE.public, signature, BINDING)
    assert not verify_login(Identity.generate().public, signature, BINDING)
    for bit in (0, 100, 255):
        assert not verify_login(ALICE.public, signature, flip(BINDING, bit))
        assert not verify_login(ALICE.public, flip(signature, bit), BINDING)


def test_a_signature_of_a_server_is_no_login() -> None:
    host_key = HostKey.from_seed(bytes(32))
    assert host_key.public == ALICE.public
    content = b" " * 64 + b"encchat/1 server signature\0" + BINDING
    assert not verify_login(ALICE.public, host_key.sign(content), BINDING)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_garbage_is_nobody_s_signature(key: DeviceKey, signature: bytes) -> None:
    assert not verify_login(key, signature, BINDING)


def test_each_connection_has_a_binding_of_its_own_that_both_sides_know() -> None:
    bindings = set()
    for host_key in (HOST_KEY, HOST_KEY, HostKey.generate()):
        pair = Pair(host_key=host_key)
        [established, _] = pair.shake_hands()
        assert isinstance(established, Established)
        assert pair.client.binding == established.binding
        bindings.add(pair.client.binding)
    assert len(bindings) == 3


@pytest.mark.parametrize("passphrase", [None, "geheim", "\u00e9t\u00e9"])
def test_a_key_is_written_and_read(passphrase: str | None) -> None:
    text = ALICE.to_pem(passphrase)
    assert Identity.from_text(text, passphrase).public == ALICE.public
    if passphrase is not None:
        with pytest.raises(PassphraseRequiredError):
            Identity.from_text(text)
        with pytest.raises(IncorrectPassphraseError):
            Identity.from_text(text, "another")


def test_openssh_s_keys_are_read_and_have_the_fingerprint_that_it_shows() -> None:
    key = Identity.from_text(OPENSSH)
    assert identity_fingerprint(key.public) == OPENSSH_FINGERPRINT
    protected = Identity.from_text(OPENSSH_PROTECTED, "geheim")
    assert identity_fingerprint(protected.public) == OPENSSH_PROTECTED_FINGERPRINT
    with pytest.raises(ValueError, match="assphrase"):
        Identity.from_text(OPENSSH_PROTECTED, "another")


def other_keys() -> list[str]:
    """Return texts that are not private Ed25519 keys."""
    from Crypto.PublicKey import ECC

    return [
        ECC.generate(curve="P-256").export_key(format="PEM"),
        ECC.generate(curve="Ed25519").public_key().export_key(format="PEM"),
        "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        OPENSSH[:200],
        "ssh-ed25519 AAAA",
        "",
        "\0",
    ]


@pytest.mark.parametrize("text", other_keys())
def test_nothing_else_is_a_key(text: str) -> None:
    with pytest.raises(ValueError):
        Identity.from_text(text)


@given(st.text())
def test_garbage_is_no_key(text: str) -> None:
    with pytest.raises(ValueError):
        Identity.from_text(text)


def test_a_new_key_is_random() -> None:
    keys = {hashlib.sha256(Identity.generate().public).digest() for _ in range(5)}
    assert len(keys) == 5
