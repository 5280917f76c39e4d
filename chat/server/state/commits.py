"""Decide, commit, apply: the only way in which stored state changes.

Work waits here: drafts of records, decisions, read markers, trims. Everything that waits goes into
one commit, and one commit is in flight at a time. Once it is durable it is applied, and only then
visible, answered and delivered. A commit that fails has changed nothing, neither in the store nor
in memory, so there is nothing to undo. If it fails because the disk is full, its drafts wait again.
"""

from collections.abc import Callable, Collection
from itertools import islice
from typing import Final

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.ids import AccountId, LogId
from chat.limits import Limits
from chat.rooms.hub import Hub
from chat.rooms.trial import Decide
from chat.server.session import Session
from chat.server.state.batch import RECORDS, Batch, Proposal, guard
from chat.server.state.sources import Applied, Fanout, Source
from chat.server.state.trouble import Trouble
from chat.store.interface import (
    Commit,
    DiskFullError,
    Epoch,
    LogStore,
    Outcome,
    ReadMarker,
    StoreError,
    Trim,
)
from chat.wire.sealing import RandomBytes

__all__ = ["COMMIT_SECONDS", "MARKERS", "TRIMS", "Commits"]

_log = Logger()

COMMIT_SECONDS: Final = 0.003
"""Seconds from the start of one commit to the start of the next under load, so that a thousand
rooms share commits, each of which costs a flush of the disk. The server is under load if more is
waiting when a commit ends, or if a commit held several logs or decisions. A single item does not
wait."""

TRIMS: Final = 4
"""Most trims in one commit: each scans a log."""

MARKERS: Final = 1_024
"""Most read markers in one commit."""


