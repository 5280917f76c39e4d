"""Searches, in a thread of their own.

The index holds the postings of each word log by log, so all of a log's matches are cheap to get,
latest first. Which logs to look into is the question: an account may be a member of very many, and
the word may be in very many. So there are three ways through the logs, each of which gives the
whole answer, and they take a step each in turn until one of them is through. A search therefore
costs at most three times what the cheapest way costs:

* every log that is searched, if there are few: cheap for somebody who is in a few rooms;
* the logs with the latest records, until no other can have a later match than those found: cheap
  for a word that is said everywhere;
* the logs that contain a match, which the index skips between: cheap for a rare word.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from heapq import heappush, heapreplace
from pathlib import Path
from time import monotonic
from typing import Final

from chat.ids import LogId
from chat.limits import SEQ_MAX
from chat.store.interface import Found, SlowSearchError, Stored
from chat.store.sqlite.journal import log_of, row_id
from chat.store.sqlite.reader import Connected
from chat.store.words import phrases

__all__ = ["Searcher"]

_STEPS: Final = 1_000
"""Steps of SQLite's virtual machine between two looks at the clock: a few milliseconds at most. The
index also takes a step whenever it reads a page."""

_FEW: Final = 4_096
"""Most logs of which a search makes a list."""

_PASSED: Final = 64
"""Other people's logs passed in one step: about as long as one look into the index."""


class Searcher(Connected):
    """Searches."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = monotonic) -> None:
        super().__init__(path)
        self._monotonic = monotonic

    def search(
        self, words: str, logs: Collection[LogId], limit: int, seconds: float
    ) -> list[Found]:
        """As `LogStore.search`. Raises SlowSearchError."""
        # Each phrase becomes a quoted string, in which FTS5 has no operators; no word contains
        # quotes.
        query = " ".join(f'"{" ".join(phrase)}"' for phrase in phrases(words))
        if not query:
            return []
        end = self._monotonic() + seconds

        def is_over() -> bool:
            return self._monotonic() > end

        def search(connection: sqlite3.Connection) -> list[Found]:
            connection.set_progress_handler(is_over, _STEPS)
            try:
                matches = _Matches(connection, query, logs, limit)
                for _ in matches.steps():
                    # SQLite looks at the clock only within one long statement.
                    if is_over():
                        raise SlowSearchError
                return matches.found()
            except sqlite3.OperationalError:
                if is_over():
                    raise SlowSearchError from None
                raise
            finally:
                connection.set_progress_handler(None, 0)

        return self.at_once(search)


class _Matches:
    """The latest matches of one search, as far as it has come."""

    def __init__(
        self, connection: sqlite3.Connection, query: str, logs: Collection[LogId], limit: int
    ) -> None:
        self._connection = connection
        self._query = query
        self._logs = logs
        self._limit = limit
        self._latest: list[tuple[int, int, LogId, int]] = []
        """A heap of time, sequence number, log, and its number; the earliest one is the first."""
        self._seen: set[int] = set()
        """The numbers of the logs that were looked into."""

    def steps(self) -> Iterator[object]:
        """Search; yields after each step."""
        ways = [self._latest_logs(), self._logs_with_matches()]
        if len(self._logs) <= _FEW:
            ways.append(self._few_logs())
        return zip(*ways, strict=False)

    def found(self) -> list[Found]:
        """Return the matches, latest first."""
        found = []
        for time, seq, log, number in sorted(self._latest, reverse=True):
            [*stored] = self._connection.execute(
                "SELECT seq, id, data FROM records WHERE log = ? AND seq = ?", (number, seq)
            ).fetchone()
            found.append(Found(log, time, Stored(*stored)))
        return found

    def _few_logs(self) -> Iterator[None]:
        for log in list(self._logs):
            known = self._connection.execute("SELECT number FROM logs WHERE id = ?", (log,))
            for [number] in known.fetchall():
                self._look_into(log, number)
            yield

    def _latest_logs(self) -> Iterator[None]:
        rows = self._connection.execute("SELECT id, number, time FROM logs ORDER BY time DESC")
        while some := rows.fetchmany(_PASSED):
            for log, number, time in some:
                if len(self._latest) == self._limit and time < self._latest[0][0]:
                    return
                if log in self._logs and number not in self._seen:
                    self._look_into(log, number)
                    yield
            yield

    def _logs_with_matches(self) -> Iterator[None]:
        before = SEQ_MAX
        while found := self._rows(0, before, 1).fetchone():
            number = log_of(found[0])
            before = row_id(number, 0) - 1
            [log] = self._connection.execute(
                "SELECT id FROM logs WHERE number = ?", (number,)
            ).fetchone()
            if log in self._logs:
                self._look_into(log, number)
            yield

    def _look_into(self, log: LogId, number: int) -> None:
        """Take the latest matches of a log, until they are earlier than those found elsewhere."""
        if number in self._seen:
            return
        self._seen.add(number)
        first = row_id(number, 0)
        rows = self._rows(first, row_id(number + 1, 0) - 1, self._limit)
        # Times never go back within a log.
        for [row] in rows:
            seq = row - first
            [time] = self._connection.execute(
                "SELECT time FROM records WHERE log = ? AND seq = ?", (number, seq)
            ).fetchone()
            match = time, seq, log, number
            if len(self._latest) < self._limit:
                heappush(self._latest, match)
            elif match > self._latest[0]:
                heapreplace(self._latest, match)
            else:
                break
        rows.close()

    def _rows(self, first: int, last: int, limit: int) -> sqlite3.Cursor:
        return self._connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?"
            " ORDER BY rowid DESC LIMIT ?",
            (self._query, first, last, limit),
        )
