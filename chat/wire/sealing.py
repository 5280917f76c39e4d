"""A256CBC-HS512, the one construction that seals everything (RFC 7518 section 5.2.5).

AES-256-CBC with PKCS#7 padding under a second key, then HMAC-SHA-512 over associated data, IV,
ciphertext and the length of the associated data, truncated to 32 bytes. See docs/protocol.md
section 3.
"""

import hmac
import os
from collections.abc import Callable, Sequence
from typing import Final

from Crypto.Cipher import AES
from Crypto.Cipher._mode_cbc import CbcMode
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hmac import HMAC

from chat.wire.errors import AuthenticationError, MalformedLineError

__all__ = ["KEY_BYTES", "BoxKey", "RandomBytes", "open_box", "seal"]

KEY_BYTES: Final = 64
"""MAC key 32 bytes, then encryption key 32 bytes."""

_BLOCK: Final = AES.block_size
_TAG: Final = 32
_ZEROS: Final = bytes(_BLOCK)
_PADDINGS: Final = [bytes((size,)) * size for size in range(_BLOCK + 1)]
"""PKCS#7 (RFC 5652 section 6.3), by length; length 0 is never used."""

RandomBytes = Callable[[int], bytes]
"""A source of random bytes: called with a count, returns that many."""


class BoxKey:
    """A key (64 bytes) that seals or opens many boxes.

    It keeps a running CBC chain for each direction, and the keyed MAC, because setting them up
    costs more than using them.
    """

    __slots__ = ("_decryption", "_encryption", "_mac", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._mac = HMAC(raw[:32], SHA512())
        self._encryption: CbcMode | None = None
        self._decryption: CbcMode | None = None

    def seal(self, plaintext: bytes, aad: bytes, random_bytes: RandomBytes = os.urandom) -> bytes:
        """Return the box IV ‖ CT ‖ tag (16 + 16·⌊n/16 + 1⌋ + 32 bytes) of `plaintext`, bound to
        `aad`.

        Because the IV is unpredictable, one key is safe for as many boxes as a generation or an
        epoch holds.
        """
        return self.seal_all((plaintext,), (aad,), random_bytes)[0]

    def seal_all(
        self,
        plaintexts: Sequence[bytes],
        aads: Sequence[bytes],
        random_bytes: RandomBytes = os.urandom,
    ) -> list[bytes]:
        """Return a box for each of `plaintexts`, as `seal` does, with one run of the cipher."""
        padded = [plain + _PADDINGS[_BLOCK - len(plain) % _BLOCK] for plain in plaintexts]
        # A block of zeros yields the next IV: the cipher's output for the last block of
        # ciphertext, which was never its input (NIST SP 800-38A appendix C, first method).
        stream = _ZEROS.join(padded)
        if self._encryption is None:
            iv = random_bytes(_BLOCK)
            self._encryption = AES.new(self.raw[32:], AES.MODE_CBC, iv=iv)
            stream = iv + self._encryption.encrypt(stream)
        else:
            stream = self._encryption.encrypt(_ZEROS + stream)
        boxes = []
        end = 0
        for text, aad in zip(padded, aads, strict=True):
            start, end = end, end + _BLOCK + len(text)
            sealed = stream[start:end]
            boxes.append(sealed + self._tag(sealed, aad))
        return boxes

    def open(self, box: bytes, aad: bytes) -> bytes:
        """Return the plaintext of `box`. The inverse of `seal`.

        Raises MalformedLineError for a length that no box has (which tells the peer nothing new),
        and AuthenticationError, always the same, for everything else.
        """
        if len(box) < 2 * _BLOCK + _TAG or (len(box) - _TAG) % _BLOCK:
            raise MalformedLineError("a sealed box of the wrong length")
        sealed = box[:-_TAG]
        # Encrypt-then-MAC: nothing is decrypted before the tag has been checked, so there is no
        # padding oracle.
        if not hmac.compare_digest(box[-_TAG:], self._tag(sealed, aad)):
            raise AuthenticationError
        if self._decryption is None:
            self._decryption = AES.new(self.raw[32:], AES.MODE_CBC, iv=_ZEROS)
        # Earlier input to this chain only affects the first block, the decrypted IV.
        padded = self._decryption.decrypt(sealed)
        size = padded[-1]
        if not 0 < size <= _BLOCK or not padded.endswith(_PADDINGS[size]):
            raise AuthenticationError
        return padded[_BLOCK:-size]

    def _tag(self, sealed: bytes, aad: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(aad + sealed + (8 * len(aad)).to_bytes(8, "big"))
        return mac.finalize()[:_TAG]


def seal(key: bytes, plaintext: bytes, aad: bytes, random_bytes: RandomBytes = os.urandom) -> bytes:
    """Return a box under a key that is used only once: `BoxKey.seal`."""
    return BoxKey(key).seal(plaintext, aad, random_bytes)


def open_box(key: bytes, box: bytes, aad: bytes) -> bytes:
    """Return the plaintext of a box under a key that is used only once: `BoxKey.open`."""
    return BoxKey(key).open(box, aad)
