"""Every bound on a size, a buffer or a wait, in one place, with its derivation.

The first part is fixed by docs/protocol.md: both sides must agree on it. The second part, `Limits`,
is a server's or client's own choice and is passed as an argument, so that tests can choose small
ones.
"""

from dataclasses import dataclass
from typing import Final

# --- Fixed by the protocol (docs/protocol.md section 2) ---

PAYLOAD_BYTES: Final = 16_384
"""A message, or the body of a record."""

BOX_OVERHEAD: Final = 16 + 32
"""IV and tag of a sealed box."""

BOX_BYTES: Final = BOX_OVERHEAD + 16 * (PAYLOAD_BYTES // 16 + 1)
"""A sealed payload: PKCS#7 always pads, so a full last block grows by one."""

RECORD_BYTES: Final = 4 + 16 + BOX_BYTES
"""Epoch, record id, box."""


def base64_length(size: int) -> int:
    """Return the length of `size` bytes in base64 with padding (RFC 4648 section 4)."""
    return 4 * ((size + 2) // 3)


LINE_BYTES: Final = 2 + base64_length(16) + 1 + 19 + 1 + base64_length(RECORD_BYTES)
"""The longest line after the handshake, without CR LF: kind, log, sequence number, record."""

HANDSHAKE_LINE_BYTES: Final = 2_048
"""The longest line before the handshake is complete; the client hello needs 1,674."""

LOGIN_BYTES: Final = 1_024
"""The login message inside the client finish, which must fit a handshake line."""

RUN_BYTES: Final = 262_144
"""Record lines before a voucher, CR LF included: what a client must hold unseen."""

SEQ_MAX: Final = 2**63 - 1
"""Sequence numbers and times fit the signed integers of every language and database."""

TEXT_BYTES: Final = 8_192
"""The text of a post, in UTF-8; always fits a payload, because MessagePack escapes nothing."""

NICK_CHARACTERS: Final = 32
"""A nickname. At most 128 bytes, so that `MEMBERS_PAGE` of them fit a payload."""

MEMBERS_PAGE: Final = 120
"""Nicknames in one answer to `who`: 120 times (128 + 2) bytes is 15,600."""

ACKS_PAGE: Final = 500
"""Acknowledgements in one `posted`: 500 times at most 24 bytes is 12,000."""


# --- Chosen by each side ---


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a side chooses for itself. Times in seconds, sizes in bytes."""

    frames_per_generation: int = 2**20
    """Frames under one key, the `update` that ends the generation included. protocol.md 5 fixes
    this; only tests choose less, for both sides alike."""
    bytes_per_generation: int = 2**30
    generation_seconds: float = 3_600

    handshake_seconds: float = 10
    """Absolute, from the connection being made: a trickle of bytes does not extend it."""
    login_seconds: float = 120
    """Absolute as well; long enough for a person to choose another nickname."""
    waiting_per_address: int = 128
    """Connections of one address that have not logged in. A handshake lasts milliseconds, so this
    is room for an office behind one address that reconnects at once."""
    waiting_total: int = 1_024
    """The same over all addresses: 1,024 times about 10 KiB is 10 MiB that strangers can hold."""

    ping_seconds: float = 60
    silence_seconds: float = 90
    sweep_seconds: float = 1
    """How often deadlines are looked at: one timer for all connections."""

    close_seconds: float = 3
    """From the closing line to an abort, because a peer that does not read never closes."""
    shutdown_seconds: float = 2
    """What a stopping server gives its clients to take the closing line."""
    retry_seconds: int = 5
    """What a stopping server tells clients to wait before they come back."""

    batch_bytes: int = 2**20
    """Bodies that wait for one commit of a room; senders beyond it are not read until it is
    done."""
    catch_up_bytes: int = 131_072
    """Records read from the store at a time for a reader that fell behind. As lines they are at
    most half as much again, which fits one run; and more than a full transport takes, so that a
    reader who can take more is not held up by the pages."""
    stall_seconds: float = 60
    """How long a reader may take nothing before it is dropped as a slow consumer."""
    memory_log_bytes: int = 16 * 2**20
    """Records a log keeps in memory; a reader that needs older ones is dropped."""
    connect_seconds: float = 15
    """How long the client waits for a connection and a complete handshake."""
    unacknowledged_posts: int = 64
    """Posts the client has in flight before it stops reading its input."""
