"""Answers and events from a server (docs/protocol.md sections 6.2 and 6.3)."""

from msgspec import UNSET, UnsetType

from chat.wire.fields import (
    Account,
    Device,
    Epoch,
    Key,
    Log,
    Message,
    Natural,
    RequestId,
    Seconds,
    TokenValue,
)

__all__ = [
    "BlockList",
    "CodeIssued",
    "ContactChosen",
    "DeviceList",
    "Invited",
    "Joined",
    "Keys",
    "LogList",
    "Members",
    "Notice",
    "Ok",
    "Opened",
    "Page",
    "Posted",
    "Refused",
    "Removed",
    "RequestList",
    "Requested",
    "RoomList",
    "SeenElsewhere",
    "TokenIssued",
    "Welcome",
]


class Ok(Message, frozen=True):
    """Done."""

    id: RequestId


class Refused(Message, frozen=True):
    """Not done. `text` is a sentence for the user; `log` is the log that is already being read."""

    id: RequestId
    code: str
    text: str
    log: Log | UnsetType = UNSET


class Welcome(Message, frozen=True):
    """Logged in. `time` in milliseconds of UTC; the rest as docs/protocol.md 6.2 says."""

    id: RequestId
    account: Account
    nick: str
    server: str
    time: Natural
    keeps: str
    limits: dict[str, Natural]
    features: list[str]
    requests: Natural = 0
    """Number of requests that await an answer."""


class LogList(Message, frozen=True, tag="logs"):
    """A page of logs: (id, kind, name, last sequence number, last sequence number seen)."""

    id: RequestId
    logs: list[tuple[Log, str, str, Natural, Natural]]
    more: bool


class RoomList(Message, frozen=True, tag="rooms"):
    """A page of public rooms: (name, members, topic)."""

    id: RequestId
    rooms: list[tuple[str, Natural, str]]
    more: bool


class Opened(Message, frozen=True):
    """This connection reads `log` from now on: records after `seq` follow.

    An event: another device of the account joined, or somebody opened a private conversation.
    """

    log: Log
    kind: str
    room: str
    seq: Natural
    tail: Natural
    members: Natural
    topic: str


class Joined(Opened, frozen=True):
    """The same as the answer to `join`, `private` and `read`."""

    id: RequestId


class Removed(Message, frozen=True):
    """The account is no longer a member of `log`; `text` is a sentence for the user."""

    log: Log
    text: str


class Invited(Message, frozen=True):
    """The account may join `room`."""

    room: str
    by: str


class Requested(Message, frozen=True):
    """Somebody requests a private conversation. An event."""

    log: Log
    account: Account
    nick: str


class RequestList(Message, frozen=True, tag="requests"):
    """A page of requests: (id of the conversation, account, nickname, time of the request)."""

    id: RequestId
    requests: list[tuple[Log, Account, str, Natural]]
    more: bool


class BlockList(Message, frozen=True, tag="blocks"):
    """A page of blocked accounts, by nickname."""

    id: RequestId
    nicks: list[str]
    more: bool


class ContactChosen(Message, frozen=True, tag="contact"):
    """Who may send the account requests and invitations."""

    id: RequestId
    who: str


class Members(Message, frozen=True):
    """A page of members: (account, nickname, whether connected, role).

    The role is the word for a `chat.rooms.roles.Role`.
    """

    id: RequestId
    log: Log
    members: list[tuple[Account, str, bool, str]]
    more: bool


class Posted(Message, frozen=True):
    """Answers to several posts: (id, sequence number, time).

    This connection has been sent everything in `log` up to `seq`.
    """

    log: Log
    seq: Natural
    acks: list[tuple[RequestId, Natural, Natural]]


class Page(Message, frozen=True):
    """The next `count` records, one run, are the answer; `more` says whether any were left out."""

    id: RequestId
    count: Natural
    more: bool


class SeenElsewhere(Message, frozen=True, tag="seen"):
    """The user has seen everything in `log` up to `seq`, on another device. An event."""

    log: Log
    seq: Natural


class Keys(Message, frozen=True):
    """An epoch's key, before the first record that needs it."""

    log: Log
    epoch: Epoch
    key: Key


class CodeIssued(Message, frozen=True, tag="code"):
    """A code with which another device logs in, once, within `seconds`."""

    id: RequestId
    code: str
    seconds: Seconds


class DeviceList(Message, frozen=True, tag="devices"):
    """The keys of the account: (key, when it was added, whether it is connected)."""

    id: RequestId
    devices: list[tuple[Device, Natural, bool]]


class TokenIssued(Message, frozen=True, tag="token"):
    """The token for an invitation link."""

    id: RequestId
    token: TokenValue


class Notice(Message, frozen=True):
    """A sentence for the user. An event."""

    text: str
