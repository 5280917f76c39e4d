"""Signatures with Ed25519 (RFC 8032)."""

from typing import Final

from Crypto.PublicKey.ECC import EccKey
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

__all__ = ["PUBLIC_BYTES", "SIGNATURE_BYTES", "Signer", "verify"]

PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


class Signer:
    """What signs with a private key."""

    __slots__ = ("_secret",)

    def __init__(self, key: EccKey) -> None:
        _, self._secret = crypto_sign_seed_keypair(key.seed)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` (64 bytes) is that of the public key (32 bytes) over `message`.

    A key of small order has no private half: anybody can sign for it, so nothing is its signature.
    Nor is anything that of a key that is not encoded as it has to be (RFC 8032 section 5.1.3).
    libsodium sees to both.
    """
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True
