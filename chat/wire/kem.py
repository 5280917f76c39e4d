"""ML-KEM-768 (FIPS 203) through HPKE in export-only mode (RFC 9180), see docs/protocol.md 4.2.

HPKE's key schedule is written out here: in base mode with one exported secret, all but three HMACs
are constants.
"""

import hmac
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

from chat.wire.errors import HandshakeError
from chat.wire.schedule import VERSION

__all__ = ["CIPHERTEXT_BYTES", "KEY_BYTES", "SEED_BYTES", "Encapsulate", "KemKey", "encapsulate"]

KEY_BYTES: Final = 1_184
"""Size of an encapsulation key."""
CIPHERTEXT_BYTES: Final = 1_088
SEED_BYTES: Final = 64

Encapsulate = Callable[[bytes], tuple[bytes, bytes]]
"""From an encapsulation key to (ciphertext, secret)."""

_LABELED: Final = b"HPKE-v1" + b"HPKE\x00\x41\x00\x01\xff\xff"
"""Version and suite: ML-KEM-768, HKDF-SHA-256, export only (RFC 9180 sections 4 and 5.1)."""


def _extract(salt: bytes, label: bytes, material: bytes) -> bytes:
    """LabeledExtract (RFC 9180 section 4)."""
    return hmac.digest(salt, _LABELED + label + material, "sha256")


def _expand(key: bytes, label: bytes, info: bytes) -> bytes:
    """LabeledExpand (RFC 9180 section 4) to 32 bytes, which is one block."""
    return hmac.digest(key, b"\x00\x20" + _LABELED + label + info + b"\x01", "sha256")


_CONTEXT: Final = (
    b"\x00"
    + _extract(b"", b"psk_id_hash", b"")
    + _extract(b"", b"info_hash", VERSION + b" mlkem768")
)


def _export(secret: bytes) -> bytes:
    """Return the secret that HPKE exports, given ML-KEM's shared secret."""
    exporter = _expand(_extract(secret, b"secret", b""), b"exp", _CONTEXT)
    return _expand(exporter, b"sec", b"ss")


class KemKey:
    """A key pair, for one exchange."""

    __slots__ = ("_private", "public")

    public: bytes
    """The encapsulation key, 1,184 bytes."""

    def __init__(self, seed: bytes) -> None:
        """Make the key from a 64-byte seed (FIPS 203 section 7.1)."""
        self._private = MLKEM768PrivateKey.from_seed_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """Return the 32-byte secret in a 1,088-byte ciphertext; an unrelated one if it is wrong."""
        return _export(self._private.decapsulate(ciphertext))


def encapsulate(key: bytes) -> tuple[bytes, bytes]:
    """Return (ciphertext 1,088 bytes, secret 32 bytes) for an encapsulation key of 1,184 bytes.

    Raises HandshakeError for a key that fails FIPS 203 section 7.2.
    """
    try:
        public = MLKEM768PublicKey.from_public_bytes(key)
    except ValueError:
        raise HandshakeError("an invalid ML-KEM key") from None
    secret, ciphertext = public.encapsulate()
    return ciphertext, _export(secret)
