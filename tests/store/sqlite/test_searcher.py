"""What a search costs: what its answer costs, however much there is elsewhere."""

from collections.abc import Collection, Iterable
from itertools import pairwise
from random import Random

from chat.ids import LogId
from chat.store.interface import Commit
from chat.store.memory import MemoryStore
from chat.store.sqlite import searcher
from tests.store.commits import fired, record
from tests.store.sqlite.support import SqliteCase

COUNTS = (10, 300, 3_000)


def _log(number: int) -> LogId:
    return LogId(number.to_bytes(16, "big"))


class CostTests(SqliteCase):
    """A search, counted in statements."""

    def setUp(self) -> None:
        """Make a store."""
        super().setUp()
        self.store = self.open()
        self.addCleanup(lambda: fired(self.store.close()))
        self.last = 0

    def say(self, logs: Iterable[int], words: str) -> None:
        """Say something in some logs, each time later than before."""
        records = []
        for number in logs:
            self.last += 1
            records.append(record(self.last, _log(number), words=words))
        fired(self.store.commit(Commit(0, records)))
        fired(self.store.search("x", [_log(it) for it in logs], 1))  # Files them.

    def statements(self, words: str, logs: Collection[LogId], found: int, limit: int = 20) -> int:
        """Search, and return how many statements it took, without those of the index itself."""
        seen: list[str] = []
        searching = self.store._searcher
        searching._use(lambda it: it.set_trace_callback(seen.append))
        assert len(fired(self.store.search(words, logs, limit))) == found
        searching._use(lambda it: it.set_trace_callback(None))
        return len([it for it in seen if not it.startswith("--")])

    def test_a_rare_word_in_many_logs_of_one_s_own(self) -> None:
        costs = []
        self.replace(searcher, "_FEW", 16)
        self.say([1, 2, 2], "rare red")
        for first, last in ((3, COUNTS[0]), *pairwise(COUNTS)):
            self.say(range(first, last), "frequent")
            own = {_log(number) for number in range(last)}
            for words, found in (("rare", 3), ("rare red", 3), ("frequent rare", 0), ("no", 0)):
                costs.append((words, self.statements(words, own, found)))
        assert max(it for _, it in costs) < 60, costs

    def test_a_word_that_is_said_everywhere(self) -> None:
        costs = []
        self.replace(searcher, "_FEW", 16)
        for first, last in zip((1, *COUNTS), COUNTS, strict=False):
            self.say(range(first, last), "everywhere we say it")
            own = {_log(number) for number in range(last)}
            for words in ("everywhere", "we it", '"say it"', "we -- say"):
                costs.append((words, self.statements(words, own, min(20, last - 1))))
        assert max(it for _, it in costs) < 150, costs

    def test_a_word_that_others_say_everywhere(self) -> None:
        costs = []
        self.say([1, 2], "mine and theirs")
        for first, last in zip((3, *COUNTS), COUNTS, strict=False):
            self.say(range(first, last), "theirs alone")
            for own, found in (({1}, 1), ({1, 2}, 2), ({2, last + 1}, 1), (set[int](), 0)):
                logs = {_log(number) for number in own}
                costs.append((own, self.statements("theirs", logs, found)))
        assert max(it for _, it in costs) < 40, costs

    def test_many_matches_in_one_log(self) -> None:
        costs = []
        for count in COUNTS:
            self.say([1] * count, "again")
            for own in ({1}, {1, 2}, set(range(100))):
                logs = {_log(number) for number in own}
                costs.append((own, self.statements("again", logs, 10, limit=10)))
        assert max(it for _, it in costs) < 50, costs


class SameAnswerTests(SqliteCase):
    """Each way through the logs gives the answer that the engine in memory gives."""

    def test_any_logs_and_times(self) -> None:
        for few, passed in ((0, 1), (0, 64), (4_096, 1), (4_096, 64)):
            self.replace(searcher, "_FEW", few)
            self.replace(searcher, "_PASSED", passed)
            random = Random(few + passed)
            store, memory = self.open(), MemoryStore()
            for number in range(600):
                log = _log(random.randrange(60) if number % 3 else random.randrange(4))
                words = random.choice(["red", "red blue", "blue red green", "green", ""])
                each = record(number, log, words=words)._replace(time=random.randrange(number + 1))
                for it in (store, memory):
                    fired(it.commit(Commit(0, [each])))
            for _ in range(60):
                own = {_log(random.randrange(70)) for _ in range(random.choice([1, 3, 20, 200]))}
                for typed in ("red", "red blue", "green", '"red green"', '"blue red"', "none"):
                    limit = random.choice([1, 2, 5, 51, 1_000])
                    found = fired(store.search(typed, own, limit))
                    assert found == fired(memory.search(typed, own, limit))
            fired(store.close())
            self.path.unlink()
