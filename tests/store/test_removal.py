"""What is removed is in none of the files any more, a moment later."""

import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest
from twisted.internet.task import Clock

from chat.store import schema, writer
from chat.store.interface import Entry, StoreError
from chat.store.journal import WritingConnection
from chat.store.schema import MIGRATIONS, prepare
from chat.store.sqlite import TIDY_RATIO, TIDY_SECONDS, SqliteStore
from tests.store.suite import LOGS, entry, fired
from tests.store.support import NoThreads, SqliteCase

LOG, OTHER_LOG = LOGS

SECRET = b"a sealed secret, many bytes long"
WORD = "abracadabra"


class RemovalTests(SqliteCase):
    """In the tables, the index, the unused parts of pages, and the write-ahead log."""

    def setUp(self) -> None:
        """Store something secret among other things."""
        super().setUp()
        self.store = self.open()
        self.clock.advance(TIDY_SECONDS)
        fired(self.store.append(LOG, [entry(number, 500) for number in range(1, 50)]))
        fired(self.store.append(LOG, [Entry(b"s" * 16, 2_000, SECRET * 9, WORD)]))
        fired(self.store.put_blob(bytes(16), SECRET * 1_000))
        assert SECRET in self.bytes_on_disk() and WORD.encode() in self.bytes_on_disk()

    def erase(self) -> None:
        """Remove what is secret."""
        fired(self.store.delete_blob(bytes(16)))
        fired(self.store.append(LOG, [Entry(b"d" * 16, 2_001, b"gone", erases=50)]))

    def state(self) -> int:
        """Return what the file says of itself."""
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
        assert fired(self.store.read(LOG, 49, 1_000))[0].record == b"gone"
        assert entry(7, 500).record in self.bytes_on_disk()
        size = self.path.stat().st_size
        assert fired(self.store.trim(LOG, keep=1)) == 49
        self.clock.advance(TIDY_SECONDS)
        assert entry(7, 500).record not in self.bytes_on_disk()
        assert self.path.stat().st_size < size
        fired(self.store.close())

    def test_what_was_moved_within_the_file_leaves_no_copies(self) -> None:
        random = Random(2)
        logs = [number.to_bytes(16, "big") for number in range(30)]
        places = []
        for number in range(600):
            log = random.choice(logs)
            record = b"<%06d>" % number * random.randrange(1, 60)
            [place] = fired(self.store.append(log, [Entry(b"%016d" % number, 1, record)]))
            self.store._writer.file()  # One at a time, so that pages are full at random.
            places.append((log, place.seq, b"<%06d>" % number))
        gone = random.sample(places, 300)
        for number, (log, seq, _) in enumerate(gone):
            fired(self.store.append(log, [Entry(b"d%015d" % number, 2, b"", erases=seq)]))
        fired(self.store.trim(bytes(16), before_time=0))
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

    def test_what_an_older_version_left_goes_too(self) -> None:
        fired(self.store.close())
        self.path.unlink()
        prepare(self.path, False, MIGRATIONS[:1])
        self.execute(f"PRAGMA user_version = {len(MIGRATIONS[:1])}")
        self.execute("INSERT INTO logs VALUES (1, x'00', 1, 1)")
        self.store = self.open()
        assert self.state() == 0
        self.clock.advance(TIDY_SECONDS)
        assert self.state() == 1
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
        fired(store.append(LOG, [Entry(b"t" * 16, 2_001, b"more", WORD)]))
        fired(store.append(LOG, [Entry(b"u" * 16, 2_001, b"more", WORD, erases=50)]))
        assert fired(store.trim(LOG, keep=1)) == 50
        self.clock.advance(TIDY_SECONDS)
        assert WORD.encode() not in self.bytes_on_disk()
        fired(store.close())
        fired(self.open(has_search=False).close())

    def test_nothing_is_rewritten_when_nothing_was_removed(self) -> None:
        assert fired(self.store.trim(LOG, before_time=0)) == 0
        fired(self.store.delete_blob(b"x" * 16))
        fired(self.store.append(LOG, [entry(70)]))
        assert self.tidying() == [] and self.state() == 1
        fired(self.store.close())

    def test_a_large_file_is_rewritten_when_it_is_closed(self) -> None:
        self.replace(writer, "VACUUM_BYTES", 0)
        self.erase()
        self.clock.advance(TIDY_SECONDS)
        assert WORD.encode() not in self.bytes_on_disk() and self.state() == 2
        fired(self.store.append(LOG, [entry(70)]))
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
    """When it is done, and what comes in between."""

    def setUp(self) -> None:
        """Begin with a tidy file, in which many words were stored one by one."""
        super().setUp()
        self.store = self.open()
        random = Random(1)
        for number in range(1, 30):
            words = " ".join(f"w{random.randrange(10**9)}" for _ in range(500))
            fired(self.store.append(LOG, [Entry(b"%016d" % number, 1, b"r", words)]))
        self.clock.advance(TIDY_SECONDS)

    def erase(self, seq: int) -> None:
        """Remove a record."""
        fired(self.store.append(LOG, [Entry(b"d%015d" % seq, 2, b"gone", erases=seq)]))

    def test_changes_come_in_between_the_steps(self) -> None:
        self.replace(writer, "_STEP_PAGES", 1)
        self.erase(3)
        fired(self.store.search("nothing", [LOG], 1))  # So that nothing is to be filed.
        self.threads.is_holding = True
        self.clock.advance(TIDY_SECONDS)
        steps = 0
        while self.threads.held:
            appending = self.store.append(LOG, [entry(100 + steps)])
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
        erasing = self.store.append(LOG, [Entry(b"e" * 16, 3, b"gone", erases=4)])
        self.clock.advance(TIDY_SECONDS)
        while self.threads.held:
            self.threads.go_on()
        self.threads.is_holding = False
        assert erasing.called
        self.clock.advance(TIDY_SECONDS)
        assert self.execute("SELECT tidy FROM state") == [(1,)]
        assert self.execute("SELECT count(DISTINCT segid) FROM words_idx") == [(1,)]
        fired(self.store.close())

    def test_it_takes_a_small_part_of_the_time(self) -> None:
        self.erase(3)
        self.threads.is_holding = True
        self.clock.advance(TIDY_SECONDS)
        self.clock.advance(2)  # So long does it take.
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
        self.replace(schema, "_BUSY_MILLISECONDS", 1)
        self.store._writer._drop()
        self.erase(3)
        for _ in range(2):
            self.clock.advance(TIDY_SECONDS)
            assert len(self.flush()) == 1
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
        real = schema.connect_as

        def connect_full(kind: type[WritingConnection], path: Path) -> WritingConnection:
            connection = real(kind, path)
            connection.execute("PRAGMA query_only = ON")
            return connection

        self.replace(writer, "connect_as", connect_full)
        self.store._writer._drop()
        fired(self.store.close())
        assert len(self.flush()) == 1
        assert self.execute("SELECT tidy, clean FROM state") == [(0, 0)]
        store = SqliteStore(self.path, NoThreads(), Clock(), True)
        with pytest.raises(StoreError):
            fired(store.append(LOG, [entry(99)]))
