"""Examples for every store that are easier to write than machine rules."""

import json
import tempfile
from pathlib import Path
from random import Random

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.limits import SEQ_MAX
from chat.store.interface import Commit, LogStore
from chat.store.memory import MemoryStore
from chat.store.sqlite import SqliteStore
from chat.store.sqlite.filing import FILE_SECONDS
from chat.store.sqlite.schema import prepare
from tests.store.commits import LOGS, append, delete, fired, record, seqs, trim
from tests.store.sqlite.support import FAST, NoThreads

LOG, OTHER_LOG = LOGS
VECTORS = Path(__file__).parent.parent / "vectors" / "search.json"


class StoreTests(SynchronousTestCase):
    """A store in memory, and stores in files with some records filed and some not."""

    def stores(self) -> list[LogStore]:
        """Return one of each kind."""
        directory = tempfile.TemporaryDirectory(dir=FAST)
        self.addCleanup(directory.cleanup)
        path = Path(directory.name) / "encchat.db"
        prepare(path, True)
        self.clock = Clock()
        stores: list[LogStore] = [
            MemoryStore(),
            SqliteStore(path, NoThreads(), self.clock, True),
        ]
        for store in stores:
            self.addCleanup(store.close)
        return stores

    def fill(self, store: LogStore, first: int, last: int) -> None:
        """Store records in one commit."""
        places = append(store, *(record(number, data=b"12345") for number in range(first, last)))
        assert seqs(places) == list(range(first, last))

    def pages(self, store: LogStore, limit_bytes: int, limit: int | None = None) -> list[int]:
        """Return all pages read forward; check that reading backward gives the same."""
        both = []
        for backward, cursor in ((False, 0), (True, SEQ_MAX)):
            read: list[int] = []
            while page := fired(store.read(LOG, cursor, limit_bytes, backward, limit)):
                read += [it.seq for it in page]
                cursor = page[-1].seq
            both.append(read)
        assert both[0] == both[1][::-1]
        return both[0]

    def test_a_time_is_found_wherever_records_are_gone(self) -> None:
        for store in self.stores():
            assert fired(store.read(LOG, fired(store.seek(LOG, 10**6)), 1)) == []
            for start in range(1, 901, 30):
                append(
                    store,
                    *(
                        record(number)._replace(time=10 * (number // 3))
                        for number in range(start, start + 30)
                    ),
                )
                if start == 451:
                    self.clock.advance(FILE_SECONDS)
            append(store, *(delete(10_000 + seq, seq) for seq in range(100, 140)))
            assert trim(store, keep=700) == 240
            for is_filed in (False, True):
                for seq in (241, 242, 243, 300, 500, 899, 900):
                    time = 10 * (seq // 3)
                    first = 3 * (seq // 3)
                    for earlier, expected in ((0, first), (9, first), (-1, first + 3)):
                        after = fired(store.seek(LOG, time - earlier))
                        [found, *_] = fired(store.read(LOG, after, 1))
                        assert found.seq == min(max(expected, 241), 901), (seq, is_filed)
                assert fired(store.read(LOG, fired(store.seek(LOG, SEQ_MAX)), 1)) == []
                self.clock.advance(FILE_SECONDS)
            assert fired(store.seek(OTHER_LOG, SEQ_MAX)) == 0

    def test_gaps_of_any_size_are_passed_over(self) -> None:
        for store in self.stores():
            self.fill(store, 1, 5_401)
            everything = set(range(1, 5_401))
            for first, last in ((10, 310), (311, 312), (313, 5_313), (5_320, 5_401)):
                for start in range(first, last, 1_000):
                    some = range(start, min(start + 1_000, last))
                    append(store, *(delete(10_000 + seq, seq) for seq in some))
                everything -= set(range(first, last))
            end = fired(store.head(LOG)).seq
            left = [*sorted(everything), *range(5_401, end + 1)]
            assert end == 5_400 + 300 + 1 + 5_000 + 81
            assert self.pages(store, 10**9) == self.pages(store, 2_000) == left
            [one] = fired(store.read(LOG, 312, 1))
            assert one.seq == 5_313
            [one] = fired(store.read(LOG, 5_313, 1, backward=True))
            assert one.seq == 312
            self.clock.advance(FILE_SECONDS)
            assert self.pages(store, 10**9, limit=97) == left
            assert trim(store, keep=3) == end - 3
            assert self.pages(store, 10**9) == [end - 2, end - 1, end]
            [one] = fired(store.read(LOG, 0, 1))
            assert one.seq == end - 2

    def test_pages_that_are_exactly_full(self) -> None:
        for store in self.stores():
            self.fill(store, 1, 31)
            self.clock.advance(FILE_SECONDS)
            self.fill(store, 31, 61)
            for after in (0, 5, 20, 29, 30, 31, 55, 59, 60):
                forth, back = list(range(after + 1, 61)), list(range(after - 1, 0, -1))
                for backward, there in ((False, forth), (True, back)):
                    for count in (1, 2, 9, 10, 11, 30, 31, 60):
                        expected = there[:count]
                        for limit_bytes, limit in (
                            (5 * count, None),
                            (5 * count + 4, None),
                            (10**6, count),
                            (5 * count, count),
                        ):
                            reading = store.read(LOG, after, limit_bytes, backward, limit)
                            assert [it.seq for it in fired(reading)] == expected
            assert self.pages(store, 4) == self.pages(store, 5) == list(range(1, 61))

    def test_search_finds_the_latest(self) -> None:
        random = Random(1)
        for store in self.stores():
            for number in range(1, 101):
                log = random.choice(LOGS)
                append(store, record(number, log, words="red")._replace(time=number // 10))
                if number % 30 == 0:
                    self.clock.advance(FILE_SECONDS)
            places = [
                (it.log, it.time, it.stored.seq) for it in fired(store.search("red", LOGS, 1_000))
            ]
            assert len(places) == 100
            assert places == sorted(places, key=lambda it: (it[1], it[2], it[0]), reverse=True)
            for limit in (1, 2, 37):
                found = fired(store.search("red", set(LOGS), limit))
                assert [(it.log, it.time, it.stored.seq) for it in found] == places[:limit]

    def test_the_vectors_of_searches(self) -> None:
        vectors = json.loads(VECTORS.read_text())["vectors"]
        assert len(vectors) > 100
        for store in self.stores():
            for number, vector in enumerate(vectors, 1):
                append(store, record(number, words=vector["text"]))
            for number, vector in enumerate(vectors, 1):
                found = fired(store.search(vector["words"], LOGS, 1_000))
                is_found = number in [it.stored.seq for it in found]
                assert is_found is vector["found"], vector["name"]

    def test_a_part_without_a_word_does_not_matter(self) -> None:
        for store in self.stores():
            append(store, record(1, words="red green-blue"))
            for typed in ("red !", "? red", "red  -- green", "BLUE", "green-blue", "gréen"):
                assert len(fired(store.search(typed, LOGS, 9))) == 1, typed
            for typed in ("", "!", "? !", "blue-green", "red-blue", "re"):
                assert fired(store.search(typed, LOGS, 9)) == [], typed

    def test_numbers_of_any_size(self) -> None:
        big = 2**62
        for store in self.stores():
            append(store, record(1)._replace(time=big))
            assert fired(store.head(LOG)).time == big
            assert trim(store, before_time=big) == 0
            assert trim(store, before_time=big + 1) == 1
            assert fired(store.commit(Commit(big))).base == 0

    def test_a_marker_of_a_log_that_never_began_begins_none(self) -> None:
        for store in self.stores():
            assert fired(store.read(LOG, 0, 9)) == []
            append(store, record(1)._replace(epoch=1), delete(2, 1, OTHER_LOG))
            assert [fired(store.head(log)) for log in LOGS] == [(0, 0, 0, 0)] * 2
