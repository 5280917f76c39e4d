"""One log's epochs: their keys, wrapped, in the store; the newest of them to seal with.

A key is wrapped under the server's storage key with the construction that seals everything
(docs/protocol.md section 3), bound to its log and epoch.
"""

from collections.abc import Iterable
from typing import Final

from chat.ids import LogId
from chat.store.interface import Epoch, StoreError
from chat.wire.errors import RemoteProtocolError
from chat.wire.sealing import KEY_BYTES, BoxKey, RandomBytes, open_box, seal

__all__ = ["Epochs"]

_AAD: Final = b"encchat/1 epoch key"

_CACHED: Final = 8
"""Keys kept open, of readers that catch up."""


class Epochs:
    """The epochs of one log."""

    def __init__(
        self,
        log: LogId,
        known: Iterable[Epoch],
        storage_key: bytes,
        random_bytes: RandomBytes,
    ) -> None:
        self._log = log
        self._storage_key = storage_key
        self._random_bytes = random_bytes
        self._wrapped = {epoch.number: epoch.wrapped for epoch in known}
        self._open: dict[int, BoxKey] = {}
        self._next: Epoch | None = None
        self.current = max(self._wrapped, default=0)
        """The newest epoch; 0 before there is any."""

    def can_seal(self) -> bool:
        """Tell whether there is an epoch, and its key is not lost."""
        try:
            return self.current > 0 and bool(self.key(self.current))
        except StoreError:
            return False

    def next(self) -> Epoch:
        """Return the epoch that is to follow, with a key of its own; the same until it begins."""
        if self._next is None:
            number = self.current + 1
            key = self._random_bytes(KEY_BYTES)
            wrapped = seal(self._storage_key, key, self._aad(number), self._random_bytes)
            self._next = Epoch(self._log, number, wrapped)
        return self._next

    def begin(self, epoch: Epoch) -> None:
        """Seal with the key of an epoch from now on: it is durable."""
        self._wrapped[epoch.number] = epoch.wrapped
        self.current = epoch.number
        self._next = None

    def key(self, epoch: int) -> BoxKey:
        """Return the key of an epoch. Raises StoreError."""
        key = self._open.get(epoch)
        if key is None:
            try:
                raw = open_box(self._storage_key, self._wrapped[epoch], self._aad(epoch))
            except (KeyError, RemoteProtocolError):
                raise StoreError(f"the key of epoch {epoch} is lost") from None
            key = self._open[epoch] = BoxKey(raw)
            if len(self._open) > _CACHED:
                del self._open[next(iter(self._open))]
        return key

    def _aad(self, epoch: int) -> bytes:
        return _AAD + self._log + epoch.to_bytes(4, "big")
