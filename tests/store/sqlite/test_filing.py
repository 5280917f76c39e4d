"""When records are filed: a search waits for the records it must find, and for no others."""

from twisted.internet.defer import Deferred

from chat.ids import LogId
from chat.store.interface import Commit, Found, Outcome
from chat.store.sqlite import filing, journal
from chat.store.sqlite.filing import FILE_RECORDS, FILE_SECONDS
from chat.store.sqlite.store import TIDY_SECONDS
from tests.store.commits import LOGS, append, delete, fired, record, seqs
from tests.store.sqlite.support import SqliteCase

LOG, OTHER_LOG = LOGS


class FilingTests(SqliteCase):
    """The writer's thread, step by step."""

    def setUp(self) -> None:
        """Open a store that has reported that nothing waits."""
        super().setUp()
        self.store = self.open()
        self.clock.advance(FILE_SECONDS)
        assert self.clock.getDelayedCalls() == []
        self.posts = 0

    def post(self, log: LogId = LOG) -> Deferred[Outcome]:
        """Commit a record with a word."""
        self.posts += 1
        return self.store.commit(Commit(0, [record(self.posts, log, words="red")]))

    def search(self, *logs: LogId) -> Deferred[list[Found]]:
        """Search for all posts."""
        return self.store.search("red", logs or [LOG], 10_000)

    def check_count(self) -> None:
        """Check that the number of waiting records is right."""
        assert self.store._filing._unfiled == self.waiting()

    def check_idle(self) -> None:
        """Check that nothing is running or scheduled."""
        assert self.threads.held == [] and self.waiting() == 0
        self.clock.advance(FILE_SECONDS + TIDY_SECONDS)
        self.threads.is_holding = True
        self.clock.advance(10 * FILE_SECONDS)
        assert self.clock.getDelayedCalls() == [] and self.threads.held == []
        self.threads.is_holding = False
        fired(self.store.close())

    def go_on(self, post: bool = False) -> int:
        """Run all pending steps, with a post after each; return how many steps."""
        steps = 0
        while self.threads.held:
            self.threads.go_on()
            self.check_count()
            steps += 1
            assert steps < 1_000
            if post and steps < 500:
                self.post()
        return steps

    def test_three_searches_at_once(self) -> None:
        for _ in range(5):
            fired(self.post())
        self.threads.is_holding = True
        searching = [self.search() for _ in range(3)]
        posting = [self.post() for _ in range(4)]
        searching += [self.search() for _ in range(3)]
        self.go_on()
        assert [len(fired(it)) for it in searching] == [5, 5, 5, 9, 9, 9]
        assert all(it.called for it in posting)
        self.threads.is_holding = False
        assert len(fired(self.search())) == 9
        self.check_count()
        self.check_idle()

    def test_a_search_while_others_post_without_pause(self) -> None:
        fired(self.post())
        self.threads.is_holding = True
        searching = self.search()
        following: list[Deferred[Outcome]] = []

        def go_on(_: object) -> None:
            if len(following) < 300:
                following.append(self.post().addCallback(keep))

        def keep(outcome: Outcome) -> Outcome:
            go_on(outcome)
            return outcome

        go_on(None)
        steps = 0
        while not searching.called:
            self.threads.go_on()
            self.check_count()
            steps += 1
        assert steps < 10
        assert [it.stored.seq for it in fired(searching)][-1] == 1
        self.go_on()
        assert len(following) == 300
        self.threads.is_holding = False
        assert len(fired(self.search())) == 301
        self.check_count()
        self.check_idle()

    def test_what_is_filed_at_intervals_ends_while_others_post_without_pause(self) -> None:
        fired(self.post())
        self.threads.is_holding = True
        self.clock.advance(FILE_SECONDS)
        for _ in range(100):
            self.post()
            self.threads.go_on()
        self.go_on()
        # Filing covered only what waited when it started, not the posts since.
        assert 90 < self.waiting() < 101
        self.threads.is_holding = False
        self.clock.advance(FILE_SECONDS)
        self.check_idle()

    def test_where_there_is_much_all_the_time_all_of_it_is_never_filed_at_once(self) -> None:
        self.replace(filing, "FILE_RECORDS", 40)
        self.replace(journal, "FILED", 10)
        self.replace(journal, "_LOG_FILED", 10)
        waiting = []
        for _ in range(25):
            for _ in range(10):
                fired(self.post())
            waiting.append(self.waiting())
            self.clock.advance(FILE_SECONDS / 10)
        assert min(waiting[3:]) >= 30 and max(waiting) < 40
        self.clock.advance(FILE_SECONDS)
        self.check_idle()

    def test_only_the_logs_that_are_searched_are_filed(self) -> None:
        others = [LogId(number.to_bytes(16, "big")) for number in range(1, 20)]
        for log in others:
            fired(self.post(log))
        assert len(fired(self.search(others[3], others[5], LOG))) == 2
        assert self.waiting() == 17
        assert fired(self.search(LOG)) == fired(self.search(LogId(b"nobody wrote it!"))) == []
        assert self.waiting() == 17
        assert len(fired(self.search(*others))) == 19
        self.check_idle()

    def test_commits_come_between_the_steps_of_a_search(self) -> None:
        self.replace(journal, "FILED", 1)
        self.replace(journal, "_LOG_FILED", 10)
        append(self.store, *(record(number, words="red") for number in range(101, 201)))
        append(self.store, record(1, OTHER_LOG, words="red"))
        self.threads.is_holding = True
        searching = self.search(*LOGS)
        posts = 0
        while not searching.called:
            posting = self.post()
            self.threads.go_on()
            self.check_count()
            assert not posting.called
            self.threads.go_on()
            assert posting.called
            posts += 1
        # One step asks what waits, ten file one log, and one files the other.
        assert posts == 12
        # The posts in between were not filed for this search.
        assert self.waiting() == posts
        self.threads.is_holding = False
        self.check_count()
        assert len(fired(self.search(*LOGS))) == 101 + posts
        self.check_idle()

    def test_as_much_as_a_step_takes_and_one_more(self) -> None:
        self.replace(journal, "FILED", 4)
        for count in (3, 4, 5, 8, 9):
            self.replace(journal, "_LOG_FILED", count)
            for _ in range(count):
                fired(self.post())
            assert len(fired(self.search())) == self.posts
            assert self.waiting() == 0
        self.check_idle()

    def test_what_is_erased_while_a_search_is_under_way_is_not_found(self) -> None:
        self.replace(journal, "_LOG_FILED", 2)
        for _ in range(6):
            fired(self.post())
        self.threads.is_holding = True
        searching = self.search()
        self.store.commit(Commit(0, [delete(50, 2)]))
        self.go_on()
        assert sorted(it.stored.seq for it in fired(searching)) == [1, 3, 4, 5, 6]
        self.threads.is_holding = False
        self.clock.advance(FILE_SECONDS)
        self.check_idle()

    def test_searching_costs_the_writer_nothing_when_nothing_waits(self) -> None:
        fired(self.post())
        assert len(fired(self.search())) == 1
        self.threads.is_holding = True
        assert len(fired(self.search())) == 1
        self.threads.is_holding = False
        self.check_idle()

    def test_the_count_is_right_after_what_fails(self) -> None:
        for _ in range(3):
            fired(self.post())
        self.threads.is_holding = True
        posting = self.post()
        self.store._writer._drop()
        self.threads.is_holding = False
        self.threads.go_on()
        assert seqs(fired(posting).places) == [4]
        self.check_count()
        assert len(fired(self.search())) == 4
        self.check_count()
        self.check_idle()

    def test_many_posts_in_many_rooms_leave_few_unfiled(self) -> None:
        logs = [LogId(number.to_bytes(16, "big")) for number in range(50)]
        for number in range(60):
            append(self.store, *(record(number, log) for log in logs))
            self.check_count()
            assert self.waiting() < FILE_RECORDS
        self.clock.advance(FILE_SECONDS)
        self.check_idle()
