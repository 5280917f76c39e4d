"""What was said in one log, as it reads now.

Records may come in any order: live, behind a lost connection, or in a page of older ones. The
highest number of an edit, or of an account's reaction, counts, whichever came first, and what was
deleted does not come back with an older page.
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from msgspec import UNSET
from msgspec.structs import replace as replace_fields

from chat.client.core.model import (
    Author,
    Handle,
    Message,
    MessageState,
    Reaction,
    Refusal,
    Reply,
)
from chat.content import Content
from chat.ids import AccountId, LogId, RecordId
from chat.wire.messages import Body, DeleteBody, EditBody, ReactionBody, TextBody, Unknown

__all__ = ["Timeline"]

_UNKNOWN = RecordId(b"")

_EDITS = 16
"""Edits of a message that are remembered, in case the latest is deleted."""


@dataclass(slots=True)
class _Entry:
    """What is known of a message. What was done to it may be known before the message is."""

    record: RecordId = _UNKNOWN
    body: TextBody | None = None
    edits: list[tuple[int, str]] = field(default_factory=list)
    """Numbers and texts, ascending."""
    is_deleted: bool = False
    reactions: dict[AccountId, tuple[int, str, str]] = field(default_factory=dict)
    """Number, nickname and sign of each account's latest; the sign is empty once taken back."""


class Timeline:
    """The last messages of a log, at most `limit` and those that were paged back to."""

    def __init__(self, log: LogId, account: AccountId, limit: int, reactions: int = 1_000) -> None:
        self._reactions = reactions
        self._log = log
        self._account = account
        self._limit = limit
        self._entries: dict[int, _Entry] = {}
        self._order: list[int] = []
        """The keys of `_entries`, ascending."""
        self._numbers: dict[RecordId, int] = {}
        """Of the messages in `_entries`."""
        self._unsent: dict[RecordId, Message] = {}
        """Messages of one's own that wait or were refused, in their order."""

    # --- Looking at it ---

    def __iter__(self) -> Iterator[Message]:
        """Return all messages in their order; what is not stored comes last."""
        for seq in list(self._order):
            message = self.message(seq)
            if message is not None:
                yield message
        yield from list(self._unsent.values())

    def __reversed__(self) -> Iterator[Message]:
        """Return the same from the end."""
        yield from reversed(list(self._unsent.values()))
        for seq in reversed(list(self._order)):
            message = self.message(seq)
            if message is not None:
                yield message

    def message(self, seq: int) -> Message | None:
        """Return the message with this number, if it is known."""
        entry = self._entries.get(seq)
        if entry is None or entry.body is None:
            return None
        body = entry.body
        author = Author(body.account, body.nick)
        handle = Handle(self._log, entry.record, seq)
        is_own = body.account == self._account
        if entry.is_deleted:
            return Message(handle, author, body.time, Content(""), is_own, is_deleted=True)
        content = body.content
        if entry.edits:
            content = replace(content, text=entry.edits[-1][1])
        reply = None if body.reply is UNSET else self._reply(body.reply)
        return Message(
            *(handle, author, body.time, content, is_own, reply),
            is_edited=bool(entry.edits),
            reactions=tuple(
                Reaction(Author(account, nick), sign)
                for account, (_, nick, sign) in sorted(
                    entry.reactions.items(), key=lambda item: item[1][0]
                )
                if sign
            ),
        )

    def find(self, handle: Handle) -> Message | None:
        """Return the message that a handle names, if it is known."""
        return self._unsent.get(handle.record) or self.message(self.number(handle))

    def number(self, handle: Handle) -> int:
        """Return the number of the message that a handle names; 0 while it has none."""
        return handle.seq or self._numbers.get(handle.record, 0)

    def handle(self, seq: int) -> Handle:
        """Return a handle for the number of a message, known or not."""
        entry = self._entries.get(seq)
        return Handle(self._log, _UNKNOWN if entry is None else entry.record, seq)

    def last(self, *, is_own: bool) -> Message | None:
        """Return the last message of one's own, or of anybody else; none that was deleted."""
        for message in reversed(self):
            is_there = not message.is_deleted and message.state is not MessageState.REFUSED
            if message.is_own == is_own and is_there:
                return message
        return None

    def _reply(self, seq: int) -> Reply:
        entry = self._entries.get(seq)
        if entry is None or entry.body is None or entry.is_deleted:
            return Reply(seq)
        body = entry.body
        text = entry.edits[-1][1] if entry.edits else body.text
        return Reply(seq, Author(body.account, body.nick), replace(body.content, text=text))

    # --- Records ---

    def take(self, seq: int, record: RecordId, body: Body | Unknown) -> None:
        """Note what the record `seq` says or changes. Nothing changes what is yet to be said."""
        match body:
            case EditBody() | DeleteBody() | ReactionBody() if body.seq >= seq:
                return
            case TextBody():
                entry = self._entry(seq)
                entry.record = record
                entry.body = replace_fields(body, text="") if entry.is_deleted else body
                self._numbers[record] = seq
                self._unsent.pop(record, None)
            case EditBody(seq=target, text=text):
                edits = self._entry(target).edits
                is_deleted = seq in self._entries and self._entries[seq].is_deleted
                if not is_deleted and all(number != seq for number, _ in edits):
                    insort(edits, (seq, text))
                    del edits[:-_EDITS]
            case DeleteBody(seq=target):
                self._delete(target)
            case ReactionBody(account=account, nick=nick, seq=target, reaction=sign):
                reactions = self._entry(target).reactions
                is_known = account in reactions
                if not is_known and len(reactions) >= self._reactions:
                    return
                if not is_known or reactions[account][0] < seq:
                    reactions[account] = seq, nick, sign
        self._forget_oldest()

    def grow(self, count: int) -> None:
        """Make room for a page of older records, which the user asked for."""
        self._limit += count

    def _delete(self, target: int) -> None:
        entry = self._entry(target)
        if entry.body is None:  # Perhaps it is an edit: then the text before it holds again.
            for edited in self._entries.values():
                edited.edits = [edit for edit in edited.edits if edit[0] != target]
        entry.is_deleted = True
        entry.edits.clear()
        entry.reactions.clear()
        if entry.body is not None:
            entry.body = replace_fields(entry.body, text="")

    def _entry(self, seq: int) -> _Entry:
        entry = self._entries.get(seq)
        if entry is None:
            entry = self._entries[seq] = _Entry()
            insort(self._order, seq)
        return entry

    def _forget_oldest(self) -> None:
        while len(self._order) > self._limit:
            entry = self._entries.pop(self._order.pop(0))
            self._numbers.pop(entry.record, None)

    # --- Messages of one's own that are not stored ---

    def wait(self, message: Message) -> None:
        """Add a message that is on its way."""
        self._unsent[message.handle.record] = message

    def refuse(self, record: RecordId, refusal: Refusal) -> Message | None:
        """Note that a message will not be stored. Return what it is now."""
        message = self._unsent.get(record)
        if message is None:
            return None
        message = replace(message, state=MessageState.REFUSED, refusal=refusal)
        self._unsent[record] = message
        refused = [it for it in self._unsent.values() if it.state is MessageState.REFUSED]
        if len(refused) > self._limit:
            self.discard(refused[0].handle)
        return message

    def discard(self, handle: Handle) -> None:
        """Forget a message that was refused, or that nobody waits for any more."""
        self._unsent.pop(handle.record, None)
