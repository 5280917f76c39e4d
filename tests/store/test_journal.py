"""Records are filed many at a time, and found before that all the same."""

import sqlite3
from typing import cast
from unittest.mock import patch

from chat.store import journal
from chat.store.changes import Append
from chat.store.filing import FILE_RECORDS, FILE_SECONDS
from chat.store.interface import Appended, Entry, Tail
from chat.store.schema import MIGRATIONS, prepare
from chat.store.sqlite import COMMIT_SECONDS, SqliteStore
from tests.store.suite import LOGS, entry, fired
from tests.store.support import SqliteCase

LOG, OTHER_LOG = LOGS


def entries(first: int, count: int) -> list[Entry]:
    """Return records with a word in common and one of their own."""
    return [
        Entry(number.to_bytes(16, "big"), number, b"record", words=f"alike only{number}")
        for number in range(first, first + count)
    ]


class JournalTests(SqliteCase):
    """Where records are, and when."""

    def setUp(self) -> None:
        """Open a store that has a log."""
        super().setUp()
        self.store = self.open()

    def waiting(self) -> int:
        """Return how many records are not filed."""
        [(count,)] = self.execute("SELECT count(*) FROM journal")
        return cast(int, count)

    def found(self, words: str, store: SqliteStore | None = None) -> list[int]:
        """Return the sequence numbers of what is found."""
        found = fired((store or self.store).search(words, [LOG], 10))
        return [it.stored.seq for it in found]

    def read(self, after: int, backward: bool = False, **limits: int) -> list[int]:
        """Return the sequence numbers of what is read."""
        limit_bytes = limits.pop("limit_bytes", 10_000)
        reading = self.store.read(LOG, after, limit_bytes, backward, limits.pop("limit", None))
        return [it.seq for it in fired(reading)]

    def test_they_wait_for_others_and_not_for_long(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        assert self.waiting() == 3
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0 and self.found("only1") == [2]
        assert self.clock.getDelayedCalls() == self.tidying()
        fired(self.store.close())

    def test_many_are_filed_at_once(self) -> None:
        self.clock.advance(FILE_SECONDS)
        for first in range(0, FILE_RECORDS, 64):
            fired(self.store.append(LOG, entries(first, 64)))
            assert self.waiting() == (first + 64) % FILE_RECORDS
        fired(self.store.close())

    def test_under_load_only_some_are(self) -> None:
        self.clock.advance(FILE_SECONDS)
        for log in LOGS:
            fired(self.store.append(log, entries(0, FILE_RECORDS // 2)))
        assert self.waiting() == FILE_RECORDS // 2
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0
        fired(self.store.close())

    def test_more_than_one_step_takes_are_all_filed(self) -> None:
        for log in LOGS:
            fired(self.store.append(log, entries(0, 1)))
        self.threads.is_holding = True
        first = self.store.append(LOG, entries(1, 1))
        others = [self.store.append(log, entries(2, FILE_RECORDS)) for log in LOGS]
        self.threads.go_on()
        self.threads.is_holding = False
        self.clock.advance(COMMIT_SECONDS)
        assert first.called and all(it.called for it in others)
        assert self.waiting() == 0
        for log, end in zip(LOGS, (2, 1), strict=True):
            tail = Tail(end + FILE_RECORDS, 1 + FILE_RECORDS)
            assert fired(self.store.tail(log)) == tail
        fired(self.store.close())

    def test_those_of_many_logs_are_filed_together(self) -> None:
        logs = [number.to_bytes(16, "big") for number in range(2 * journal.SINGLE + 1)]
        for first in (0, 1):
            self.threads.is_holding = True
            appending = [self.store.append(log, entries(first, 1)) for log in logs]
            self.threads.go_on()
            self.threads.is_holding = False
            self.clock.advance(COMMIT_SECONDS)
            assert [fired(it)[0].seq for it in appending] == [first + 1] * len(logs)
        assert self.waiting() == 2 * len(logs)
        for log in logs:
            assert fired(self.store.tail(log)) == Tail(2, 1)
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0
        for log in logs:
            assert fired(self.store.tail(log)) == Tail(2, 1)
        fired(self.store.close())

    def test_what_waited_to_be_indexed_in_an_older_file_is_found(self) -> None:
        fired(self.store.close())
        self.path.unlink()
        prepare(self.path, True, MIGRATIONS[:-1])
        self.execute(
            f"INSERT INTO logs (id, seq, time, filed) VALUES (x'{LOG.hex()}', 2, 0, 1)",
            "INSERT INTO ids VALUES (1, x'01', 1, 5)",
            *(f"INSERT INTO records VALUES (1, {seq}, x'0{seq}', 5, 0, x'00')" for seq in (1, 2)),
            "CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL)",
            f"INSERT INTO texts VALUES ({journal.row_id(1, 1)}, 'alike only1')",
            "CREATE TABLE arrived (place INTEGER PRIMARY KEY, number, text)",
            f"INSERT INTO arrived VALUES (7, {journal.row_id(1, 2)}, 'alike only2')",
        )
        self.store = self.open()
        assert self.found("only1") == [1] and self.found("alike") == [2, 1]
        names = self.execute("SELECT name FROM sqlite_master WHERE name IN ('texts', 'arrived')")
        assert names == []
        assert self.execute("SELECT seq, id FROM ids") == [(1, b"\1"), (2, b"\2")]
        fired(self.store.close())

    def test_they_are_read_with_those_that_are_filed(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        self.clock.advance(FILE_SECONDS)
        fired(self.store.append(LOG, entries(3, 2)))
        fired(self.store.append(OTHER_LOG, entries(9, 1)))
        fired(self.store.append(LOG, entries(5, 1)))
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

    def test_they_are_found_by_their_ids(self) -> None:
        fired(self.store.append(LOG, entries(0, 2)))
        self.clock.advance(FILE_SECONDS)
        fired(self.store.append(LOG, entries(2, 2)))
        for number in range(4):
            place = Appended(number + 1, number, False)
            assert fired(self.store.find(LOG, entries(number, 1)[0].record_id)) == place
        assert fired(self.store.find(LOG, entry(9).record_id)) is None
        fired(self.store.close())

    def test_the_latest_time_counts(self) -> None:
        for at in (5, 3, 4):
            fired(self.store.append(LOG, [Entry(bytes([at]) * 16, at, b"record")]))
            assert fired(self.store.tail(LOG)).time == 5
        self.clock.advance(FILE_SECONDS)
        fired(self.store.append(LOG, [Entry(b"2" * 16, 2, b"record")]))
        assert fired(self.store.tail(LOG)) == Tail(4, 5)
        self.clock.advance(FILE_SECONDS)
        assert fired(self.store.tail(LOG)) == Tail(4, 5)
        fired(self.store.close())

    def test_a_search_finds_what_was_appended_just_now(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        assert self.found("only2") == [3] and self.waiting() == 0
        fired(self.store.close())

    def test_what_waits_when_the_server_is_killed_is_there_after_that(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        self.store._writer._drop()
        self.store = self.open()
        assert self.read(0) == [1, 2, 3] and fired(self.store.tail(LOG)) == Tail(3, 2)
        assert self.found("alike") == [3, 2, 1] and self.waiting() == 0
        assert [it.is_new for it in fired(self.store.append(LOG, entries(2, 2)))] == [False, True]
        fired(self.store.close())

    def test_what_waits_when_a_connection_is_lost_is_known_to_the_next(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        self.store._writer._drop()
        assert [it.seq for it in fired(self.store.append(LOG, entries(2, 2)))] == [3, 4]
        assert self.waiting() == 4
        fired(self.store.close())

    def test_nothing_waits_when_the_store_is_closed(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        fired(self.store.close())
        assert self.execute("SELECT count(*) FROM journal") == [(0,)]
        assert self.execute("SELECT count(*) FROM records") == [(3,)]

    def test_what_is_removed_while_it_waits_is_filed_first(self) -> None:
        fired(self.store.append(LOG, entries(0, 2)))
        fired(self.store.append(LOG, [Entry(b"e" * 16, 9, b"record", erases=1)]))
        assert self.waiting() == 0 and self.read(0) == [2, 3]
        fired(self.store.append(LOG, entries(7, 1)))
        fired(self.store.append(LOG, [Entry(b"f" * 16, 9, b"record", words="new", replaces=2)]))
        assert self.waiting() == 0
        assert self.found("alike") == [4] and self.found("new") == [5]
        fired(self.store.append(LOG, entries(8, 1)))
        assert fired(self.store.trim(LOG, keep=1)) == 4
        assert self.read(0) == [6] and self.found("alike") == [6]
        fired(self.store.close())

    def test_what_never_was_is_not_made_by_trimming_it(self) -> None:
        assert fired(self.store.trim(LOG, keep=1)) == 0
        assert self.execute("SELECT count(*) FROM logs") == [(0,)]
        fired(self.store.close())

    def test_of_other_logs_nothing_is_filed_then(self) -> None:
        for log in LOGS:
            fired(self.store.append(log, entries(0, 2)))
        fired(self.store.append(LOG, [Entry(b"e" * 16, 9, b"record", erases=1)]))
        assert self.waiting() == 2
        fired(self.store.close())

    def test_they_are_filed_some_logs_at_a_time(self) -> None:
        logs = [number.to_bytes(16, "big") for number in range(5)]
        self.replace(journal, "_FILED", 4)
        for log in logs:
            fired(self.store.append(log, entries(0, 3)))
        left = [self.store._writer.file(), self.store._writer.file()]
        fired(self.store.append(logs[0], entries(3, 1)))
        left += [self.store._writer.file() for _ in range(3)]
        assert left == [9, 3, 1, 0, 0]
        for log in logs[1:]:
            assert len(fired(self.store.read(log, 0, 1_000))) == 3
        assert self.execute("SELECT count(*) FROM ids") == [(16,)]
        fired(self.store.close())

    def test_without_search_no_word_is_kept(self) -> None:
        fired(self.store.close())
        self.store = self.open(has_search=False)
        fired(self.store.append(LOG, [Entry(b"w" * 16, 1, b"record", words="secret words")]))
        assert self.waiting() == 1 and b"secret" not in self.bytes_on_disk()
        fired(self.store.close())

    def test_words_that_waited_are_gone_when_search_is_not_wanted_any_more(self) -> None:
        fired(self.store.append(LOG, [Entry(b"w" * 16, 1, b"record", words="secret words")]))
        assert b"secret" in self.bytes_on_disk()
        self.store._writer._drop()
        self.store._reader.close()
        self.store = self.open(has_search=False)
        fired(self.store.close())
        assert b"secret" not in self.bytes_on_disk()

    def test_a_commit_of_posts_alone_is_one_statement(self) -> None:
        for log in LOGS:
            fired(self.store.append(log, entries(0, 1)))
        connection = self.store._writer._connection
        assert connection is not None
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        self.store._writer.commit([Append(log, entries(1, journal.SINGLE // 2)) for log in LOGS])
        changing = [it for it in statements if not it.startswith(("SELECT", "WITH"))]
        assert len(changing) == 1 and changing[0].startswith("INSERT INTO journal")
        statements.clear()
        self.store._writer.commit([Append(LOG, entries(100, 1)), Append(LOG, entries(101, 1))])
        self.store._writer.commit([Append(LOG, entries(200, journal.SINGLE + 1))])
        changing = [it.split()[0] for it in statements if not it.startswith(("SELECT", "WITH"))]
        assert changing == ["BEGIN", "INSERT", "INSERT", "COMMIT"] * 2
        fired(self.store.close())

    def test_what_fails_is_tried_again(self) -> None:
        fired(self.store.append(LOG, entries(0, 1)))
        with patch.object(journal, "file_some", side_effect=sqlite3.OperationalError("no")):
            self.clock.advance(FILE_SECONDS)
        assert len(self.flush()) == 1
        assert self.found("only0") == [1]
        fired(self.store.append(LOG, entries(1, 1)))
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0
        fired(self.store.close())

    def test_what_fails_is_not_tried_with_every_commit(self) -> None:
        self.clock.advance(FILE_SECONDS)
        with patch.object(journal, "file_some", side_effect=sqlite3.OperationalError("no")):
            fired(self.store.append(LOG, entries(0, FILE_RECORDS)))
            for number in range(3):
                fired(self.store.append(LOG, entries(FILE_RECORDS + number, 1)))
            assert len(self.flush()) == 1
            self.clock.advance(FILE_SECONDS)
            assert len(self.flush()) == 1
        self.clock.advance(FILE_SECONDS)
        assert self.waiting() == 0
        fired(self.store.append(LOG, entries(2 * FILE_RECORDS, FILE_RECORDS)))
        assert self.waiting() == 0
        fired(self.store.close())
