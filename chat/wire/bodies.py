"""The bodies of records (docs/protocol.md section 7)."""

from msgspec import UNSET, UnsetType

from chat.content import Content
from chat.ids import AccountId
from chat.wire.fields import Account, Message, Natural, Seq

__all__ = [
    "DeleteBody",
    "EditBody",
    "JoinedBody",
    "LeftBody",
    "ReactionBody",
    "RenamedBody",
    "RoleBody",
    "TextBody",
    "TopicBody",
    "TypingBody",
]


class _Body(Message, frozen=True, tag=lambda name: name.removesuffix("Body").lower()):
    """Base of record bodies: when, and by whom. `time` is in milliseconds since 1970 UTC."""

    time: Natural
    account: Account
    nick: str


class TextBody(_Body, frozen=True):
    """`nick` said `text`, perhaps in reply to the record `reply`."""

    text: str
    reply: Seq | UnsetType = UNSET
    me: bool = False

    @classmethod
    def of(
        cls, time: int, account: AccountId, nick: str, content: Content, reply: int | UnsetType
    ) -> "TextBody":
        """Return the body of a message."""
        return cls(time, account, nick, content.text, reply, content.is_action)

    @property
    def content(self) -> Content:
        """What was said."""
        return Content(self.text, self.me)


class EditBody(_Body, frozen=True):
    """`nick` changed the text of the record `seq`."""

    seq: Seq
    text: str


class DeleteBody(_Body, frozen=True):
    """`nick` removed the record `seq`."""

    seq: Seq


class ReactionBody(_Body, frozen=True):
    """`nick` reacted to the record `seq`; an empty reaction takes an earlier one back."""

    seq: Seq
    reaction: str


class TopicBody(_Body, frozen=True):
    """`nick` set the room's topic."""

    topic: str


class JoinedBody(_Body, frozen=True):
    """`nick` has arrived, perhaps as a new member. Passing."""

    new: bool = False


class LeftBody(_Body, frozen=True):
    """`nick` has left, perhaps for good. Passing."""

    gone: bool = False


class RenamedBody(_Body, frozen=True):
    """`nick` was known as `was`. Passing."""

    was: str


class RoleBody(_Body, frozen=True):
    """`nick` has another role: the word for a `chat.rooms.roles.Role`. Passing."""

    role: str


class TypingBody(_Body, frozen=True):
    """`nick` is writing something. Passing."""
