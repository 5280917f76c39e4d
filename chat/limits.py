"""Every bound on a size, a buffer or a wait, in one place, with its derivation.

The first part is fixed by docs/protocol.md: both sides must agree on it. The second part, `Limits`,
is a server's or client's own choice and is passed as an argument, so that tests can choose small
ones.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

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

SUCCESSIONS: Final = 8
"""Earlier host keys that a server still proves its own from; SA's line is then 1,326 bytes."""

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
"""Members in one answer to `who`: 120 times (130 + 1 + 1) bytes is 15,840."""

ROOM_CHARACTERS: Final = 32
"""A room's name, like a nickname."""

TOPIC_CHARACTERS: Final = 200
"""A room's topic: at most 800 bytes."""

ROOMS_PAGE: Final = 16
"""Rooms in one answer to `rooms`: 16 times (130 + 9 + 803 + 1) bytes is 15,088."""

LOGS_PAGE: Final = 80
"""Logs in one answer to `logs`: 80 times (18 + 8 + 130 + 9 + 9 + 1) bytes is 14,000."""

REACTION_BYTES: Final = 64
"""A reaction, in UTF-8; the longest emoji sequences need 35."""

HISTORY_PAGE: Final = 50
"""Records in one answer to `history` or `search`; fewer, where they are large."""

WORDS_BYTES: Final = 1_024
"""What is searched for, in UTF-8."""

