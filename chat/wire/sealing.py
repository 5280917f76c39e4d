"""A256CBC-HS512, the one construction that seals everything (RFC 7518 section 5.2.5).

AES-256-CBC with PKCS#7 padding under a second key, then HMAC-SHA-512 over associated data, IV,
ciphertext and the length of the associated data, cut to 32 bytes. See docs/protocol.md section 3.
"""

import hmac
import os
from collections.abc import Callable
from typing import Final

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad, unpad

from chat.wire.errors import AuthenticationError, MalformedLineError

__all__ = ["KEY_BYTES", "RandomBytes", "open_box", "seal"]

KEY_BYTES: Final = 64
"""MAC key 32 bytes, then encryption key 32 bytes."""

_BLOCK: Final = AES.block_size
_TAG: Final = 32

RandomBytes = Callable[[int], bytes]
"""A source of random bytes: called with a count, returns that many."""


def seal(key: bytes, plaintext: bytes, aad: bytes, random_bytes: RandomBytes = os.urandom) -> bytes:
    """Return the box IV ‖ CT ‖ tag (16 + 16·⌊n/16 + 1⌋ + 32 bytes) of `plaintext`, bound to `aad`.

    `key` is 64 bytes. A fresh random IV makes the same key safe for any number of boxes that a
    generation or an epoch holds.
    """
    iv = random_bytes(_BLOCK)
    ciphertext = AES.new(key[32:], AES.MODE_CBC, iv=iv).encrypt(pad(plaintext, _BLOCK))
    sealed = iv + ciphertext
    return sealed + _tag(key, sealed, aad)


def open_box(key: bytes, box: bytes, aad: bytes) -> bytes:
    """Return the plaintext of `box`. The inverse of `seal`.

    Raises MalformedLineError for a length no box has (which tells the peer nothing it does not
    know), and AuthenticationError, always the same, for everything else.
    """
    if len(box) < 2 * _BLOCK + _TAG or (len(box) - _TAG) % _BLOCK:
        raise MalformedLineError("a sealed box has another length")
    sealed = box[:-_TAG]
    # Encrypt-then-MAC: nothing is decrypted before the tag is right, so there is no padding oracle.
    if not hmac.compare_digest(box[-_TAG:], _tag(key, sealed, aad)):
        raise AuthenticationError
    padded = AES.new(key[32:], AES.MODE_CBC, iv=sealed[:_BLOCK]).decrypt(sealed[_BLOCK:])
    try:
        return unpad(padded, _BLOCK)
    except ValueError:
        raise AuthenticationError from None


def _tag(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    message = aad + sealed + (8 * len(aad)).to_bytes(8, "big")
    return hmac.digest(key[:32], message, "sha512")[:_TAG]
