"""Fan-out: one log, its epochs, its readers.

The way down: a `Draft` waits for the end of the reactor turn; all that wait are sealed, once each,
and stored in one append; when that is durable, one run of record lines is joined and digested
once, and every reader at the tail gets those bytes and a voucher of its own in one write.

A reader is a cursor. One whose transport is full is written nothing: its cursor falls behind, and
when it can take more it reads on from the store. So no buffer grows with what others say, and
whoever comes back later is served in just the same way.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.limits import ACKS_PAGE, Limits
from chat.rooms.errors import NotStoredError
from chat.rooms.happenings import Edited, Happening, Passing, Said
from chat.server.bodies import body_of, entry_of
from chat.server.epochs import Epochs
from chat.server.runs import Line, Run, join_runs, line_of
from chat.server.session import Session, refuse
from chat.store.interface import Appended, Entry, LogStore, Stored
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.records import seal_record
from chat.wire.sealing import RandomBytes

__all__ = ["Draft", "Feed"]

_log = Logger()

_DRAFT_BYTES: Final = 128
"""What a draft counts besides its text, so that those without any are bounded too."""


@dataclass(slots=True)
class Draft:
    """Something that happened and is not yet stored, or passing."""

    happening: Happening
    record_id: bytes
    session: Session | None = None
    """Who gets an answer instead of the record; None where nobody asked."""
    answer: Callable[[Appended | None], None] | None = None
    """Called when it is durable, or with None when it is not to be; None where `posted` is the
    answer."""
    request: int = 0
    """The id that `posted` is to have."""


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
    """One log's fan-out. Nothing is committed or read before `load` is done."""

    def __init__(
        self,
        log: bytes,
        store: LogStore,
        epochs: Epochs,
        clock: IReactorTime,
        limits: Limits,
        milliseconds: Callable[[], int],
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self.log = log
        self.epochs = epochs
        self.tail = 0
        """The last sequence number that is durable."""
        self._store = store
        self._clock = clock
        self._limits = limits
        self._milliseconds = milliseconds
        self._random_bytes = random_bytes
        self._readers: dict[int, _Reader] = {}
        # Whoever left before this feed was loaded may have the newest key there is.
        self._is_stale = True
        self._time = 0
        self._pending: list[Draft] = []
        self._pending_bytes = 0
        self._held: list[Session] = []
        self._is_scheduled = False
        self._is_committing = False

    async def load(self) -> None:
        """Learn where the log ends. Raises StoreError."""
        tail = await self._store.tail(self.log)
        await self.epochs.load()
        self.tail, self._time = tail.seq, tail.time

    def reads(self, number: int) -> bool:
        """Tell whether a session reads this log."""
        return number in self._readers

    def start(self, session: Session, after: int | None) -> int:
        """Let a session read on from behind `after`, or from the end; return from behind which.

        `catch_up` must follow when the session has been told.
        """
        cursor = self.tail if after is None else min(after, self.tail)
        self._readers[session.number] = _Reader(session, cursor)
        return cursor

    def drop(self, number: int) -> None:
        """A session reads no more."""
        self._readers.pop(number, None)

    def renew(self) -> None:
        """Somebody may read no more: the next record has a new key."""
        self._is_stale = True

    def has_readers(self) -> bool:
        """Tell whether anybody reads this log."""
        return bool(self._readers)

    def knows(self, number: int) -> int:
        """Return the newest epoch whose key a session has."""
        reader = self._readers.get(number)
        return 0 if reader is None else reader.epoch

    def add(self, draft: Draft) -> None:
        """Take something that happened; everybody is told after this turn's commit."""
        self._pending.append(draft)
        self._pending_bytes += _DRAFT_BYTES
        if isinstance(draft.happening, Said | Edited):
            self._pending_bytes += len(draft.happening.text.encode())
        if self._pending_bytes > self._limits.batch_bytes:
            if not self._is_committing:
                self._start_commit()
            elif draft.session is not None:
                draft.session.hold()
                self._held.append(draft.session)
        elif not self._is_scheduled and not self._is_committing:
            self._is_scheduled = True
            self._clock.callLater(0, self._flush)

    def catch_up(self, number: int) -> None:
        """Read on from the store for a session that fell behind, if it can take more now."""
        reader = self._readers.get(number)
        if (
            reader is None
            or reader.is_reading
            or reader.session.is_full
            or reader.cursor >= self.tail
        ):
            return
        reader.is_reading = True
        Deferred.fromCoroutine(self._read_on(reader)).addErrback(_log_bug)

    # --- Down: drafts to records to the store ---

    def _flush(self) -> None:
        self._is_scheduled = False
        if self._pending and not self._is_committing:
            self._start_commit()

    def _start_commit(self) -> None:
        drafts, self._pending, self._pending_bytes = self._pending, [], 0
        self._is_committing = True
        committing = Deferred.fromCoroutine(self._commit(drafts))
        committing.addErrback(self._recover)
        committing.addCallback(self._go_on)

    async def _commit(self, drafts: list[Draft]) -> None:
        records: list[bytes] = []
        try:
            if self._is_stale:
                await self._start_epoch()
            records, entries = self._seal(drafts)
            places = await self._store.append(self.log, entries) if entries else []
        except Exception:
            # Whatever a store fails with: nothing was stored.
            _log.failure("Records could not be stored")
            sealed = zip(drafts, records, strict=False)
            passing = [(it, record) for it, record in sealed if _is_passing(it)]
            self._refuse([draft for draft in drafts if not _is_passing(draft)])
            drafts, records, places = [it for it, _ in passing], [it for _, it in passing], []
        self._committed(drafts, records, places)

    def _refuse(self, drafts: list[Draft]) -> None:
        """Tell the authors that nothing came of it."""
        # The last first, because what it did to the domain may be undone.
        for draft in reversed(drafts):
            if draft.answer is not None:
                draft.answer(None)
            elif draft.session is not None:
                refuse(draft.session, draft.request, NotStoredError())

    async def _start_epoch(self) -> None:
        self._is_stale = False
        try:
            await self.epochs.start()
        except BaseException:
            self._is_stale = True
            raise

    def _seal(self, drafts: list[Draft]) -> tuple[list[bytes], list[Entry]]:
        """Return the record of each draft, and entries of those that are to be stored."""
        self._time = max(self._time, self._milliseconds())
        epoch = self.epochs.current
        key = self.epochs.key(epoch)
        records: list[bytes] = []
        entries: list[Entry] = []
        for draft in drafts:
            body = messages.encode(body_of(draft.happening, self._time))
            record = seal_record(key, self.log, epoch, draft.record_id, body, self._random_bytes)
            records.append(record)
            if not _is_passing(draft):
                entries.append(entry_of(draft.happening, draft.record_id, self._time, record))
        return records, entries

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

    def _committed(self, drafts: list[Draft], records: list[bytes], places: list[Appended]) -> None:
        """Deliver what is durable now, and answer those who asked."""
        before = self.tail
        lines: list[Line] = []
        authors: dict[int, _Author] = {}
        stored = iter(places)
        for draft, record in zip(drafts, records, strict=True):
            place = _PASSING if _is_passing(draft) else next(stored)
            line = None
            if place.is_new:
                line = line_of(self.log, place.seq, record)
                lines.append(line)
                self.tail = max(self.tail, place.seq)
            if draft.session is not None:
                author = authors.get(draft.session.number)
                if author is None:
                    author = authors[draft.session.number] = _Author(draft.session, [], set())
                if line is not None:
                    author.lines.add(id(line))
                author.drafts.append((draft, place))
            elif draft.answer is not None:
                draft.answer(place)
        runs = join_runs(lines)
        for number, reader in list(self._readers.items()):
            if number not in authors and reader.cursor == before:
                self._deliver(reader, runs)
        for author in authors.values():
            self._answer(author, lines, before)

    def _answer(self, author: "_Author", lines: list[Line], before: int) -> None:
        """Give an author what others said, and the answers to its requests instead of its own."""
        session = author.session
        reader = self._readers.get(session.number)
        if reader is not None and not session.is_gone:
            own = {place.seq for _, place in author.drafts if place.is_new}
            reader.own.update(seq for seq in own if seq > reader.cursor)
            if reader.cursor == before:
                self._deliver(reader, join_runs([it for it in lines if id(it) not in author.lines]))
                if not session.is_full:
                    self._advance(reader, self.tail)
        acks: list[tuple[int, int, int]] = []
        for draft, place in author.drafts:
            if draft.answer is not None:
                draft.answer(place)
            elif draft.request:
                acks.append((draft.request, place.seq, place.time))
        cursor = 0 if reader is None else reader.cursor
        for start in range(0, len(acks), ACKS_PAGE):
            session.send(messages.Posted(self.log, cursor, acks[start : start + ACKS_PAGE]))

    def _deliver(self, reader: _Reader, runs: Sequence[Run]) -> None:
        """Write `runs` to a reader, until its transport is full."""
        session = reader.session
        for run in runs:
            if session.is_full:
                return
            if run.epoch > reader.epoch:
                reader.epoch = run.epoch
                key = self.epochs.key(run.epoch)
                session.send(messages.Keys(self.log, run.epoch, key.raw))
            session.deliver(run.data, run.digest)
            self._advance(reader, run.last)

    def _advance(self, reader: _Reader, cursor: int) -> None:
        reader.cursor = max(reader.cursor, cursor)
        if reader.own:
            reader.own = {seq for seq in reader.own if seq > reader.cursor}

    async def _read_on(self, reader: _Reader) -> None:
        tail = self.tail
        try:
            stored = await self._store.read(self.log, reader.cursor, self._limits.catch_up_bytes)
        except Exception:
            # Whatever a store fails with. The client comes back, and goes on from its cursor.
            _log.failure("A log could not be read")
            if self._readers.get(reader.session.number) is reader:
                reader.session.close(CloseCode.INTERNAL, "its records could not be read")
            return
        finally:
            reader.is_reading = False
        if self._readers.get(reader.session.number) is reader:
            # What is stored but was not delivered yet will be delivered by its own commit.
            self._take_page(reader, [item for item in stored if item.seq <= tail], tail)

    def _take_page(self, reader: _Reader, page: list[Stored], tail: int) -> None:
        others = [
            line_of(self.log, item.seq, item.record) for item in page if item.seq not in reader.own
        ]
        self._deliver(reader, join_runs(others))
        if reader.session.is_full:
            return
        # The last records may be gone: then nothing is left below the tail of before.
        self._advance(reader, page[-1].seq if page else tail)
        # One page a turn, so that a long catch-up leaves room for everybody else.
        if reader.cursor < self.tail:
            self._clock.callLater(0, self.catch_up, reader.session.number)


@dataclass(slots=True)
class _Author:
    """A session with drafts in a commit."""

    session: Session
    drafts: list[tuple[Draft, Appended]]
    lines: set[int]
    """Which lines are its own, by `id`, because passing ones have no number."""


_PASSING: Final = Appended(0, 0, True)


def _is_passing(draft: Draft) -> bool:
    return isinstance(draft.happening, Passing)


def _log_bug(failure: Failure) -> None:
    _log.failure("A bug in the fan-out", failure)
