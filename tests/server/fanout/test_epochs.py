"""Epochs: their keys, as they are kept."""

import os
from dataclasses import dataclass, field

import pytest

from chat.ids import LogId
from chat.server.fanout.epochs import Epochs
from chat.store.interface import Epoch, StoreError
from chat.testing.server import STORAGE_KEY
from chat.wire.sealing import KEY_BYTES
from tests.server.support import LOG

OTHER = LogId(b"another log here")


@dataclass
class Kept:
    """What a store would keep of a log's epochs."""

    epochs: list[Epoch] = field(default_factory=list)

    def load(self, log: LogId = LOG, storage_key: bytes = STORAGE_KEY) -> Epochs:
        """Return the epochs of a log, as after a start."""
        return Epochs(log, self.epochs, storage_key, os.urandom)

    def begin(self, epochs: Epochs) -> bytes:
        """Let an epoch begin, and return its key."""
        epoch = epochs.next()
        self.epochs.append(epoch)
        epochs.begin(epoch)
        return epochs.key(epoch.number).raw


def test_keys_are_random_and_found_again() -> None:
    kept = Kept()
    epochs = kept.load()
    assert epochs.current == 0 and not epochs.can_seal()
    keys = [kept.begin(epochs) for _ in range(20)]
    assert len(set(keys)) == 20 and {len(key) for key in keys} == {KEY_BYTES}
    for known in (epochs, kept.load()):
        assert known.current == 20 and known.can_seal()
        assert [known.key(epoch).raw for epoch in range(1, 21)] == keys


def test_what_is_stored_says_nothing_without_the_storage_key() -> None:
    kept = Kept()
    key = kept.begin(kept.load())
    [(_, _, wrapped)] = kept.epochs
    assert key not in wrapped
    stranger = kept.load(storage_key=bytes(64))
    with pytest.raises(StoreError, match="epoch 1 is lost"):
        stranger.key(1)
    assert not stranger.can_seal()


def test_a_wrapped_key_is_good_for_its_log_and_epoch_alone() -> None:
    kept = Kept()
    kept.begin(kept.load())
    [(log, _, wrapped)] = kept.epochs
    for elsewhere in (Epoch(OTHER, 1, wrapped), Epoch(log, 2, wrapped)):
        with pytest.raises(StoreError):
            Kept([elsewhere]).load(elsewhere.log).key(elsewhere.number)


def test_an_epoch_that_there_never_was_has_no_key() -> None:
    with pytest.raises(StoreError):
        Kept().load().key(1)


def test_the_next_one_is_the_same_until_it_begins() -> None:
    epochs = Kept().load()
    first = epochs.next()
    assert epochs.next() is first and first.number == 1
    # What is not durable is not sealed with.
    assert epochs.current == 0 and not epochs.can_seal()
    epochs.begin(first)
    assert epochs.can_seal()
    assert epochs.next().number == 2


def test_a_new_epoch_follows_one_whose_key_is_lost() -> None:
    epochs = Kept([Epoch(LOG, 1, b"damaged")]).load()
    assert not epochs.can_seal()
    epochs.begin(epochs.next())
    assert (epochs.current, epochs.can_seal()) == (2, True)


def test_few_keys_are_kept_open_whoever_catches_up() -> None:
    kept = Kept()
    epochs = kept.load()
    for _ in range(50):
        kept.begin(epochs)
    for epoch in range(1, 51):
        epochs.key(epoch)
    assert len(epochs._open) == 8
    assert epochs.can_seal()
