"""A moment after a removal, no file contains any trace of it."""

import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest
from twisted.internet.task import Clock

from chat.ids import LogId
from chat.store.interface import Commit, Place, Record, StoreError
from chat.store.sqlite import SqliteStore, connection, writer
from chat.store.sqlite.connection import WritingConnection
from chat.store.sqlite.store import TIDY_RATIO, TIDY_SECONDS
from tests.store.commits import LOGS, append, delete, edit, fired, record, seqs, trim
from tests.store.sqlite.support import NoThreads, SqliteCase

LOG, OTHER_LOG = LOGS

SECRET = b"a sealed secret, many bytes long"
WORD = "abracadabra"


def plain(number: int) -> Record:
    """Return a record of a given length."""
    return record(number, data=bytes([number]) * 500)


class RemovalTests(SqliteCase):
    """Traces in tables, the index, unused parts of pages, and the write-ahead log."""

    def setUp(self) -> None:
        """Store something secret among other things."""
        super().setUp()
        self.store = self.open()
        self.clock.advance(TIDY_SECONDS)
        append(self.store, *(plain(number) for number in range(1, 50)))
        append(self.store, record(50, data=SECRET * 100, words=WORD))
        assert SECRET in self.bytes_on_disk() and WORD.encode() in self.bytes_on_disk()

    def erase(self) -> None:
        """Remove the secret."""
        append(self.store, delete(51, 50))

    def state(self) -> int:
        """Return the file's `tidy` state."""
        [(state,)] = self.execute("SELECT tidy FROM state")
        assert isinstance(state, int)
        return state

    def check_gone(self) -> None:
        """Check that nothing secret is in any file."""
        assert SECRET not in self.bytes_on_disk() and WORD.encode() not in self.bytes_on_disk()
        assert self.state() == 1

    def test_erased_deleted_and_trimmed_content_is_gone(self) -> None:
        self.erase()
        assert self.state() == 0
        self.clock.advance(TIDY_SECONDS)
        self.check_gone()
        assert fired(self.store.read(LOG, 49, 1_000))[0].data == b"gone"
        assert plain(7).data in self.bytes_on_disk()
        size = self.path.stat().st_size
        assert trim(self.store, keep=1) == 49
        self.clock.advance(TIDY_SECONDS)
        assert plain(7).data not in self.bytes_on_disk()
        assert self.path.stat().st_size < size
        fired(self.store.close())

    def test_what_was_moved_within_the_file_leaves_no_copies(self) -> None:
        random = Random(2)
        logs = [LogId(number.to_bytes(16, "big")) for number in range(30)]
        places = []
        for number in range(600):
            log = random.choice(logs)
            data = b"<%06d>" % number * random.randrange(1, 60)
            [seq] = seqs(append(self.store, record(number, log, data)))
            self.store._writer.file_some()  # One at a time, so that pages fill randomly.
            places.append((log, seq, b"<%06d>" % number))
        gone = random.sample(places, 300)
        for number, (log, seq, _) in enumerate(gone):
            append(self.store, delete(600 + number, seq, log))
        trim(self.store, logs[0], before_time=0)
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        left = [mark for _, _, mark in gone if mark in self.bytes_on_disk()]
        assert left, "secure_delete alone would do, and nothing is shown here"
        self.clock.advance(TIDY_SECONDS)
        content = self.bytes_on_disk()
        assert [mark for _, _, mark in gone if mark in content] == []
        assert sum(mark in content for _, _, mark in places) == 300
        fired(self.store.close())

    def test_what_a_crash_left_goes_after_the_next_start(self) -> None:
        self.erase()
        other = self.path.parent.with_suffix(".crashed")
        self.addCleanup(shutil.rmtree, other)
        shutil.copytree(self.path.parent, other)
        fired(self.store.close())
        self.path = other / self.path.name
        assert SECRET in self.bytes_on_disk()
        self.store = self.open()
        self.clock.advance(TIDY_SECONDS)
        self.check_gone()
        fired(self.store.close())

    def test_closing_leaves_nothing(self) -> None:
        self.erase()
        fired(self.store.close())
        self.check_gone()

    def test_words_go_when_the_index_does(self) -> None:
        fired(self.store.close())
        store = self.open(has_search=False)
        self.clock.advance(TIDY_SECONDS)
        assert WORD.encode() not in self.bytes_on_disk()
        append(store, record(52, words=WORD))
        append(store, delete(53, 50)._replace(words=WORD))
        assert trim(store, keep=1) == 51
        self.clock.advance(TIDY_SECONDS)
        assert WORD.encode() not in self.bytes_on_disk()
        fired(store.close())
        fired(self.open(has_search=False).close())

    def test_nothing_is_rewritten_when_nothing_was_removed(self) -> None:
        assert trim(self.store, before_time=0) == 0
        append(self.store, record(70))
        assert self.tidying() == [] and self.state() == 1
        fired(self.store.close())

    def test_a_large_file_is_rewritten_when_it_is_closed(self) -> None:
        self.replace(writer, "VACUUM_BYTES", 0)
        self.erase()
        self.clock.advance(TIDY_SECONDS)
        assert WORD.encode() not in self.bytes_on_disk() and self.state() == 2
        append(self.store, record(70))
        assert self.tidying() == [], "what follows does not do it again"
        fired(self.store.close())
        self.check_gone()

    def test_a_very_large_file_is_never_rewritten(self) -> None:
        self.replace(writer, "VACUUM_BYTES", 0)
        self.replace(writer, "CLOSING_VACUUM_BYTES", 0)
        self.erase()
        fired(self.store.close())
        assert self.state() == 2 and self.execute("SELECT clean FROM state") == [(1,)]
        fired(self.open().close())


