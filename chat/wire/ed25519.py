"""Signatures with Ed25519 (RFC 8032)."""

from typing import Final

from Crypto.PublicKey.ECC import EccKey
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

__all__ = ["PUBLIC_BYTES", "SIGNATURE_BYTES", "Signer", "verify"]

PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
)
"""Points of small order, with the sign bit cleared (docs/protocol.md 4.3)."""


class Signer:
    """Signs with a private key."""

    __slots__ = ("_secret",)

    def __init__(self, key: EccKey) -> None:
        _, self._secret = crypto_sign_seed_keypair(key.seed)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` (64 bytes) by `public` (32 bytes) over `message` is valid.

    Nothing verifies under a key of small order, for which anybody can sign, or under a key that is
    not encoded canonically (RFC 8032 section 5.1.3). No honest signature begins with a point of
    small order. libsodium checks all three, but other libraries do not, and the result must not
    depend on the library.
    """
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    if _is_small_order(public) or _is_small_order(signature[:PUBLIC_BYTES]):
        return False
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


def _is_small_order(point: bytes) -> bool:
    return point[:-1] + bytes((point[-1] & 0x7F,)) in _SMALL_ORDER
