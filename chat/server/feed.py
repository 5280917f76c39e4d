"""Fan-out: one room's log, its epochs, its readers.

The way down: a `Draft` waits for the end of the reactor turn; all that wait are sealed, once each,
and stored in one append; when that is durable, one run of record lines is joined and digested
once, and every reader at the tail gets those bytes and a voucher of its own in one write.

A reader is a cursor. One whose transport is full is written nothing: its cursor falls behind, and
when it can take more it reads on from the store. So no buffer grows with what others say.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.limits import ACKS_PAGE, RUN_BYTES, Limits
from chat.rooms.hub import Happening, Joined, Renamed, Said
from chat.server.bodies import body_of
from chat.server.session import Session
from chat.store.interface import Appended, Entry, LogStore, RecordsGoneError, Stored
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.lines import encode_record
from chat.wire.records import record_epoch, seal_record
from chat.wire.sealing import KEY_BYTES, RandomBytes

__all__ = ["Draft", "Feed"]

_log = Logger()

_DRAFT_BYTES: Final = 128
"""What a draft counts besides its text, so that those without any are bounded too."""


@dataclass(slots=True)
class Draft:
    """Something that happened and is not yet stored."""

    happening: Happening
    record_id: bytes
    session: Session | None
    """Who gets an answer instead of the record; None where nobody asked."""
    request: int
    """The id of the request to answer; 0 where another draft answers it."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Record lines of one epoch that one voucher covers: the bytes that all readers share."""

    data: bytes
    digest: bytes
    epoch: int
    last: int


class _Reader:
    """A session's cursor in a log."""

    __slots__ = ("cursor", "epoch", "is_reading", "own", "session")

    def __init__(self, session: Session, cursor: int) -> None:
        self.session = session
        self.cursor = cursor
        self.epoch = 0
        """The newest epoch whose key the session has."""
        self.own: set[int] = set()
        """Sequence numbers ahead of the cursor that the session wrote itself. Bounded, because a
        session whose transport is full is not read."""
        self.is_reading = False