class Commits:
    """Collects work, and commits it. Call `start` first."""

    def __init__(
        self,
        store: LogStore,
        hub: Hub,
        clock: IReactorTime,
        limits: Limits,
        random_bytes: RandomBytes,
    ) -> None:
        self.base = 0
        """The number of the last change that was applied."""
        self.fence = 0
        """The last change that took away somebody's right to post in any log."""
        self._store = store
        self._hub = hub
        self._clock = clock
        self._limits = limits
        self._random_bytes = random_bytes
        self._fanout: Fanout
        self._effects: Callable[[Applied], None]
        self._awake: dict[Source, None] = {}
        self._proposals: list[Proposal] = []
        self._seen: dict[tuple[LogId, AccountId], int] = {}
        self._again: dict[tuple[LogId, AccountId], int] = {}
        """Read markers of a commit that failed: they go with the next one, but do not cause one."""
        self._trims: list[tuple[Trim, Deferred[int]]] = []
        self._epochs: list[tuple[Epoch, Deferred[None]]] = []
        self._bytes = 0
        """Bytes of the waiting drafts."""
        self._held: list[Session] = []
        self._loading = 0
        """Number of decisions that wait for logs to be loaded."""
        self._is_scheduled = False
        self._is_committing = False
        self._began = 0.0
        """When the last commit began, in monotonic seconds."""
        self._idle: list[Deferred[None]] = []
        self.trouble = Trouble(clock, self._schedule)

    async def start(self, fanout: Fanout, effects: Callable[[Applied], None]) -> None:
        """Load the number of the last change. Raises StoreError."""
        self._fanout = fanout
        self._effects = effects
        self.base = self.fence = await self._store.base()

    # --- Adding work ---

    def change(self, decide: Decide, asked_by: Session | None = None) -> Deferred[None]:
        """Commit a decision; fires when it has been applied, and before the next one is.

        `decide` must be pure, and may run several times. If it finds nothing to do, this fires at
        once. Fails with the RequestError that it raises, and with StoreError if the commit failed.
        While the disk is full, fails at once.
        """
        done: Deferred[None] = Deferred()
        try:
            is_nothing = decide().is_nothing
        except Exception:  # A refusal or a bug, which the caller has to handle.
            done.errback(Failure())
            return done
        if is_nothing:
            done.callback(None)
        elif self.trouble.full is not None:
            done.errback(self.trouble.full)
        else:
            self._proposals.append(Proposal(decide, asked_by, done))
            self._schedule()
        return done

    def add(self, source: Source, size: int, session: Session | None) -> None:
        """Note that a log has another draft, of so many bytes. Beyond the bound on what waits, stop
        reading from its sender until a commit takes the waiting drafts."""
        self._awake[source] = None
        self._bytes += size
        if session is not None and self._bytes > self._limits.batch_bytes:
            session.hold()
            self._held.append(session)
        self._schedule()

    def see(self, log: LogId, account: AccountId, seq: int) -> None:
        """Note that an account has seen a log up to `seq`."""
        self._seen[log, account] = seq
        self._schedule()

    def trim(self, trim: Trim) -> Deferred[int]:
        """Remove old records of a log; fires with the number of removed records."""
        done: Deferred[int] = Deferred()
        self._trims.append((trim, done))
        self._schedule()
        return done

    def begin(self, epoch: Epoch) -> Deferred[None]:
        """Begin an epoch; fires when it is durable. Fails with StoreError if it cannot begin."""
        if self.trouble.full is not None:
            return fail(self.trouble.full)
        done: Deferred[None] = Deferred()
        self._epochs.append((epoch, done))
        self._schedule()
        return done

    def idle(self) -> Deferred[None]:
        """Return a Deferred that fires when nothing is in flight, and nothing waits but for
        space."""
        idle: Deferred[None] = Deferred()
        self._idle.append(idle)
        self._check_idle()
        return idle

    def resized(self, by: int) -> None:
        """Note that the drafts of a log that wait have become larger or smaller, in bytes."""
        self._bytes += by

    # --- A commit ---

    @property
    def _has_work(self) -> bool:
        return bool(self._awake or self._proposals or self._seen or self._trims or self._epochs)

    def _schedule(self) -> None:
        is_free = not self._is_scheduled and not self._is_committing
        if is_free and self.trouble.full is None and self._has_work:
            self._is_scheduled = True
            self._clock.callLater(0, self._commit)

    def _commit(self) -> None:
        """Commit everything that waits."""
        self._is_scheduled = False
        self._is_committing = True
        self._began = self._clock.seconds()
        batch = Batch(self._hub, self._fanout, self._random_bytes)
        committing = maybeDeferred(self._make, batch)
        self._release()
        done = committing.addCallbacks(
            self._committed, self._not_committed, callbackArgs=(batch,), errbackArgs=(batch,)
        )
        done.addErrback(_log_bug).addCallback(self._go_on, batch)

    def _make(self, batch: Batch) -> Deferred[Outcome]:
        """Build a commit from everything that waits, and give it to the store."""
        epochs, self._epochs = self._epochs, []
        for epoch, done in epochs:
            batch.begin(epoch)
            batch.begun.append(done)
        proposals, self._proposals = self._proposals[:RECORDS], self._proposals[RECORDS:]
        batch.decide(proposals)
        batch.gather(self._awake)
        markers = (self._again | self._seen).items()
        batch.seen = dict(islice(markers, MARKERS))
        self._seen, self._again = dict(islice(markers, MARKERS, None)), {}
        batch.trims, self._trims = self._trims[:TRIMS], self._trims[TRIMS:]
        change = batch.change()
        if not (batch.records or batch.seen or batch.trims or change):
            return succeed(Outcome(self.base))  # Everything is passing or refused.
        seen = [ReadMarker(log, account, seq) for (log, account), seq in batch.seen.items()]
        trims = [trim for trim, _ in batch.trims]
        return self._store.commit(
            Commit(self.base, batch.records, seen, trims, change)
        ).addCallback(self._stored)

    def _stored(self, outcome: Outcome) -> Outcome:
        self.trouble.end()
        return outcome

    def _committed(self, outcome: Outcome, batch: Batch) -> bool:
        """Deliver records, then apply the decisions and answer their askers.

        Return whether the server is under load, so that the next commit should wait for more.
        """
        is_void = batch.has_change and outcome.change is None
        is_busy = self._has_work or batch.is_shared
        batch.deliver(outcome)
        if is_void:
            # Nobody else changes the state, so somebody must have replaced the file.
            batch.fail_change(Failure(StoreError("the state has changed behind the server's back")))
        else:
            self._apply(outcome, batch)
            # Only now: it may have been refused for what this commit made.
            batch.answer_refused()
        for (_, done), count in zip(batch.trims, outcome.trimmed, strict=True):
            done.callback(count)
        return is_busy

    def _apply(self, outcome: Outcome, batch: Batch) -> None:
        if batch.losses.silences_all:
            self.fence = outcome.base
        batch.begin_epochs(outcome.base)
        try:
            for applied, answer in batch.apply():
                answer()
                guard(self._effects, applied)
        finally:
            # Not earlier: what arrives between two decisions was not checked against both.
            self.base = outcome.base

    def _not_committed(self, failure: Failure, batch: Batch) -> bool:
        """Handle any failure of the store: nothing was stored, and nothing is applied."""
        is_busy = self._has_work
        if isinstance(failure.value, DiskFullError):
            self.trouble.begin(failure.value)
            # First in the next commit, because they came first.
            self._awake = dict.fromkeys(batch.put_back(self.trouble.tell)) | self._awake
            self._trims = batch.trims + self._trims
        else:
            if isinstance(failure.value, StoreError):
                self.trouble.failed(failure.value)
            else:
                _log.failure("A commit failed", failure)
            batch.refuse()
            for _, done in batch.trims:
                done.errback(failure)
        batch.fail_change(failure)
        self._again |= batch.seen
        return is_busy

    def _go_on(self, is_busy: bool, batch: Batch) -> None:
        """Start the next commit, but not too soon under load."""
        self._release()
        for proposal, logs in batch.unloaded:
            self._load(proposal, logs)
        wait = self._began + COMMIT_SECONDS - self._clock.seconds() if is_busy else 0.0
        if wait > 0:
            self._clock.callLater(wait, self._end)
        else:
            self._end()

    def _load(self, proposal: Proposal, logs: Collection[LogId]) -> None:
        """Load the logs that a decision concerns, and retry it."""
        known = [log for log in logs if self._hub.known_room(log) is not None]
        self._loading += 1
        loading = Deferred.fromCoroutine(self._fanout.load(known))
        loading.addCallbacks(self._loaded, proposal.done.errback, callbackArgs=(proposal,))
        loading.addErrback(_log_bug).addBoth(self._not_loading)

    def _loaded(self, _: None, proposal: Proposal) -> None:
        self._proposals.append(proposal)
        self._schedule()

    def _not_loading(self, _: object) -> None:
        self._loading -= 1
        self._check_idle()

    def _release(self) -> None:
        """Resume reading from senders beyond the bound, if what waits is within it again."""
        if self._bytes > self._limits.batch_bytes:
            return
        held, self._held = self._held, []
        for session in held:
            guard(session.release)

    def _end(self) -> None:
        self._is_committing = False
        if self._has_work:
            self._schedule()
        self._check_idle()

    def _check_idle(self) -> None:
        if self._is_committing or self._is_scheduled or self._loading:
            return
        if self._has_work and self.trouble.full is None:
            return
        idle, self._idle = self._idle, []
        for waiting in idle:
            waiting.callback(None)


def _log_bug(failure: Failure) -> bool:
    _log.failure("A bug after a commit", failure)
    return True
