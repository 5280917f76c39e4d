"""The host key: the examples of RFC 8032 and RFC 8410, files, and fingerprints."""

import base64
import hashlib

import pytest
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import eddsa
from hypothesis import example, given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from chat.wire import ed25519
from chat.wire.ed25519 import SIGNATURE_BYTES, verify
from chat.wire.hostkey import (
    HOST_KEY_BYTES,
    SUCCESSION_BYTES,
    HostKey,
    are_successions,
    fingerprint,
    fingerprint_words,
    is_fingerprint,
    predecessors,
)
from tests.wire.support import flip

RFC_8032 = {
    "test 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "test 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
}
RFC_8410_PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
"""
RFC_8410_PUBLIC = base64.b64decode("Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")

KEY = HostKey.from_seed(bytes(32))
BIP_39_ENGLISH = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
PUBLIC_PEM = ECC.generate(curve="Ed25519").public_key().export_key(format="PEM")
ENCRYPTED_PEM = ECC.generate(curve="Ed25519").export_key(
    format="PEM", passphrase="secret", protection="PBKDF2WithHMAC-SHA1AndAES128-CBC"
)


@pytest.mark.parametrize(("seed", "public", "message", "signature"), [*RFC_8032.values()])
def test_keys_and_signatures_are_those_of_rfc_8032(
    seed: str, public: str, message: str, signature: str
) -> None:
    key = HostKey.from_seed(bytes.fromhex(seed))
    assert key.public == bytes.fromhex(public)
    assert key.sign(bytes.fromhex(message)) == bytes.fromhex(signature)
    assert verify(key.public, bytes.fromhex(signature), bytes.fromhex(message))


def test_sizes_are_those_of_ed25519() -> None:
    assert len(KEY.public) == HOST_KEY_BYTES
    assert len(KEY.sign(b"")) == SIGNATURE_BYTES


def test_the_file_format_is_that_of_rfc_8410() -> None:
    key = HostKey.from_pem(RFC_8410_PEM)
    assert key.public == RFC_8410_PUBLIC
    assert key.to_pem() == RFC_8410_PEM


def test_generated_keys_differ_and_survive_a_file() -> None:
    one, two = HostKey.generate(), HostKey.generate()
    assert one.public != two.public
    assert HostKey.from_pem(one.to_pem()).public == one.public


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "not a key",
        "kein Schlüssel €",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        RFC_8410_PEM[:70],
        RFC_8410_PEM.replace("MC4", "MC5"),
        PUBLIC_PEM,
        ENCRYPTED_PEM,
        ECC.generate(curve="P-256").export_key(format="PEM"),
        ECC.generate(curve="Curve25519").export_key(format="PEM"),
        ECC.generate(curve="Ed448").export_key(format="PEM"),
        RSA.generate(1024).export_key().decode(),
    ],
    ids=[
        "empty",
        "text",
        "text beyond latin-1",
        "no content",
        "cut off",
        "damaged",
        "public half",
        "encrypted",
        "P-256",
        "X25519",
        "Ed448",
        "RSA",
    ],
)
def test_a_file_with_anything_else_is_refused(pem: str) -> None:
    with pytest.raises(ValueError):
        HostKey.from_pem(pem)


@given(st.integers(28, 91), st.characters(max_codepoint=255))
def test_a_damaged_file_is_a_key_or_a_value_error(place: int, character: str) -> None:
    damaged = RFC_8410_PEM[:place] + character + RFC_8410_PEM[place + 1 :]
    try:
        key = HostKey.from_pem(damaged)
    except ValueError:
        return
    assert len(key.public) == HOST_KEY_BYTES


@given(st.binary(max_size=50), st.integers(0, 8 * SIGNATURE_BYTES - 1))
def test_a_changed_signature_does_not_verify(message: bytes, bit: int) -> None:
    assert not verify(KEY.public, flip(KEY.sign(message), bit), message)


@given(st.integers(0, 8 * HOST_KEY_BYTES - 1))
def test_a_signature_does_not_verify_under_a_changed_key(bit: int) -> None:
    assert not verify(flip(KEY.public, bit), KEY.sign(b"message"), b"message")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
@example(b"\xff" * 32, bytes(64))
def test_verifying_garbage_says_no_and_raises_nothing(key: bytes, signature: bytes) -> None:
    assert not verify(key, signature, b"message")


SMALL_ORDER = {
    "order 1": "0100000000000000000000000000000000000000000000000000000000000000",
    "order 2": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "order 4": "0000000000000000000000000000000000000000000000000000000000000000",
    "order 4, negative": "0000000000000000000000000000000000000000000000000000000000000080",
    "order 8, a": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order 8, b": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "order 8, c": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "order 8, d": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
}


@pytest.mark.parametrize("host_key", SMALL_ORDER.values(), ids=SMALL_ORDER)
def test_nobody_can_sign_for_a_key_of_small_order(host_key: str) -> None:
    # Without the check, a signature with R = a multiple of the key and S = 0 verifies for at
    # least one message in eight.
    public = bytes.fromhex(host_key)
    for point in SMALL_ORDER.values():
        for number in range(16):
            assert not verify(public, bytes.fromhex(point) + bytes(32), b"%d" % number)


@pytest.mark.parametrize("point", SMALL_ORDER.values(), ids=SMALL_ORDER)
@pytest.mark.parametrize("top", [0, 0x80])
def test_no_signature_begins_with_a_point_of_small_order(
    point: str, top: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Regardless of the library.
    monkeypatch.setattr(ed25519, "crypto_sign_open", lambda signed, public: signed[64:])
    first = bytes.fromhex(point)
    assert verify(KEY.public, KEY.sign(b"message"), b"message")
    assert not verify(KEY.public, first[:-1] + bytes([first[-1] ^ top]) + bytes(32), b"message")


P = 2**255 - 19


@pytest.mark.parametrize("y", [P, P + 1, P + 3, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_a_key_is_encoded_in_one_way(y: int, sign: int) -> None:
    # The first is another encoding of a key of small order, which that check must not miss.
    public = (y | sign).to_bytes(32, "little")
    for point in SMALL_ORDER.values():
        for number in range(16):
            assert not verify(public, bytes.fromhex(point) + bytes(32), b"%d" % number)


@given(st.binary(max_size=50))
def test_another_library_makes_and_takes_the_same_signatures(message: bytes) -> None:
    key = ECC.construct(curve="Ed25519", seed=bytes(32))
    other = eddsa.new(key, "rfc8032")
    assert other.sign(message) == KEY.sign(message)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_nothing_is_a_signature_of_a_key_of_another_length(size: int) -> None:
    public = KEY.public.ljust(size, b"\0")[:size]
    assert not verify(public, KEY.sign(b"message"), b"message")


@pytest.mark.parametrize("size", [0, 1, 63, 65])
def test_a_signature_of_another_length_does_not_verify(size: int) -> None:
    assert not verify(KEY.public, KEY.sign(b"message").ljust(size, b"\0")[:size], b"message")


def test_a_fingerprint_is_the_hash_of_the_key_under_a_name() -> None:
    digest = hashlib.sha256(b"encchat host key v1\x00" + KEY.public).digest()
    name, _, characters = KEY.fingerprint.partition(":")
    assert name == "SHA256"
    assert len(characters) == 43
    assert base64.b64decode(characters + "=") == digest
    assert fingerprint(KEY.public) == KEY.fingerprint


@given(st.binary(min_size=32, max_size=32))
def test_every_fingerprint_has_the_form_of_one(host_key: bytes) -> None:
    assert is_fingerprint(fingerprint(host_key))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SHA256:",
        KEY.fingerprint[:-1],
        KEY.fingerprint + "=",
        KEY.fingerprint + "\n",
        " " + KEY.fingerprint,
        KEY.fingerprint.replace("SHA256", "sha256"),
        KEY.fingerprint.removeprefix("SHA256:"),
        "SHA256:" + "é" * 43,
        "SHA256:" + "-" * 43,
    ],
)
def test_nothing_else_has_the_form_of_a_fingerprint(text: str) -> None:
    assert not is_fingerprint(text)


# --- The fingerprint in words ---


def test_the_words_are_those_of_bip_39() -> None:
    # BIP 39: the 256 bits, then 8 bits of checksum, 11 bits per word.
    digest = base64.b64decode(KEY.fingerprint.removeprefix("SHA256:") + "=")
    bits = int.from_bytes(digest + hashlib.sha256(digest).digest()[:1])
    words = Mnemonic("english").wordlist
    expected = [words[bits >> 11 * place & 2047] for place in reversed(range(24))]
    assert KEY.fingerprint_words.split(" ") == expected
    assert fingerprint_words(KEY.public) == KEY.fingerprint_words


def test_the_list_of_words_is_the_one_everybody_has() -> None:
    text = "".join(f"{word}\n" for word in Mnemonic("english").wordlist)
    assert hashlib.sha256(text.encode()).hexdigest() == BIP_39_ENGLISH


def test_words_differ_where_fingerprints_do() -> None:
    keys = [HostKey.generate() for _ in range(10)]
    assert len({key.fingerprint_words for key in keys}) == 10


# --- Successions ---


def chain(length: int) -> list[HostKey]:
    """Return a host key and its successors."""
    keys = [HostKey.from_seed(bytes(32))]
    for _ in range(length):
        keys.append(keys[-1].succeed())
    return keys


def test_a_succession_is_signed_as_the_specification_says() -> None:
    old, new = chain(1)
    assert old.successions == b"" and old.public != new.public
    assert new.successions[:32] == old.public and len(new.successions) == SUCCESSION_BYTES == 96
    signed = b"\x20" * 64 + b"encchat/1 host key succession\x00" + old.public + new.public
    assert verify(old.public, new.successions[32:], signed)


@pytest.mark.parametrize("length", [0, 1, 2, 8])
def test_those_before_a_host_key_come_out_latest_first(length: int) -> None:
    *before, current = chain(length)
    found = list(predecessors(current.public, current.successions))
    assert found == [key.public for key in reversed(before)]
    assert are_successions(current.successions)


def test_at_most_eight_are_kept_and_the_oldest_falls_off() -> None:
    *before, current = chain(10)
    assert len(current.successions) == 8 * SUCCESSION_BYTES
    found = list(predecessors(current.public, current.successions))
    assert found == [key.public for key in reversed(before[2:])]


@given(st.integers(0, 8 * 3 * SUCCESSION_BYTES - 1))
def test_what_is_before_a_damaged_succession_is_no_predecessor(bit: int) -> None:
    *before, current = CHAIN
    intact = 2 - bit // (8 * SUCCESSION_BYTES)
    found = list(predecessors(current.public, flip(current.successions, bit)))
    # A changed public half also invalidates the previous succession, whose signature covers it.
    assert found == [key.public for key in reversed(before)][:intact]


def test_a_succession_to_another_key_proves_nothing() -> None:
    old, new = chain(1)
    assert list(predecessors(HostKey.generate().public, new.successions)) == []
    assert list(predecessors(old.public, new.successions)) == []


def test_successions_in_another_order_or_with_one_missing_prove_no_more() -> None:
    first, second, third, current = CHAIN
    one, two, three = (current.successions[at : at + 96] for at in (0, 96, 192))
    assert list(predecessors(current.public, two + one + three)) == [third.public]
    assert list(predecessors(current.public, one + three)) == [third.public]
    assert list(predecessors(current.public, one + two)) == []
    assert list(predecessors(third.public, one + two)) == [second.public, first.public]


def test_what_a_host_key_signs_for_a_connection_is_no_succession() -> None:
    new = HostKey.generate()
    signature = KEY.sign(b" " * 64 + b"encchat/1 server signature\0" + KEY.public + new.public)
    assert list(predecessors(new.public, KEY.public + signature)) == []


@pytest.mark.parametrize("host_key", SMALL_ORDER.values(), ids=SMALL_ORDER)
def test_a_key_of_small_order_has_no_successor(host_key: str) -> None:
    public = bytes.fromhex(host_key)
    for point in SMALL_ORDER.values():
        succession = public + bytes.fromhex(point) + bytes(32)
        assert list(predecessors(KEY.public, succession)) == []


def test_no_more_is_verified_than_is_asked_for() -> None:
    *before, current = CHAIN
    damaged = flip(current.successions, 0)
    assert next(predecessors(current.public, damaged)) == before[-1].public


@pytest.mark.parametrize(
    ("size", "fits"),
    [(0, True), (1, False), (95, False), (96, True), (97, False), (768, True), (864, False)],
)
def test_successions_have_a_length(size: int, fits: bool) -> None:
    assert are_successions(bytes(size)) is fits


CHAIN = chain(3)
