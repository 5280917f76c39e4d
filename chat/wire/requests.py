"""Requests from client to server (docs/protocol.md section 6.1)."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chat.content import Content
from chat.ids import LogId, MessageId
from chat.limits import HISTORY_PAGE
from chat.wire.fields import (
    Device,
    Log,
    Message,
    MessageName,
    Natural,
    RequestId,
    Seconds,
    Seq,
    Signature,
    TokenValue,
)

__all__ = [
    "Accept",
    "Block",
    "Blocks",
    "Code",
    "Contact",
    "Decline",
    "Delete",
    "Devices",
    "Edit",
    "History",
    "Invite",
    "Join",
    "Leave",
    "Login",
    "Logs",
    "Moderate",
    "Nick",
    "Post",
    "Posting",
    "Private",
    "React",
    "Read",
    "Request",
    "Requests",
    "Revoke",
    "Rooms",
    "Search",
    "Seen",
    "Slow",
    "Token",
    "Topic",
    "Typing",
    "Unblock",
    "Who",
]


class Request(Message, frozen=True):
    """From client to server; gets exactly one answer with the same `id`."""

    id: RequestId


class Login(Request, frozen=True):
    """Log in to the account that `key` belongs to, or create one known as `nick`.

    With a `code`, add `key` to the account known as `nick`. A new account may need a `token` or a
    `password`.
    """

    nick: str
    key: Device
    signature: Signature
    code: str | UnsetType = UNSET
    token: TokenValue | UnsetType = UNSET
    password: str | UnsetType = UNSET


class Code(Request, frozen=True):
    """Make a code that adds another device to this account."""


class Devices(Request, frozen=True):
    """List the keys of this account."""


class Revoke(Request, frozen=True):
    """Remove a key from this account."""

    key: Device


class Nick(Request, frozen=True):
    """Change this account's nickname to `nick`."""

    nick: str


class Logs(Request, frozen=True):
    """List the logs this account is a member of, starting after the id `after`."""

    after: Log | UnsetType = UNSET


class Rooms(Request, frozen=True):
    """List public rooms, starting after the name `after`."""

    after: str | UnsetType = UNSET


class Join(Request, frozen=True):
    """Become a member of `room`; `create` it, "public" or "invite", if it does not exist.

    If it has to be `new`, an existing room is not joined.
    """

    room: str
    create: str | UnsetType = UNSET
    new: bool = False


class Private(Request, frozen=True):
    """Open the private conversation with `nick`. If `log` is given, only if it is that one."""

    nick: str
    log: Log | UnsetType = UNSET


class Requests(Request, frozen=True):
    """List the private conversations that others have requested, starting after the id `after`."""

    after: Log | UnsetType = UNSET


class Accept(Request, frozen=True):
    """Become a member of a private conversation that somebody requested."""

    log: Log


class Decline(Request, frozen=True):
    """Decline a private conversation that somebody requested."""

    log: Log


class Block(Request, frozen=True):
    """Block `nick`."""

    nick: str


class Unblock(Request, frozen=True):
    """Lift a block."""

    nick: str


class Blocks(Request, frozen=True):
    """List blocked accounts, starting after the nickname `after`."""

    after: str | UnsetType = UNSET


class Contact(Request, frozen=True):
    """Choose `who` may send requests and invitations; without it, ask for the current choice.

    `who` is a value of `chat.rooms.values.Contact`.
    """

    who: str | UnsetType = UNSET


class Read(Request, frozen=True):
    """Read a log that this account is a member of, starting after the record `after`."""

    log: Log
    after: Natural


class Leave(Request, frozen=True):
    """Give up membership of a room or a private conversation."""

    log: Log


class Who(Request, frozen=True):
    """List members, starting after the nickname `after`."""

    log: Log
    after: str | UnsetType = UNSET


class Topic(Request, frozen=True):
    """Set a room's topic."""

    log: Log
    topic: str


class Invite(Request, frozen=True):
    """Let `nick` join a room that is not public."""

    log: Log
    nick: str


class Moderate(Request, frozen=True):
    """Act on `nick`, in a room or, without `log`, on the server.

    `action` is a value of `chat.rooms.roles.Action`; `seconds` is how long it lasts, forever if
    left out or 0. A ban from the server with `network` also bans the addresses that `nick` is
    connected from; with `force`, even if others use them.
    """

    action: str
    nick: str
    log: Log | UnsetType = UNSET
    seconds: Seconds | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    network: bool = False
    force: bool = False


class Slow(Request, frozen=True):
    """Make everybody but operators wait `seconds` between two posts in a room."""

    log: Log
    seconds: Seconds


class Token(Request, frozen=True):
    """Make an invitation link for anybody: to the server or, with `log`, to a room as well.

    It can be used `uses` times, within `seconds`.
    """

    uses: Seq
    seconds: Seconds
    log: Log | UnsetType = UNSET


class Posting(Request, frozen=True):
    """Base of requests that add a record. `message` identifies repetitions."""

    log: Log
    message: MessageName


class Post(Posting, frozen=True):
    """Post `text`, perhaps in reply to the record `reply`."""

    text: str
    reply: Seq | UnsetType = UNSET
    me: bool = False

    @classmethod
    def of(
        cls, number: int, log: LogId, message: MessageId, content: Content, reply: int | UnsetType
    ) -> "Post":
        """Return the request to post a message, with `number` as its id."""
        return cls(number, log, message, content.text, reply, content.is_action)

    @property
    def content(self) -> Content:
        """The content of the post."""
        return Content(self.text, self.me)


class Edit(Posting, frozen=True):
    """Replace the text of the account's own record `seq`."""

    seq: Seq
    text: str


class Delete(Posting, frozen=True):
    """Remove the account's own record `seq` permanently."""

    seq: Seq


class React(Posting, frozen=True):
    """React to the record `seq`; an empty reaction takes an earlier one back."""

    seq: Seq
    reaction: str


class History(Request, frozen=True):
    """Return at most `limit` records: the last below `before`, or of all; or the first above
    `after`, or not older than `time`, in milliseconds since 1970 UTC."""

    log: Log
    limit: Annotated[int, Meta(ge=1, le=HISTORY_PAGE)]
    before: Seq | UnsetType = UNSET
    after: Natural | UnsetType = UNSET
    time: Natural | UnsetType = UNSET


class Search(Request, frozen=True):
    """Return the latest records that contain all of `words`, in all logs of this account."""

    words: str


class Seen(Message, frozen=True):
    """The user has seen everything up to `seq`. No answer."""

    log: Log
    seq: Natural


class Typing(Message, frozen=True):
    """The user is writing something for `log`. No answer."""

    log: Log
