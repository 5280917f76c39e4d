"""Words are indexed many records at a time, and found before that all the same."""

from chat.store.interface import Entry
from chat.store.sqlite import INDEX_RECORDS, INDEX_SECONDS, SqliteStore
from tests.store.suite import fired
from tests.store.support import SqliteCase

LOG = b"L" * 16


def entries(first: int, count: int) -> list[Entry]:
    """Return records with a word in common and one of their own."""
    return [
        Entry(number.to_bytes(16, "big"), number, b"record", words=f"alike only{number}")
        for number in range(first, first + count)
    ]


class IndexTests(SqliteCase):
    """Where words are, and when."""

    def setUp(self) -> None:
        """Open a store."""
        super().setUp()
        self.store = self.open()

    def waiting(self) -> int:
        """Return how many records are not indexed."""
        connection = self.store._writer._connection
        assert connection is not None
        [count] = connection.execute("SELECT count(*) FROM arrived").fetchone()
        return int(count)

    def found(self, words: str, store: SqliteStore | None = None) -> list[int]:
        """Return the sequence numbers of what is found."""
        found = fired((store or self.store).search(words, [LOG], 10))
        return [it.stored.seq for it in found]

    def test_they_wait_for_others_and_not_for_long(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        assert self.waiting() == 3
        self.clock.advance(INDEX_SECONDS)
        assert self.waiting() == 0 and self.found("only1") == [2]
        assert self.clock.getDelayedCalls() == self.tidying()
        fired(self.store.close())

    def test_many_are_indexed_at_once(self) -> None:
        for first in range(0, INDEX_RECORDS, 64):
            fired(self.store.append(LOG, entries(first, 64)))
            assert self.waiting() == (first + 64) % INDEX_RECORDS
        fired(self.store.close())

    def test_more_than_one_step_takes_are_indexed_all(self) -> None:
        fired(self.store.append(LOG, entries(0, 2 * INDEX_RECORDS + 1)))
        assert self.waiting() == 0
        fired(self.store.close())

    def test_what_waited_in_an_older_file_is_indexed(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        self.execute(
            "CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL)",
            "INSERT INTO texts SELECT number, text FROM arrived",
            "DROP TABLE arrived",
        )
        store = self.open()
        assert self.found("only1", store) == [2]
        assert self.execute("SELECT name FROM sqlite_master WHERE name = 'texts'") == []

    def test_a_search_finds_what_was_appended_just_now(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        assert self.found("only2") == [3] and self.waiting() == 0
        fired(self.store.close())

    def test_what_waits_when_the_server_is_killed_is_found_after_that(self) -> None:
        fired(self.store.append(LOG, entries(0, 3)))
        self.store._writer._drop()
        again = self.open()
        assert self.found("alike", again) == [3, 2, 1]
        fired(again.close())

    def test_what_was_removed_while_it_waited_is_not_indexed(self) -> None:
        fired(self.store.append(LOG, entries(0, 2)))
        fired(self.store.append(LOG, [Entry(b"e" * 16, 9, b"record", erases=1)]))
        fired(self.store.append(LOG, [Entry(b"f" * 16, 9, b"record", words="new", replaces=2)]))
        assert self.waiting() == 1
        assert self.found("alike") == [] and self.found("new") == [4]
        fired(self.store.close())

    def test_what_fails_is_tried_again(self) -> None:
        fired(self.store.append(LOG, entries(0, 1)))
        connection = self.store._writer._connection
        assert connection is not None
        connection.execute("ALTER TABLE arrived RENAME TO hidden")
        self.clock.advance(INDEX_SECONDS)
        assert len(self.flush()) == 1
        connection = self.store._writer._use(lambda it: it)
        connection.execute("ALTER TABLE hidden RENAME TO arrived")
        self.clock.advance(INDEX_SECONDS)
        assert self.waiting() == 0
        fired(self.store.close())
