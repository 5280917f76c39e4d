"""What is known of the messages of one log, by number.

Records may come in any order. The highest number of an edit, or of an account's reaction, counts,
whichever came first, and what was deleted does not come back with an older page.
"""

from bisect import insort
from collections.abc import Iterable

from msgspec import UNSET, Struct

from chat.client.core.model import Author, Handle, Message, Reaction, Reply
from chat.content import Content
from chat.ids import AccountId, LogId, RecordId
from chat.limits import ClientLimits
from chat.wire.messages import Body, DeleteBody, EditBody, ReactionBody, TextBody, Unknown

__all__ = ["Entries"]

_UNKNOWN = RecordId(b"")

_EDITS = 16
"""Edits of a message that are remembered, in case the latest is deleted."""


_LOOSE = 1_000
"""Messages that are not known, of which is remembered what was done to them."""


class _Entry(Struct, gc=False):
    """What is known of a message. What was done to it may be known before the message is.

    Small, and nothing that the garbage collector looks at, because there may be a hundred thousand.
    """

    record: RecordId = _UNKNOWN
    author: Author | None = None
    """None until the message is known."""
    time: int = 0
    text: str = ""
    reply: int = 0
    is_action: bool = False
    is_deleted: bool = False
    edits: list[tuple[int, str]] | None = None
    """Numbers and texts, ascending."""
    reactions: dict[AccountId, tuple[int, Author, str]] | None = None
    """Number, author and sign of each account's latest; the sign is empty once taken back."""

    @property
    def content(self) -> Content:
        """What it says now."""
        return Content(self.edits[-1][1] if self.edits else self.text, self.is_action)

    @property
    def size(self) -> int:
        """About how many bytes its texts take."""
        return _size(self.text) + sum(_size(text) for _, text in self.edits or ())


def _size(text: str) -> int:
    return len(text) if text.isascii() else 4 * len(text)


