"""One log's readers, one cursor each.

Nothing is written to a reader whose transport is full: its cursor falls behind, and when its
transport drains it reads on from the store. So no buffer grows with what others post, and a client
that comes back later is served in exactly the same way.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.ids import LogId
from chat.server.fanout.epochs import Epochs
from chat.server.fanout.pages import LogPage, Pages
from chat.server.session import Session
from chat.server.state.trouble import Trouble
from chat.store.interface import StoreError
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.runs import Delivery, join_runs, line_of
from chat.wire.sealing import BoxKey

__all__ = ["Readers"]

_log = Logger()


class _Reader:
    """A session's cursor in a log."""

    __slots__ = ("cursor", "epoch", "is_reading", "own", "session")

    def __init__(self, session: Session, cursor: int) -> None:
        self.session = session
        self.cursor = cursor
        """The last record it has read, while it is behind."""
        self.epoch = 0
        """The newest epoch whose key the session has."""
        self.own: set[int] = set()
        """Sequence numbers ahead of the cursor that the session posted itself. Bounded, because the
        server does not read from a session whose transport is full."""
        self.is_reading = False


class Readers:
    """The readers of a log, and how far each has read.

    Most readers are at the tail most of the time, and have no cursor of their own: a delivery to
    them costs the voucher and the write.
    """

    def __init__(
        self,
        log: LogId,
        tail: int,
        epochs: Epochs,
        pages: Pages,
        clock: IReactorTime,
        trouble: Trouble,
    ) -> None:
        self.log = log
        self.epochs = epochs
        self.tail = tail
        """The last durable sequence number."""
        self._given = tail
        """The tail at the time of the last delivery to the readers at the tail."""
        self._pages = pages
        self._clock = clock
        self._trouble = trouble
        self._readers: dict[int, _Reader] = {}
        self._at_tail: dict[int, Session] = {}
        """Readers that have received everything."""
        self._known = 0
        """All readers at the tail have the key of this epoch, or of a newer one."""

    def reads(self, number: int) -> bool:
        """Return whether a session reads this log."""
        return number in self._readers

    def start(self, session: Session, after: int | None) -> int:
        """Start a session reading after the record `after`, or at the end; return where it starts.

        Call `catch_up` once the session has been told.
        """
        session.reading.add(self.log)
        cursor = self.tail if after is None else min(after, self.tail)
        reader = self._readers[session.number] = _Reader(session, cursor)
        self._at_tail.pop(session.number, None)
        if cursor == self.tail:
            self._arrive(reader)
        return cursor

    def drop(self, number: int) -> None:
        """Remove a session."""
        reader = self._readers.pop(number, None)
        self._at_tail.pop(number, None)
        if reader is not None:
            reader.session.reading.discard(self.log)

    def fail(self, session: Session) -> None:
        """Close a connection that hit a bug, so that no other suffers. Nobody knows what its client
        has received, so it has to come back and read on from its cursor."""
        _log.failure("session {number}: a bug in the fan-out", number=session.number)
        self.drop(session.number)
        try:
            session.close(CloseCode.INTERNAL, "a bug in the server")
        except Exception:
            _log.failure("session {number}: cannot be closed", number=session.number)

    def has_readers(self, but: Session | None = None) -> bool:
        """Return whether anybody reads this log, apart from one session."""
        is_left_aside = but is not None and but.number in self._readers
        return len(self._readers) > is_left_aside

    def knows(self, number: int) -> int:
        """Return the newest epoch whose key a session has."""
        reader = self._readers.get(number)
        return 0 if reader is None else reader.epoch

    def _arrive(self, reader: _Reader) -> None:
        """Note that a reader has received everything."""
        self._at_tail[reader.session.number] = reader.session
        self._known = min(self._known, reader.epoch)
        reader.own.clear()

    def _fall_behind(self, number: int, cursor: int) -> _Reader:
        """Note that a reader cannot take anything after `cursor`."""
        del self._at_tail[number]
        reader = self._readers[number]
        reader.cursor = cursor
        return reader

    # --- Readers at the tail ---

    def deliver(self, batch: Delivery, authors: Collection[int]) -> None:
        """Deliver what was committed, up to the current tail, to all readers at the tail except
        `authors`."""
        for run in batch.runs:
            if run.epoch > self._known:
                self._give_key(authors)
            for number, session in list(self._at_tail.items()):
                if number in authors:
                    continue
                try:
                    if not session.is_full:
                        session.deliver(run)
                    elif number in self._at_tail:
                        self._fall_behind(number, self._given)
                except Exception:
                    self.fail(session)
            self._given = max(self._given, run.last)
        self._given = self.tail

    def _give_key(self, authors: Collection[int]) -> None:
        """Give the key of the newest epoch, which seals everything delivered, to all at the tail
        except `authors`."""
        for number, session in list(self._at_tail.items()):
            if number not in authors and not session.is_full:
                try:
                    self._give_key_to(self._readers[number])
                except Exception:
                    self.fail(session)
        self._known = self.epochs.current

    def _give_key_to(self, reader: _Reader) -> None:
        if self.epochs.current > reader.epoch:
            self._send_key(reader, self.epochs.current, self.epochs.key())

    def _send_key(self, reader: _Reader, epoch: int, key: BoxKey) -> None:
        reader.epoch = epoch
        reader.session.send(messages.Keys(self.log, epoch, key.raw))

    def deliver_to_author(
        self, number: int, batch: Delivery, before: int, places: Sequence[int], seqs: Iterable[int]
    ) -> int:
        """Deliver the others' records to an author, after `deliver`; return its cursor.

        Its own lines have the indexes `places` in the batch, and the sequence numbers `seqs`.
        `before` is the previous tail.
        """
        reader = self._readers.get(number)
        if reader is None:
            return 0
        session, cursor = reader.session, reader.cursor
        if number in self._at_tail and not session.is_gone:
            cursor = before
            for run in batch.without(places):
                if session.is_full:
                    break
                self._give_key_to(reader)
                session.deliver(run)
                cursor = max(cursor, run.last)
            if not session.is_full:
                self._known = min(self._known, reader.epoch)
                return self.tail
            self._fall_behind(number, cursor)
        reader.own.update(seq for seq in seqs if seq > cursor)
        return cursor

    # --- Readers behind ---

    def catch_up(self, number: int) -> None:
        """Continue from the store for a session that is behind, if it can take more now."""
        reader = self._readers.get(number)
        if reader is None or reader.is_reading or reader.session.is_full or number in self._at_tail:
            return
        if reader.cursor >= self.tail:
            self._arrive(reader)
            return
        reader.is_reading = True
        Deferred.fromCoroutine(self._read_on(reader)).addErrback(log_bug)

    def catch_up_all(self) -> None:
        """The same for all readers, after a bug that kept some from receiving everything."""
        if self._given < self.tail:
            for number in list(self._at_tail):
                self._fall_behind(number, self._given)
            self._given = self.tail
        for number in list(self._readers):
            self.catch_up(number)

    async def _read_on(self, reader: _Reader) -> None:
        try:
            page = await self._pages.get(self.log, reader.cursor, self.tail)
            keys = await self.epochs.keys({run.epoch for run in page.runs})
        except Exception as error:
            # Any exception from a store. The client comes back, and continues from its cursor.
            if isinstance(error, StoreError):
                self._trouble.failed(error)
            else:
                _log.failure("A log could not be read")
            if self._readers.get(reader.session.number) is reader:
                reader.session.close(CloseCode.INTERNAL, "its records could not be read")
            return
        finally:
            reader.is_reading = False
        if self._readers.get(reader.session.number) is reader:
            try:
                self._take_page(reader, page, keys)
            except Exception:
                self.fail(reader.session)

    def _take_page(self, reader: _Reader, page: LogPage, keys: Mapping[int, BoxKey]) -> None:
        stored, runs, end = page
        if reader.own:
            others = [item for item in stored if item.seq not in reader.own]
            runs = join_runs([line_of(self.log, item.seq, item.data) for item in others])
        for run in runs:
            if reader.session.is_full:
                return
            if run.epoch not in keys:
                continue  # Its records have been removed.
            if run.epoch > reader.epoch:
                self._send_key(reader, run.epoch, keys[run.epoch])
            reader.session.deliver(run)
            reader.cursor = max(reader.cursor, run.last)
        reader.cursor = max(reader.cursor, end)
        reader.own = {seq for seq in reader.own if seq > reader.cursor}
        # One page per turn, so that a long catch-up leaves room for everybody else.
        if reader.cursor < self.tail:
            self._clock.callLater(0, self.catch_up, reader.session.number)
        else:
            self._arrive(reader)


def log_bug(failure: Failure) -> None:
    """Log a bug."""
    _log.failure("A bug in the fan-out", failure)
