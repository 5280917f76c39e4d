"""One log's readers: a cursor each.

A reader whose transport is full is written nothing: its cursor falls behind, and when it can take
more it reads on from the store. So no buffer grows with what others say, and whoever comes back
later is served in just the same way.
"""

from collections.abc import Collection, Iterable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.server.epochs import Epochs
from chat.server.pages import Page, Pages
from chat.server.runs import Batch, Run, join_runs, line_of
from chat.server.session import Session
from chat.wire import messages
from chat.wire.errors import CloseCode

__all__ = ["Readers"]

_log = Logger()


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


class Readers:
    """Who reads a log, and how far each has come."""

    def __init__(self, log: bytes, epochs: Epochs, pages: Pages, clock: IReactorTime) -> None:
        self.log = log
        self.epochs = epochs
        self.tail = 0
        """The last sequence number that is durable."""
        self._pages = pages
        self._clock = clock
        self._readers: dict[int, _Reader] = {}

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

    def has_readers(self) -> bool:
        """Tell whether anybody reads this log."""
        return bool(self._readers)

    def knows(self, number: int) -> int:
        """Return the newest epoch whose key a session has."""
        reader = self._readers.get(number)
        return 0 if reader is None else reader.epoch

    # --- Those at the tail ---

    def deliver(self, batch: Batch, before: int, authors: Collection[int]) -> None:
        """Give everybody who has read up to `before`, but not `authors`, what was committed."""
        runs = batch.runs
        for number, reader in list(self._readers.items()):
            if reader.cursor == before and number not in authors:
                self._deliver(reader, runs)

    def deliver_to_author(
        self, number: int, batch: Batch, before: int, places: Sequence[int], seqs: Iterable[int]
    ) -> int:
        """Give an author what others said; return its cursor.

        Its own lines are at `places` of the batch and have the numbers `seqs`.
        """
        reader = self._readers.get(number)
        if reader is None:
            return 0
        if not reader.session.is_gone:
            reader.own.update(seq for seq in seqs if seq > reader.cursor)
            if reader.cursor == before:
                self._deliver(reader, batch.without(places))
                if not reader.session.is_full:
                    self._advance(reader, self.tail)
        return reader.cursor

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
            session.deliver(run)
            self._advance(reader, run.last)

    def _advance(self, reader: _Reader, cursor: int) -> None:
        if cursor > reader.cursor:
            reader.cursor = cursor
        if reader.own:
            reader.own = {seq for seq in reader.own if seq > reader.cursor}

    # --- Those behind ---

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
        Deferred.fromCoroutine(self._read_on(reader)).addErrback(log_bug)

    def catch_up_all(self) -> None:
        """The same for everybody."""
        for number in list(self._readers):
            self.catch_up(number)

    async def _read_on(self, reader: _Reader) -> None:
        tail = self.tail
        try:
            page = await self._pages.get(self.log, reader.cursor, tail)
        except Exception:
            # Whatever a store fails with. The client comes back, and goes on from its cursor.
            _log.failure("A log could not be read")
            if self._readers.get(reader.session.number) is reader:
                reader.session.close(CloseCode.INTERNAL, "its records could not be read")
            return
        finally:
            reader.is_reading = False
        if self._readers.get(reader.session.number) is reader:
            self._take_page(reader, page, tail)

    def _take_page(self, reader: _Reader, page: Page, tail: int) -> None:
        stored, runs = page
        if reader.own:
            others = [item for item in stored if item.seq not in reader.own]
            runs = join_runs([line_of(self.log, item.seq, item.record) for item in others])
        self._deliver(reader, runs)
        if reader.session.is_full:
            return
        # The last records may be gone: then nothing is left below the tail of before.
        self._advance(reader, stored[-1].seq if stored else tail)
        # One page a turn, so that a long catch-up leaves room for everybody else.
        if reader.cursor < self.tail:
            self._clock.callLater(0, self.catch_up, reader.session.number)


def log_bug(failure: Failure) -> None:
    """Write to the log what should not have happened."""
    _log.failure("A bug in the fan-out", failure)
