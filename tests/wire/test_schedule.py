"""The key schedule, against the same computations written differently."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.wire.schedule import SECRET_BYTES, derive, extract, length_prefixed, transcript_hash


def expand(secret: bytes, info: bytes, length: int) -> bytes:
    """Return HKDF-Expand with SHA-512, as in RFC 5869 section 2.3, for any length."""
    output = block = b""
    counter = 1
    while len(output) < length:
        block = hmac.new(secret, block + info + bytes([counter]), hashlib.sha512).digest()
        output += block
        counter += 1
    return output[:length]


def test_a_length_comes_before_the_value_as_four_bytes() -> None:
    assert length_prefixed(b"") == bytes(4)
    assert length_prefixed(b"abc") == b"\0\0\0\x03abc"
    assert length_prefixed(bytes(258))[:4] == b"\0\0\x01\x02"


def test_the_transcript_hash_covers_the_version_and_every_message() -> None:
    hashed = b"\0\0\0\x09encchat/1" + b"\0\0\0\x01a" + b"\0\0\0\x00" + b"\0\0\0\x02bc"
    assert transcript_hash(b"a", b"", b"bc") == hashlib.sha512(hashed).digest()


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_different_messages_have_different_hashes(one: list[bytes], two: list[bytes]) -> None:
    assert (transcript_hash(*one) == transcript_hash(*two)) == (one == two)


def test_extract_takes_the_ml_kem_secret_first() -> None:
    salt, secrets = b"encchat/1 extract", b"\x01" * 32 + b"\x02" * 32
    expected = hmac.new(salt, secrets, hashlib.sha512).digest()
    assert extract(b"\x01" * 32, b"\x02" * 32) == expected


@given(
    secret=st.binary(min_size=64, max_size=64),
    label=st.text("abcdefgh ", max_size=20),
    context=st.binary(max_size=70),
    length=st.integers(1, SECRET_BYTES),
)
def test_derive_is_hkdf_expand(secret: bytes, label: str, context: bytes, length: int) -> None:
    named = b"encchat/1 " + label.encode()
    info = (
        length.to_bytes(2, "big")
        + len(named).to_bytes(4, "big")
        + named
        + len(context).to_bytes(4, "big")
        + context
    )
    assert derive(secret, label, context, length) == expand(secret, info, length)


def test_derive_gives_sixty_four_bytes_and_no_context_unless_told() -> None:
    assert derive(bytes(64), "key") == derive(bytes(64), "key", b"", 64)


def test_a_shorter_value_is_not_the_beginning_of_a_longer_one() -> None:
    assert derive(bytes(64), "key", b"", 32) != derive(bytes(64), "key")[:32]


@pytest.mark.parametrize("length", [-1, 0, 65])
def test_derive_refuses_a_length_of_more_than_one_block(length: int) -> None:
    with pytest.raises(ValueError, match="1 to 64"):
        derive(bytes(64), "key", b"", length)
