"""The search index stays intact, however often something is removed and whatever comes between."""

import sqlite3
from random import Random

from chat.store.sqlite import writer
from chat.store.sqlite.store import TIDY_SECONDS
from chat.store.sqlite.writer import Tidied
from tests.store.commits import LOGS, append, fired, record
from tests.store.sqlite.support import SqliteCase

LOG = LOGS[0]


class MergingTests(SqliteCase):
    """Merging drops removed words from the index; SQLite tolerates this many merges."""

    def setUp(self) -> None:
        """Open a store."""
        super().setUp()
        self.store = self.open()
        self.seq = 0

    def append(self, count: int, erases: int = 0) -> None:
        """Append records; the first may erase another one."""
        records = []
        for _ in range(count):
            self.seq += 1
            words = f"alike only{self.seq}"
            records.append(record(self.seq, words=words)._replace(time=1, erases=erases))
            erases = 0
        append(self.store, *records)

    def merges(self) -> int:
        """Return the count in the file."""
        [(merges,)] = self.execute("SELECT merges FROM state")
        assert isinstance(merges, int)
        return merges

    def check_whole(self) -> None:
        """Make SQLite compare the index with the words."""
        with sqlite3.connect(self.path) as connection:
            connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")

    def test_posts_come_between_the_steps(self) -> None:
        self.replace(writer, "_STEP_PAGES", 1)
        random = Random(3)
        self.append(3_000)
        it = self.store._writer
        steps = tidied = 0
        for erased in range(60):
            self.append(random.randrange(1, 60), erases=1 + erased)
            it.file_some()
            for _ in range(random.randrange(9)):
                steps += 1
                if it.tidy() is not Tidied.PARTLY:
                    tidied += 1
                    break
        assert steps > 100 and tidied > 5
        self.check_whole()
        fired(self.store.close())
        assert self.execute("SELECT tidy FROM state") == [(1,)]
        found = self.execute("SELECT rowid FROM words WHERE words MATCH 'alike'")
        assert len(found) == self.seq - 60

    def test_it_is_made_anew_before_it_is_too_often_merged(self) -> None:
        self.replace(writer, "MERGES", 3)
        self.append(20)
        seen = []
        for number in range(1, 9):
            self.append(1, erases=number)
            self.clock.advance(TIDY_SECONDS)
            seen.append(self.merges())
            self.check_whole()
            assert not self.execute(f"SELECT 1 FROM words WHERE words MATCH 'only{number}'")
        assert seen == [1, 2, 3, 0, 1, 2, 3, 0]
        fired(self.store.close())

    def test_sqlite_bears_twice_as_many(self) -> None:
        self.replace(writer, "MERGES", 2 * writer.MERGES + 1)
        self.append(2)
        connection = self.store._writer._use(lambda it: it)
        for number in range(2 * writer.MERGES):
            connection.execute("INSERT INTO words (rowid, text) VALUES (?, 'more')", (number + 50,))
            writer._begin_merging(connection)
            while writer._merge(connection, 64):
                pass
        self.check_whole()
        fired(self.store.close())

    def test_a_new_file_has_nothing_to_merge(self) -> None:
        assert self.tidying() and self.execute("SELECT tidy, merges FROM state") == [(1, 0)]
        self.clock.advance(TIDY_SECONDS)
        self.append(1)
        assert self.tidying() == []
        fired(self.store.close())

    def test_one_that_is_damaged_is_made_anew_at_the_start(self) -> None:
        self.append(9)
        fired(self.store.close())
        self.execute("UPDATE words_data SET block = x'00000000ff' WHERE id = 10")
        self.store = self.open()
        self.check_whole()
        assert len(fired(self.store.search("alike", [LOG], 20))) == 9
        fired(self.store.close())
