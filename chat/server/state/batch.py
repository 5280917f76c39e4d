"""The contents of one commit, and who is told about its outcome."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.ids import NOBODY, AccountId, LogId, RecordId
from chat.rooms.changes import Change, Event
from chat.rooms.hub import Hub
from chat.rooms.trial import Decide, Losses, Trial, losses, new_logs, try_all
from chat.server.session import Session
from chat.server.state.audit import encode_event
from chat.server.state.catalog import encode_put
from chat.server.state.sources import Applied, Fanout, Source
from chat.store.interface import (
    AUDIT,
    Epoch,
    Outcome,
    Place,
    Record,
    RecordKind,
    StateChange,
    Trim,
    Void,
    audit_of,
)
from chat.wire.sealing import RandomBytes

__all__ = ["RECORDS", "Batch", "Proposal", "guard"]

_log = Logger()

RECORDS: Final = 1_024
"""Most drafts and decisions in one commit, including passing drafts."""

DELETIONS: Final = 8
"""Most deletions in one commit: each erases a text with all its edits (`chat.limits.EDITS`)."""


@dataclass(slots=True, eq=False)
class Proposal:
    """A decision that an asker waits for."""

    decide: Decide
    asked_by: Session | None
    done: Deferred[None]


class _NotLoadedError(Exception):
    """A decision concerns logs that are not loaded. Argument: the logs."""


class Batch:
    """One commit."""

    def __init__(self, hub: Hub, fanout: Fanout, random_bytes: RandomBytes) -> None:
        self.begun: list[Deferred[None]] = []
        """Deferreds of callers that wait for an epoch to begin."""
        self._hub = hub
        self._fanout = fanout
        self._random_bytes = random_bytes
        self.records: list[Record] = []
        self.seen: dict[tuple[LogId, AccountId], int] = {}
        self.trims: list[tuple[Trim, Deferred[int]]] = []
        self.losses = Losses()
        self.has_change = False
        """Whether there is a change for the store."""
        self.unloaded: list[tuple[Proposal, Collection[LogId]]] = []
        """Proposals that wait for logs to be loaded."""
        self._sources: dict[Source, tuple[int, int]] = {}
        """The first record of a log in the commit, and the end of them."""
        self._sources_behind: dict[Source, list[int]] = {}
        """The indexes of a log's records in the change."""
        self._decided: list[tuple[Proposal, Trial]] = []
        self._refused: list[tuple[Proposal, Exception]] = []
        self._epochs: dict[LogId, Epoch] = {}
        self._behind: list[Record] = []
        """Records of the change."""

    # --- Building it ---

    def decide(self, proposals: Collection[Proposal]) -> None:
        """Try the proposed decisions. If somebody loses the right to read a log, begin a new
        epoch."""
        trials = try_all(self._hub, [partial(self._decide, it) for it in proposals])
        for proposal, trial in zip(proposals, trials, strict=True):
            if isinstance(trial.error, _NotLoadedError):
                self.unloaded.append((proposal, *trial.error.args))
            elif trial.error is not None:
                self._refused.append((proposal, trial.error))
            else:
                self._decided.append((proposal, trial))
        decided = [trial for _, trial in self._decided]
        self.losses = losses(self._hub, decided)
        for log in new_logs(decided):
            self.begin(self._fanout.found(log))
        for log in sorted(set().union(*[it.change.concerned() for it in decided])):
            if log in self.losses.lost:
                self.begin(self._fanout.source(log).next_epoch())

    def _decide(self, proposal: Proposal) -> Change:
        change = proposal.decide()
        unloaded = [it for it in change.concerned() if not self._fanout.is_loaded(it)]
        if any(self._hub.known_room(log) is None for log in unloaded):
            raise LookupError("a decision about a log that does not exist")
        if unloaded:
            raise _NotLoadedError(unloaded)
        return change

    def begin(self, epoch: Epoch) -> None:
        """Begin an epoch after all records of this commit."""
        self._epochs[epoch.log] = epoch

    def gather(self, awake: dict[Source, None]) -> None:
        """Take the drafts of logs in turn, and seal the change's records."""
        left, deletions = RECORDS, DELETIONS
        for source in list(awake):
            if left <= 0:
                break
            del awake[source]
            waiting = source.waiting
            if not waiting:
                continue
            try:
                records = source.take(left, deletions)
            except Exception:
                _log.failure("Records could not be sealed")
                guard(source.refused)
            else:
                start = len(self.records)
                self.records += records
                self._sources[source] = start, len(self.records)
                deletions -= len([it for it in records if it.erases])
            rest = source.waiting
            left -= waiting - rest
            if rest:
                awake[source] = None  # At the end of the queue.
        for proposal, (change, _, _) in self._decided:
            if change.event is not None:
                self._behind.append(self._entry(change.event))
            if change.happening is not None:
                source = self._fanout.source(change.happening.log)
                self._sources.setdefault(source, (0, 0))
                self._sources_behind.setdefault(source, []).append(len(self._behind))
                self._behind.append(source.seal(change.happening, proposal.asked_by))

    def _entry(self, event: Event) -> Record:
        data, identity = encode_event(event), RecordId(self._random_bytes(16))
        room = self._hub.find_room(event.room) if event.room else None
        log = AUDIT if room is None else audit_of(room.log)
        return Record(log, identity, NOBODY, RecordKind.OTHER, 0, event.time, data)

    def change(self) -> StateChange | None:
        """Return the change for the store, if any."""
        values = [encode_put(it) for _, trial in self._decided for it in trial.change.puts]
        if not (values or self._epochs or self._behind):
            return None
        self.has_change = True
        lost, silenced, silences_all = self.losses
        epochs = list(self._epochs.values())
        return StateChange(values, epochs, self._behind, lost | silenced, silences_all)

    # --- Its outcome ---

    @property
    def is_shared(self) -> bool:
        """Whether this commit holds several logs or decisions."""
        return len(self._sources) + len(self._decided) > 1

    def answer_refused(self) -> None:
        """Answer the askers whose decisions were refused."""
        for proposal, error in self._refused:
            proposal.done.errback(error)

    def deliver(self, outcome: Outcome) -> None:
        """Give every log its durable records."""
        for source, (start, end) in self._sources.items():
            places: list[Place | Void] = list(outcome.places[start:end])
            for index in self._sources_behind.get(source, ()):
                places.append(Void.STALE if outcome.change is None else outcome.change[index])
            guard(source.given, places)

    def begin_epochs(self, base: int) -> None:
        """Tell logs about new epochs, and about rights that somebody has lost."""
        for epoch in self._epochs.values():
            self._fanout.begun(epoch)
        for log in self.losses.lost | self.losses.silenced:
            self._fanout.fence(log, base)
        for done in self.begun:
            done.callback(None)

    def apply(self) -> Iterator[tuple[Applied, Callable[[], None]]]:
        """Apply the decisions in order; yield each, and the callable that answers it.

        The asker is answered before the next decision is applied, so it sees the state it decided.
        """
        for proposal, (change, _, _) in self._decided:
            before = [self._hub.put(key, value) for key, value in change.puts]
            yield Applied(change, before, proposal.asked_by), partial(proposal.done.callback, None)

    def refuse(self) -> None:
        """Tell the authors of records that nothing was stored."""
        for source in self._sources:
            guard(source.refused)

    def put_back(self, tell: Callable[[Session], None]) -> list[Source]:
        """Let the drafts of records wait for another commit; `tell` their authors.

        Return the logs that have some.
        """
        for source in self._sources:
            guard(source.put_back, tell)
        return [source for source in self._sources if source.waiting]

    def fail_change(self, error: Failure) -> None:
        """Fail every change, and every refusal, which may have been because of one of them."""
        asked = [proposal for proposal, _ in (*self._decided, *self._refused)]
        for done in [*self.begun, *[proposal.done for proposal in asked]]:
            done.errback(error)


def guard(function: Callable[..., None], *arguments: Any) -> None:
    """Call a function for one log or session, and keep a bug there from affecting others."""
    try:
        function(*arguments)
    except Exception:
        _log.failure("A bug after a commit")
