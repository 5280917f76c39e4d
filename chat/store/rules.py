"""The rules of `chat.store.interface`, implemented once for every engine.

`apply` goes through a commit in the order of the rules and makes an engine's `State` do whatever
counts. It decides by the commit and by what the state says as `Known`, so engines with the same
state decide alike. Nothing here knows how the state is stored.
"""

from collections.abc import Collection, Sequence
from typing import Final

from chat.ids import LogId
from chat.limits import EDITS
from chat.store.interface import (
    CLOCK_MILLISECONDS,
    Commit,
    Epoch,
    Head,
    Outcome,
    Place,
    Record,
    RecordKind,
    StateChange,
    Trim,
    Void,
    is_audit,
)
from chat.store.state import Decided, Known, State, Target

__all__ = ["apply", "decide"]

_REPLACEABLE: Final = frozenset({RecordKind.TEXT})
_ERASABLE: Final = frozenset({RecordKind.TEXT, RecordKind.EDIT})


def apply(commit: Commit, state: State) -> Outcome:
    """Apply whatever counts of a commit to a state, and return the outcome."""
    decided = decide(commit.records, commit.base, state)
    state.store(decided)
    seen = [it for it in commit.seen if it.seq > 0]
    if seen:
        state.see(seen)
    trimmed = [_trim(trim, state) for trim in commit.trims]
    places = None if commit.change is None else _change(commit.change, commit.base, state)
    return Outcome(state.base, decided.places, trimmed, places)


class _End:
    """The end of a log while records are being appended to it."""

    __slots__ = ("edits", "epoch", "gone", "has_rules", "head", "is_shut", "records", "seq", "time")

    def __init__(self, log: LogId, base: int, known: Known) -> None:
        self.head = head = known.head(log)
        self.seq, self.time, self.epoch = head.seq, head.time, head.epoch
        self.has_rules = not is_audit(log)
        self.is_shut = base < head.fence or base < known.fence
        self.records: list[Record] = []
        """The records appended so far."""
        self.gone: set[int] = set()
        """Sequence numbers of the records that these erase."""
        self.edits: dict[int, int] = {}
        """How often the replaced records have been replaced, by sequence number."""

    def among_the_new(self, seq: int) -> Record | None:
        """Return the record with this sequence number, if it is one of the appended ones."""
        number = seq - self.head.seq - 1
        return self.records[number] if number >= 0 else None


def decide(records: Sequence[Record], base: int, known: Known) -> Decided:
    """Decide about records that were checked when `base` was the last change."""
    decided = Decided()
    if not records:
        return decided
    keys = [(record.log, record.id) for record in records]
    places = known.places(keys)
    ends: dict[LogId, _End] = {}
    for key, record in zip(keys, records, strict=True):
        there = places.get(key)
        if there is not None:
            # It may be new in this commit.
            decided.places.append(Place(there.seq, there.time, False))
            continue
        log, _, _, _, epoch, time, _, _, replaces, erases = record
        end = ends.get(log)
        if end is None:
            end = ends[log] = _End(log, base, known)
        last = end.time
        if end.has_rules and (
            end.is_shut or epoch != end.epoch or time < last - CLOCK_MILLISECONDS
        ):
            decided.places.append(Void.STALE)
        elif (replaces or erases) and (void := _remove(record, end, decided, known)):
            decided.places.append(void)
        else:
            end.seq = seq = end.seq + 1
            if time < last:
                time = last
            end.time = time
            end.records.append(record)
            place = places[key] = Place(seq, time, True)
            decided.places.append(place)
            decided.placed.append((record, seq, time))
    for log, end in ends.items():
        if end.records:
            head = end.head
            decided.heads[log] = Head(end.seq, end.time, head.epoch, head.fence)
    return decided


def _remove(record: Record, end: _End, decided: Decided, known: Known) -> Void | None:
    """Note what a record removes; return the reason if it may not."""
    log, replaces, erases = record.log, record.replaces, record.erases
    if replaces and not _may_remove(record, replaces, _REPLACEABLE, end, known):
        return Void.GONE
    if erases and not _may_remove(record, erases, _ERASABLE, end, known):
        return Void.GONE
    if replaces:
        if replaces not in end.edits:
            end.edits[replaces] = len(known.replacing(log, replaces))
        if end.edits[replaces] >= EDITS:
            return Void.TOO_MANY
        end.edits[replaces] += 1
        decided.hidden.append((log, replaces))
    if erases:
        seqs = {erases, *known.replacing(log, erases)}
        new = enumerate((*end.records, record), end.head.seq + 1)
        seqs.update(seq for seq, it in new if it.replaces == erases)
        decided.erased += [(log, seq) for seq in sorted(seqs)]
        end.gone |= seqs
    return None


def _may_remove(
    record: Record,
    seq: int,
    kinds: Collection[int],
    end: _End,
    known: Known,
) -> bool:
    """Return whether the record `seq` exists, and `record` may replace or erase it."""
    if not 0 < seq <= end.seq or seq in end.gone:
        return False
    found: Record | Target | None = end.among_the_new(seq) or known.target(record.log, seq)
    return found is not None and found.author == record.author and found.kind in kinds


def _trim(trim: Trim, state: State) -> int:
    first = state.first(trim.log)
    if first is None:
        return 0
    tail = state.head(trim.log).seq
    end = min(tail, first + trim.most - 1)
    last = first - 1
    if trim.before_time is not None:
        # Times never decrease in a log, so this scans only the records to be removed.
        young = state.first_since(trim.log, trim.before_time, end)
        last = end if young is None else young - 1
    if trim.keep is not None and tail - last > trim.keep:
        last = max(last, min(state.last_but(trim.log, trim.keep) or 0, end))
    return state.trim(trim.log, last) if last >= first else 0


def _change(change: StateChange, base: int, state: State) -> list[Place] | None:
    """Apply a change if it counts; return the places of its records, or None if it is void."""
    if base != state.base:
        return None
    decided = decide(change.records, base, state)
    places = [place for place in decided.places if isinstance(place, Place)]
    if len(places) < len(decided.places) or not _follow(change.epochs, state):
        return None
    number = base + 1
    state.store(decided)
    state.put(change.values)
    fence = number if change.silences_all else state.fence
    state.settle(number, fence, change.epochs, _heads(change, number, state))
    return places


def _follow(epochs: Sequence[Epoch], known: Known) -> bool:
    """Return whether each epoch is the next one of its log."""
    last: dict[LogId, int] = {}
    for log, number, _ in epochs:
        before = last[log] if log in last else known.head(log).epoch
        if number != before + 1:
            return False
        last[log] = number
    return True


def _heads(change: StateChange, number: int, known: Known) -> dict[LogId, Head]:
    """Return the heads that a change modifies, with its epochs and fences."""
    heads: dict[LogId, Head] = {}
    for epoch in change.epochs:
        head = known.head(epoch.log)
        heads[epoch.log] = head._replace(epoch=epoch.number)
    for log in sorted(change.silenced):
        head = heads[log] if log in heads else known.head(log)
        heads[log] = head._replace(fence=number)
    return heads
