"""Signatures with Ed25519 (RFC 8032), and which public keys are none."""

from typing import Final

from Crypto.PublicKey.ECC import EccKey
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["PUBLIC_BYTES", "SIGNATURE_BYTES", "signer", "verify"]

PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_P: Final = 2**255 - 19
_OF_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER: Final = frozenset((0, 1, _P - 1, _OF_ORDER_8, _P - _OF_ORDER_8))
"""The y coordinates of the eight points whose order divides 8."""
_Y: Final = 2**255 - 1
"""All but the bit that is the sign of x."""


def signer(key: EccKey) -> Ed25519PrivateKey:
    """Return what signs with a private key."""
    return Ed25519PrivateKey.from_private_bytes(key.seed)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` (64 bytes) is that of the public key (32 bytes) over `message`.

    A key of small order has no private half: anybody can sign for it, so nothing is its signature.
    Nor is anything that of a key that is not encoded as it has to be (RFC 8032 section 5.1.3).
    """
    if len(public) != PUBLIC_BYTES:
        return False
    y = int.from_bytes(public, "little") & _Y
    if y >= _P or y in _SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True
