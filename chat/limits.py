"""Every bound on a size, a buffer or a wait, in one place, with its derivation.

docs/protocol.md fixes the first part: both sides must agree on it. The second part, `Limits`, is
each side's own choice, and is passed as an argument so that tests can choose small values.
"""

from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final

# --- Fixed by the protocol (docs/protocol.md section 2) ---

PAYLOAD_BYTES: Final = 16_384
"""A message, or the body of a record."""

BOX_OVERHEAD: Final = 16 + 32
"""IV and tag of a sealed box."""

BOX_BYTES: Final = BOX_OVERHEAD + 16 * (PAYLOAD_BYTES // 16 + 1)
"""A sealed payload: PKCS#7 always pads, so a full last block adds another one."""

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
"""Earlier host keys from which a server proves its own; with 8, SA's line has 1,326 bytes."""

CLIENT_KEYS: Final = 16_384
"""Most epoch keys, and most logs, that a client keeps: more than the logs that it reads at once
(`ClientLimits.logs`), with one key each, and the epochs of some pages."""
LOGIN_BYTES: Final = 1_024
"""The login message inside the client finish, which must fit a handshake line."""

RUN_BYTES: Final = 262_144
"""Record lines before a voucher, CR LF included, which a client must hold back."""

SEQ_MAX: Final = 2**63 - 1
"""Sequence numbers and times: fits the signed integers of every language and database."""

TEXT_BYTES: Final = 8_192
"""The text of a post, in UTF-8. Always fits a payload, because MessagePack escapes nothing."""

NICK_CHARACTERS: Final = 32
"""A nickname. At most 128 bytes, so that `MEMBERS_PAGE` of them fit a payload."""

MEMBERS_PAGE: Final = 100
"""Members in one answer to `who`: 100 times (18 + 130 + 1 + 9 + 1) bytes is 15,900."""

ROOM_CHARACTERS: Final = 32
"""A room name, like a nickname."""

TOPIC_CHARACTERS: Final = 200
"""A room's topic: at most 800 bytes."""

ROOMS_PAGE: Final = 16
"""Rooms in one answer to `rooms`: 16 times (130 + 9 + 803 + 1) bytes is 15,088."""

LOGS_PAGE: Final = 80
"""Logs in one answer to `logs`: 80 times (18 + 8 + 130 + 9 + 9 + 1) bytes is 14,000."""

REQUESTS_PAGE: Final = 80
"""Requests in one answer to `requests`: 80 times (18 + 18 + 130 + 9 + 1) bytes is 14,080."""

BLOCKS_PAGE: Final = 120
"""Nicknames in one answer to `blocks`: 120 times 130 bytes is 15,600."""

REACTION_BYTES: Final = 64
"""A reaction, in UTF-8; the longest emoji sequences need 35."""

HISTORY_PAGE: Final = 50
"""Records in one answer to `history` or `search`; fewer if they are large."""

WORDS_BYTES: Final = 1_024
"""Size of a search query, in UTF-8."""

SEARCH_WORDS: Final = 64
"""Words in a search, in all of its phrases together."""

SEARCH_PHRASES: Final = 16
"""Phrases in a search. The index is read once for each."""

KEEP_ALIVE: Final = MappingProxyType({"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3})
"""How TCP detects a dead peer (RFC 9293 section 3.8.4): seconds until the first probe, seconds
between probes, and unanswered probes until it gives up."""

ACKS_PAGE: Final = 500
"""Acknowledgements in one `posted`: 500 times (5 + 9 + 9 + 1) bytes is 12,000."""

EDITS: Final = 256
"""Edits of one text. Deleting the text erases all of them in one commit, at 10 to 30 µs each."""

DEVICES: Final = 256
"""Devices in one answer to `devices` (the latest): 256 times (34 + 9 + 1 + 1) bytes is 11,520."""

TOKEN_BYTES: Final = 16
"""The token of an invitation: 128 bits, because nobody types it by hand."""

REASON_CHARACTERS: Final = 200
"""The reason of a kick, ban or mute: at most 800 bytes."""

SLOW_MOST: Final = 86_400
"""Seconds between two posts in slow mode: a day."""


# --- Chosen by each side ---

HELP: Final = "help"
"""Metadata key: what a limit bounds, for ``--help``. Only limits with this key can be set by a
server's operator; the others follow from the protocol, or belong to the client."""
UNLIMITED_AT_0: Final = "unlimited at 0"
"""Metadata key: whether 0 means no limit."""


def _set_by_operator(default: float, help_text: str, *, is_unlimited_at_0: bool = False) -> Any:
    return field(default=default, metadata={HELP: help_text, UNLIMITED_AT_0: is_unlimited_at_0})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that each side chooses for itself. Times are in seconds, sizes in bytes.

    An operator sets them with ``--limit NAME=VALUE`` or in a file (`chat.server.settings`). A
    server has one object that all its parts share; only `become` changes it.
    """

    frames_per_generation: int = 2**20
    """Frames under one key, including the `update` that ends the generation. Fixed by
    docs/protocol.md 5; only tests choose less, and for both sides alike."""
    bytes_per_generation: int = 2**30
    generation_seconds: float = 3_600

    handshake_seconds: float = _set_by_operator(10, "time limit for the handshake")
    """Absolute, from the start of the connection: a trickle of bytes does not extend it."""
    login_seconds: float = _set_by_operator(120, "time limit for logging in")
    """Absolute as well, from the start of the connection; long enough for a person to choose
    another nickname."""
    waiting_per_address: int = _set_by_operator(
        128, "connections per address that have not logged in"
    )
    """Connections per address (per /64 for IPv6) that have not logged in. A handshake takes
    milliseconds, so this leaves room for an office behind one address that reconnects at once.
    Beyond it a new connection replaces the oldest of them."""
    waiting_total: int = _set_by_operator(1_024, "connections in total that have not logged in")
    """The same over all addresses: 1,024 times about 10 KiB is 10 MiB that strangers can hold.
    Beyond it a new connection replaces the oldest of the address that has the most."""
    connections_per_address: int = _set_by_operator(
        256, "connections per address; not counted on loopback"
    )
    """Connections per address (per /64 for IPv6), logged in or not: a large office, with two
    devices each. A new connection replaces one that has not logged in; if all have, it is refused.
    Not counted on loopback addresses and Unix sockets, because a reverse proxy there is
    everybody."""
    connections_total: int = _set_by_operator(10_240, "connections in total")
    """Over all addresses: 10,240 times about 11 KiB is 110 MiB while all of them keep reading. The
    process needs as many open files (``ulimit -n``)."""

    messages_per_second: float = _set_by_operator(
        100, "lines per second from one connection, in the long run", is_unlimited_at_0=True
    )
    """A client that sends faster is throttled; nothing is refused or lost. Some requests cost more
    than one line (`chat.server.requests.table`)."""
    messages_burst: int = _set_by_operator(1_000, "lines from one connection at once")
    """Lines at once, after ten seconds of silence: a pasted text, or a client that resends whatever
    was not acknowledged."""
    bytes_per_second: float = _set_by_operator(
        262_144, "bytes per second from one connection, in the long run", is_unlimited_at_0=True
    )
    """The same in bytes on the wire, without CR LF: 256 KiB."""
    bytes_burst: int = _set_by_operator(2**20, "bytes from one connection at once")
    """Bytes at once: 48 of the longest lines."""

    login_failures_free: int = _set_by_operator(5, "failed logins before the next one has to wait")
    login_wait_first: float = _set_by_operator(
        1, "first wait after failed logins; each further failure doubles it"
    )
    """Seconds; doubles with every further failure, up to `login_wait_last`."""
    login_wait_last: float = _set_by_operator(60, "longest wait after failed logins")
    login_forget_seconds: float = _set_by_operator(300, "time until one failed login is forgotten")
    """Without another failure, one is forgotten after this time; a full back-off within an hour."""
    login_failures_kept: int = _set_by_operator(
        4_096, "addresses, and accounts, whose failures are remembered"
    )
    """The latest addresses, and accounts, with failures; about 300 bytes each, 1.2 MiB a table."""
    login_known_kept: int = _set_by_operator(
        16_384, "accounts whose usual addresses are remembered"
    )
    """The latest accounts whose login addresses are remembered; with one address each, about 700
    bytes, 11 MiB in total."""
    login_known_addresses: int = _set_by_operator(8, "addresses remembered per account")

    rooms_per_account: int = _set_by_operator(100, "rooms that an account may own")
    """Rooms that an account has created. Private conversations do not count."""
    name_days: float = _set_by_operator(
        30, "days for which a given-up nickname is held for its last owner"
    )
    """Nobody else can use it in this time. 0 turns this off."""
    names_per_account: int = _set_by_operator(5, "nicknames held for an account that gave them up")
    """Keeps one account from holding many. Beyond it, the account must take one back, or wait."""
    invitations_per_account: int = _set_by_operator(100, "open invitations to one account")
    """Invitations that an account has not accepted: the server sends all of them at each login."""
    invitations_per_pair: int = _set_by_operator(5, "open invitations from one account to another")
    """Keeps one account from using up the invitations that others may send to somebody."""
    notices_per_room: int = _set_by_operator(
        5, "moderation notices to one account about one room, in a burst"
    )
    """Beyond it, moderation still takes effect, but the account learns of it only from refusals."""
    notices_seconds: float = _set_by_operator(600, "time until one more notice is allowed")
    notices_kept: int = _set_by_operator(
        4_096, "pairs of account and room whose notices are counted"
    )
    """The latest pairs are kept; about 200 bytes each, 0.8 MiB in all."""
    invitations_per_room: int = _set_by_operator(1_000, "open invitations to one room")
    """Invitations of accounts to a room that are not accepted yet. The same number of invitation
    links may be open as well."""
    invitations_by_account: int = _set_by_operator(1_000, "open invitations by one account")
    conversations_per_account: int = _set_by_operator(
        1_000, "private conversations begun by one account"
    )
    """They never end. Those begun by others do not count."""
    tokens_per_account: int = _set_by_operator(100, "open invitation links of one account")
    devices_per_account: int = _set_by_operator(32, "devices of one account")
    bans_per_room: int = _set_by_operator(1_000, "bans and mutes in one room")
    bans_per_server: int = _set_by_operator(
        10_000, "bans and mutes on the whole server, of networks too"
    )
    """Expired ones do not count, here and in a room."""

    accounts_per_hour: int = _set_by_operator(1_000, "new accounts in total, in an hour")
    """A burst of this size, and then one per share of the hour, as for all rates here. An account
    takes about 2 KiB permanently: 46 MiB a day from somebody with many networks."""
    accounts_per_network: int = _set_by_operator(
        100, "new accounts from one network, in a day; not counted on loopback"
    )
    """A network is an address (a /64 for IPv6). Loopback addresses and Unix sockets do not count,
    because a reverse proxy there is everybody. The same holds for all that follow."""
    conversations_per_network: int = _set_by_operator(
        2_000, "new private conversations from one network, in a day"
    )
    rooms_per_network: int = _set_by_operator(500, "new rooms from one network, in a day")
    invitations_per_network: int = _set_by_operator(
        5_000, "invitations of accounts from one network, in a day"
    )
    tokens_per_network: int = _set_by_operator(
        500, "new invitation links from one network, in a day"
    )
    devices_per_network: int = _set_by_operator(500, "new devices from one network, in a day")
    actions_per_account: int = _set_by_operator(
        1_000, "moderation actions of one account, in a day"
    )
    """Bans, mutes, and everything else that adds an entry to the audit log."""
    actions_per_network: int = _set_by_operator(
        5_000, "moderation actions from one network, in a day"
    )
    bans_per_account: int = _set_by_operator(
        500, "new bans and mutes by one account, in a day; of networks too"
    )
    """They count as actions as well, but each stays until it ends or is lifted."""
    bans_per_network: int = _set_by_operator(2_000, "new bans and mutes from one network, in a day")
    reactions_per_message: int = _set_by_operator(
        20, "reactions of one account to one message, in a day"
    )
    reactions_per_account: int = _set_by_operator(5_000, "reactions of one account, in a day")
    reactions_per_network: int = _set_by_operator(50_000, "reactions from one network, in a day")
    quota_keys_kept: int = _set_by_operator(
        4_096, "accounts or networks remembered for each daily limit"
    )
    """The latest ones are remembered; about 250 bytes each, 1 MiB per limit."""

    search_seconds: float = _set_by_operator(1, "time one search may take")
    """Seconds until a search is interrupted. Searches run one at a time, and nothing else waits for
    them."""
    searches_waiting: int = _set_by_operator(64, "searches waiting for their turn")
    """Waiting searches of all accounts together. Beyond it, the network and account with the most
    have one refused."""
    requests_to_account: int = _set_by_operator(
        100, "unanswered requests for a private conversation to one account"
    )
    """Requests to one account, from anybody: 100 rows that cost its logins nothing. Beyond it, a
    new one takes the place of the oldest from the network that has the most, or is refused."""
    request_days: float = _set_by_operator(
        30, "days after which an unanswered request makes room for another"
    )
    requests_by_account: int = _set_by_operator(
        20, "unanswered requests for a private conversation from one account"
    )
    """Requests from one account, to anybody."""
    blocks_per_account: int = _set_by_operator(1_000, "accounts one account may block")

    ping_seconds: float = _set_by_operator(300, "silence before the server pings a client")
    """Silence before a side pings the other. The kernel detects dead peers sooner, with
    `KEEP_ALIVE`, at no cost: pinging 10,000 clients once a minute takes 2 % of a core."""
    silence_seconds: float = _set_by_operator(
        360, "silence before the server considers a client gone"
    )
    answer_seconds: float = 15
    """Silence after a client has sent something before it pings the server."""
    slice_seconds: float = 0.005
    """How long the client works on what has arrived before a face may draw: a third of a frame."""
    latency_seconds: float = 60
    """How old the client's measure of the latency may get before it pings the server along with
    something that it sends anyway."""
    sweep_seconds: float = _set_by_operator(1, "how often the server checks deadlines")
    """How often deadlines are checked: one timer for all connections."""

    close_seconds: float = _set_by_operator(3, "time for a client to close once told to")
    """From the closing line to an abort, because a peer that does not read never closes."""
    shutdown_seconds: float = _set_by_operator(
        2, "time for all clients to close when the server stops"
    )
    """How long a stopping server gives its clients to take the closing line."""
    retry_seconds: int = _set_by_operator(5, "delay before clients of a stopped server reconnect")
    """How long a stopping server tells its clients to wait before they reconnect."""

    batch_bytes: int = _set_by_operator(2**20, "posts waiting for the disk, over all rooms")
    """Drafts waiting for a commit. Beyond it, the server does not read from their senders until a
    commit takes the drafts."""
    catch_up_bytes: int = 131_072
    """Records read from the store at a time for a reader that fell behind. As lines they grow by at
    most half, which fits one run. It is more than a full transport takes, so that pages do not hold
    up a reader that can take more."""
    stall_seconds: float = _set_by_operator(
        60, "time for which a client may take nothing of what it is sent"
    )
    """How long a reader may take nothing before it is dropped as a slow consumer. Whatever its
    kernel has taken counts, so a slow line is not a stall. If a program reads slowly, its kernel
    reports progress only in steps: a packet or, on Linux, a sixteenth of its buffer, whichever is
    more."""
    drain_seconds: float = _set_by_operator(
        1_800, "time for a slow client to take everything that waits for it"
    )
    """How long a slow reader may take to read everything that waits for it, so that a reader of one
    byte a minute cannot hold a buffer forever. At most a run and `unread_bytes` wait, after a third
    of the kernel's buffer (at most 4 MiB, and full before anything waits): 2.3 MB, for which 1.3
    kilobytes per second are enough."""
    unread_bytes: int = _set_by_operator(
        2 * RUN_BYTES + 65_536, "bytes waiting for a client that does not read"
    )
    """Bytes that may be written to a client while its transport is full; beyond it, the connection
    ends. They answer earlier requests, since the server does not read from the client meanwhile: a
    page, the acknowledgements of posts, and whatever `told_bytes` allows."""
    told_bytes: int = _set_by_operator(
        65_536, "bytes of notices waiting for a client that does not read"
    )
    """How much of that may be events, which others can cause without limit: notices, invitations,
    logs opened or closed. Room for about 60 of the longest."""
    disk_warning_bytes: int = _set_by_operator(
        256 * 2**20, "free space on the disk below which the log warns"
    )
    """An hour, at a megabyte of messages a second and four on the disk; weeks, at what people
    say."""
    presence_seconds: float = _set_by_operator(
        5, "time from a lost connection until the user counts as away"
    )
    typing_seconds: float = _set_by_operator(
        3, "time until an account may be shown as writing once more"
    )
    """Seconds until an account may be shown as writing once more. Clients say it every few
    seconds, and others stop showing it after a few."""
    typing_per_account: int = _set_by_operator(
        5, "times an account may be shown as writing at once"
    )
    """The same in a burst, from all connections of an account, in all of its logs."""
    typing_per_room: int = _set_by_operator(
        6, "accounts a room may show as writing in typing_seconds"
    )
    """How often somebody may be shown as writing in one room in `typing_seconds`, and at once:
    nobody reads more names. Two a second for 500 readers are 1 % of a core."""
    typing_kept: int = _set_by_operator(4_096, "accounts and rooms remembered as writing")
    """The latest accounts, and logs, of which that is remembered; about 150 bytes each."""
    seen_seconds: float = _set_by_operator(5, "how often read markers are saved")
    """How often read markers are written; a crash loses the markers of this time."""
    code_seconds: float = _set_by_operator(600, "lifetime of a code for another device")
    recovery_seconds: float = _set_by_operator(
        86_400, "lifetime of a code from the operator for a lost key"
    )
    claim_seconds: float = _set_by_operator(
        86_400, "lifetime of the link that makes somebody the server's owner"
    )
    trim_seconds: float = _set_by_operator(3_600, "how often old records are removed")
    connect_seconds: float = 15
    """How long the client waits for a connection and a complete handshake."""
    unacknowledged_posts: int = 64
    """Posts the client has in flight before it stops reading its input."""

    def become(self, others: "Limits") -> None:
        """Take the values of `others`, for everything that shares this object."""
        for each in fields(self):
            object.__setattr__(self, each.name, getattr(others, each.name))


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Bounds of the terminal client alone. Times in seconds."""

    history: int = 50
    """Past records shown on joining a room for the first time, unless the user sets another
    number."""
    history_most: int = 1_000
    """Most past records a user may ask for: 20 pages, held until the last one has arrived."""
    context: int = 10
    """Records shown to a person who comes back and has missed nothing."""
    held: int = 1_000
    """New records of a log held back for a page of older ones; beyond it, the client stops waiting
    for the page."""
    timeline: int = 5_000
    """Latest messages of a log that the client remembers, unless the user pages back to others."""
    timeline_bytes: int = 4 * 2**20
    """The same in bytes of text: no more than 500 of the longest messages."""
    window: int = 100_000
    """Most messages of a log that the client remembers where the user reads: about 70 MiB. Beyond
    it, those are dropped that are farthest from there; they can be fetched again."""
    window_bytes: int = 32 * 2**20
    """The same in bytes of text."""
    jump: int = 25
    """Records on either side of a place in a log that is jumped to."""
    catch_up: int = 500
    """Most records of a log that a face reads which fetches what it shows, when it comes back."""
    own: int = 1_024
    """The client's own acknowledged sequence numbers above a cursor. At most 64 are in flight; the
    rest is room for a log whose other records arrive much later."""
    invitations: int = 100
    """Invitations remembered, so as not to show them again after each reconnection."""
    requests: int = 100
    """Requests for private conversations remembered, likewise."""
    blocked: int = 10_000
    """Most names the client accepts in a list of blocked accounts."""
    logs: int = 10_000
    """Most logs the client accepts in an account's list."""
    listed: int = 100_000
    """Most members of a room that the client keeps from a list: 100,000 times about 270 bytes is
    27 MB."""
    listed_rooms: int = 10_000
    """Most public rooms that the client keeps from a list; with the longest topics, about 1 KiB
    each."""
    typing_every: int = 4
    """Seconds until the client says once more that the user is writing."""
    typing_shown: int = 8
    """Seconds for which somebody is shown as writing, unless that is repeated."""
    typing_names: int = 20
    """Most people who are shown as writing in a room."""
    reactions: int = 1_000
    """Most accounts whose reactions to one message the client keeps."""
    first_retry: float = 1
    """Delay from a lost connection to the first attempt to reconnect; each further delay is
    `retry_factor` times longer, up to `last_retry`."""
    retry_factor: float = 1.5
    last_retry: float = 30
    retry_after: int = 600
    """The longest delay that the client accepts from a server's `retry_after`."""
    unanswered: float = 60
    """How long the client keeps trying to deliver lines once the input has ended and the connection
    is lost."""