class Feed:
    """One room's fan-out."""

    def __init__(
        self,
        room: str,
        store: LogStore,
        clock: IReactorTime,
        limits: Limits,
        milliseconds: Callable[[], int],
        not_stored: Callable[[Draft], None],
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self.room = room
        self.log = random_bytes(16)
        self._store = store
        self._clock = clock
        self._limits = limits
        self._milliseconds = milliseconds
        self._not_stored = not_stored
        self._random_bytes = random_bytes
        self._readers: dict[int, _Reader] = {}
        self._keys: dict[int, bytes] = {}
        self._epoch = 0
        self._is_stale = True
        self._tail = 0
        self._time = 0
        self._pending: list[Draft] = []
        self._pending_bytes = 0
        self._held: list[Session] = []
        self._is_scheduled = False
        self._is_committing = False

    def add(self, draft: Draft) -> None:
        """Take something that happened; everybody is told after this turn's commit."""
        self._pending.append(draft)
        self._pending_bytes += _DRAFT_BYTES
        if isinstance(draft.happening, Said):
            self._pending_bytes += len(draft.happening.text.encode())
        if self._pending_bytes > self._limits.batch_bytes:
            if not self._is_committing:
                self._commit()
            elif draft.session is not None:
                draft.session.hold()
                self._held.append(draft.session)
        elif not self._is_scheduled and not self._is_committing:
            self._is_scheduled = True
            self._clock.callLater(0, self._flush)

    def leave(self, number: int) -> None:
        """A session may read no more, from this moment on; the next record has a new key."""
        if self._readers.pop(number, None) is not None:
            self._is_stale = True

    def catch_up(self, number: int) -> None:
        """Read on from the store for a session that fell behind, if it can take more now."""
        reader = self._readers.get(number)
        if (
            reader is None
            or reader.is_reading
            or reader.session.is_full
            or reader.cursor >= self._tail
        ):
            return
        reader.is_reading = True
        reading = maybeDeferred(
            self._store.read, self.log, reader.cursor, self._limits.catch_up_bytes
        )
        reading.addCallbacks(
            self._read, self._not_read, callbackArgs=(reader,), errbackArgs=(reader,)
        )
        reading.addErrback(_log_bug)

    # --- Down: drafts to records to the store ---

    def _flush(self) -> None:
        self._is_scheduled = False
        if self._pending and not self._is_committing:
            self._commit()

    def _commit(self) -> None:
        drafts, self._pending, self._pending_bytes = self._pending, [], 0
        self._is_committing = True
        if self._is_stale:
            self._start_epoch()
        self._time = max(self._time, self._milliseconds())
        entries = [self._seal(draft) for draft in drafts]
        appending = maybeDeferred(self._store.append, self.log, entries)
        appending.addCallbacks(
            self._committed,
            self._refused,
            callbackArgs=(drafts, entries),
            errbackArgs=(drafts,),
        )
        appending.addErrback(self._recover)
        appending.addCallback(self._go_on)

    def _start_epoch(self) -> None:
        self._epoch += 1
        self._is_stale = False
        self._keys[self._epoch] = self._random_bytes(KEY_BYTES)
        # Older keys are needed only by readers who have yet to catch up with them.
        needed = min((reader.epoch for reader in self._readers.values()), default=self._epoch)
        for epoch in [epoch for epoch in self._keys if epoch < needed]:
            del self._keys[epoch]

    def _seal(self, draft: Draft) -> Entry:
        body = messages.encode(body_of(draft.happening, self._time))
        record = seal_record(
            self._keys[self._epoch],
            self.log,
            self._epoch,
            draft.record_id,
            body,
            self._random_bytes,
        )
        return Entry(draft.record_id, self._time, record)

    def _refused(self, failure: Failure, drafts: list[Draft]) -> None:
        _log.failure("Records of {room!r} could not be stored", failure, room=self.room)
        # The last first, because what it did to the domain is undone.
        for draft in reversed(drafts):
            self._not_stored(draft)

    def _recover(self, failure: Failure) -> None:
        """Let those who were not reached because of a bug read on from the store."""
        _log_bug(failure)
        for number in list(self._readers):
            self.catch_up(number)

    def _go_on(self, _: object) -> None:
        self._is_committing = False
        held, self._held = self._held, []
        for session in held:
            session.release()
        self._flush()

    # --- Down: the store to readers ---

    def _committed(
        self, appended: list[Appended], drafts: list[Draft], entries: list[Entry]
    ) -> None:
        """Deliver what is durable now, and answer those who asked."""
        before = self._tail
        lines: list[tuple[int, bytes, bytes]] = []
        authors: dict[int, tuple[Session, list[tuple[Draft, Appended]]]] = {}
        for draft, place, entry in zip(drafts, appended, entries, strict=True):
            if place.is_new:
                line = encode_record(self.log, place.seq, entry.record)
                lines.append((place.seq, entry.record, line))
                self._tail = place.seq
            if draft.session is not None:
                author = authors.setdefault(draft.session.number, (draft.session, []))
                author[1].append((draft, place))
        runs = _runs(lines)
        for number, reader in list(self._readers.items()):
            if number not in authors and reader.cursor == before:
                self._deliver(reader, runs)
        for session, own in authors.values():
            self._answer(session, own, lines, before)

    def _answer(
        self,
        session: Session,
        own: list[tuple[Draft, Appended]],
        lines: list[tuple[int, bytes, bytes]],
        before: int,
    ) -> None:
        """Give an author what others said, and the answers to its requests instead of its own."""
        if session.is_gone:
            return
        acks: list[tuple[int, int, int]] = []
        for draft, place in own:
            if isinstance(draft.happening, Joined):
                self._start_reader(session, draft, draft.happening.members, place.seq)
                before = place.seq
            elif isinstance(draft.happening, Said):
                acks.append((draft.request, place.seq, place.time))
            elif isinstance(draft.happening, Renamed) and draft.request:
                session.send(messages.Ok(draft.request))
        reader = self._readers.get(session.number)
        if reader is not None:
            seqs = {place.seq for _, place in own if place.is_new}
            reader.own.update(seq for seq in seqs if seq > reader.cursor)
            if reader.cursor == before:
                others = [line for line in lines if line[0] > before and line[0] not in seqs]
                self._deliver(reader, _runs(others))
                if not session.is_full:
                    self._advance(reader, self._tail)
        for start in range(0, len(acks), ACKS_PAGE):
            session.send(messages.Posted(acks[start : start + ACKS_PAGE]))

    def _start_reader(self, session: Session, draft: Draft, members: int, seq: int) -> None:
        reader = self._readers[session.number] = _Reader(session, seq)
        self._give_key(reader, self._epoch)
        session.send(messages.Joined(draft.request, self.room, self.log, seq, members))

    def _deliver(self, reader: _Reader, runs: Sequence[_Run]) -> None:
        """Write `runs` to a reader, until its transport is full."""
        session = reader.session
        for run in runs:
            if session.is_full:
                return
            if run.epoch > reader.epoch:
                self._give_key(reader, run.epoch)
            session.deliver(run.data, run.digest)
            self._advance(reader, run.last)

    def _give_key(self, reader: _Reader, epoch: int) -> None:
        reader.epoch = epoch
        reader.session.send(messages.Keys(self.log, epoch, self._keys[epoch]))

    def _advance(self, reader: _Reader, cursor: int) -> None:
        reader.cursor = cursor
        if reader.own:
            reader.own = {seq for seq in reader.own if seq > cursor}

    def _read(self, stored: list[Stored], reader: _Reader) -> None:
        reader.is_reading = False
        number = reader.session.number
        if self._readers.get(number) is not reader:
            return
        # What is stored but not delivered yet will be delivered by its own commit.
        page = [item for item in stored if item.seq <= self._tail]
        if not page:
            return
        others = [
            (item.seq, item.record, encode_record(self.log, item.seq, item.record))
            for item in page
            if item.seq not in reader.own
        ]
        self._deliver(reader, _runs(others))
        if not reader.session.is_full:
            self._advance(reader, page[-1].seq)
            # One page a turn, so that a long catch-up leaves room for everybody else.
            self._clock.callLater(0, self.catch_up, number)

    def _not_read(self, failure: Failure, reader: _Reader) -> None:
        reader.is_reading = False
        if self._readers.get(reader.session.number) is not reader:
            return
        if failure.check(RecordsGoneError):
            reader.session.close(CloseCode.SLOW_CONSUMER, "it needs records that are gone")
        else:
            _log.failure("The log of {room!r} could not be read", failure, room=self.room)
            reader.session.close(CloseCode.INTERNAL, "its records could not be read")


def _runs(lines: Sequence[tuple[int, bytes, bytes]]) -> list[_Run]:
    """Join (sequence number, record, line) into as few runs as epochs and `RUN_BYTES` allow."""
    runs: list[_Run] = []
    start = size = 0
    for index, (_, record, line) in enumerate(lines):
        size += len(line)
        if index > start and (size > RUN_BYTES or record[:4] != lines[start][1][:4]):
            runs.append(_run(lines[start:index]))
            start, size = index, len(line)
    if start < len(lines):
        runs.append(_run(lines[start:]))
    return runs


def _run(lines: Sequence[tuple[int, bytes, bytes]]) -> _Run:
    data = b"".join([line for _, _, line in lines])
    last, record, _ = lines[-1]
    return _Run(data, hashlib.sha512(data).digest(), record_epoch(record), last)


def _log_bug(failure: Failure) -> None:
    _log.failure("A bug in the fan-out", failure)
