"""The state in the file, as `chat.store.rules` needs it.

Everything runs in the writer's thread, on its connection, in the caller's transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from chat.ids import LogId, RecordId
from chat.store.interface import Commit, Epoch, Head, Place, ReadMarker, Value
from chat.store.sqlite import ids, journal
from chat.store.sqlite.connection import WritingConnection, padded
from chat.store.sqlite.journal import SINGLE, row_id
from chat.store.state import Decided, Target

__all__ = ["SqliteState", "is_single"]

_UNTIDY: Final = "UPDATE state SET tidy = 0"
"""Every removal executes this: see `chat.store.sqlite.writer`."""

_ERASED: Final = 64
"""Records per erasing statement."""

_SEEN: Final = 64
"""Most read markers in one statement."""


def is_single(connection: WritingConnection, commit: Commit) -> bool:
    """Return whether a commit takes at most one statement that changes something.

    Such a statement is a transaction by itself, which saves BEGIN and COMMIT.
    """
    if commit.change is not None or commit.seen or commit.trims or len(commit.records) > SINGLE:
        return False
    logs = connection.logs
    return not any(it.replaces or it.erases or it.log not in logs for it in commit.records)


class SqliteState:
    """A `chat.store.state.State` in a file, for the duration of one commit."""

    def __init__(self, connection: WritingConnection, has_search: bool) -> None:
        self._connection = connection
        self._has_search = has_search

    # --- Queries ---

    @property
    def base(self) -> int:
        """As `Known.base`."""
        return self._connection.base

    @property
    def fence(self) -> int:
        """As `Known.fence`."""
        return self._connection.fence

    def head(self, log: LogId) -> Head:
        """As `Known.head`."""
        known = self._known(log)
        return Head() if known is None else known[1]

    def places(
        self, keys: Collection[tuple[LogId, RecordId]]
    ) -> dict[tuple[LogId, RecordId], Place]:
        """As `Known.places`."""
        logs = self._connection.logs
        for log, _ in keys:
            if log not in logs:
                self._known(log)
        return ids.known(self._connection, keys)

    def target(self, log: LogId, seq: int) -> Target | None:
        """As `Known.target`."""
        row = self._connection.execute(
            "SELECT author, kind FROM records WHERE log = ? AND seq = ? AND data IS NOT NULL",
            (self._filed(log), seq),
        ).fetchone()
        return None if row is None else Target(*row)

    def replacing(self, log: LogId, seq: int) -> list[int]:
        """As `Known.replacing`."""
        # The index is partial, so SQLite uses it only if the query says so, too; with `=` it would
        # then go through everything that replaces anything.
        rows = self._connection.execute(
            "SELECT seq FROM records"
            " WHERE log = ?1 AND replaces > 0 AND replaces BETWEEN ?2 AND ?2",
            (self._filed(log), seq),
        )
        return [it for [it] in rows]

    def first(self, log: LogId) -> int | None:
        """As `Known.first`."""
        [first] = self._connection.execute(
            "SELECT min(seq) FROM records WHERE log = ?", (self._filed(log),)
        ).fetchone()
        return None if first is None else int(first)

    def first_since(self, log: LogId, time: int, end: int) -> int | None:
        """As `Known.first_since`."""
        row = self._connection.execute(
            "SELECT seq FROM records WHERE log = ? AND seq <= ? AND time >= ? ORDER BY seq LIMIT 1",
            (self._filed(log), end, time),
        ).fetchone()
        return None if row is None else int(row[0])

    def last_but(self, log: LogId, count: int) -> int | None:
        """As `Known.last_but`."""
        row = self._connection.execute(
            "SELECT seq FROM records WHERE log = ? AND data IS NOT NULL"
            " ORDER BY seq DESC LIMIT 1 OFFSET ?",
            (self._filed(log), count),
        ).fetchone()
        return None if row is None else int(row[0])

    def _known(self, log: LogId) -> tuple[int, Head] | None:
        """Return the number and the head of a log, if it exists."""
        logs = self._connection.logs
        known = logs.get(log)
        if known is None:
            # None of its records wait, or it would be cached.
            row = self._connection.execute(
                "SELECT number, seq, time, epoch, fence FROM logs WHERE id = ?", (log,)
            ).fetchone()
            if row is None:
                return None
            number, *end = row
            known = logs[log] = number, Head(*end)
        return known

    def _filed(self, log: LogId) -> int:
        """File all waiting records of a log and return its number; 0 if it does not exist."""
        known = self._known(log)
        if known is None:
            return 0
        journal.file_log(self._connection, known[0], self._has_search)
        return known[0]

    # --- Updates ---

    def store(self, decided: Decided) -> None:
        """As `State.store`."""
        for log, head in decided.heads.items():
            self._connection.logs[log] = self._made(log), head
        if decided.placed:
            journal.insert(self._connection, decided.placed, self._has_search)
        # The records to remove may still be in the journal.
        for log, seq in decided.hidden:
            self._forget(self._filed(log), seq, seq)
        if decided.erased:
            erased: dict[LogId, set[int]] = {}
            for log, seq in decided.erased:
                erased.setdefault(log, set()).add(seq)
            for log, seqs in erased.items():
                self._erase(log, sorted(seqs))
            self._connection.execute(_UNTIDY)

    def _erase(self, log: LogId, seqs: Sequence[int]) -> None:
        """Erase records, given in ascending order."""
        number = self._filed(log)
        for start in range(0, len(seqs), _ERASED):
            some = padded(list(seqs[start : start + _ERASED]))
            among = f"IN (?{', ?' * (len(some) - 1)})"
            self._connection.execute(
                f"UPDATE records SET data = NULL WHERE log = ? AND seq {among}", [number, *some]
            )
            if self._has_search:
                rows = [row_id(number, seq) for seq in some]
                self._connection.execute(f"DELETE FROM words WHERE rowid {among}", rows)
        self._forget_epochs(log, seqs)

    def see(self, seen: Sequence[ReadMarker]) -> None:
        """As `State.see`."""
        rows = [(self._made(log), account, seq) for log, account, seq in seen]
        for start in range(0, len(rows), _SEEN):
            some = padded(rows[start : start + _SEEN])
            self._connection.execute(
                f"INSERT INTO seen VALUES (?, ?, ?){', (?, ?, ?)' * (len(some) - 1)}"
                " ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)",
                [value for row in some for value in row],
            )

    def trim(self, log: LogId, last: int) -> int:
        """As `State.trim`."""
        number = self._filed(log)
        which = number, last
        self._forget(number, 0, last)
        # By id, because ids are not in the order of records.
        self._connection.execute(
            "DELETE FROM ids WHERE log = ? AND id IN"
            " (SELECT id FROM records WHERE log = ? AND seq <= ?)",
            (number, *which),
        )
        gone = self._connection.execute("DELETE FROM records WHERE log = ? AND seq <= ?", which)
        self._connection.execute("DELETE FROM epochs WHERE log = ? AND ends <= ?", which)
        self._forget_epochs(log, [last + 1])
        self._connection.execute(_UNTIDY)
        return gone.rowcount

    def put(self, values: Sequence[Value]) -> None:
        """As `State.put`."""
        for key, value in values:
            if value is None:
                self._connection.execute("DELETE FROM entries WHERE key = ?", (key,))
            else:
                self._connection.execute(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?)", (key, value)
                )

    def settle(
        self, base: int, fence: int, epochs: Sequence[Epoch], heads: Mapping[LogId, Head]
    ) -> None:
        """As `State.settle`."""
        connection = self._connection
        connection.execute("UPDATE state SET base = ?, fence = ?", (base, fence))
        connection.base, connection.fence = base, fence
        for log, head in heads.items():
            number = self._made(log)
            connection.execute(
                "UPDATE logs SET epoch = ?, fence = ? WHERE number = ?",
                (head.epoch, head.fence, number),
            )
            connection.logs[log] = number, head
        for epoch in epochs:
            self._begin(epoch, heads[epoch.log].seq)

    def _begin(self, epoch: Epoch, end: int) -> None:
        """Begin an epoch after the record `end`, and end the one before it."""
        connection, number = self._connection, self._made(epoch.log)
        before = number, epoch.number - 1
        connection.execute(
            "UPDATE epochs SET ends = ? WHERE log = ? AND number = ?", (end, *before)
        )
        connection.execute(
            "INSERT INTO epochs VALUES (?, ?, ?, NULL, ?)",
            (number, epoch.number, end + 1, epoch.wrapped),
        )
        if number not in connection.waiting:
            self._forget_epochs(epoch.log, [end])
        else:  # The record `end` exists.
            connection.execute(
                "DELETE FROM epochs WHERE log = ? AND number = ? AND begins > ends", before
            )

    def _forget_epochs(self, log: LogId, seqs: Sequence[int]) -> None:
        """Forget the epochs of filed records, in ascending order, that have no record left."""
        number = self._made(log)
        last = -1
        for seq in seqs:
            if seq <= last:
                continue
            [last] = self._connection.execute(
                "SELECT min(ends) FROM epochs WHERE log = ? AND ends >= ?", (number, seq)
            ).fetchone()
            if last is None:
                break  # The latest one stays.
            self._connection.execute(
                "DELETE FROM epochs WHERE log = ?1 AND ends BETWEEN ?2 AND ?2"
                " AND NOT EXISTS (SELECT 1 FROM records WHERE records.log = epochs.log"
                " AND seq BETWEEN begins AND ends AND data IS NOT NULL)",
                (number, last),
            )

    def _made(self, log: LogId) -> int:
        """Return the number of a log, creating it if needed."""
        known = self._known(log)
        if known is not None:
            return known[0]
        number = self._connection.execute("INSERT INTO logs (id) VALUES (?)", (log,)).lastrowid
        assert number is not None
        self._connection.logs[log] = number, Head()
        return number

    def _forget(self, number: int, first: int, last: int) -> None:
        """Remove the words of filed records from the search index."""
        if self._has_search:
            rows = row_id(number, first), row_id(number, last)
            self._connection.execute("DELETE FROM words WHERE rowid BETWEEN ? AND ?", rows)
