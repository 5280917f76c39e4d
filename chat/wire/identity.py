"""A client's identity: an Ed25519 key (RFC 8032), and its signature over a connection's binding.

The binding (docs/protocol.md 4.4) depends on both keys of the exchange and on the server's host
key: no other connection, and no other server, accepts the signature.
"""

import base64
import hashlib
from typing import Final

from Crypto.PublicKey import ECC

from chat.ids import DeviceKey
from chat.wire.ed25519 import PUBLIC_BYTES, Signer, verify

__all__ = ["IDENTITY_BYTES", "Identity", "identity_fingerprint", "verify_login"]

IDENTITY_BYTES: Final = PUBLIC_BYTES

_CONTEXT: Final = b" " * 64 + b"encchat/1 client signature\0"
_PROTECTION: Final = "scryptAndAES256-CBC"


class Identity:
    """An Ed25519 key pair that identifies a device."""

    __slots__ = ("_key", "_signer", "public")

    public: DeviceKey
    """The public half, 32 bytes."""

    def __init__(self, key: ECC.EccKey) -> None:
        if key.curve != "Ed25519" or not key.has_private():
            raise ValueError("an identity is a private Ed25519 key")
        self._key = key
        self._signer = Signer(key)
        self.public = DeviceKey(key.public_key().export_key(format="raw"))

    @classmethod
    def generate(cls) -> "Identity":
        """Return a new random key."""
        return cls(ECC.generate(curve="Ed25519"))

    @classmethod
    def from_seed(cls, seed: bytes) -> "Identity":
        """Return the key with this 32-byte seed (RFC 8032 section 5.1.5)."""
        return cls(ECC.construct(curve="Ed25519", seed=seed))

    @classmethod
    def from_text(cls, text: str, passphrase: str | None = None) -> "Identity":
        """Return the key from the text of a file: OpenSSH's format, or PKCS#8 in PEM.

        Raises ValueError for anything else, and if the passphrase is missing or wrong.
        """
        return cls(ECC.import_key(text, passphrase=passphrase))

    def to_pem(self, passphrase: str | None = None) -> str:
        """Return the private key as PKCS#8 in PEM (RFC 5958, RFC 8410).

        With a passphrase it is encrypted (scrypt and AES-256-CBC, RFC 7914 section 7).
        """
        if passphrase is None:
            return self._key.export_key(format="PEM") + "\n"
        pem = self._key.export_key(format="PEM", passphrase=passphrase, protection=_PROTECTION)
        return pem + "\n"

    def sign_login(self, binding: bytes) -> bytes:
        """Return the 64-byte signature for a login on the connection with this binding."""
        return self._signer.sign(_CONTEXT + binding)


def verify_login(identity: DeviceKey, signature: bytes, binding: bytes) -> bool:
    """Return whether `signature` is `identity`'s, for the connection with this binding."""
    return verify(identity, signature, _CONTEXT + binding)


def identity_fingerprint(identity: DeviceKey) -> str:
    """Return the fingerprint as ``ssh-keygen -l`` shows it: ``SHA256:`` and 43 base64 characters.

    It is computed over the key in OpenSSH's form (RFC 8709 section 4).
    """
    kind = b"ssh-ed25519"
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (kind, identity))
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode("ascii")
