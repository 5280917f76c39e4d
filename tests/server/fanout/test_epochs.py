"""Epochs: wrapping and storing their keys."""

import os
from collections.abc import Collection

import pytest
from twisted.internet.defer import Deferred

from chat.ids import LogId
from chat.server.fanout.epochs import Epochs, new_epoch
from chat.store.interface import Commit, Epoch, StateChange, StoreError
from chat.store.memory import MemoryStore
from chat.testing.server import STORAGE_KEY
from chat.wire.sealing import KEY_BYTES, BoxKey
from tests.server.support import LOG
from tests.store.commits import append, fired, record

OTHER = LogId(b"another log here")


class Kept(MemoryStore):
    """A store's epochs of a log with posts in each."""

    def __init__(self, *epochs: Epoch) -> None:
        super().__init__()
        self.asked: list[list[int]] = []
        """The epochs requested from the store."""
        for epoch in epochs:
            self.keep(epoch)

    def keep(self, epoch: Epoch) -> None:
        """Begin an epoch."""
        base = fired(self.base())
        fired(self.commit(Commit(base, change=StateChange(epochs=[epoch]))))
        said = record(epoch.number, epoch.log)._replace(epoch=epoch.number)
        append(self, said, base=base + 1)

    def epochs(self, log: LogId, numbers: Collection[int]) -> Deferred[list[Epoch]]:
        """As in memory, and record the request."""
        self.asked.append(list(numbers))
        return super().epochs(log, numbers)

    def load(self, log: LogId = LOG, storage_key: bytes = STORAGE_KEY) -> Epochs:
        """Return the epochs of a log, loaded as after a start."""
        current = fired(self.head(log)).epoch
        known = fired(super().epochs(log, [current]))
        return Epochs(log, current, known, self, storage_key, os.urandom)

    def begin(self, epochs: Epochs) -> bytes:
        """Start an epoch, and return its key."""
        epoch = epochs.next()
        self.keep(epoch)
        epochs.begin(epoch)
        return epochs.key().raw


def keys(epochs: Epochs, *numbers: int) -> dict[int, BoxKey]:
    """Return some keys."""
    return fired(Deferred.fromCoroutine(epochs.keys(numbers)))


def test_keys_are_random_and_found_again() -> None:
    kept = Kept()
    epochs = kept.load()
    assert epochs.current == 0 and not epochs.can_seal()
    made = [kept.begin(epochs) for _ in range(20)]
    assert len(set(made)) == 20 and {len(key) for key in made} == {KEY_BYTES}
    for known in (epochs, kept.load()):
        assert known.current == 20 and known.can_seal()
        found = keys(known, *range(1, 21))
        assert [found[epoch].raw for epoch in range(1, 21)] == made


def test_what_is_stored_says_nothing_without_the_storage_key() -> None:
    kept = Kept()
    key = kept.begin(kept.load())
    [(_, _, wrapped)] = fired(kept.epochs(LOG, [1]))
    assert key not in wrapped
    stranger = kept.load(storage_key=bytes(64))
    with pytest.raises(StoreError, match="epoch 1 is lost"):
        stranger.key()
    with pytest.raises(StoreError, match="epoch 1 is lost"):
        keys(stranger, 1)
    assert not stranger.can_seal()


def test_a_wrapped_key_is_good_for_its_log_and_epoch_alone() -> None:
    wrapped = new_epoch(LOG, 1, STORAGE_KEY, os.urandom).wrapped
    assert Kept(Epoch(LOG, 1, wrapped)).load().can_seal()
    assert not Kept(Epoch(OTHER, 1, wrapped)).load(OTHER).can_seal()
    first = new_epoch(LOG, 1, STORAGE_KEY, os.urandom)
    assert not Kept(first, Epoch(LOG, 2, wrapped)).load().can_seal()


def test_an_epoch_that_there_never_was_has_no_key() -> None:
    with pytest.raises(StoreError):
        Kept().load().key()


def test_the_next_one_is_the_same_until_it_begins() -> None:
    epochs = Kept().load()
    first = epochs.next()
    assert epochs.next() is first and first.number == 1
    # A key that is not durable yet seals nothing.
    assert epochs.current == 0 and not epochs.can_seal()
    epochs.begin(first)
    assert epochs.can_seal()
    assert epochs.next().number == 2


def test_a_new_epoch_follows_one_whose_key_is_lost() -> None:
    epochs = Kept(Epoch(LOG, 1, b"damaged")).load()
    assert not epochs.can_seal()
    epochs.begin(epochs.next())
    assert (epochs.current, epochs.can_seal()) == (2, True)


def test_few_keys_are_kept_open_whoever_catches_up() -> None:
    kept = Kept()
    epochs = kept.load()
    for _ in range(50):
        kept.begin(epochs)
    assert len(keys(epochs, *range(1, 51))) == 50
    assert len(epochs._open) == 8
    assert len(epochs._known) == 1
    assert epochs.can_seal()


def test_the_store_is_asked_for_what_is_not_known() -> None:
    kept = Kept()
    for _ in range(12):
        kept.begin(kept.load())
    epochs = kept.load()
    kept.asked.clear()
    assert keys(epochs, 12).keys() == {12} and kept.asked == []
    assert keys(epochs, 3, 12, 4, 3).keys() == {3, 4, 12} and kept.asked == [[3, 4]]
    assert keys(epochs, 4, 5).keys() == {4, 5} and kept.asked == [[3, 4], [5]]


def test_what_is_kept_no_more_is_left_out() -> None:
    kept = Kept()
    epochs = kept.load()
    for _ in range(3):
        kept.begin(epochs)
    assert keys(kept.load(), 1, 3, 4, 99).keys() == {1, 3}
