"""Pages for those who are behind: loaded once for many, never older than a second, and whole."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.server.pages import _ALIGNED, _KEPT, Page, Pages
from chat.store.interface import Entry, Stored, StoreError
from chat.store.memory import MemoryStore
from tests.server.support import ServerCase
from tests.store.suite import fired

LOG, OTHER = b"L" * 16, b"O" * 16
COUNT = 3 * _ALIGNED + 10
LIMIT = 2 * _ALIGNED * 40


class SlowStore(MemoryStore):
    """A store that notes what is read, and answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[bytes, int]] = []
        self.waiting: list[Deferred[None]] = []
        self.is_slow = False

    def read(
        self,
        log: bytes,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """As it was when it was asked."""
        self.reads.append((log, after))
        found = super().read(log, after, limit_bytes, backward, limit)
        if not self.is_slow:
            return found
        done: Deferred[None] = Deferred()
        self.waiting.append(done)
        return done.addCallback(lambda _: found)


class PagesTests(ServerCase):
    """With a store that counts."""

    def setUp(self) -> None:
        """Fill two logs."""
        self.clock = Clock()
        self.clock.advance(100)
        self.store = SlowStore()
        for log in (LOG, OTHER):
            entries = [
                Entry(number.to_bytes(16, "big"), 1, b"\0\0\0\1" + b"%012d" % number * 2)
                for number in range(COUNT)
            ]
            fired(self.store.append(log, entries))
        self.pages = Pages(self.store, LIMIT, self.clock.seconds)

    def get(self, after: int = 0, tail: int = COUNT, log: bytes = LOG) -> Deferred[Page]:
        """Ask for a page."""
        return Deferred.fromCoroutine(self.pages.get(log, after, tail))

    def test_pages_follow_each_other_to_the_tail_and_end_alike(self) -> None:
        after, seqs = 5, []
        while page := fired(self.get(after)):
            if not page.stored:
                break
            seqs += [item.seq for item in page.stored]
            assert sum(len(bytes(run.parts[0][0]).split(b"\r\n")) - 1 for run in page.runs) == len(
                page.stored
            )
            after = seqs[-1]
            assert after % _ALIGNED == 0 or after == COUNT
        assert seqs == list(range(6, COUNT + 1))

    def test_nothing_beyond_the_tail_is_in_one(self) -> None:
        assert fired(self.get(0, 7)).stored[-1].seq == 7
        assert fired(self.get(7, 7)).stored == []

    def test_many_who_ask_share_one(self) -> None:
        self.store.is_slow = True
        asked = [self.get() for _ in range(5)]
        assert self.store.reads == [(LOG, 0)]
        self.store.waiting.pop().callback(None)
        first, *others = map(fired, asked)
        assert all(page is first for page in others)
        assert fired(self.get()) is first and len(self.store.reads) == 1

    def test_one_is_good_for_a_second(self) -> None:
        first = fired(self.get())
        self.clock.advance(0.9)
        assert fired(self.get()) is first
        self.clock.advance(0.2)
        assert fired(self.get()) is not first

    def test_the_last_page_grows_so_nobody_keeps_it(self) -> None:
        after = COUNT - 5
        assert len(fired(self.get(after)).stored) == 5
        fired(self.store.append(LOG, [Entry(b"more" * 4, 1, b"\0\0\0\1" + b"more" * 6)]))
        assert len(fired(self.get(after, COUNT + 1)).stored) == 6

    def erase(self) -> None:
        """Remove the first record."""
        fired(self.store.append(LOG, [Entry(b"gone" * 4, 1, b"\0\0\0\1gone", erases=1)]))
        self.pages.forget(LOG)

    def test_what_was_removed_is_in_none_that_is_kept(self) -> None:
        fired(self.get())
        other = fired(self.get(log=OTHER))
        self.erase()
        assert fired(self.get()).stored[0].seq == 2
        assert fired(self.get(log=OTHER)) is other

    def test_what_is_removed_while_one_is_loaded_is_not_kept(self) -> None:
        self.store.is_slow = True
        asked = self.get()
        self.erase()
        self.store.is_slow = False
        self.store.waiting.pop().callback(None)
        fired(asked)
        assert fired(self.get()).stored[0].seq == 2

    def test_who_waited_for_one_that_failed_tries_again(self) -> None:
        self.store.is_slow = True
        first, second = self.get(), self.get()
        self.store.waiting.pop().errback(StoreError("it is broken"))
        with pytest.raises(StoreError):
            fired(first)
        assert len(self.store.reads) == 2
        self.store.waiting.pop().callback(None)
        assert fired(second).stored

    def test_few_are_kept_and_the_latest(self) -> None:
        for number in range(_KEPT):
            fired(self.get(number))
        fired(self.get(_ALIGNED))
        assert len(self.pages._pages) == _KEPT
        count = len(self.store.reads)
        fired(self.get(1))
        assert len(self.store.reads) == count
        fired(self.get(0))
        assert len(self.store.reads) == count + 1
