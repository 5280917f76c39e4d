"""The state in memory, as `chat.store.rules` needs it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from chat.ids import AccountId, LogId, RecordId
from chat.store.interface import Epoch, Head, Place, ReadMarker, Stored, Value
from chat.store.state import Decided, Target
from chat.store.words import words

__all__ = ["KeptRecord", "Log", "MemoryState"]


@dataclass(slots=True)
class KeptRecord:
    """A record; `stored` is None once it is erased."""

    stored: Stored | None
    author: AccountId
    kind: int
    time: int
    replaces: int
    epoch: int
    words: tuple[str, ...] = ()


@dataclass(slots=True)
class Log:
    """The contents of a log."""

    records: dict[int, KeptRecord] = field(default_factory=dict)
    """By sequence number, in order."""
    places: dict[RecordId, Place] = field(default_factory=dict)
    replacing: dict[int, list[int]] = field(default_factory=dict)
    epochs: dict[int, Epoch] = field(default_factory=dict)
    head: Head = field(default_factory=Head)


class MemoryState:
    """A `chat.store.state.State` in dictionaries."""

    def __init__(self, has_search: bool) -> None:
        self._has_search = has_search
        self.base = 0
        self.fence = 0
        self.logs: dict[LogId, Log] = {}
        self.values: dict[bytes, bytes] = {}
        self.seen: dict[tuple[LogId, AccountId], int] = {}

    def log(self, log: LogId) -> Log:
        """Return the contents of a log, or an empty `Log`."""
        return self.logs.get(log) or Log()

    def head(self, log: LogId) -> Head:
        """As `Known.head`."""
        return self.log(log).head

    def places(
        self, keys: Collection[tuple[LogId, RecordId]]
    ) -> dict[tuple[LogId, RecordId], Place]:
        """As `Known.places`."""
        found = ((key, self.log(key[0]).places.get(key[1])) for key in keys)
        return {key: place for key, place in found if place is not None}

    def target(self, log: LogId, seq: int) -> Target | None:
        """As `Known.target`."""
        kept = self.log(log).records.get(seq)
        return None if kept is None or kept.stored is None else Target(kept.author, kept.kind)

    def replacing(self, log: LogId, seq: int) -> list[int]:
        """As `Known.replacing`."""
        kept = self.log(log)
        return [it for it in kept.replacing.get(seq, ()) if it in kept.records]

    def first(self, log: LogId) -> int | None:
        """As `Known.first`."""
        return next(iter(self.log(log).records), None)

    def first_since(self, log: LogId, time: int, end: int) -> int | None:
        """As `Known.first_since`."""
        records = self.log(log).records.items()
        return next((seq for seq, kept in records if kept.time >= time and seq <= end), None)

    def last_but(self, log: LogId, count: int) -> int | None:
        """As `Known.last_but`."""
        records = reversed(self.log(log).records.items())
        there = (seq for seq, kept in records if kept.stored is not None)
        return next(islice(there, count, None), None)

    def store(self, decided: Decided) -> None:
        """As `State.store`."""
        for log, head in decided.heads.items():
            self.logs.setdefault(log, Log()).head = head
        for record, seq, time in decided.placed:
            kept = self.logs[record.log]
            kept.places[record.id] = Place(seq, time, False)
            if record.replaces:
                kept.replacing.setdefault(record.replaces, []).append(seq)
            kept.records[seq] = KeptRecord(
                Stored(seq, record.id, record.data),
                record.author,
                int(record.kind),
                time,
                record.replaces,
                record.epoch,
                tuple(words(record.words)) if self._has_search else (),
            )
        for log, seq in decided.hidden:
            self.logs[log].records[seq].words = ()
        for log, seq in decided.erased:
            gone = self.logs[log].records[seq]
            gone.stored, gone.words = None, ()
        for log in {log for log, _ in decided.erased}:
            self._forget_epochs(self.logs[log])

    def see(self, seen: Sequence[ReadMarker]) -> None:
        """As `State.see`."""
        for log, account, seq in seen:
            self.seen[log, account] = max(seq, self.seen.get((log, account), 0))

    def trim(self, log: LogId, last: int) -> int:
        """As `State.trim`."""
        kept = self.logs[log]
        gone = [seq for seq in kept.records if seq <= last]
        for seq in gone:
            del kept.records[seq]
        for seq in [seq for seq in kept.replacing if seq <= last]:
            del kept.replacing[seq]
        for id in [id for id, place in kept.places.items() if place.seq <= last]:
            del kept.places[id]
        self._forget_epochs(kept)
        return len(gone)

    def put(self, values: Sequence[Value]) -> None:
        """As `State.put`."""
        for key, value in values:
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value

    def settle(
        self, base: int, fence: int, epochs: Sequence[Epoch], heads: Mapping[LogId, Head]
    ) -> None:
        """As `State.settle`."""
        self.base, self.fence = base, fence
        for log, head in heads.items():
            self.logs.setdefault(log, Log()).head = head
        for epoch in epochs:
            self.logs[epoch.log].epochs[epoch.number] = epoch
        for log in {epoch.log for epoch in epochs}:
            self._forget_epochs(self.logs[log])

    @staticmethod
    def _forget_epochs(log: Log) -> None:
        needed = {it.epoch for it in log.records.values() if it.stored is not None}
        for number in log.epochs.keys() - needed - {log.head.epoch}:
            del log.epochs[number]