class Entries:
    """The messages that are known, and what is known of others. Every operation takes O(1)."""

    def __init__(self, log: LogId, account: AccountId, limits: ClientLimits) -> None:
        self._limits = limits
        self._log = log
        self._account = account
        self._entries: dict[int, _Entry] = {}
        self._numbers: dict[RecordId, int] = {}
        """Of the messages in `_entries`."""
        self._loose: dict[int, None] = {}
        """Numbers of entries whose message is not known, in the order they came."""
        self._edited: dict[int, int] = {}
        """Which message each remembered edit is about."""
        self._authors: dict[Author, Author] = {}
        """So that the messages of one person share one name."""
        self.size = 0
        """About how many bytes all texts take."""
        self._gone: list[dict[int, _Entry] | dict[RecordId, int] | dict[int, int]] = []
        """What was forgotten all at once, and is freed in steps."""

    def message(self, seq: int) -> Message | None:
        """Return the message with this number, if it is known."""
        entry = self._entries.get(seq)
        if entry is None or entry.author is None:
            return None
        handle = Handle(self._log, entry.record, seq)
        is_own = entry.author.account == self._account
        if entry.is_deleted:
            return Message(handle, entry.author, entry.time, Content(""), is_own, is_deleted=True)
        reactions = sorted((entry.reactions or {}).values(), key=lambda it: it[0])
        return Message(
            *(handle, entry.author, entry.time, entry.content, is_own),
            self._reply(entry.reply) if entry.reply else None,
            is_edited=bool(entry.edits),
            reactions=tuple(Reaction(author, sign) for _, author, sign in reactions if sign),
        )

    def number(self, record: RecordId) -> int:
        """Return the number of the message with a record id; 0 if there is none."""
        return self._numbers.get(record, 0)

    def handle(self, seq: int) -> Handle:
        """Return a handle for the number of a message, known or not."""
        entry = self._entries.get(seq)
        return Handle(self._log, _UNKNOWN if entry is None else entry.record, seq)

    def _reply(self, seq: int) -> Reply:
        entry = self._entries.get(seq)
        if entry is None or entry.author is None or entry.is_deleted:
            return Reply(seq)
        return Reply(seq, entry.author, entry.content)

    def put(self, seq: int, record: RecordId, body: TextBody) -> None:
        """Keep a message."""
        entry = self._entries.get(seq)
        if entry is None:
            entry = self._entries[seq] = _Entry()
        elif entry.author is not None:
            return
        self._loose.pop(seq, None)
        entry.record, entry.author = record, self._author(body.account, body.nick)
        entry.time, entry.is_action = body.time, body.me
        entry.reply = 0 if body.reply is UNSET else body.reply
        if not entry.is_deleted:
            entry.text = body.text
            self.size += _size(body.text)
        self._numbers[record] = seq

    def change(self, seq: int, body: Body | Unknown) -> None:
        """Note what a record changes in a message, known or not, but for what is yet to be said."""
        match body:
            case EditBody() | DeleteBody() | ReactionBody() if body.seq >= seq:
                return
            case EditBody(seq=target, text=text):
                self._edit(target, seq, text)
            case DeleteBody(seq=target):
                self._delete(target)
            case ReactionBody(seq=target, reaction=sign):
                self._react(target, seq, self._author(body.account, body.nick), sign)
        while len(self._loose) > _LOOSE or (self._loose and self.size > self._limits.window_bytes):
            self.forget([next(iter(self._loose))])

    def _edit(self, target: int, seq: int, text: str) -> None:
        gone = self._entries.get(seq)
        if seq in self._edited or (gone is not None and gone.is_deleted):
            return
        entry = self._entry(target)
        self.size -= entry.size
        if entry.edits is None:
            entry.edits = []
        insort(entry.edits, (seq, text))
        self._edited[seq] = target
        for number, _ in entry.edits[:-_EDITS]:
            del self._edited[number]
        del entry.edits[:-_EDITS]
        self.size += entry.size

    def _delete(self, target: int) -> None:
        edited = self._entries.get(self._edited.pop(target, 0))
        if edited is not None and edited.edits is not None:  # The text before it holds again.
            self.size -= edited.size
            edited.edits = [edit for edit in edited.edits if edit[0] != target]
            self.size += edited.size
        entry = self._entry(target)
        self.size -= entry.size
        for number, _ in entry.edits or ():
            self._edited.pop(number, None)
        entry.is_deleted, entry.text = True, ""
        entry.edits = entry.reactions = None

    def _react(self, target: int, seq: int, author: Author, sign: str) -> None:
        entry = self._entry(target)
        if entry.reactions is None:
            entry.reactions = {}
        known = entry.reactions.get(author.account)
        if known is None and len(entry.reactions) >= self._limits.reactions:
            return
        if known is None or known[0] < seq:
            entry.reactions[author.account] = seq, author, sign

    def _entry(self, seq: int) -> _Entry:
        entry = self._entries.get(seq)
        if entry is None:
            entry = self._entries[seq] = _Entry()
            self._loose[seq] = None
        return entry

    def _author(self, account: AccountId, nick: str) -> Author:
        author = Author(account, nick)
        if len(self._authors) >= self._limits.listed:
            self._authors.clear()
        return self._authors.setdefault(author, author)

    def keep(self, numbers: Iterable[int]) -> None:
        """Forget all messages but these: at once, however many there are; `sweep` frees them."""
        before = self._entries
        self._gone += (before, self._numbers, self._edited)
        kept = {seq: before[seq] for seq in (*numbers, *self._loose)}
        self._entries = kept
        self._numbers = {it.record: seq for seq, it in kept.items() if it.author is not None}
        self._edited = {number: seq for seq, it in kept.items() for number, _ in it.edits or ()}
        self.size = sum(entry.size for entry in kept.values())

    def sweep(self, most: int = 5_000) -> None:
        """Free some of what was forgotten: 5,000 in a few milliseconds."""
        while self._gone and most > 0:
            gone = self._gone[-1]
            for _ in range(min(most, len(gone))):
                gone.popitem()
                most -= 1
            if not gone:
                self._gone.pop()

    def forget(self, numbers: Iterable[int]) -> None:
        """Forget messages."""
        for seq in numbers:
            entry = self._entries.pop(seq, None)
            if entry is None:
                continue
            self._loose.pop(seq, None)
            self._numbers.pop(entry.record, None)
            self.size -= entry.size
            for number, _ in entry.edits or ():
                self._edited.pop(number, None)
