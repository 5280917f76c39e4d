"""Sealing: RFC 7518's vector, the round trip, and the same error for any modification."""

import hmac
from random import Random
from typing import Final

import pytest
from Crypto.Cipher import AES
from hypothesis import given
from hypothesis import strategies as st

from chat.testing import seeded_bytes
from chat.wire.errors import AuthenticationError, MalformedLineError
from chat.wire.sealing import KEY_BYTES, BoxKey, open_box, seal
from tests.wire.support import flip

KEY: Final = bytes(range(KEY_BYTES))
RFC_IV: Final = bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04")
RFC_PLAINTEXT: Final = (
    b"A cipher system must not be required to be secret, and it must be able to fall into the "
    b"hands of the enemy without inconvenience"
)
RFC_AAD: Final = b"The second principle of Auguste Kerckhoffs"
RFC_CIPHERTEXT: Final = bytes.fromhex(
    "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd"
    "822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b"
    "36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3"
    "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b"
    "be2638d09dd7a4930930806d0703b1f6"
)
RFC_TAG: Final = bytes.fromhex("4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5")


def test_sealing_gives_the_vector_of_rfc_7518_appendix_b_3() -> None:
    box = seal(KEY, RFC_PLAINTEXT, RFC_AAD, lambda size: RFC_IV[:size])
    assert box == RFC_IV + RFC_CIPHERTEXT + RFC_TAG
    assert open_box(KEY, box, RFC_AAD) == RFC_PLAINTEXT


@given(
    key=st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES),
    plaintext=st.binary(max_size=200),
    aad=st.binary(max_size=50),
)
def test_opening_is_the_inverse_of_sealing(key: bytes, plaintext: bytes, aad: bytes) -> None:
    box = seal(key, plaintext, aad)
    assert len(box) == 16 + 16 * (len(plaintext) // 16 + 1) + 32
    assert open_box(key, box, aad) == plaintext


def test_every_box_has_an_iv_of_its_own() -> None:
    key = BoxKey(KEY)
    boxes = [seal(KEY, b"the same", b"the same") for _ in range(100)]
    boxes += [key.seal(b"the same", b"the same") for _ in range(100)]
    assert len({box[:16] for box in boxes}) == 200


def test_the_next_iv_is_what_the_cipher_makes_of_the_last_block() -> None:
    key = BoxKey(KEY)
    first, second = key.seal(bytes(40), b"aad"), key.seal(bytes(40), b"aad")
    cipher = AES.new(KEY[32:], AES.MODE_ECB)
    assert cipher.encrypt(first[-48:-32]) == second[:16]


@given(st.lists(st.binary(max_size=50), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_one_key_opens_what_one_key_sealed_in_any_order(
    plaintexts: list[bytes], random: Random
) -> None:
    sealing, opening = BoxKey(KEY), BoxKey(KEY)
    boxes = [(sealing.seal(plaintext, b"aad"), plaintext) for plaintext in plaintexts]
    random.shuffle(boxes)
    for box, plaintext in boxes:
        assert opening.open(box, b"aad") == plaintext == open_box(KEY, box, b"aad")


def refusal(key: bytes, box: bytes, aad: bytes) -> tuple[object, ...]:
    """Return everything visible of the error from opening a box."""
    with pytest.raises(AuthenticationError) as caught:
        open_box(key, box, aad)
    error = caught.value
    return type(error), str(error), repr(error), error.args, error.code, error.__cause__


def test_112_flipped_bits_give_one_identical_error() -> None:
    box = seal(KEY, bytes(48), b"aad", seeded_bytes(1))
    assert len(box) == 112
    refusals = {refusal(KEY, flip(box, 8 * i + i % 8), b"aad") for i in range(112)}
    assert len(refusals) == 1


@given(data=st.data(), plaintext=st.binary(max_size=100))
def test_no_bit_of_a_box_can_be_flipped(data: st.DataObject, plaintext: bytes) -> None:
    box = seal(KEY, plaintext, b"aad")
    bit = data.draw(st.integers(0, 8 * len(box) - 1))
    with pytest.raises(AuthenticationError):
        open_box(KEY, flip(box, bit), b"aad")


@given(st.integers(0, 8 * KEY_BYTES // 2 - 1))
def test_another_mac_key_does_not_open_a_box(bit: int) -> None:
    with pytest.raises(AuthenticationError):
        open_box(flip(KEY, bit), seal(KEY, b"secret", b""), b"")


@pytest.mark.parametrize("aad", [b"", b"aa", b"aadd", b"aae", b"Aad"])
def test_a_box_opens_only_with_its_associated_data(aad: bytes) -> None:
    with pytest.raises(AuthenticationError):
        open_box(KEY, seal(KEY, b"secret", b"aad"), aad)


def test_associated_data_and_box_cannot_trade_bytes() -> None:
    box = seal(KEY, bytes(32), b"")
    with pytest.raises(AuthenticationError):
        open_box(KEY, box[16:], box[:16])


@pytest.mark.parametrize(
    "padded",
    [bytes(16), bytes(15) + b"\x11", bytes(14) + b"\x01\x02", b"\xff" * 16],
    ids=["zero", "longer than a block", "uneven", "longer than the plaintext"],
)
def test_wrong_padding_under_a_right_tag_is_the_same_error(padded: bytes) -> None:
    sealed = bytes(16) + AES.new(KEY[32:], AES.MODE_CBC, iv=bytes(16)).encrypt(padded)
    message = b"aad" + sealed + (8 * len(b"aad")).to_bytes(8, "big")
    box = sealed + hmac.digest(KEY[:32], message, "sha512")[:32]
    assert refusal(KEY, box, b"aad") == refusal(KEY, flip(box, 0), b"aad")


@pytest.mark.parametrize("size", [0, 1, 16, 32, 48, 56, 63, 65, 72, 79, 81, 88])
def test_a_length_no_box_has_is_malformed(size: int) -> None:
    with pytest.raises(MalformedLineError):
        open_box(KEY, bytes(size), b"")


@given(st.binary(max_size=300))
def test_garbage_is_never_opened(box: bytes) -> None:
    with pytest.raises((AuthenticationError, MalformedLineError)):
        open_box(KEY, box, b"")
