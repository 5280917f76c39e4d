"""Frames: both ends of a direction in step, and when a generation ends."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.limits import Limits
from chat.testing import seeded_bytes
from chat.wire.errors import AuthenticationError, LocalProtocolError
from chat.wire.frames import CLIENT_TO_SERVER, SERVER_TO_CLIENT, FrameOpener, FrameSealer
from chat.wire.schedule import derive
from chat.wire.sealing import open_box
from tests.wire.support import flip

SECRET: Final = bytes(range(64))
GENERATION_MAX: Final = 2**32 - 1


def ends(
    direction: bytes = CLIENT_TO_SERVER, limits: Limits | None = None
) -> tuple[FrameSealer, FrameOpener]:
    """Return both ends of a direction."""
    sealer = FrameSealer(SECRET, direction, 0, limits or Limits(), seeded_bytes(0))
    return sealer, FrameOpener(SECRET, direction)


@given(st.lists(st.binary(max_size=100) | st.none(), max_size=20))
def test_what_is_sealed_opens_in_order_across_generations(steps: list[bytes | None]) -> None:
    sealer, opener = ends()
    for payload in steps:
        if payload is None:
            sealer.ratchet_at(0)
            opener.ratchet()
        else:
            assert opener.open(sealer.seal(payload)) == payload


def test_a_box_is_bound_to_direction_generation_and_sequence_as_specified() -> None:
    sealer, _ = ends(SERVER_TO_CLIENT)
    sealer.seal(b"first")
    box = sealer.seal(b"second")
    aad = b"encchat/1" + b"s" + bytes(4) + bytes(7) + b"\x01" + bytes(8)
    assert open_box(derive(SECRET, "key"), box, aad) == b"second"
    sealer.ratchet_at(0)
    aad = b"encchat/1" + b"s" + bytes(3) + b"\x01" + bytes(8) + bytes(8)
    key = derive(derive(SECRET, "upd"), "key")
    assert open_box(key, sealer.seal(b"third"), aad) == b"third"


@given(st.binary(max_size=50), st.data())
def test_no_bit_of_a_frame_can_be_flipped(payload: bytes, data: st.DataObject) -> None:
    sealer, opener = ends()
    box = sealer.seal(payload)
    bit = data.draw(st.integers(0, 8 * len(box) - 1))
    with pytest.raises(AuthenticationError):
        opener.open(flip(box, bit))


@given(st.permutations(range(4)))
def test_frames_open_in_one_order_only(order: list[int]) -> None:
    sealer, opener = ends()
    boxes = [sealer.seal(bytes([number])) for number in range(4)]
    for place, number in enumerate(order):
        if place != number:
            with pytest.raises(AuthenticationError):
                opener.open(boxes[number])
            return
        assert opener.open(boxes[number]) == bytes([number])


def test_a_frame_does_not_open_twice() -> None:
    sealer, opener = ends()
    box = sealer.seal(b"once")
    opener.open(box)
    with pytest.raises(AuthenticationError):
        opener.open(box)


def test_a_frame_does_not_open_in_the_other_direction() -> None:
    sealer, _ = ends(CLIENT_TO_SERVER)
    _, opener = ends(SERVER_TO_CLIENT)
    with pytest.raises(AuthenticationError):
        opener.open(sealer.seal(b"to the server"))


def test_a_frame_does_not_open_in_another_generation() -> None:
    sealer, opener = ends()
    late = sealer.seal(b"late")
    opener.ratchet()
    with pytest.raises(AuthenticationError):
        opener.open(late)
    sealer, opener = ends()
    sealer.ratchet_at(0)
    with pytest.raises(AuthenticationError):
        opener.open(sealer.seal(b"early"))


def test_the_ratchet_starts_the_counters_again() -> None:
    sealer, opener = ends()
    sealer.seal(b"")
    sealer.voucher(bytes(64))
    sealer.ratchet_at(0)
    assert (sealer.generation, sealer.sequence, sealer.vouchers) == (1, 0, 0)
    opener.ratchet()
    assert (opener.generation, opener.sequence, opener.vouchers) == (1, 0, 0)


def test_the_last_generation_is_not_left() -> None:
    for end in ends():
        end.generation = GENERATION_MAX - 1
        end.ratchet()
        assert end.generation == GENERATION_MAX
        with pytest.raises(LocalProtocolError):
            end.ratchet()
        assert end.generation == GENERATION_MAX


def test_both_ends_agree_on_vouchers_and_none_comes_twice() -> None:
    sealer, opener = ends(SERVER_TO_CLIENT)
    seen = set()
    for step in range(12):
        voucher = sealer.voucher(bytes(64))
        assert opener.voucher(bytes(64)) == voucher
        assert len(voucher) == 16
        seen.add(voucher)
        if step % 3 == 1:
            opener.open(sealer.seal(b""))
        if step % 5 == 1:
            sealer.ratchet_at(0)
            opener.ratchet()
    assert len(seen) == 12


def test_a_voucher_depends_on_the_frames_before_it() -> None:
    before, _ = ends(SERVER_TO_CLIENT)
    after, _ = ends(SERVER_TO_CLIENT)
    after.seal(b"")
    assert before.voucher(bytes(64)) != after.voucher(bytes(64))


def test_a_place_is_kept_for_the_frame_that_ends_the_generation() -> None:
    limits = Limits(frames_per_generation=3)
    sealer, _ = ends(limits=limits)
    assert not sealer.is_spent(1, 0)
    sealer.seal(b"")
    assert not sealer.is_spent(1, 0)
    sealer.seal(b"")
    assert sealer.is_spent(1, 0)
    sealer.seal(b"the update")
    sealer.ratchet_at(0)
    assert not sealer.is_spent(1, 0)


def test_a_generation_is_spent_before_it_has_too_many_bytes() -> None:
    limits = Limits(bytes_per_generation=100)
    sealer, _ = ends(limits=limits)
    sealer.seal(bytes(60))
    assert not sealer.is_spent(40, 0)
    assert sealer.is_spent(41, 0)
    sealer.ratchet_at(0)
    assert not sealer.is_spent(100, 0)


def test_a_generation_is_spent_when_it_is_older_than_its_time() -> None:
    limits = Limits(generation_seconds=3_600)
    sealer, _ = ends(limits=limits)
    assert not sealer.is_spent(1, 3_600)
    assert sealer.is_spent(1, 3_600.5)
    sealer.ratchet_at(5_000)
    assert not sealer.is_spent(1, 8_600)
    assert sealer.is_spent(1, 8_601)


def test_the_limits_of_a_generation_are_those_of_the_specification() -> None:
    limits = Limits()
    assert limits.frames_per_generation == 1_048_576
    assert limits.bytes_per_generation == 2**30
    assert limits.generation_seconds == 3_600


def test_the_opener_knows_the_last_place_of_a_generation() -> None:
    limits = Limits(frames_per_generation=2)
    sealer, opener = ends()
    opener.open(sealer.seal(b"first"))
    assert not opener.is_last(limits)
    opener.open(sealer.seal(b"second"))
    assert opener.is_last(limits)