class TidyingTests(SqliteCase):
    """When tidying happens, and what comes in between."""

    def setUp(self) -> None:
        """Start with a tidy file in which many words were stored one by one."""
        super().setUp()
        self.store = self.open()
        random = Random(1)
        for number in range(1, 30):
            words = " ".join(f"w{random.randrange(10**9)}" for _ in range(500))
            append(self.store, record(number, words=words))
        self.clock.advance(TIDY_SECONDS)

    def erase(self, seq: int) -> None:
        """Remove a record."""
        append(self.store, delete(50 + seq, seq))

    def test_changes_come_in_between_the_steps(self) -> None:
        self.replace(writer, "_STEP_PAGES", 1)
        self.erase(3)
        fired(self.store.search("nothing", [LOG], 1))  # So that nothing waits to be filed.
        self.threads.is_holding = True
        self.clock.advance(TIDY_SECONDS)
        steps = 0
        while self.threads.held:
            appending = self.store.commit(Commit(0, [record(100 + steps)]))
            self.threads.go_on()
            assert not appending.called
            self.threads.go_on()
            assert appending.called
            steps += 1
        assert steps > 2
        self.threads.is_holding = False
        fired(self.store.close())

    def test_what_is_removed_meanwhile_goes_too(self) -> None:
        self.replace(writer, "_STEP_PAGES", 1)
        self.erase(3)
        self.threads.is_holding = True
        self.clock.advance(TIDY_SECONDS)
        erasing = self.store.commit(Commit(0, [delete(99, 4)]))
        self.clock.advance(TIDY_SECONDS)
        while self.threads.held:
            self.threads.go_on()
        self.threads.is_holding = False
        assert erasing.called
        self.clock.advance(TIDY_SECONDS)
        assert self.execute("SELECT tidy FROM state") == [(1,)]
        assert self.execute("SELECT count(DISTINCT segid) FROM words_idx") == [(1,)]
        fired(self.store.close())

    def test_it_ends_while_others_erase_without_pause(self) -> None:
        self.erase(1)
        self.threads.is_holding = True
        self.clock.advance(TIDY_SECONDS)
        steps = 0
        while self.threads.held:
            steps += 1
            assert steps < 25
            erasing = self.store.commit(Commit(0, [delete(50 + steps, 1 + steps)]))
            self.threads.go_on()
            self.threads.go_on()
            assert erasing.called
        assert steps >= 2
        self.threads.is_holding = False
        # What was erased meanwhile is left for the next tidying, which is scheduled.
        assert self.execute("SELECT tidy, merges FROM state") == [(0, 1)]
        [call] = self.tidying()
        self.clock.advance(call.getTime() - self.clock.seconds())
        assert self.execute("SELECT tidy, merges FROM state") == [(1, 2)]
        fired(self.store.close())

    def test_it_takes_a_small_part_of_the_time(self) -> None:
        self.erase(3)
        self.threads.is_holding = True
        self.clock.advance(TIDY_SECONDS)
        self.clock.advance(2)  # The tidying takes this long.
        while self.threads.held:
            self.threads.go_on()
        self.threads.is_holding = False
        self.erase(4)
        [call] = self.tidying()
        assert call.getTime() == self.clock.seconds() + 2 * TIDY_RATIO
        fired(self.store.close())
        assert self.clock.getDelayedCalls() == []

    def test_what_fails_is_tried_again(self) -> None:
        reader = sqlite3.connect(self.path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM logs").fetchall()
        self.replace(connection, "_BUSY_MILLISECONDS", 1)
        self.store._writer._drop()
        self.erase(3)
        for lines in (1, 0):  # One in a minute.
            self.clock.advance(TIDY_SECONDS)
            assert len(self.flush()) == lines
            assert self.execute("SELECT tidy FROM state") != [(1,)]
        reader.close()
        self.clock.advance(TIDY_SECONDS)
        assert self.execute("SELECT tidy FROM state") == [(1,)]
        fired(self.store.close())

    def test_closing_goes_between_the_steps_and_does_the_rest(self) -> None:
        self.replace(writer, "_STEP_PAGES", 1)
        self.erase(3)
        self.threads.is_holding = True
        self.clock.advance(TIDY_SECONDS)
        closing = self.store.close()
        for _ in range(10):
            if self.threads.held:
                self.threads.go_on()
        assert closing.called and self.threads.is_stopped
        assert self.execute("SELECT tidy, clean FROM state") == [(1, 1)]

    def test_a_disk_that_is_full_at_the_end_is_noted(self) -> None:
        self.erase(3)
        real = connection.connect_as

        def connect_full(kind: type[WritingConnection], path: Path) -> WritingConnection:
            reading = real(kind, path)
            reading.execute("PRAGMA query_only = ON")
            return reading

        self.replace(writer, "connect_as", connect_full)
        self.store._writer._drop()
        fired(self.store.close())
        assert len(self.flush()) == 1
        assert self.execute("SELECT tidy, clean FROM state") == [(0, 0)]
        store = SqliteStore(self.path, NoThreads(), Clock(), True)
        with pytest.raises(StoreError):
            append(store, record(99))


class CostTests(SqliteCase):
    """What is changed costs the same in a long log, counted in steps of SQLite."""

    def steps(self, store: SqliteStore, change: Record) -> int:
        """Return how many steps the writer takes for a change."""
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        store._writer._use(lambda it: it.set_progress_handler(step, 1))
        assert isinstance(append(store, change)[0], Place)
        store._writer._use(lambda it: it.set_progress_handler(None, 0))
        return count

    def test_edits_and_deletions(self) -> None:
        store = self.open()
        self.addCleanup(lambda: fired(store.close()))
        costs: dict[str, list[int]] = {"edit": [], "again": [], "delete": []}
        number = 0
        for target, count in ((70, 100), (71, 1_000), (72, 4_000)):
            append(store, *(record(number + it, words="red") for it in range(1, count)))
            number += count
            edits = [edit(number + it, it, words="blue") for it in range(1, count // 20)]
            append(store, *edits)  # Others are edited as well.
            number += len(edits)
            for name, make in (("edit", edit), ("again", edit), ("delete", delete)):
                fired(store.search("red", [LOG], 1))  # Files them.
                number += 1
                costs[name].append(self.steps(store, make(number, target)))
        for seen in costs.values():
            assert max(seen) < 2 * seen[0] + 200, costs
