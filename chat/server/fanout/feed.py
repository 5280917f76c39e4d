"""Fan-out: one log, its epochs, its readers.

The way down: a `Draft` waits for the next commit (`chat.server.state.commits`), which seals all
waiting drafts, once each. Once it is durable, their record lines are joined into one run and
digested once, and every reader at the tail gets those bytes and its own voucher in one write
(`chat.server.fanout.readers`).
"""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.ids import AccountId, LogId, MessageId, RecordId
from chat.limits import ACKS_PAGE, EDITS
from chat.rooms.errors import NotStoredError, NotYoursError, RequestError, TooManyEditsError
from chat.rooms.happenings import Deleted, Edited, Kept, Passing, Reacted, Renamed, Said, Writing
from chat.rooms.hub import Hub
from chat.rooms.pace import Pace
from chat.rooms.room import Room
from chat.server.fanout.bodies import beside, body_of
from chat.server.fanout.drafts import Acknowledge, Author, Draft, Exclude
from chat.server.fanout.epochs import Epochs
from chat.server.fanout.pages import Pages
from chat.server.fanout.readers import Readers, log_bug
from chat.server.session import Session
from chat.server.state.commits import Commits
from chat.store.interface import Epoch, Head, Place, Record, Void
from chat.wire import messages
from chat.wire.records import record_id, seal_records
from chat.wire.runs import Delivery, Line, line_of
from chat.wire.sealing import RandomBytes

__all__ = ["Feed"]

_log = Logger()

_CROWD: Final = 64
"""If a log has more posts than this in one commit, they are sorted by author."""

_PASSING: Final = Place(0, 0, True)

_Words = Said | Edited | Reacted
"""Drafts that slow mode counts. Words of decisions are counted in `Asking.say`."""


