"""The lines in which the line client shows messages and events. None is made visible yet."""

from collections.abc import Callable, Sequence
from typing import Final

from chat.client.core.address import Address
from chat.client.core.events import (
    HostKeyPinned,
    MemberArrived,
    MemberLeft,
    MemberRanked,
    MemberRenamed,
    MessageArrived,
    MessageDeleted,
    MessageEdited,
    MessageReacted,
    PageItem,
    TopicChanged,
    TrustAsked,
)
from chat.client.core.model import Author, Message, Reply
from chat.client.core.rooms import Room
from chat.client.core.trust import word_lines
from chat.client.visible import isolate, shorten
from chat.content import Content
from chat.rooms.roles import Role

__all__ = [
    "ROLES",
    "Shown",
    "format_event",
    "format_item",
    "format_page",
    "format_pinned",
    "format_prefix",
    "format_question",
    "name_of",
    "number_of",
]

ROLES: Final = {
    Role.OPERATOR: "operator",
    Role.OWNER: "owner of the room",
    Role.HOST: "owner of the server",
}
"""What a role in a room is called."""

Shown = (
    MessageArrived
    | MessageEdited
    | MessageDeleted
    | MessageReacted
    | TopicChanged
    | MemberArrived
    | MemberLeft
    | MemberRanked
    | MemberRenamed
)
"""The events that are shown as a line."""


def format_event(event: Shown) -> str:
    """Return the line for something that happened in a room."""
    nick = isolate(event.author.nick)
    match event:
        case MessageArrived(message=message):
            return _format_message(message)
        case MessageEdited(target=target, before=before, content=content):
            text = _said(event.author, content) if content.is_action else isolate(content.text)
            return f"* {nick} edited {_quote(target, before)}: {text}"
        case MessageDeleted(target=target, before=before):
            return f"* {nick} deleted {_quote(target, before)}"
        case MessageReacted(target=target, sign="", message=message):
            return f"* {nick} took back the reaction to {_quote(target, message)}"
        case MessageReacted(target=target, sign=sign, message=message):
            return f"* {nick} reacted {isolate(sign)} to {_quote(target, message)}"
        case TopicChanged(topic=topic):
            return f"* {nick} set the topic: {isolate(topic)}"
        case MemberArrived():
            return f"* {nick} joined"
        case MemberLeft():
            return f"* {nick} left"
        case MemberRanked(role=Role.MEMBER):
            return f"* {nick} has no special role any more"
        case MemberRanked(role=role):
            return f"* {nick} is now {ROLES[role]}"
        case MemberRenamed(was=was):
            return f"* {isolate(was)} is now known as {nick}"


def format_item(item: PageItem) -> str:
    """Return the line for something in a page of older records."""
    return _format_message(item) if isinstance(item, Message) else format_event(item)


def format_page(
    items: Sequence[PageItem], prefix: Callable[[PageItem], str], *, is_numbered: bool
) -> list[str]:
    """Return the lines of a page. Reactions stand below what they are about.

    `prefix` tells where an item belongs.
    """
    lines = []
    for item in items:
        number = f"#{number_of(item)} " if is_numbered else ""
        lines.append(f"{number}{prefix(item)}{format_item(item)}")
        if isinstance(item, Message) and item.reactions:
            signs = (
                f"{isolate(reaction.sign)} {isolate(reaction.author.nick)}"
                for reaction in item.reactions
            )
            lines.append("    " + ", ".join(signs))
    return lines


def number_of(item: PageItem) -> int:
    """Return the number of the record that an item is."""
    return item.handle.seq if isinstance(item, Message) else item.seq


def _format_message(message: Message) -> str:
    edited = " (edited)" if message.is_edited else ""
    addressee = "" if message.reply is None else _addressee(message.reply)
    return _said(message.author, message.content, addressee) + edited


def _said(author: Author, content: Content, addressee: str = "") -> str:
    """Return who said, or did, what."""
    nick, text = isolate(author.nick), isolate(content.text)
    if content.is_action:
        return f"* {nick}{addressee} {text}"
    return f"{nick}{addressee}: {text}"


def _addressee(reply: Reply) -> str:
    if reply.author is None or reply.content is None:
        return f" (to #{reply.seq})"
    if reply.content.is_action:
        return f" (to {shorten(_said(reply.author, reply.content))})"
    return f" (to {isolate(reply.author.nick)}: {isolate(shorten(reply.content.text))})"


def _quote(seq: int, message: Message | None) -> str:
    """Return the beginning of a message in quotation marks; its number if it is not known."""
    if message is None or message.is_deleted:
        return f"#{seq}"
    if message.content.is_action:
        return shorten(_said(message.author, message.content))
    return isolate(shorten(message.content.text))


def format_prefix(room: Room, *, is_current: bool, is_own: bool) -> str:
    """Return what tells where something was said; nothing in the current room."""
    if is_current:
        return ""
    if not room.is_private:
        return f"[{room.name}] "
    return f"[private to {room.name}] " if is_own else "[private] "


def name_of(room: Room) -> str:
    """Return where something was said, in the middle of a sentence."""
    return f"between you and {room.name}" if room.is_private else f"in {room.name}"


def format_question(asked: TrustAsked) -> list[str]:
    """Return the lines that a person has to read before deciding about a host key."""
    return [
        f"The host key of {asked.address} is new. Its fingerprint is",
        f"    {asked.fingerprint}",
        "or, in words,",
        *word_lines(asked.words),
        "Compare either with what the server's operator says.",
    ]


def format_pinned(pinned: HostKeyPinned) -> str:
    """Return the line about a host key that was pinned."""
    address: Address = pinned.address
    if pinned.is_successor:
        return (
            f"* The host key of {address} was changed by its operator, and the new one "
            f"is signed with the old one: {pinned.fingerprint}"
        )
    return f"* The host key of {address} is new, and pinned from now on: {pinned.fingerprint}"
