"""The server's identity: an Ed25519 key (RFC 8032), its successions, and its fingerprint.

docs/protocol.md 4.3. A *succession* is made when a host key hands over to the next one: its own
public half and its signature over both. It does not contain the next key, which is that of the
following succession, or the current host key. So a chain with a missing link does not verify.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from Crypto.PublicKey import ECC
from mnemonic import Mnemonic

from chat.limits import SUCCESSIONS
from chat.wire.ed25519 import PUBLIC_BYTES, SIGNATURE_BYTES, Signer, verify

__all__ = [
    "HOST_KEY_BYTES",
    "SUCCESSION_BYTES",
    "HostKey",
    "ServerIdentity",
    "are_successions",
    "fingerprint",
    "fingerprint_words",
    "is_fingerprint",
    "predecessors",
]

HOST_KEY_BYTES: Final = PUBLIC_BYTES
SUCCESSION_BYTES: Final = HOST_KEY_BYTES + SIGNATURE_BYTES

_SUCCESSION_CONTEXT: Final = b" " * 64 + b"encchat/1 host key succession\0"
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)


class HostKey:
    """An Ed25519 key pair that identifies a server."""

    __slots__ = ("_key", "_signer", "public", "successions")

    public: bytes
    """The public half, 32 bytes."""
    successions: bytes
    """Prove that this key follows earlier ones; oldest first, 96 bytes each."""

    def __init__(self, key: ECC.EccKey) -> None:
        if key.curve != "Ed25519" or not key.has_private():
            raise ValueError("a host key is a private Ed25519 key")
        self._key = key
        self._signer = Signer(key)
        self.public = key.public_key().export_key(format="raw")
        self.successions = b""

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
        """Return the key from the text of a PKCS#8 PEM file. Raises ValueError for anything else.

        PyCryptodome may also raise IndexError or TypeError for malformed input.
        """
        return cls(ECC.import_key(text))

    def to_pem(self) -> str:
        """Return the private key as PKCS#8 in PEM (RFC 5208, RFC 8410), not encrypted."""
        return self._key.export_key(format="PEM") + "\n"

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        return self._signer.sign(message)

    def succeed(self) -> "HostKey":
        """Return a new random key, signed by this one. Drops the oldest of more than 8
        successions."""
        following = HostKey.generate()
        succession = self.public + self.sign(_succession(self.public, following.public))
        kept = self.successions + succession
        following.successions = kept[-SUCCESSIONS * SUCCESSION_BYTES :]
        return following

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the public half, as `fingerprint` gives it."""
        return fingerprint(self.public)

    @property
    def fingerprint_words(self) -> str:
        """The same in words, as `fingerprint_words` gives it."""
        return fingerprint_words(self.public)


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """A host key that the server has proved to hold, and the successions it claims."""

    host_key: bytes
    successions: bytes = b""
    """As the server sent them; only the length was checked. See `predecessors`."""


def are_successions(data: bytes) -> bool:
    """Return whether `data` has the length of 0 to 8 successions of 96 bytes each."""
    number, rest = divmod(len(data), SUCCESSION_BYTES)
    return rest == 0 and number <= SUCCESSIONS


def predecessors(host_key: bytes, successions: bytes) -> Iterator[bytes]:
    """Yield the earlier host keys that provably lead to `host_key`, latest first.

    Stops at the first succession that does not verify: what comes before it proves nothing. Each
    key costs a signature verification, so take no more than you need.
    """
    following = host_key
    for end in range(len(successions), 0, -SUCCESSION_BYTES):
        succession = successions[end - SUCCESSION_BYTES : end]
        previous, signature = succession[:HOST_KEY_BYTES], succession[HOST_KEY_BYTES:]
        if not verify(previous, signature, _succession(previous, following)):
            return
        yield previous
        following = previous


def fingerprint(host_key: bytes) -> str:
    """Return ``SHA256:`` and 43 characters of base64 without padding, for a 32-byte public key."""
    digest = _digest(host_key)
    return "SHA256:" + base64.b64encode(digest).rstrip(b"=").decode("ascii")


def fingerprint_words(host_key: bytes) -> str:
    """Return the same digest as 24 English words (BIP 39, checksum included), for reading aloud."""
    return _word_list().to_mnemonic(_digest(host_key))


def is_fingerprint(text: str) -> bool:
    """Return whether `text` has the form of a whole fingerprint."""
    return _FINGERPRINT.fullmatch(text) is not None


def _succession(previous: bytes, following: bytes) -> bytes:
    """Return what the previous host key signs."""
    return _SUCCESSION_CONTEXT + previous + following


@cache
def _word_list() -> Mnemonic:
    return Mnemonic("english")


def _digest(host_key: bytes) -> bytes:
    return hashlib.sha256(b"encchat host key v1\0" + host_key).digest()
