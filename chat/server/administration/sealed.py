"""A file encrypted under a passphrase, written and read as a stream.

After the salt come chunks of `CHUNK` bytes. Each is in a box (docs/protocol.md section 3) bound to
its number and to whether it is the last. This is the STREAM construction (Hoang, Reyhanitabar,
Rogaway, Vizar, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO
2015), as age uses it. So chunks cannot be removed, moved or cut off. The key is the argon2id hash
(RFC 9106, second recommended parameters) of the passphrase in NFC.
"""

import io
import os
import unicodedata
from typing import IO, Any, Final

from argon2.low_level import Type, hash_secret_raw
from argon2.profiles import RFC_9106_LOW_MEMORY

from chat.wire.errors import AuthenticationError, MalformedLineError
from chat.wire.sealing import KEY_BYTES, BoxKey

__all__ = ["CHUNK", "COST", "Opening", "SealedError", "Sealing"]

CHUNK: Final = 65_536
COST: Final = RFC_9106_LOW_MEMORY
_BOX: Final = 16 + CHUNK + 16 + 32
"""The box of a full chunk: IV, padding, tag."""
_SALT: Final = 16
_LABEL: Final = b"encchat backup"


class SealedError(Exception):
    """The passphrase is wrong, or the file was changed."""


class Sealing(io.RawIOBase):
    """Seals what is written to it. `close` writes the last chunk and leaves the file open."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        salt = os.urandom(_SALT)
        file.write(salt)
        self._file = file
        self._box_key = _key(passphrase, salt)
        self._number = 0
        self._buffer = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Seal complete chunks. Every chunk but the last is full."""
        added = bytes(memoryview(data))
        self._buffer += added
        while len(self._buffer) > CHUNK:
            self._seal(bytes(self._buffer[:CHUNK]), is_last=False)
            del self._buffer[:CHUNK]
        return len(added)

    def close(self) -> None:
        """Seal the last chunk."""
        if not self.closed:
            self._seal(bytes(self._buffer), is_last=True)
        super().close()

    def _seal(self, chunk: bytes, is_last: bool) -> None:
        self._file.write(self._box_key.seal(chunk, _bound_to(self._number, is_last)))
        self._number += 1


class Opening(io.RawIOBase):
    """Reads what `Sealing` wrote. Raises SealedError before returning anything else."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        self._file = file
        self._box_key = _key(passphrase, file.read(_SALT))
        self._number = 0
        self._buffer = b""
        self._next = file.read(_BOX)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Open the next chunk if needed. The stream ends only at the last chunk."""
        view = memoryview(buffer)
        while not self._buffer and self._number >= 0:
            box, self._next = self._next, self._file.read(_BOX)
            is_last = not self._next
            try:
                self._buffer = self._box_key.open(box, _bound_to(self._number, is_last))
            except (AuthenticationError, MalformedLineError):
                raise SealedError("the passphrase is wrong, or the file is damaged") from None
            self._number = -1 if is_last else self._number + 1
        size = min(len(view), len(self._buffer))
        view[:size] = self._buffer[:size]
        self._buffer = self._buffer[size:]
        return size


def _key(passphrase: str, salt: bytes) -> BoxKey:
    if len(salt) != _SALT:
        raise SealedError("the file is damaged: it ends too early")
    secret = unicodedata.normalize("NFC", passphrase).encode()
    raw = hash_secret_raw(
        *(secret, salt, COST.time_cost, COST.memory_cost, COST.parallelism, KEY_BYTES, Type.ID)
    )
    return BoxKey(raw)


def _bound_to(number: int, is_last: bool) -> bytes:
    return _LABEL + number.to_bytes(8, "big") + bytes([is_last])
