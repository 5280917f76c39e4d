"""The server's identity: an Ed25519 key (RFC 8032) and its fingerprint (docs/protocol.md 4.3)."""

import base64
import hashlib
import re
from typing import Final

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

__all__ = [
    "HOST_KEY_BYTES",
    "SIGNATURE_BYTES",
    "HostKey",
    "fingerprint",
    "is_fingerprint",
    "verify",
]

HOST_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)


class HostKey:
    """An Ed25519 key pair that identifies a server."""

    __slots__ = ("_key", "_signer", "public")

    public: bytes
    """The public half, 32 bytes."""

    def __init__(self, key: ECC.EccKey) -> None:
        if key.curve != "Ed25519" or not key.has_private():
            raise ValueError("a host key is a private Ed25519 key")
        self._key = key
        self._signer = eddsa.new(key, "rfc8032")
        self.public = key.public_key().export_key(format="raw")

    @classmethod
    def generate(cls) -> "HostKey":
        """Return a new random key."""
        return cls(ECC.generate(curve="Ed25519"))

    @classmethod
    def from_seed(cls, seed: bytes) -> "HostKey":
        """Return the key with this 32-byte seed (RFC 8032 section 5.1.5)."""
        return cls(ECC.construct(curve="Ed25519", seed=seed))

    @classmethod
    def from_pem(cls, text: str) -> "HostKey":
        """Return the key of a PKCS#8 PEM file. Raises ValueError for anything else."""
        return cls(ECC.import_key(text))

    def to_pem(self) -> str:
        """Return the private key as PKCS#8 in PEM (RFC 5208, RFC 8410), not encrypted."""
        return self._key.export_key(format="PEM") + "\n"

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        return self._signer.sign(message)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the public half, as `fingerprint` gives it."""
        return fingerprint(self.public)


def verify(host_key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` is `host_key`'s over `message`.

    A key of small order has no private half: anybody can sign for it, so nothing is its signature.
    """
    try:
        key = eddsa.import_public_key(host_key)
        eddsa.new(key, "rfc8032").verify(message, signature)
    except ValueError:
        return False
    # PyCryptodome's `* 8` treats the number as secret, and costs twenty times these doublings.
    return not key.pointQ.copy().double().double().double().is_point_at_infinity()


def fingerprint(host_key: bytes) -> str:
    """Return ``SHA256:`` and 43 characters of base64 without padding, for a 32-byte public key."""
    digest = hashlib.sha256(b"encchat host key v1\0" + host_key).digest()
    return "SHA256:" + base64.b64encode(digest).rstrip(b"=").decode("ascii")


def is_fingerprint(text: str) -> bool:
    """Tell whether `text` has the form of a whole fingerprint."""
    return _FINGERPRINT.fullmatch(text) is not None