class Feed:
    """One log's fan-out. A `chat.server.state.sources.Source`."""

    def __init__(
        self,
        log: LogId,
        head: Head,
        epochs: Epochs,
        pages: Pages,
        commits: Commits,
        hub: Hub,
        pace: Pace,
        clock: IReactorTime,
        milliseconds: Callable[[], int],
        random_bytes: RandomBytes,
    ) -> None:
        self.log = log
        self.epochs = epochs
        self.readers = Readers(log, head.seq, epochs, pages, clock, commits.trouble)
        self._pages = pages
        self._commits = commits
        self._hub = hub
        self._pace = pace
        self._milliseconds = milliseconds
        self._random_bytes = random_bytes
        self._time = head.time
        self._fence = head.fence
        """The last change that took away somebody's right to post."""
        self._waiting: list[Draft] = []
        self._deletions = 0
        """Number of deletions among the waiting drafts."""
        self._sealed: list[tuple[Draft, bytes]] = []
        """Drafts and records of the commit in flight."""

    # --- Drafts ---

    @property
    def waiting(self) -> int:
        """Number of waiting drafts."""
        return len(self._waiting)

    def add(self, draft: Draft) -> None:
        """Add a happening; readers get it after the next commit."""
        self._waiting.append(draft)
        if isinstance(draft.happening, Deleted):
            self._deletions += 1
        self._commits.add(self, draft.size, draft.reply.session)

    def announce(
        self,
        happening: Passing,
        author: Session | None,
        check: Callable[[], None] | None = None,
    ) -> None:
        """Tell those who read the log, but not the session that did it, of something passing.

        With `check`, only if its author may still do it then: see `Draft`.
        """
        # A reader that comes before delivery still needs to hear who else came or went, but not of
        # an earlier name.
        if self.readers.has_readers(author if isinstance(happening, Renamed | Writing) else None):
            record, reply = self._new_id(happening), Exclude(author)
            self.add(Draft(happening, record, reply, check, self._commits.base))

    def _new_id(self, happening: Kept | Passing) -> RecordId:
        return record_id(happening.account, MessageId(self._random_bytes(16)))

    # --- Epochs ---

    def next_epoch(self) -> Epoch:
        """Return the next epoch."""
        return self.epochs.next()

    def begin(self, epoch: Epoch) -> None:
        """Seal in this epoch from now on."""
        self.epochs.begin(epoch)

    def fence(self, base: int) -> None:
        """Recheck whether the authors of waiting drafts may post them."""
        self._fence = base

    # --- Down: drafts to records ---

    def take(self, most: int, deletions: int) -> list[Record]:
        """Seal at most `most` drafts, at most `deletions` of them deletions; return what to
        store."""
        drafts, self._waiting = self._waiting, []
        if len(drafts) > most or self._deletions > deletions:
            self._leave(drafts, most, deletions)
        else:
            self._deletions = 0
        self._commits.resized(-sum([draft.size for draft in drafts]))
        if len(drafts) > _CROWD and all([isinstance(it.happening, Said) for it in drafts]):
            # Drafts that arrived at the same moment have no order yet. In this order, everything an
            # author gets is two stretches that others get as well.
            drafts.sort(key=_author_number)
        self._time = max(self._time, self._milliseconds())
        allowed = self._still_allowed(drafts)
        try:
            return self._seal(allowed)
        except Exception:
            for draft in allowed:
                self._refuse(draft, NotStoredError())
            raise

    def _leave(self, drafts: list[Draft], most: int, deletions: int) -> None:
        """Leave the drafts beyond a bound for the next commit."""
        deleting = [at for at, it in enumerate(drafts) if isinstance(it.happening, Deleted)]
        end = min([most, *deleting[deletions : deletions + 1]])
        self._waiting = drafts[end:]
        self._deletions = len([at for at in deleting if at >= end])
        del drafts[end:]

    def _still_allowed(self, drafts: list[Draft]) -> list[Draft]:
        """Return the drafts whose authors may still post them; refuse the others.

        Drafts were checked on arrival; check them again if anybody has lost the right to post
        since. Slow mode is checked only now, because it counts from the last words that were
        stored.
        """
        fence = max(self._fence, self._commits.fence)
        slow = self._slow_room()
        if slow is None and all([it.check is None or it.base >= fence for it in drafts]):
            return drafts
        allowed: list[Draft] = []
        posted: dict[AccountId, RecordId] = {}
        for draft in drafts:
            try:
                if draft.check is not None:
                    if draft.base < fence:
                        draft.check()
                    if slow is not None and isinstance(draft.happening, _Words):
                        self._check_pace(draft, slow, posted)
            except RequestError as error:
                self._refuse(draft, error)
            except Exception:
                log_bug(Failure())
                self._refuse(draft, NotStoredError())
            else:
                allowed.append(draft)
        return allowed

    def _refuse(self, draft: Draft, error: RequestError) -> None:
        try:
            draft.reply.refuse(error)
        except Exception:
            if draft.reply.session is not None:
                self.readers.fail(draft.reply.session)

    def _slow_room(self) -> Room | None:
        """Return the log's room if it is in slow mode."""
        room = self._hub.known_room(self.log)
        return room if room is not None and room.slow else None

    def _check_pace(self, draft: Draft, room: Room, posted: dict[AccountId, RecordId]) -> None:
        """Raise SlowModeError for words that come too soon, also after those of this commit."""
        account, record = draft.happening.account, draft.record_id
        if self._pace.check(room, account, record, posted.get(account)):
            posted[account] = record

    def seal(self, happening: Kept, asked_by: Session | None) -> Record:
        """Seal a change's record in the log."""
        self._time = max(self._time, self._milliseconds())
        [record] = self._seal([Draft(happening, self._new_id(happening), Exclude(asked_by))])
        return record

    def _seal(self, drafts: Sequence[Draft]) -> list[Record]:
        if not drafts:
            return []
        epoch, time = self.epochs.current, self._time
        people = self._hub.people
        bodies = []
        for draft in drafts:
            nick = people.nick_of(draft.happening.account)
            bodies.append(messages.encode(body_of(draft.happening, nick, time)))
        ids = [draft.record_id for draft in drafts]
        sealed = seal_records(self.epochs.key(), self.log, epoch, ids, bodies, self._random_bytes)
        records = []
        for draft, data in zip(drafts, sealed, strict=True):
            if draft.is_kept:
                happening = draft.happening
                kind, words, replaces, erases = beside(happening)
                head = self.log, draft.record_id, happening.account, kind, epoch, time
                records.append(Record(*head, data, words, replaces, erases))
        self._sealed += zip(drafts, sealed, strict=True)
        return records

    # --- Down: delivering durable records ---

    def refused(self) -> None:
        """Refuse the drafts of a failed commit; deliver its passing ones."""
        sealed, self._sealed = self._sealed, []
        for draft, _ in sealed:
            if draft.is_kept:
                self._refuse(draft, NotStoredError())
        self._deliver([(*it, _PASSING) for it in sealed if not it[0].is_kept])

    def put_back(self, tell: Callable[[Session], None]) -> None:
        """As `Source.put_back`; deliver the passing drafts.

        A client that comes back sends everything again that was not acknowledged. If its last
        connection's drafts still waited, they would pile up.
        """
        sealed, self._sealed = self._sealed, []
        # A decision's own record has nobody to acknowledge it to: the decision has failed.
        taken = [draft for draft, _ in sealed if isinstance(draft.reply, Acknowledge)]
        waiting, self._waiting = self._waiting, []
        before = sum([draft.size for draft in waiting])
        for draft in [*taken, *waiting]:
            session = draft.reply.session
            if not draft.is_kept or session is None:
                self._waiting.append(draft)
            elif not session.is_gone:
                self._waiting.append(draft)
                tell(session)
        self._deletions = len([it for it in self._waiting if isinstance(it.happening, Deleted)])
        self._commits.resized(sum([draft.size for draft in self._waiting]) - before)
        self._deliver([(*it, _PASSING) for it in sealed if not it[0].is_kept])

    def given(self, places: Sequence[Place | Void]) -> None:
        """Deliver the records that are now durable, and answer their authors."""
        sealed, self._sealed = self._sealed, []
        stored = iter(places)
        placed: list[tuple[Draft, bytes, Place]] = []
        for draft, data in sealed:
            place = next(stored) if draft.is_kept else _PASSING
            if isinstance(place, Void):
                self._refuse(draft, _refusal(place))
            else:
                placed.append((draft, data, place))
        try:
            self._deliver(placed)
        except Exception:
            # Readers that a bug kept from getting records read on from the store.
            log_bug(Failure())
            self.readers.catch_up_all()

    def _deliver(self, placed: Sequence[tuple[Draft, bytes, Place]]) -> None:
        before = self.readers.tail
        self.readers.tail = max([before, *[place.seq for _, _, place in placed]])
        lines: list[Line] = []
        authors: dict[int, Author] = {}
        is_slow = self._slow_room() is not None
        for draft, data, place in placed:
            session = draft.reply.session
            if session is not None:
                author = authors.get(session.number)
                if author is None:
                    author = authors[session.number] = Author(session)
                author.drafts.append((draft, place))
                if place.is_new:
                    author.lines.append(len(lines))
            if place.is_new:
                lines.append(line_of(self.log, place.seq, data))
            happening = draft.happening
            if isinstance(happening, Deleted):
                self._pages.forget(self.log)
            elif is_slow and place.is_new and isinstance(happening, _Words):
                self._pace.note(self.log, happening.account, draft.record_id)
        batch = Delivery(lines)
        self.readers.deliver(batch, authors)
        for author in authors.values():
            try:
                self._answer(author, batch, before)
            except Exception:
                self.readers.fail(author.session)

    def _answer(self, author: Author, batch: Delivery, before: int) -> None:
        """Send an author the others' records, and answers in place of its own."""
        session = author.session
        own = [place.seq for _, place in author.drafts if place.is_new]
        cursor = self.readers.deliver_to_author(session.number, batch, before, author.lines, own)
        acks = [
            (draft.reply.request, place.seq, place.time)
            for draft, place in author.drafts
            if isinstance(draft.reply, Acknowledge)
        ]
        for start in range(0, len(acks), ACKS_PAGE):
            session.send(messages.Posted(self.log, cursor, acks[start : start + ACKS_PAGE]))


def _refusal(void: Void) -> RequestError:
    match void:
        case Void.STALE:
            return NotStoredError()
        case Void.GONE:
            return NotYoursError()
        case Void.TOO_MANY:
            return TooManyEditsError(EDITS)


def _author_number(draft: Draft) -> int:
    session = draft.reply.session
    return 0 if session is None else session.number
