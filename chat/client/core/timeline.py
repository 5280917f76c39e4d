"""What was said in one log, as it reads now.

A timeline holds two stretches of its log at most: the *tail*, to which new records come, and the
*window*, which a face shows. They are the same unless one has jumped elsewhere. Both are bounded;
what is dropped is at the far end from where one reads, and can be fetched again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from chat.client.core.entries import Entries
from chat.client.core.model import Handle, Message, MessageState, Refusal
from chat.client.core.segment import Segment
from chat.ids import AccountId, LogId, RecordId
from chat.limits import ClientLimits
from chat.wire.messages import Body, TextBody, Unknown
from chat.wire.records import Delivered

__all__ = ["Timeline"]

_SWEPT: Final = 500
"""What was forgotten and is freed with each page: more than a page brings."""


class Timeline:
    """The messages of a log: the last ones, and those around which one reads.

    `limits` bounds both; records up to `seq` are not new.
    """

    def __init__(
        self, log: LogId, account: AccountId, limits: ClientLimits | None = None, seq: int = 0
    ) -> None:
        self._limits = ClientLimits() if limits is None else limits
        self._entries = Entries(log, account, self._limits)
        self._tail = Segment(seq + 1, is_whole=seq == 0)
        self._window = self._tail
        self._is_growing = False
        """Whether somebody reads older messages of the tail, so that those are not dropped."""
        self._unsent: dict[RecordId, Message] = {}
        """Messages of one's own that wait or were refused, in their order."""

    # --- Looking at it ---

    @property
    def window(self) -> Segment:
        """The stretch of the log that is shown: the end, or another after a jump."""
        return self._window

    @property
    def tail(self) -> Segment:
        """The stretch of the log that new records come to."""
        return self._tail

    @property
    def is_at_end(self) -> bool:
        """Whether the window has the end of the log."""
        return self._window is self._tail

    def __len__(self) -> int:
        """Return how many messages are shown."""
        return len(self._window) + (len(self._unsent) if self.is_at_end else 0)

    def __iter__(self) -> Iterator[Message]:
        """Return the messages of the window in their order; what is not stored comes last."""
        for seq in tuple(self._window.numbers):
            message = self.message(seq)
            if message is not None:
                yield message
        if self.is_at_end:
            yield from list(self._unsent.values())

    def unsent(self) -> Iterator[Message]:
        """Return the messages of one's own that wait or were refused, in their order."""
        return iter(list(self._unsent.values()))

    def message(self, seq: int) -> Message | None:
        """Return the message with this number, if it is known."""
        return self._entries.message(seq)

    def find(self, handle: Handle) -> Message | None:
        """Return the message that a handle names, if it is known."""
        return self._unsent.get(handle.record) or self.message(self.number(handle))

    def number(self, handle: Handle) -> int:
        """Return the number of the message that a handle names; 0 while it has none."""
        return handle.seq or self._entries.number(handle.record)

    def handle(self, seq: int) -> Handle:
        """Return a handle for the number of a message, known or not."""
        return self._entries.handle(seq)

    def last(self, *, is_own: bool) -> Message | None:
        """Return the last message of one's own, or of anybody else; none that was deleted."""
        for unsent in reversed(self._unsent.values()):
            if is_own and unsent.state is not MessageState.REFUSED:
                return unsent
        for seq in reversed(self._tail.numbers):
            message = self.message(seq)
            if message is not None and message.is_own == is_own and not message.is_deleted:
                return message
        return None

    # --- Records ---

    def take(self, seq: int, record: RecordId, body: Body | Unknown) -> None:
        """Note what a new record says or changes. Nothing changes what is yet to be said."""
        if not isinstance(body, TextBody):
            self._entries.change(seq, body)
        elif seq >= self._tail.begin or seq in self._window:
            self._put(seq, record, body)
            if seq >= self._tail.begin:
                self._tail.add(seq)
                self._bound_tail()

    def _put(self, seq: int, record: RecordId, body: TextBody) -> None:
        self._entries.put(seq, record, body)
        self._unsent.pop(record, None)

    # --- Other stretches of the log ---

    def grow(self) -> None:
        """A page of older messages is on its way: keep what it will be joined to."""
        self._is_growing = True

    def extend_back(self, records: Sequence[Delivered], *, more: bool) -> None:
        """Add a page of what is right before the window; without `more`, it begins the log."""
        self._entries.sweep(_SWEPT)
        window = self._window
        window.prepend(self._learn(records, window.begin))
        window.is_whole = not more or not records
        if records:
            window.begin = records[0].seq
        self.grow()
        if self._is_full(window) and self.is_at_end:
            self._leave_tail()
        while self._is_full(window):
            self._entries.forget(window.drop_last(self._fewer(window)))

    def extend_forward(self, records: Sequence[Delivered], *, more: bool) -> None:
        """Add a page of what is right after the window; without `more`, it ends the log."""
        self._entries.sweep(_SWEPT)
        window, tail = self._window, self._tail
        window.numbers += self._learn(records, tail.begin)
        if records:
            window.end = records[-1].seq
        if not more or window.end >= tail.begin - 1:
            self._join(window)
        while self._is_full(window):
            self._entries.forget(window.drop_first(self._fewer(window)))

    def show(self, records: Sequence[Delivered], *, is_whole: bool, more: bool) -> None:
        """Show another stretch of the log: these records, of which there is at least one.

        `is_whole`: it begins the log. Without `more`, it ends the log.
        """
        self.show_end()
        numbers = self._learn(records, self._tail.begin)
        window = Segment(records[0].seq, is_whole=is_whole, numbers=numbers)
        window.end = records[-1].seq
        if not more or window.end >= self._tail.begin - 1:
            self._join(window)
        self._window = window

    def show_end(self) -> None:
        """Show the end of the log, and keep no more than that."""
        self._window = self._tail
        self._is_growing = False
        self._tail.drop_first(self._limits.timeline)
        self._entries.keep(self._tail.numbers)
        self._bound_tail()

    def sweep(self) -> None:
        """Free some of the memory of what was forgotten; to be called from time to time."""
        self._entries.sweep()

    def restart(self, seq: int) -> None:
        """Forget all that is stored: only records after `seq` come from now on."""
        self._entries.keep(())
        self._tail = self._window = Segment(seq + 1, is_whole=seq == 0)
        self._is_growing = False

    def _learn(self, records: Sequence[Delivered], end: int) -> list[int]:
        """Learn a page; return the messages in it that are before `end`."""
        numbers = []
        for record in records:
            if not isinstance(record.body, TextBody):
                self._entries.change(record.seq, record.body)
            elif record.seq < end:
                self._put(record.seq, record.record_id, record.body)
                numbers.append(record.seq)
        return numbers

    def _join(self, window: Segment) -> None:
        """The window has come to the tail: there is only one stretch from now on."""
        window.numbers += self._tail.numbers
        self._tail = window
        self._is_growing = True

    def _bound_tail(self) -> None:
        """Drop the first messages of the tail, or leave them to the window if one reads there."""
        tail, limits = self._tail, self._limits
        if self.is_at_end and self._is_growing:
            if self._is_full(tail):
                self._leave_tail()
            return
        self._entries.forget(tail.drop_first(limits.timeline))
        if self.is_at_end:
            while self._entries.size > limits.timeline_bytes and len(tail) > 1:
                self._entries.forget(tail.drop_first(self._fewer(tail)))

    def _leave_tail(self) -> None:
        """Let the window be what is before the last messages."""
        window = self._window
        self._tail = window.split(min(self._limits.timeline, len(window) // 4))

    def _is_full(self, segment: Segment) -> bool:
        limits = self._limits
        is_large = self._entries.size > limits.window_bytes and len(segment) > 1
        return len(segment) > limits.window or is_large

    def _fewer(self, segment: Segment) -> int:
        """Return how many messages are to be left of a segment that has too many, or too long
        ones."""
        most = self._limits.window
        return most if len(segment) > most else len(segment) * 7 // 8

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
        if len(refused) > self._limits.timeline:
            self.discard(refused[0].handle)
        return message

    def discard(self, handle: Handle) -> None:
        """Forget a message that was refused, or that nobody waits for any more."""
        self._unsent.pop(handle.record, None)
