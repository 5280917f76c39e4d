"""What the log of one room shows, row after row: what was said, and lines of the client's own.

A row is a key. That of a message is its number, so a message costs twelve bytes here, and the
room's timeline has the rest; what nobody said has a key below zero. Heights are guessed until a row
was drawn, so that only what is on the screen is ever laid out.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from chat.client.core.model import Handle, Message
from chat.client.core.rooms import Room
from chat.client.look import NameHues
from chat.client.tui.heights import Heights
from chat.client.tui.rows import Note, Presence, Row, Unsent, measures, text_of
from chat.ids import RecordId
from chat.limits import SEQ_MAX

__all__ = ["Document"]

_NOTES: Final = 500
"""Rows that nobody said which are kept in a room."""

_LOOKED_AT: Final = 5_000
"""Messages whose lengths are looked at before they are seen; of more, the heights are guessed."""
_USUAL_SIZE: Final = 60
"""Characters of a message, as far as one can guess."""


class Document:
    """The rows of one room. `version` goes up with every change."""

    def __init__(self, room: Room, width: int = 80) -> None:
        self.room = room
        self.version = 0
        self.marker: int | None = None
        """Behind the message with this number the user left off; None where nothing was new."""
        self.new = 0
        """How many messages were new then."""
        self.changed: set[int] = set()
        """Keys of rows that do not look any more as they did; whoever draws them clears it."""
        self.requoted: set[int] = set()
        """Numbers of messages that read otherwise now; likewise."""
        self.became: dict[int, int] = {}
        """Keys of messages that were stored since, and their numbers; likewise."""
        self.hues = NameHues()
        """Which colours the names have that were drawn."""
        self._width = max(1, width)
        self._keys = array("q")
        self._sizes = array("H")
        """Characters of each row, at most 65,535."""
        self._breaks = array("B")
        """Line breaks of each row, at most 255."""
        self.heights = Heights()
        self._others: dict[int, Note | Presence | Unsent] = {}
        self._behind: dict[int, int] = {}
        """The number of the message that each note stands behind; 0 if it is before all."""
        self._unsent: dict[RecordId, int] = {}
        self._last_other = 0
        self.rebuild()

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._keys)

    # --- Looking at it ---

    def key(self, index: int) -> int:
        """Return the key of a row."""
        return self._keys[index]

    def row(self, index: int) -> Row | None:
        """Return what a row shows; None if that is not known any more."""
        key = self._keys[index]
        if key > 0:
            return self.room.timeline.message(key)
        other = self._others.get(key)
        if isinstance(other, Unsent):
            return self._not_stored(other)
        return other

    def message(self, key: int) -> Message | None:
        """Return the message with a key, if that is one."""
        if key > 0:
            return self.room.timeline.message(key)
        other = self._others.get(key)
        return self._not_stored(other) if isinstance(other, Unsent) else None

    def _not_stored(self, unsent: Unsent) -> Message | None:
        return self.room.timeline.find(Handle(self.room.log, unsent.record, 0))

    def index(self, key: int) -> int | None:
        """Return which row has a key."""
        if key > 0:
            at = self._place(key)
            return at if at < len(self._keys) and self._keys[at] == key else None
        for at in range(len(self._keys) - 1, -1, -1):
            if self._keys[at] == key:
                return at
        return None

    def key_of(self, record: RecordId) -> int | None:
        """Return the key of a message that is not stored."""
        return self._unsent.get(record)

    def messages_before(self, index: int) -> Iterator[int]:
        """Return the rows above one that are messages, upwards."""
        return (at for at in range(index - 1, -1, -1) if self._is_message(at))

    def messages_after(self, index: int) -> Iterator[int]:
        """Return the rows below one that are messages, downwards."""
        return (at for at in range(index + 1, len(self._keys)) if self._is_message(at))

    def first_new(self) -> int | None:
        """Return the row of the first message behind the marker."""
        if self.marker is None:
            return None
        at = self._place(self.marker + 1)
        return at if at < len(self._keys) else None

    def near(self, time: int) -> int | None:
        """Return the row of the first message that is not older than `time` (milliseconds)."""
        low, high = 0, len(self._keys)
        while low < high:
            middle = at = (low + high) // 2
            while at < high and (self._keys[at] < 0 or self.message(self._keys[at]) is None):
                at += 1
            message = self.message(self._keys[at]) if at < high else None
            if message is None or message.time >= time:
                high = middle
            else:
                low = at + 1
        return low if low < len(self._keys) else None

    def shown_new(self) -> int:
        """Return how many messages of others behind the marker are rows."""
        if self.marker is None:
            return 0
        at = self._place(self.marker + 1)
        return sum(key > 0 for key in self._keys[at:])

    def _is_message(self, at: int) -> bool:
        key = self._keys[at]
        return key > 0 or isinstance(self._others.get(key), Unsent)

    # --- Changing it ---

    def rebuild(self) -> None:
        """Show what the timeline shows now, with the notes that belong there."""
        timeline, notes = self.room.timeline, self._notes()
        self.became.clear()
        self._unsent.clear()
        self._others = {key: self._others[key] for key in notes}
        numbers = timeline.window.numbers
        self._keys = array("q", numbers)
        self._sizes = array("H", [_USUAL_SIZE]) * len(numbers)
        self._breaks = array("B", [1]) * len(numbers)
        if len(numbers) <= _LOOKED_AT:
            texts = (message.text if message else "" for message in map(timeline.message, numbers))
            for at, text in enumerate(texts):
                self._sizes[at], self._breaks[at] = measures(text)
        self.heights = Heights(self._guesses(0, len(numbers)))
        for key in notes:
            self._put_note_back(key)
        if self.is_at_end:
            for message in timeline.unsent():
                self.send(message)
        self.version += 1

    def _notes(self) -> list[int]:
        """Return the keys of the rows that nobody said, in their order."""
        return [it for it, what in self._others.items() if not isinstance(what, Unsent)]

    def _put_note_back(self, key: int) -> None:
        behind, numbers = self._behind[key], self.room.timeline.window.numbers
        is_before = not numbers or behind < numbers[0]
        if (is_before and not self.room.is_whole) or (numbers and behind > numbers[-1]):
            return
        self._insert(self._place(behind + 1), [(key, text_of(self._others[key]))])

    @property
    def is_at_end(self) -> bool:
        """Whether what is said now is among the rows."""
        return self.room.timeline.is_at_end

    def fit(self) -> None:
        """Forget rows that the timeline has forgotten, at either end."""
        window = self.room.timeline.window
        if self._keys and self._first_seq() < window.begin:
            self._cut(0, self._place(window.begin))
        if not self.is_at_end:
            last = window.numbers[-1] if window.numbers else 0
            self._cut(self._place(last + 1), len(self._keys))

    def _first_seq(self) -> int:
        return next((key for key in self._keys if key > 0), SEQ_MAX)

    def _cut(self, start: int, end: int) -> None:
        for key in self._keys[start:end]:
            unsent = self._others.get(key)
            if isinstance(unsent, Unsent):
                del self._others[key], self._unsent[unsent.record]
        if start < end:
            del self._keys[start:end], self._sizes[start:end], self._breaks[start:end]
            self.heights.delete(start, end - start)
            self.version += 1
            if start < len(self._keys):
                self._touch(start)

    def set_width(self, width: int) -> None:
        """Guess all heights anew, for text that is so many columns wide."""
        if width != self._width:
            self._width = max(1, width)
            self.heights = Heights(self._guesses(0, len(self._keys)))
            self.version += 1

    def add(self, messages: Iterable[Message]) -> None:
        """Add stored messages that the timeline shows and that are no rows yet."""
        window = self.room.timeline.window
        pending = sorted(
            ((it.handle.seq, it.text) for it in messages if it.handle.seq in window),
            key=lambda it: it[0],
        )
        at = 0
        while at < len(pending):
            place = self._place(pending[at][0])
            end = at
            # A page of older ones goes in at once.
            below = self._next_seq(place)
            while end < len(pending) and (below is None or pending[end][0] < below):
                end += 1
            if end == at:  # It is there.
                self._touch(place)
                at += 1
                continue
            self._insert(place, pending[at:end])
            at = end
        self.fit()

    def send(self, message: Message) -> None:
        """Add a message of one's own that is on its way, or was refused; or draw it anew."""
        key = self._unsent.get(message.handle.record)
        if key is not None:
            self.touch(key)
        elif self.is_at_end:
            self._insert(len(self._keys), [(self._new_unsent(message), message.text)])

    def settle(self, record: RecordId, seq: int = 0) -> None:
        """Remove a message of one's own that is stored under a number, or was given up."""
        key = self._unsent.pop(record, None)
        if key is not None:
            self._remove(key)
            if seq:
                self.became[key] = seq

    def note(self, note: Note) -> None:
        """Add a line of the client's own, below everything that is stored."""
        self._add_other(note, note.text)

    def presence(self, nick: str, time: int, *, is_here: bool) -> None:
        """Note that somebody came or went."""
        place = self._end_of_stored()
        last = self._others.get(self._keys[place - 1]) if place else None
        if isinstance(last, Presence):
            last.is_here.pop(nick, None)
            last.is_here[nick] = is_here
            self._touch(place - 1)
        else:
            self._add_other(Presence(time, {nick: is_here}), nick)

    def touch(self, key: int) -> None:
        """Draw a row anew."""
        at = self.index(key)
        if at is not None:
            self._touch(at)

    def touch_quoted(self, seq: int) -> None:
        """Draw a message anew, and those that answer it and quote it."""
        self.requoted.add(seq)
        self.touch(seq)

    def mark(self, seq: int | None, new: int) -> None:
        """Let the user have left off behind a message."""
        before, self.marker, self.new = self.marker, seq, new
        for marker in (before, seq):
            if marker is not None:
                at = self._place(marker + 1)
                if at < len(self._keys):
                    self._touch(at)

    def set_height(self, index: int, height: int) -> int:
        """Note how tall a row is, now that it was drawn; return by how much that is more."""
        return self.heights.set(index, height)

    # --- Inside ---

    def _place(self, seq: int) -> int:
        """Return the first row with this number or a higher one; where it would be inserted.

        Rows without a number belong to the one above them.
        """
        low, high = 0, len(self._keys)
        while low < high:
            middle = at = (low + high) // 2
            while at < high and self._keys[at] < 0:
                at += 1
            if at == high or self._keys[at] >= seq:
                high = middle
            else:
                low = at + 1
        # What nobody said stays above what comes later, but below what is older.
        while low < len(self._keys) and self._keys[low] < 0 and not self._is_unsent(low):
            low += 1
        return low

    def _is_unsent(self, at: int) -> bool:
        return isinstance(self._others.get(self._keys[at]), Unsent)

    def _next_seq(self, place: int) -> int | None:
        return next((key for key in self._keys[place:] if key > 0), None)

    def _end_of_stored(self) -> int:
        at = len(self._keys)
        while at and self._is_unsent(at - 1):
            at -= 1
        return at

    def _new_unsent(self, message: Message) -> int:
        key = self._new_key()
        self._others[key] = Unsent(message.handle.record)
        self._unsent[message.handle.record] = key
        return key

    def _new_key(self) -> int:
        self._last_other -= 1
        return self._last_other

    def _add_other(self, other: Note | Presence, text: str) -> None:
        key = self._new_key()
        self._others[key] = other
        tail = self.room.timeline.tail.numbers
        self._behind[key] = tail[-1] if tail else 0
        if self.is_at_end:
            self._insert(self._end_of_stored(), [(key, text)])
        for old in self._notes()[:-_NOTES]:
            self._remove(old)

    def _insert(self, at: int, rows: list[tuple[int, str]]) -> None:
        self._keys[at:at] = array("q", (key for key, _ in rows))
        measured = [measures(text) for _, text in rows]
        self._sizes[at:at] = array("H", (size for size, _ in measured))
        self._breaks[at:at] = array("B", (breaks for _, breaks in measured))
        self.heights.insert(at, self._guesses(at, at + len(rows)))
        self.version += 1
        if at + len(rows) < len(self._keys):  # It may begin no group any more.
            self._touch(at + len(rows))

    def _remove(self, key: int) -> None:
        at = self.index(key)
        self._others.pop(key, None)
        self._behind.pop(key, None)
        if at is not None:
            del self._keys[at], self._sizes[at], self._breaks[at]
            self.heights.delete(at)
            self.changed.add(key)
            self.version += 1
            if at < len(self._keys):
                self._touch(at)

    def _touch(self, at: int) -> None:
        self.changed.add(self._keys[at])
        self.version += 1

    def _guesses(self, start: int, end: int) -> Iterator[int]:
        width = self._width
        for size, breaks in zip(self._sizes[start:end], self._breaks[start:end], strict=True):
            yield breaks + size // width