KEEP_ALIVE: Final = MappingProxyType({"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3})
"""How TCP finds out that a silent peer is dead (RFC 9293 section 3.8.4): seconds until the first
probe, between probes, and how many go unanswered."""

ACKS_PAGE: Final = 500
"""Acknowledgements in one `posted`: 500 times (5 + 9 + 9 + 1) bytes is 12,000."""

TOKEN_BYTES: Final = 16
"""The token of an invitation: 128 bits, because it is not typed by hand."""

REASON_CHARACTERS: Final = 200
"""Why somebody was kicked, banned or muted: at most 800 bytes."""

SLOW_MOST: Final = 86_400
"""Seconds between two posts in slow mode: a day."""


# --- Chosen by each side ---

HELP: Final = "help"
"""Metadata of what the operator of a server can set: what it bounds, for ``--help``. Without it, a
limit follows from the protocol, or is the client's."""
UNLIMITED_AT_0: Final = "unlimited at 0"
"""Metadata of what has no limit where it is 0."""


def _set_by_operator(default: float, help_text: str, *, is_unlimited_at_0: bool = False) -> Any:
    return field(default=default, metadata={HELP: help_text, UNLIMITED_AT_0: is_unlimited_at_0})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a side chooses for itself. Times in seconds, sizes in bytes.

    An operator sets them with ``--limit NAME=VALUE`` (`chat.server.settings`).
    """

    frames_per_generation: int = 2**20
    """Frames under one key, the `update` that ends the generation included. protocol.md 5 fixes
    this; only tests choose less, for both sides alike."""
    bytes_per_generation: int = 2**30
    generation_seconds: float = 3_600

    handshake_seconds: float = _set_by_operator(
        10, "until a connection must have proved that it speaks the protocol"
    )
    """Absolute, from the connection being made: a trickle of bytes does not extend it."""
    login_seconds: float = _set_by_operator(120, "until somebody must have logged in on it")
    """Absolute as well; long enough for a person to choose another nickname."""
    waiting_per_address: int = _set_by_operator(
        128, "connections of one address that have not logged in"
    )
    """Connections of one address (of IPv6, one /64) that have not logged in. A handshake lasts
    milliseconds, so this is room for an office behind one address that reconnects at once. For one
    more the oldest of them goes."""
    waiting_total: int = _set_by_operator(1_024, "the same, of all addresses")
    """The same over all addresses: 1,024 times about 10 KiB is 10 MiB that strangers can hold.
    For one more the oldest goes of the address that has the most."""
    connections_per_address: int = _set_by_operator(
        256, "connections of one address; loopback is not counted"
    )
    """Connections of one address (of IPv6, one /64), logged in or not: a large office, with two
    devices each. Who has not logged in makes room; where all have, the newcomer is refused. Not
    counted on a loopback address and on a local socket: a reverse proxy there is everybody."""
    connections_total: int = _set_by_operator(10_240, "connections of all addresses")
    """Over all addresses: 10,240 times about 11 KiB is 110 MiB while all read what they are sent.
    The process needs as many open files (``ulimit -n``)."""

    messages_per_second: float = _set_by_operator(
        100, "lines taken from a connection in the long run", is_unlimited_at_0=True
    )
    """A client that sends faster is throttled; nothing is refused or lost. Some requests cost more
    than one line (`chat.server.requests.table`)."""
    messages_burst: int = _set_by_operator(1_000, "lines taken at once")
    """Lines at once, after ten seconds of silence: a text that is pasted, a client that sends again
    what was not acknowledged."""
    bytes_per_second: float = _set_by_operator(
        262_144, "bytes taken from a connection in the long run", is_unlimited_at_0=True
    )
    """The same in bytes, as they are on the wire without CR LF: 256 KiB."""
    bytes_burst: int = _set_by_operator(2**20, "bytes taken at once")
    """At once: 48 of the longest lines."""

    login_failures_free: int = _set_by_operator(5, "failed logins before the next one has to wait")
    login_wait_first: float = _set_by_operator(
        1, "how long it waits; each further one twice as long"
    )
    """How long it has to; after every further failure twice as long, up to `login_wait_last`."""
    login_wait_last: float = _set_by_operator(60, "but no longer than this")
    login_forget_seconds: float = _set_by_operator(300, "until one failed login is forgotten")
    """One failed login is forgotten after so long without another; a whole back-off in an hour."""
    login_failures_kept: int = _set_by_operator(
        4_096, "addresses, and accounts, whose failures are remembered"
    )
    """Addresses, and accounts, whose failures are remembered, the latest; about 300 bytes each,
    1.2 MiB a table."""
    login_known_kept: int = _set_by_operator(
        16_384, "accounts whose usual addresses are remembered"
    )
    """Accounts of which is remembered from where they logged in, the latest; with one address
    about 700 bytes each, 11 MiB."""
    login_known_addresses: int = _set_by_operator(8, "addresses of each of them")

    rooms_per_account: int = _set_by_operator(100, "rooms that an account may own")
    """Rooms that an account has made and owns. Private conversations are none."""
    invitations_per_account: int = _set_by_operator(100, "open invitations to one account")
    """Invitations of an account that it has not taken up: it is sent them all at each login."""
    invitations_per_room: int = _set_by_operator(1_000, "open invitations into one room")
    """Invitations of somebody into a room that are not taken up. As many more may be open for
    whoever has their token."""

    ping_seconds: float = _set_by_operator(
        300, "of silence, until a client is asked for a sign of life"
    )
    """Of silence, until a side asks for a sign of life. The kernel finds dead peers sooner, with
    `KEEP_ALIVE`, and for nothing: a ping of each of 10,000 clients a minute is 2 % of a core."""
    silence_seconds: float = _set_by_operator(360, "of silence, until it is taken to be gone")
    answer_seconds: float = 15
    """Until a client that has sent something, and hears nothing, asks for a sign of life."""
    sweep_seconds: float = _set_by_operator(1, "how often deadlines are looked at")
    """How often deadlines are looked at: one timer for all connections."""

    close_seconds: float = _set_by_operator(3, "for a client to close, once it was told to")
    """From the closing line to an abort, because a peer that does not read never closes."""
    shutdown_seconds: float = _set_by_operator(2, "for all of them, when the server stops")
    """What a stopping server gives its clients to take the closing line."""
    retry_seconds: int = _set_by_operator(5, "after which clients of a stopped server come back")
    """What a stopping server tells clients to wait before they come back."""

    batch_bytes: int = _set_by_operator(2**20, "of posts that wait for the disk, of all rooms")
    """Drafts that wait for a commit. Who sends beyond it is not read until a commit takes them."""
    catch_up_bytes: int = 131_072
    """Records read from the store at a time for a reader that fell behind. As lines they are at
    most half as much again, which fits one run; and more than a full transport takes, so that a
    reader who can take more is not held up by the pages."""
    stall_seconds: float = _set_by_operator(
        60, "for which a client may take nothing of what it is sent"
    )
    """How long a reader may take nothing before it is dropped as a slow consumer. What its kernel
    has taken counts, so a slow line is no stall. Of a program that reads slowly, that kernel tells
    in steps only: a packet or, on Linux, a sixteenth of its buffer, whichever is more."""
    drain_seconds: float = _set_by_operator(1_800, "for all that waits for it")
    """How long one that does take something may need for all that waits for it, so that a byte a
    minute holds no buffer for good. That is a run and 64 KiB at most, behind a third of the
    kernel's buffer (which is 4 MiB at most, and takes no more before): 1.7 MB, for which a line of
    a kilobyte a second is fast enough."""
    presence_seconds: float = _set_by_operator(
        5, "after a lost connection, until its user counts as away"
    )
    seen_seconds: float = _set_by_operator(5, "how often it is saved what users have seen")
    """How often what users have seen is written; a crash loses so much of it."""
    code_seconds: float = _set_by_operator(600, "for which a code for another device is good")
    recovery_seconds: float = _set_by_operator(
        86_400, "the same, where the operator made it for a lost key"
    )
    trim_seconds: float = _set_by_operator(3_600, "how often what is kept no longer is removed")
    connect_seconds: float = 15
    """How long the client waits for a connection and a complete handshake."""
    unacknowledged_posts: int = 64
    """Posts the client has in flight before it stops reading its input."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Bounds of the terminal client alone. Times in seconds."""

    history: int = 50
    """Records of the past that are shown on first joining a room, where nothing else is asked."""
    history_most: int = 1_000
    """What can be asked for: 20 pages, which are held until the last has come."""
    context: int = 10
    """Records shown to a person who comes back and has missed nothing."""
    held: int = 1_000
    """New records of a log that wait for a page of older ones; then it is not waited for."""
    timeline: int = 500
    """Messages of a log that are remembered, besides those that were paged back to: 500 times 8 KiB
    is 4 MiB."""
    own: int = 1_024
    """Acknowledged sequence numbers of one's own above a cursor. In flight are 64 at a time; this
    is room for a log whose other records come much later."""
    invitations: int = 100
    """Invitations that are remembered, in order not to show them again after each reconnection."""
    logs: int = 10_000
    """Logs of which an account's list is believed."""
    first_retry: float = 1
    """From a lost connection to the first new attempt; each further one takes `retry_factor` as
    long, up to `last_retry`."""
    retry_factor: float = 1.5
    last_retry: float = 30
    retry_after: int = 600
    """The longest that a server's wish to be left alone is granted."""
    unanswered: float = 60
    """How long lines are tried to be delivered when the input has ended and the connection is
    lost."""
