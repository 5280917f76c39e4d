"""From records to what a face shows: new ones to events, pages and hits to messages."""

from collections.abc import Sequence
from dataclasses import replace

from chat.client.core.events import (
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
    TypingChanged,
)
from chat.client.core.model import Author, Message
from chat.client.core.outbox import Outbox
from chat.client.core.rooms import Room
from chat.client.core.session import Session
from chat.client.core.timeline import Timeline
from chat.content import Content
from chat.rooms.roles import role_called
from chat.wire.messages import (
    DeleteBody,
    EditBody,
    JoinedBody,
    LeftBody,
    ReactionBody,
    RenamedBody,
    RoleBody,
    TextBody,
    TopicBody,
    TypingBody,
    Unknown,
)
from chat.wire.records import Delivered

__all__ = ["Records", "read_found", "read_page"]


class Records:
    """Takes new records."""

    def __init__(self, session: Session, outbox: Outbox) -> None:
        self._session = session
        self._outbox = outbox

    def take(self, delivered: Delivered) -> None:
        """Take a record; nothing follows where it came before, or is one's own."""
        room = self._session.rooms.get(delivered.log)
        if room is None or not room.advance(delivered):
            return
        if not self._outbox.recognise(room, delivered):
            self._tell(room, delivered)

    def _tell(self, room: Room, delivered: Delivered) -> None:
        body, seq, timeline = delivered.body, delivered.seq, room.timeline
        if isinstance(body, Unknown):
            return
        author = Author(body.account, body.nick)
        emit = self._session.emit
        if isinstance(body, TypingBody):
            is_own = body.account == self._session.account.account
            if not is_own and room.writers.note(author):
                emit(TypingChanged(room))
            return
        if isinstance(body, TextBody | EditBody | LeftBody) and room.writers.stop(body.account):
            emit(TypingChanged(room))
        match body:
            case TextBody() if seq:
                timeline.take(seq, delivered.record_id, body)
                # One that comes late may be too old for the timeline; it is shown all the same.
                message = timeline.message(seq) or _alone(self._session, delivered)
                if message is not None:
                    room.count(message, self._session.account.nick)
                    emit(MessageArrived(room, seq, author, message))
            case EditBody(seq=target, text=text):
                before = timeline.message(target)
                timeline.take(seq, delivered.record_id, body)
                content = _edited(before, text)
                emit(MessageEdited(room, seq, author, target, content, before))
            case DeleteBody(seq=target):
                before = timeline.message(target)
                room.uncount(target)
                timeline.take(seq, delivered.record_id, body)
                emit(MessageDeleted(room, seq, author, target, before))
            case ReactionBody(seq=target, reaction=sign):
                timeline.take(seq, delivered.record_id, body)
                message = timeline.message(target)
                emit(MessageReacted(room, seq, author, target, sign, message))
            case TopicBody(topic=topic):
                room.topic = topic
                emit(TopicChanged(room, seq, author, topic))
            case JoinedBody():
                room.note_member(body)
                emit(MemberArrived(room, seq, author))
            case LeftBody():
                room.note_member(body)
                emit(MemberLeft(room, seq, author))
            case RoleBody(role=role):
                room.note_member(body)
                emit(MemberRanked(room, seq, author, role_called(role)))
            case RenamedBody(was=was):
                self._rename(room, author, was)
                room.note_member(body)
                emit(MemberRenamed(room, seq, author, was))

    def _rename(self, room: Room, author: Author, was: str) -> None:
        account = self._session.account
        if author.account == account.account:
            self._session.account = replace(account, nick=author.nick)
        elif room.is_private:
            room.name = author.nick


def _edited(before: Message | None, text: str) -> Content:
    """Return what an edit makes of a message."""
    return Content(text) if before is None else replace(before.content, text=text)


def read_page(room: Room, records: Sequence[Delivered]) -> tuple[PageItem, ...]:
    """Return what a page of one log shows, which the timeline has learnt.

    Edits and deletions in the page, and newer ones that are known, are applied: what is deleted is
    left out, and an edit stands for itself only where its message is not in the page.
    """
    timeline = room.timeline
    said = {record.seq for record in records if isinstance(record.body, TextBody)}
    items: list[PageItem] = []
    for record in records:
        match record.body:
            case TextBody():
                message = timeline.message(record.seq)
                if message is not None and not message.is_deleted:
                    items.append(message)
            case EditBody(seq=target) if target in said:
                pass
            case body:
                item = _page_item(room, record, body)
                if item is not None:
                    items.append(item)
    return tuple(items)


def _page_item(room: Room, record: Delivered, body: object) -> PageItem | None:
    match body:
        case EditBody(account=account, nick=nick, seq=target, text=text):
            author = Author(account, nick)
            return MessageEdited(room, record.seq, author, target, Content(text), None)
        case TopicBody(account=account, nick=nick, topic=topic):
            return TopicChanged(room, record.seq, Author(account, nick), topic)
        case _:
            return None


def _alone(session: Session, record: Delivered) -> Message | None:
    """Return a message without those around it, which the room's timeline does not have."""
    alone = Timeline(record.log, session.account.account, session.limits)
    alone.take(record.seq, record.record_id, record.body)
    return alone.message(record.seq)


def read_found(session: Session, records: list[Delivered]) -> tuple[tuple[Room, PageItem], ...]:
    """Return what a search found, of the logs that are read still."""
    found: list[tuple[Room, PageItem]] = []
    for record in records:
        room = session.rooms.get(record.log)
        if room is None:
            continue  # Left while it was searched.
        item: PageItem | None
        if isinstance(record.body, TextBody):
            item = _alone(session, record)
        else:
            item = _page_item(room, record, record.body)
        if item is not None:
            found.append((room, item))
    return tuple(found)
