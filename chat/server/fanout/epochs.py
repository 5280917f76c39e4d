"""One log's epochs: their keys, wrapped, in the store; the newest of them to seal with.

A key is wrapped under the server's storage key with the construction that seals everything
(docs/protocol.md section 3), bound to its log and epoch.
"""

import os
from typing import Final

from chat.store.interface import LogStore, StoreError
from chat.wire.errors import RemoteProtocolError
from chat.wire.sealing import KEY_BYTES, BoxKey, RandomBytes, open_box, seal

__all__ = ["Epochs"]

_PREFIX: Final = b"epoch/"
_AAD: Final = b"encchat/1 epoch key"

_CACHED: Final = 8
"""Keys kept open, of readers that catch up."""


class Epochs:
    """The epochs of one log. `load` first."""

    def __init__(
        self,
        log: bytes,
        store: LogStore,
        storage_key: bytes,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._log = log
        self._store = store
        self._storage_key = storage_key
        self._random_bytes = random_bytes
        self._wrapped: dict[int, bytes] = {}
        self._open: dict[int, BoxKey] = {}
        self.current = 0
        """The newest epoch; 0 before there is any."""

    async def load(self) -> None:
        """Learn of the epochs there are. Raises StoreError."""
        prefix = _PREFIX + self._log
        for key, wrapped in await self._store.scan(prefix):
            self._wrapped[int.from_bytes(key[len(prefix) :], "big")] = wrapped
        self.current = max(self._wrapped, default=0)

    async def start(self) -> None:
        """Begin a new epoch; its key is durable when this is done. Raises StoreError."""
        self.current += 1  # Even if it fails: nothing says that the key was not stored.
        epoch, key = self.current, BoxKey(self._random_bytes(KEY_BYTES))
        wrapped = seal(self._storage_key, key.raw, self._aad(epoch), self._random_bytes)
        name = _PREFIX + self._log + epoch.to_bytes(4, "big")
        if not await self._store.compare_and_set(name, None, wrapped):
            raise StoreError("an epoch that was to be new is there already")
        self._wrapped[epoch] = wrapped
        self._remember(epoch, key)

    def key(self, epoch: int) -> BoxKey:
        """Return the key of an epoch. Raises StoreError."""
        key = self._open.get(epoch)
        if key is None:
            try:
                raw = open_box(self._storage_key, self._wrapped[epoch], self._aad(epoch))
            except (KeyError, RemoteProtocolError):
                raise StoreError(f"the key of epoch {epoch} is lost") from None
            key = BoxKey(raw)
            self._remember(epoch, key)
        return key

    def _remember(self, epoch: int, key: BoxKey) -> None:
        self._open[epoch] = key
        if len(self._open) > _CACHED:
            del self._open[next(iter(self._open))]

    def _aad(self, epoch: int) -> bytes:
        return _AAD + self._log + epoch.to_bytes(4, "big")
