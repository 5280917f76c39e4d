"""Epochs: their keys, as they are kept."""

import pytest
from twisted.internet.defer import Deferred

from chat.server.fanout.epochs import Epochs
from chat.store.interface import StoreError
from chat.testing.server import STORAGE_KEY
from chat.wire.sealing import KEY_BYTES
from tests.server.support import LOG, HeldStore, ServerCase
from tests.store.suite import fired


class EpochsTests(ServerCase):
    """One log's epochs."""

    def setUp(self) -> None:
        """Make a store."""
        self.store = HeldStore()

    def epochs(self, log: bytes = LOG, storage_key: bytes = STORAGE_KEY) -> Epochs:
        """Return the epochs of a log, loaded."""
        epochs = Epochs(log, self.store, storage_key)
        fired(Deferred.fromCoroutine(epochs.load()))
        return epochs

    def start(self, epochs: Epochs) -> bytes:
        """Begin an epoch, and return its key."""
        fired(Deferred.fromCoroutine(epochs.start()))
        return epochs.key(epochs.current).raw

    def test_keys_are_random_and_found_again(self) -> None:
        epochs = self.epochs()
        assert epochs.current == 0
        keys = [self.start(epochs) for _ in range(20)]
        assert len(set(keys)) == 20 and {len(key) for key in keys} == {KEY_BYTES}
        for known in (epochs, self.epochs()):
            assert known.current == 20
            assert [known.key(epoch).raw for epoch in range(1, 21)] == keys

    def test_what_is_stored_says_nothing_without_the_storage_key(self) -> None:
        key = self.start(self.epochs())
        [(_, wrapped)] = fired(self.store.scan(b"epoch/"))
        assert key not in wrapped
        with pytest.raises(StoreError, match="epoch 1 is lost"):
            self.epochs(storage_key=bytes(64)).key(1)

    def test_a_wrapped_key_is_good_for_its_log_and_epoch_alone(self) -> None:
        self.start(self.epochs())
        [(name, wrapped)] = fired(self.store.scan(b"epoch/"))
        other = b"another log here"
        for elsewhere in (b"epoch/" + other + name[-4:], name[:-1] + b"\2"):
            fired(self.store.compare_and_set(elsewhere, None, wrapped))
        for epochs, epoch in ((self.epochs(other), 1), (self.epochs(), 2)):
            with pytest.raises(StoreError):
                epochs.key(epoch)

    def test_an_epoch_that_there_never_was_has_no_key(self) -> None:
        with pytest.raises(StoreError):
            self.epochs().key(1)

    def test_a_number_is_not_used_again_although_its_key_was_not_stored(self) -> None:
        epochs = self.epochs()
        self.store.is_broken = True
        with pytest.raises(StoreError):
            self.start(epochs)
        self.store.is_broken = False
        self.start(epochs)
        assert epochs.current == 2

    def test_a_number_that_is_taken_is_refused(self) -> None:
        one, other = self.epochs(), self.epochs()
        self.start(one)
        with pytest.raises(StoreError, match="there already"):
            self.start(other)
