"""A log as it reads now, found in the plainest way: from its beginning, each time."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import UNSET

from chat.client.core.model import Message
from chat.ids import AccountId
from chat.wire.messages import Body, DeleteBody, EditBody, ReactionBody, TextBody, Unknown

__all__ = ["Line", "read", "shown"]


class Line(NamedTuple):
    """A message, as far as the two have to agree."""

    seq: int
    author: AccountId
    text: str
    is_edited: bool
    reactions: tuple[tuple[str, AccountId], ...]
    reply: tuple[int, str | None] | None
    """Number and text of what it answers."""


def read(records: Mapping[int, Body | Unknown]) -> list[Line]:
    """Return the messages that these records leave, in order; the keys are their numbers."""
    ordered = sorted(records.items())
    gone = {body.seq for _, body in ordered if isinstance(body, DeleteBody)}
    said: dict[int, TextBody] = {}
    texts: dict[int, str] = {}
    edited: set[int] = set()
    for seq, body in ordered:
        if seq in gone:
            continue
        if isinstance(body, TextBody):
            said[seq], texts[seq] = body, body.text
        elif isinstance(body, EditBody) and body.seq in texts:
            texts[body.seq] = body.text
            edited.add(body.seq)
    lines = []
    for seq, body in said.items():
        signs: dict[AccountId, str] = {}
        for _, other in ordered:
            if isinstance(other, ReactionBody) and other.seq == seq:
                signs.pop(other.account, None)
                signs[other.account] = other.reaction
        reactions = tuple((sign, account) for account, sign in signs.items() if sign)
        reply = None if body.reply is UNSET else (body.reply, texts.get(body.reply))
        lines.append(Line(seq, body.account, texts[seq], seq in edited, reactions, reply))
    return lines


def shown(messages: Iterable[Message]) -> list[Line]:
    """Return what a timeline shows, without what was deleted."""
    lines = []
    for it in messages:
        if it.is_deleted:
            assert it.text == "" and it.reactions == () and not it.is_edited
            continue
        reply = None
        if it.reply is not None:
            content = it.reply.content
            reply = it.reply.seq, None if content is None else content.text
        reactions = tuple((reaction.sign, reaction.author.account) for reaction in it.reactions)
        line = Line(it.handle.seq, it.author.account, it.text, it.is_edited, reactions, reply)
        lines.append(line)
    return lines
