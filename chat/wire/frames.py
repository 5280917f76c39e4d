"""Session frames: one direction's key, counters and forward ratchet (docs/protocol.md section 5).

Generation and sequence are never sent; they are part of the associated data. So a frame opens only
once, in its place, in its direction and on its connection.
"""

import os
import struct
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from chat.limits import Limits
from chat.wire.errors import LocalProtocolError
from chat.wire.schedule import VERSION, derive
from chat.wire.sealing import BoxKey, RandomBytes

__all__ = ["CLIENT_TO_SERVER", "SERVER_TO_CLIENT", "FrameOpener", "FrameSealer"]

CLIENT_TO_SERVER: Final = b"c"
SERVER_TO_CLIENT: Final = b"s"

_GENERATION_MAX: Final = 2**32 - 1
_VOUCHER_BYTES: Final = 16
_COUNTERS: Final = struct.Struct(">QQ")
_PLACE: Final = struct.Struct(">IQQ")


class _Direction:
    """The state that both ends of a direction keep in step."""

    __slots__ = ("_aad", "_key", "_secret", "_voucher_mac", "generation", "sequence", "vouchers")

    generation: int
    sequence: int
    """Of the next frame."""
    vouchers: int
    """Counter of the next voucher."""

    def __init__(self, secret: bytes, direction: bytes) -> None:
        self.generation = 0
        self._aad = VERSION + direction
        self._start(secret)

    def _start(self, secret: bytes) -> None:
        self._secret = secret
        self._key = BoxKey(derive(secret, "key"))
        self._voucher_mac: HMAC | None = None
        self.sequence = 0
        self.vouchers = 0

    def ratchet(self) -> None:
        """Step to the next generation. Nothing sealed under the old keys can be opened any more.

        Raises LocalProtocolError after the last generation, 2^32 - 1.
        """
        if self.generation == _GENERATION_MAX:
            raise LocalProtocolError("the generations are used up")
        self.generation += 1
        self._start(derive(self._secret, "upd"))

    def voucher(self, digest: bytes) -> bytes:
        """Return the next voucher (16 bytes) for record lines with this SHA-512 `digest`.

        One side issues it, the other compares it (docs/protocol.md section 8).
        """
        if self._voucher_mac is None:  # Client to server never needs it.
            self._voucher_mac = HMAC(derive(self._secret, "voucher"), SHA256())
        mac = self._voucher_mac.copy()
        mac.update(_COUNTERS.pack(self.vouchers, self.sequence) + digest)
        self.vouchers += 1
        return mac.finalize()[:_VOUCHER_BYTES]

    def _next_aad(self) -> bytes:
        # The number of vouchers is included, so that the next frame reveals records that were
        # dropped together with their voucher.
        aad = self._aad + _PLACE.pack(self.generation, self.sequence, self.vouchers)
        self.sequence += 1
        return aad


class FrameSealer(_Direction):
    """The sending end of a direction."""

    __slots__ = ("_limits", "_payload_bytes", "_random_bytes", "ends_at")

    ends_at: float
    """When this generation becomes too old, by the connection's clock in seconds."""

    def __init__(
        self,
        secret: bytes,
        direction: bytes,
        now: float,
        limits: Limits,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        super().__init__(secret, direction)
        self._random_bytes = random_bytes
        self._limits = limits
        self._payload_bytes = 0
        self.ends_at = now + limits.generation_seconds

    def seal(self, payload: bytes) -> bytes:
        """Return the box of the next frame."""
        self._payload_bytes += len(payload)
        return self._key.seal(payload, self._next_aad(), self._random_bytes)

    def is_spent(self, size: int, now: float) -> bool:
        """Return whether this generation must end before a payload of `size` bytes, at time `now`.

        The frame that ends it counts too, so one place is always reserved for it.
        """
        return (
            now > self.ends_at
            or self.sequence >= self._limits.frames_per_generation - 1
            or self._payload_bytes + size > self._limits.bytes_per_generation
        )

    def ratchet_at(self, now: float) -> None:
        """Step to the next generation, which starts at `now`."""
        self.ratchet()
        self._payload_bytes = 0
        self.ends_at = now + self._limits.generation_seconds


class FrameOpener(_Direction):
    """The receiving end of a direction."""

    __slots__ = ()

    def open(self, box: bytes) -> bytes:
        """Return the payload of the next frame. Raises AuthenticationError, MalformedLineError."""
        return self._key.open(box, self._next_aad())

    def is_last(self, limits: Limits) -> bool:
        """Return whether the frame just opened is the last one its generation may have."""
        return self.sequence >= limits.frames_per_generation
