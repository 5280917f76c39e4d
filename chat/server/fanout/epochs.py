"""One log's epochs: wrapped keys in the store, and the newest key for sealing.

A key is wrapped under the server's storage key with the same construction as everything else
(docs/protocol.md section 3), bound to its log and epoch. There may be many earlier epochs, so none
of them stays in memory.
"""

from collections.abc import Collection
from typing import Final

from chat.ids import LogId
from chat.store.interface import Epoch, LogStore, StoreError
from chat.wire.errors import RemoteProtocolError
from chat.wire.sealing import KEY_BYTES, BoxKey, RandomBytes, open_box, seal

__all__ = ["Epochs", "new_epoch", "open_epoch"]

_AAD: Final = b"encchat/1 epoch key"

_CACHED: Final = 8
"""Number of unwrapped keys kept for readers that catch up."""


def new_epoch(log: LogId, number: int, storage_key: bytes, random_bytes: RandomBytes) -> Epoch:
    """Return an epoch with a new key that has not begun yet."""
    key = random_bytes(KEY_BYTES)
    return Epoch(log, number, seal(storage_key, key, _aad(log, number), random_bytes))


def open_epoch(epoch: Epoch, storage_key: bytes) -> bytes:
    """Return an epoch's key. Raises StoreError if the storage key is not the one that wraps it."""
    try:
        return open_box(storage_key, epoch.wrapped, _aad(epoch.log, epoch.number))
    except RemoteProtocolError:
        raise StoreError(f"the key of epoch {epoch.number} is lost") from None


class Epochs:
    """The epochs of one log."""

    def __init__(
        self,
        log: LogId,
        current: int,
        known: Collection[Epoch],
        store: LogStore,
        storage_key: bytes,
        random_bytes: RandomBytes,
    ) -> None:
        """`known` contains the epoch `current` unless that one is lost."""
        self._log = log
        self._store = store
        self._storage_key = storage_key
        self._random_bytes = random_bytes
        self.current = current
        """The newest epoch; 0 before the first."""
        self._known = {epoch.number: epoch for epoch in known}
        """The newest epoch. Its key is unwrapped when first needed."""
        self._open: dict[int, BoxKey] = {}
        self._next: Epoch | None = None

    def can_seal(self) -> bool:
        """Return whether the key of the newest epoch is available."""
        try:
            return self.current > 0 and bool(self.key())
        except StoreError:
            return False

    def next(self) -> Epoch:
        """Return the next epoch; the same one until it begins."""
        if self._next is None:
            number = self.current + 1
            self._next = new_epoch(self._log, number, self._storage_key, self._random_bytes)
        return self._next

    def begin(self, epoch: Epoch) -> None:
        """Switch to an epoch's key: it is durable."""
        self._known = {epoch.number: epoch}
        self.current = epoch.number
        self._next = None

    def key(self) -> BoxKey:
        """Return the key of the newest epoch. Raises StoreError if it is lost."""
        return self._open.get(self.current) or self._opened(self.current, self._known)

    async def keys(self, epochs: Collection[int]) -> dict[int, BoxKey]:
        """Return the keys of some epochs, leaving out those no longer kept.

        Raises StoreError if one is lost.
        """
        wanted = set(epochs)
        keys = {number: key for number, key in self._open.items() if number in wanted}
        missing = wanted - keys.keys()
        known = {it: self._known[it] for it in missing & self._known.keys()}
        if missing - known.keys():
            found = await self._store.epochs(self._log, sorted(missing - known.keys()))
            known |= {epoch.number: epoch for epoch in found}
        return keys | {number: self._opened(number, known) for number in sorted(known)}

    def _opened(self, number: int, known: dict[int, Epoch]) -> BoxKey:
        if number not in known:
            raise StoreError(f"the key of epoch {number} is lost")
        key = self._open[number] = BoxKey(open_epoch(known[number], self._storage_key))
        if len(self._open) > _CACHED:
            del self._open[next(iter(self._open))]
        return key


def _aad(log: LogId, number: int) -> bytes:
    return _AAD + log + number.to_bytes(4, "big")
