"""A model of a store: the rules of commits, implemented again as simply as possible."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from chat.ids import AccountId, LogId, RecordId
from chat.limits import EDITS
from chat.store.interface import (
    Commit,
    Epoch,
    Found,
    Head,
    Outcome,
    Place,
    Record,
    RecordKind,
    StateChange,
    Stored,
    Trim,
    Void,
    is_audit,
)

__all__ = ["PARTS", "Model", "ModelLog", "Row"]

PARTS: Final = {
    "red": "red",
    "Green": "green",
    "gréén": "green",
    "blue-red": "blue red",
    "(red": "red",
    "¿?": "",
    "№5": "no5",
    "red上海": "red 上 海",
    "\U0001f600\U0001f3fd": "\U0001f600 \U0001f3fd",
    "naive_2": "naive 2",
}
"""Text that people type, and its words."""


@dataclass(frozen=True)
class Row:
    """A record; erased ones have no data."""

    record: Record
    seq: int
    time: int
    is_erased: bool = False
    is_hidden: bool = False

    def stored(self) -> Stored:
        """Return the record as the store returns it."""
        return Stored(self.seq, self.record.id, self.record.data)

    def text(self) -> str:
        """Return its searchable words, between spaces."""
        if self.is_hidden or self.is_erased:
            return ""
        return _words(self.record.words)


@dataclass
class ModelLog:
    """The expected contents of a log."""

    rows: dict[int, Row] = field(default_factory=dict)
    places: dict[RecordId, Place] = field(default_factory=dict)
    begun: list[Epoch] = field(default_factory=list)
    head: Head = field(default_factory=Head)

    def copy(self) -> "ModelLog":
        """Return an independent copy."""
        return ModelLog(dict(self.rows), dict(self.places), list(self.begun), self.head)

    @property
    def epochs(self) -> list[Epoch]:
        """Return the epochs that must be kept."""
        needed = {row.record.epoch for row in self.there()} | {self.head.epoch}
        return [epoch for epoch in self.begun if epoch.number in needed]

    def there(self) -> list[Row]:
        """Return the readable records, in order."""
        return [row for _, row in sorted(self.rows.items()) if not row.is_erased]

    def page(self, after: int, limit_bytes: int, backward: bool, limit: int | None) -> list[Stored]:
        """Return the expected result of reading."""
        if backward:
            rows = [row for row in reversed(self.there()) if row.seq < after]
        else:
            rows = [row for row in self.there() if row.seq > after]
        page = [row.stored() for row in rows][:limit]
        while len(page) > 1 and sum(len(it.data) for it in page) > limit_bytes:
            page.pop()
        return page


@dataclass
class Model:
    """The expected contents of a store."""

    base: int = 0
    fence: int = 0
    logs: dict[LogId, ModelLog] = field(default_factory=dict)
    values: dict[bytes, bytes] = field(default_factory=dict)
    seen: dict[tuple[LogId, AccountId], int] = field(default_factory=dict)

    def log(self, log: LogId) -> ModelLog:
        """Return the expected contents of a log."""
        return self.logs.get(log) or ModelLog()

    def copy(self) -> "Model":
        """Return an independent copy."""
        logs = {log: kept.copy() for log, kept in self.logs.items()}
        return replace(self, logs=logs, values=dict(self.values), seen=dict(self.seen))

    def apply(self, commit: Commit) -> Outcome:
        """Apply a commit to the model, and return the expected outcome."""
        places = [self._store(record, commit.base) for record in commit.records]
        for log, account, seq in commit.seen:
            if seq > self.seen.get((log, account), 0):
                self.seen[log, account] = seq
        trimmed = [self._trim(trim) for trim in commit.trims]
        changed = None
        if commit.change is not None:
            trial = self.copy()
            changed = trial._change(commit.change, commit.base)
            if changed is not None:
                self.__dict__.update(trial.__dict__)
        return Outcome(self.base, places, trimmed, changed)

    def _store(self, record: Record, base: int) -> Place | Void:
        log = self.log(record.log)
        if record.id in log.places:
            return log.places[record.id]
        head = log.head
        if not is_audit(record.log):
            if base < head.fence or base < self.fence:
                return Void.STALE
            if record.epoch != head.epoch or record.time + 1_000 < head.time:
                return Void.STALE
        for target, kinds in (
            (record.replaces, [RecordKind.TEXT]),
            (record.erases, [RecordKind.TEXT, RecordKind.EDIT]),
        ):
            row = log.rows.get(target)
            is_there = row is not None and not row.is_erased
            if target and not (
                is_there
                and row is not None
                and row.record.author == record.author
                and row.record.kind in kinds
            ):
                return Void.GONE
        if record.replaces:
            edits = [row for row in log.rows.values() if row.record.replaces == record.replaces]
            if len(edits) >= EDITS:
                return Void.TOO_MANY
        self.logs[record.log] = log
        seq, time = head.seq + 1, max(head.time, record.time)
        log.head = head._replace(seq=seq, time=time)
        log.places[record.id] = Place(seq, time, False)
        log.rows[seq] = Row(record, seq, time)
        if record.replaces:
            log.rows[record.replaces] = replace(log.rows[record.replaces], is_hidden=True)
        if record.erases:
            for row in list(log.rows.values()):
                if record.erases in (row.seq, row.record.replaces):
                    log.rows[row.seq] = replace(row, is_erased=True)
        return Place(seq, time, True)

    def _trim(self, trim: Trim) -> int:
        log = self.log(trim.log)
        going = [0]
        if trim.before_time is not None:
            going += [row.seq for row in log.rows.values() if row.time < trim.before_time]
        if trim.keep is not None:
            there = [row.seq for row in log.there()]
            going += there[: max(len(there) - trim.keep, 0)]
        gone = [row for _, row in sorted(log.rows.items()) if row.seq <= max(going)][: trim.most]
        for row in gone:
            del log.rows[row.seq], log.places[row.record.id]
        return len(gone)

    def _change(self, change: StateChange, base: int) -> Sequence[Place] | None:
        if base != self.base:
            return None
        places = []
        for record in change.records:
            place = self._store(record, base)
            if isinstance(place, Void):
                return None
            places.append(place)
        for key, value in change.values:
            self.values.pop(key, None)
            if value is not None:
                self.values[key] = value
        for epoch in change.epochs:
            log = self.logs.setdefault(epoch.log, ModelLog())
            if epoch.number != log.head.epoch + 1:
                return None
            log.head = log.head._replace(epoch=epoch.number)
            log.begun.append(epoch)
        self.base += 1
        if change.silences_all:
            self.fence = self.base
        for name in change.silenced:
            log = self.logs.setdefault(name, ModelLog())
            log.head = log.head._replace(fence=self.base)
        return places

    def search(self, typed: str, logs: Collection[LogId], limit: int) -> list[Found]:
        """Return the expected result of a search."""
        wanted = [text for part in typed.split() if (text := _words(part)).strip()]
        found = [
            Found(log, row.time, row.stored())
            for log in logs
            for row in self.log(log).there()
            if wanted and all(text in row.text() for text in wanted)
        ]
        found.sort(key=lambda it: (it.time, it.stored.seq, it.log), reverse=True)
        return found[:limit]

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Return the expected result of a scan."""
        return sorted(it for it in self.values.items() if it[0].startswith(prefix))

    def rows(self) -> Iterator[Row]:
        """Return all readable records of all logs."""
        for log in self.logs.values():
            yield from log.there()


def _words(typed: str) -> str:
    found = " ".join(PARTS[part] for part in typed.split())
    return f" {' '.join(found.split())} "
