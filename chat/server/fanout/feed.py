"""Fan-out: one log, its epochs, its readers.

The way down: a `Draft` waits for the end of the reactor turn; all that wait are sealed, once each,
and stored in one append; when that is durable, one run of record lines is joined and digested
once, and every reader at the tail gets those bytes and a voucher of its own in one write
(`chat.server.fanout.readers`).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.limits import ACKS_PAGE, Limits
from chat.rooms.errors import NotStoredError
from chat.rooms.happenings import Deleted, Edited, Happening, Said
from chat.server.fanout.bodies import body_of, entry_of
from chat.server.fanout.epochs import Epochs
from chat.server.fanout.pages import Pages
from chat.server.fanout.readers import Readers, log_bug
from chat.server.fanout.runs import Batch, Line, line_of
from chat.server.session import Session, refuse
from chat.store.interface import Appended, Entry, LogStore
from chat.wire import messages
from chat.wire.records import seal_records
from chat.wire.sealing import RandomBytes

__all__ = ["Draft", "Feed"]

_log = Logger()

_DRAFT_BYTES: Final = 128
"""What a draft counts besides its text, so that those without any are bounded too."""

_WITH_TEXT: Final = (Said, Edited)

_CROWD: Final = 64
"""Posts of one commit that are put in the order of their authors."""


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


@dataclass(slots=True)
class _Author:
    """A session with drafts in a commit."""

    session: Session
    drafts: list[tuple[Draft, Appended]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Where its own lines are in the batch, because passing ones have no number."""


class Feed(Readers):
    """One log's fan-out. Nothing is committed or read before `load` is done."""

    def __init__(
        self,
        log: bytes,
        store: LogStore,
        epochs: Epochs,
        pages: Pages,
        clock: IReactorTime,
        limits: Limits,
        milliseconds: Callable[[], int],
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        super().__init__(log, epochs, pages, clock)
        self._store = store
        self._limits = limits
        self._milliseconds = milliseconds
        self._random_bytes = random_bytes
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
        self.tail = self._given = tail.seq
        self._time = tail.time

    def renew(self) -> None:
        """Somebody may read no more: the next record has a new key."""
        self._is_stale = True

    def add(self, draft: Draft) -> None:
        """Take something that happened; everybody is told after this turn's commit."""
        self._pending.append(draft)
        self._pending_bytes += _DRAFT_BYTES
        if isinstance(draft.happening, _WITH_TEXT):
            text = draft.happening.text
            self._pending_bytes += len(text) if text.isascii() else len(text.encode())
        if self._pending_bytes > self._limits.batch_bytes:
            if not self._is_committing:
                self._start_commit()
            elif draft.session is not None:
                draft.session.hold()
                self._held.append(draft.session)
        elif not self._is_scheduled and not self._is_committing:
            self._is_scheduled = True
            self._clock.callLater(0, self._flush)

    # --- Down: drafts to records to the store ---

    def _flush(self) -> None:
        self._is_scheduled = False
        if self._pending and not self._is_committing:
            self._start_commit()

    def _start_commit(self) -> None:
        drafts, self._pending, self._pending_bytes = self._pending, [], 0
        if len(drafts) > _CROWD and all(isinstance(draft.happening, Said) for draft in drafts):
            # What came in the same moment has no order yet. In this one, all that an author is to
            # be given are two stretches that others are given as well.
            drafts.sort(key=_author)
        self._is_committing = True
        if not self._is_stale:
            self._append(drafts)
            return
        starting = Deferred.fromCoroutine(self._start_epoch())
        starting.addCallbacks(
            lambda _: self._append(drafts), self._not_stored, errbackArgs=(drafts, [])
        )

    def _append(self, drafts: list[Draft]) -> None:
        records: list[bytes] = []
        try:
            records, entries = self._seal(drafts)
            # Where all is passing, nothing is stored.
            appending = self._store.append(self.log, entries) if entries else succeed([])
        except Exception:
            self._not_stored(Failure(), drafts, records)
            return
        appending.addCallbacks(
            self._committed,
            self._not_stored,
            callbackArgs=(drafts, records),
            errbackArgs=(drafts, records),
        )

    def _not_stored(self, failure: Failure, drafts: list[Draft], records: list[bytes]) -> None:
        """Whatever a store fails with: nothing was stored."""
        _log.failure("Records could not be stored", failure)
        sealed = zip(drafts, records, strict=False)
        passing = [(it, record) for it, record in sealed if not it.happening.is_kept]
        try:
            self._refuse([draft for draft in drafts if draft.happening.is_kept])
        except Exception:
            log_bug(Failure())
        self._committed([], [it for it, _ in passing], [it for _, it in passing])

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
        bodies = [messages.encode(body_of(draft.happening, self._time)) for draft in drafts]
        ids = [draft.record_id for draft in drafts]
        records = seal_records(key, self.log, epoch, ids, bodies, self._random_bytes)
        entries = [
            entry_of(draft.happening, draft.record_id, self._time, record)
            for draft, record in zip(drafts, records, strict=True)
            if draft.happening.is_kept
        ]
        return records, entries

    def _committed(self, places: list[Appended], drafts: list[Draft], records: list[bytes]) -> None:
        """Tell everybody, and go on with what has come meanwhile."""
        try:
            self._deliver(drafts, records, places)
        except Exception:
            # Who was not reached because of a bug reads on from the store.
            log_bug(Failure())
            self.catch_up_all()
        self._is_committing = False
        held, self._held = self._held, []
        for session in held:
            session.release()
        self._flush()

    # --- Down: from the store ---

    def _deliver(self, drafts: list[Draft], records: list[bytes], places: list[Appended]) -> None:
        """Deliver what is durable now, and answer those who asked."""
        before = self.tail
        self.tail = max([before, *[place.seq for place in places]])
        lines: list[Line] = []
        authors: dict[int, _Author] = {}
        others: list[tuple[Callable[[Appended], None], Appended]] = []
        stored = iter(places)
        for draft, record in zip(drafts, records, strict=True):
            place = next(stored) if draft.happening.is_kept else _PASSING
            if draft.session is not None:
                number = draft.session.number
                author = authors.get(number)
                if author is None:
                    author = authors[number] = _Author(draft.session)
                author.drafts.append((draft, place))
                if place.is_new:
                    author.lines.append(len(lines))
            elif draft.answer is not None:
                others.append((draft.answer, place))
            if place.is_new:
                lines.append(line_of(self.log, place.seq, record))
            if isinstance(draft.happening, Deleted):
                self._pages.forget(self.log)
        batch = Batch(lines)
        self.deliver(batch, authors)
        for author in authors.values():
            self._answer(author, batch, before)
        # Who begins to read because of an answer begins behind what was delivered.
        for answer, place in others:
            answer(place)

    def _answer(self, author: _Author, batch: Batch, before: int) -> None:
        """Give an author what others said, and the answers to its requests instead of its own."""
        session = author.session
        own = [place.seq for _, place in author.drafts if place.is_new]
        cursor = self.deliver_to_author(session.number, batch, before, author.lines, own)
        acks: list[tuple[int, int, int]] = []
        for draft, place in author.drafts:
            if draft.answer is not None:
                draft.answer(place)
            elif draft.request:
                acks.append((draft.request, place.seq, place.time))
        for start in range(0, len(acks), ACKS_PAGE):
            session.send(messages.Posted(self.log, cursor, acks[start : start + ACKS_PAGE]))


_PASSING: Final = Appended(0, 0, True)


def _author(draft: Draft) -> int:
    return 0 if draft.session is None else draft.session.number
