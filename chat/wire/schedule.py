"""Transcript hashing and key derivation (docs/protocol.md sections 1 and 4.2)."""

import hashlib
import hmac
from typing import Final

__all__ = ["SECRET_BYTES", "VERSION", "derive", "extract", "length_prefixed", "transcript_hash"]

VERSION: Final = b"encchat/1"
"""First token of a hello, and the domain separator of every computation."""

SECRET_BYTES: Final = 64


def length_prefixed(value: bytes) -> bytes:
    """Return `value` prefixed with its length as u32, so that concatenation is unambiguous."""
    return len(value).to_bytes(4, "big") + value


def transcript_hash(*messages: bytes) -> bytes:
    """Return SHA-512 over the version and all `messages`, each length-prefixed: 64 bytes."""
    return hashlib.sha512(b"".join(map(length_prefixed, (VERSION, *messages)))).digest()


def extract(ml_kem_secret: bytes, x25519_secret: bytes) -> bytes:
    """Return the handshake's pseudorandom key: HKDF-Extract (RFC 5869 section 2.2), SHA-512."""
    return hmac.digest(VERSION + b" extract", ml_kem_secret + x25519_secret, "sha512")


def derive(secret: bytes, label: str, context: bytes = b"", length: int = SECRET_BYTES) -> bytes:
    """Return `length` bytes, 1 to 64, derived from `secret` for one purpose.

    HKDF-Expand (RFC 5869 section 2.3) with SHA-512: one block, because no purpose needs more.
    Raises ValueError for another length.
    """
    if not 0 < length <= SECRET_BYTES:
        raise ValueError("derive gives 1 to 64 bytes")
    info = (
        length.to_bytes(2, "big")
        + length_prefixed(VERSION + b" " + label.encode("ascii"))
        + length_prefixed(context)
    )
    return hmac.digest(secret, info + b"\x01", "sha512")[:length]
