"""Records are filed many at a time, and can be found before that."""

import sqlite3
from unittest.mock import patch

from chat.ids import LogId
from chat.store.interface import Commit, Head, Place, ReadMarker, Record, StateChange, Value
from chat.store.sqlite import SqliteStore, journal
from chat.store.sqlite.filing import FILE_RECORDS, FILE_SECONDS
from tests.store.commits import AUTHORS, LOGS, append, delete, edit, fired, record, seqs, trim
from tests.store.sqlite.support import SqliteCase

LOG, OTHER_LOG = LOGS


def records(first: int, count: int, log: LogId = LOG) -> list[Record]:
    """Return records with one common word and one of their own."""
    return [
        record(number, log, b"record", f"alike only{number}")
        for number in range(first, first + count)
    ]


class JournalTests(SqliteCase):
    """Where records are at which time."""

    def setUp(self) -> None:
        """Open a store that has a log."""
        super().setUp()
        self.store = self.open()

    def found(self, words: str, store: SqliteStore | None = None) -> list[int]:
        """Return the sequence numbers of the records found."""
        found = fired((store or self.store).search(words, [LOG], 10))
        return [it.stored.seq for it in found]

    def read(self, after: int, backward: bool = False, **limits: int) -> list[int]:
        """Return the sequence numbers of the records read."""
        limit_bytes = limits.pop("limit_bytes", 10_000)
        reading = self.store.read(LOG, after, limit_bytes, backward, limits.pop("limit", None))
        return [it.seq for it in fired(reading)]

    def test_they_wait_for_others_and_not_for_long(self) -> None:
        append(self.store, *records(0, 3))
        assert self.waiting() == 3
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0 and self.found("only1") == [2]
        assert self.clock.getDelayedCalls() == self.tidying()
        fired(self.store.close())

    def test_many_are_filed_at_once(self) -> None:
        self.clock.advance(FILE_SECONDS)
        for first in range(0, FILE_RECORDS, 64):
            append(self.store, *records(first, 64))
            assert self.waiting() == (first + 64) % FILE_RECORDS
        fired(self.store.close())

    def test_under_load_only_some_are(self) -> None:
        self.clock.advance(FILE_SECONDS)
        for log in LOGS:
            append(self.store, *records(0, FILE_RECORDS // 2, log))
        assert self.waiting() == FILE_RECORDS // 2
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0
        fired(self.store.close())

    def test_more_than_one_step_takes_are_all_filed(self) -> None:
        self.clock.advance(FILE_SECONDS)
        everything = [it for log in LOGS for it in records(0, FILE_RECORDS, log)]
        append(self.store, *everything)
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0
        for log in LOGS:
            assert fired(self.store.head(log)).seq == FILE_RECORDS
        fired(self.store.close())

    def test_a_step_is_bounded_even_if_all_are_of_one_log(self) -> None:
        self.clock.advance(FILE_SECONDS)
        self.replace(journal, "_LOG_FILED", 100)
        self.threads.is_holding = True
        appending = self.store.commit(Commit(0, records(0, FILE_RECORDS + 250)))
        self.threads.go_on()
        left = []
        while self.threads.held:
            self.threads.go_on()
            left.append(self.waiting())
        assert left == [FILE_RECORDS + 150, FILE_RECORDS + 50, FILE_RECORDS - 50]
        self.threads.is_holding = False
        assert seqs(fired(appending).places)[-1] == FILE_RECORDS + 250
        page = fired(self.store.read(LOG, 200, 10**9, limit=200))
        assert [it.seq for it in page] == list(range(201, 401))
        page = fired(self.store.read(LOG, 401, 10**9, backward=True, limit=200))
        assert [it.seq for it in page] == list(range(400, 200, -1))
        assert fired(self.store.head(LOG)).seq == FILE_RECORDS + 250
        before = self.dump()
        self.store._writer._drop()
        [place] = append(self.store, record(FILE_RECORDS + 249))
        assert place == Place(FILE_RECORDS + 250, 1_000 + FILE_RECORDS + 249, False)
        assert self.dump() == before
        fired(self.store.close())

    def test_those_of_many_logs_are_filed_together(self) -> None:
        logs = [LogId(number.to_bytes(16, "big")) for number in range(2 * journal.SINGLE + 1)]
        for number in (0, 1):
            places = append(self.store, *(record(number, log) for log in logs))
            assert seqs(places) == [number + 1] * len(logs)
        for waiting in (2 * len(logs), 0):
            assert self.waiting() == waiting
            for log in logs:
                assert fired(self.store.head(log)) == Head(2, 1_001)
            self.clock.advance(FILE_SECONDS)
        fired(self.store.close())

    def test_they_are_read_with_those_that_are_filed(self) -> None:
        append(self.store, *records(0, 3))
        self.clock.advance(FILE_SECONDS)
        append(self.store, *records(3, 2))
        append(self.store, *records(9, 1, OTHER_LOG))
        append(self.store, *records(5, 1))
        assert self.waiting() == 4
        for after in range(8):
            assert self.read(after) == list(range(after + 1, 7))
            assert self.read(after, backward=True) == list(range(min(after - 1, 6), 0, -1))
        for limit in range(1, 8):
            assert self.read(0, limit=limit) == list(range(1, min(limit, 6) + 1))
            assert self.read(9, True, limit=limit) == list(range(6, max(6 - limit, 0), -1))
        size = len(b"record")
        assert self.read(2, limit_bytes=2 * size) == [3, 4]
        assert self.read(5, True, limit_bytes=2 * size) == [4, 3]
        assert self.read(4, limit_bytes=1) == [5]
        fired(self.store.close())

    def test_the_latest_time_counts(self) -> None:
        for number, at in enumerate((5, 3, 4)):
            [place] = append(self.store, record(number)._replace(time=at))
            assert place == Place(number + 1, 5, True)
            assert fired(self.store.head(LOG)).time == 5
        self.clock.advance(FILE_SECONDS)
        append(self.store, record(9)._replace(time=2))
        assert fired(self.store.head(LOG)) == Head(4, 5)
        self.clock.advance(FILE_SECONDS)
        assert fired(self.store.head(LOG)) == Head(4, 5)
        fired(self.store.close())

    def test_a_search_finds_what_was_appended_just_now(self) -> None:
        append(self.store, *records(0, 3))
        assert self.found("only2") == [3] and self.waiting() == 0
        fired(self.store.close())

    def test_what_waits_when_the_server_is_killed_is_there_after_that(self) -> None:
        append(self.store, *records(0, 3))
        self.store._writer._drop()
        self.store = self.open()
        assert self.read(0) == [1, 2, 3] and fired(self.store.head(LOG)) == Head(3, 1_002)
        assert self.found("alike") == [3, 2, 1] and self.waiting() == 0
        places = append(self.store, *records(2, 2))
        assert places == [Place(3, 1_002, False), Place(4, 1_003, True)]
        fired(self.store.close())

    def test_what_waits_when_a_connection_is_lost_is_known_to_the_next(self) -> None:
        append(self.store, *records(0, 3))
        self.store._writer._drop()
        assert [
            it for it in append(self.store, *records(2, 2)) if it != Place(3, 1_002, False)
        ] == [Place(4, 1_003, True)]
        assert self.waiting() == 4
        fired(self.store.close())

    def test_nothing_waits_when_the_store_is_closed(self) -> None:
        append(self.store, *records(0, 3))
        fired(self.store.close())
        assert self.execute("SELECT count(*) FROM journal") == [(0,)]
        assert self.execute("SELECT count(*) FROM records") == [(3,)]

    def test_what_is_removed_while_it_waits_is_filed_first(self) -> None:
        append(self.store, *records(0, 2))
        append(self.store, delete(90, 1))
        assert self.waiting() == 0 and self.read(0) == [2, 3]
        append(self.store, *records(7, 1))
        append(self.store, edit(91, 2, words="new"))
        assert self.waiting() == 0
        assert self.found("alike") == [4] and self.found("new") == [5]
        append(self.store, *records(8, 1))
        assert trim(self.store, keep=1) == 5
        assert self.read(0) == [6] and self.found("alike") == [6]
        fired(self.store.close())

    def test_what_never_was_is_not_made_by_trimming_it(self) -> None:
        assert trim(self.store, keep=1) == 0
        assert self.execute("SELECT count(*) FROM logs") == [(0,)]
        fired(self.store.close())

    def test_of_other_logs_nothing_is_filed_then(self) -> None:
        for log in LOGS:
            append(self.store, *records(0, 2, log))
        append(self.store, delete(90, 1))
        assert self.waiting() == 2
        fired(self.store.close())

    def test_they_are_filed_some_logs_at_a_time(self) -> None:
        logs = [LogId(number.to_bytes(16, "big")) for number in range(5)]
        self.replace(journal, "FILED", 4)
        for log in logs:
            append(self.store, *records(0, 3, log))
        left = [self.store._writer.file_some(), self.store._writer.file_some()]
        append(self.store, *records(3, 1, logs[0]))
        left += [self.store._writer.file_some() for _ in range(3)]
        assert left == [9, 3, 1, 0, 0]
        for log in logs[1:]:
            assert len(fired(self.store.read(log, 0, 1_000))) == 3
        assert self.execute("SELECT count(*) FROM ids") == [(16,)]
        fired(self.store.close())

    def test_without_search_no_word_is_kept(self) -> None:
        fired(self.store.close())
        self.store = self.open(has_search=False)
        append(self.store, record(1, words="secret words"))
        assert self.waiting() == 1 and b"secret" not in self.bytes_on_disk()
        fired(self.store.close())

    def test_words_that_waited_are_gone_when_search_is_not_wanted_any_more(self) -> None:
        append(self.store, record(1, words="secret words"))
        assert b"secret" in self.bytes_on_disk()
        self.store._writer._drop()
        self.store._reader.close()
        self.store = self.open(has_search=False)
        fired(self.store.close())
        assert b"secret" not in self.bytes_on_disk()

    def changing(self, commit: Commit) -> list[str]:
        """Apply a commit; return the statements that can change something."""
        writing = self.store._writer._connection
        assert writing is not None
        statements: list[str] = []
        writing.set_trace_callback(statements.append)
        fired(self.store.commit(commit))
        writing.set_trace_callback(None)
        words = [it.split()[0] for it in statements]
        return [it for it in words if it not in ("SELECT", "WITH")]

    def test_a_commit_of_posts_alone_is_one_statement(self) -> None:
        for log in LOGS:
            append(self.store, *records(0, 1, log))
        half = journal.SINGLE // 2
        mixed = [record(number, log) for number in range(1, half + 1) for log in LOGS]
        assert self.changing(Commit(0, mixed)) == ["INSERT"]
        assert self.changing(Commit(0, mixed)) == []
        assert self.changing(Commit(0)) == []
        stale = [it._replace(epoch=1) for it in records(100, 3)]
        assert self.changing(Commit(0, [*stale, *records(200, 1)])) == ["INSERT"]
        fired(self.store.close())

    def test_any_other_is_a_transaction(self) -> None:
        append(self.store, *records(0, 1))
        many = Commit(0, records(1, journal.SINGLE + 1))
        assert self.changing(many) == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
        seen = Commit(0, records(200, 1), [ReadMarker(LOG, AUTHORS[0], 1)])
        assert self.changing(seen) == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
        changed = Commit(0, records(201, 1), change=StateChange([Value(b"key", b"value")]))
        assert self.changing(changed) == ["BEGIN", "INSERT", "INSERT", "UPDATE", "COMMIT"]
        new_log = Commit(1, records(0, 1, OTHER_LOG))
        assert self.changing(new_log) == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
        assert self.changing(Commit(1, records(1, 1, OTHER_LOG))) == ["INSERT"]
        fired(self.store.close())

    def test_what_fails_is_tried_again(self) -> None:
        append(self.store, *records(0, 1))
        with patch.object(journal, "file_some", side_effect=sqlite3.OperationalError("no")):
            self.clock.advance(FILE_SECONDS)
        assert len(self.flush()) == 1
        assert self.found("only0") == [1]
        append(self.store, *records(1, 1))
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0
        fired(self.store.close())

    def test_what_fails_is_not_tried_with_every_commit(self) -> None:
        self.clock.advance(FILE_SECONDS)
        error = sqlite3.OperationalError("no")
        with (
            patch.object(journal, "file_some", side_effect=error) as filing,
            patch.object(journal, "file_up_to", side_effect=error),
        ):
            append(self.store, *records(0, FILE_RECORDS))
            for number in range(3):
                append(self.store, *records(FILE_RECORDS + number, 1))
            assert self.flush() == ["Records could not be filed yet: no"]
            self.clock.advance(FILE_SECONDS)
            assert filing.call_count == 2 and not self.flush()
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0
        append(self.store, *records(2 * FILE_RECORDS, FILE_RECORDS))
        assert self.waiting() == 0
        fired(self.store.close())
