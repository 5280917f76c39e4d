"""Pages: what readers that are behind share, for how long, and what they never see."""

from typing import Final

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.ids import NOBODY, LogId, RecordId
from chat.rooms.happenings import Deleted
from chat.server.fanout.pages import LogPage, Pages
from chat.store.interface import Commit, Record, RecordKind, Stored, StoreError, Trim
from chat.wire.messages import DeleteBody
from tests.server.support import LOG, HeldStore, Room, ServerCase, texts
from tests.store.commits import fired

OTHER: Final = LogId(b"the other log...")

PAGE: Final = 256
"""Pages end at multiples of this."""


class CountingStore(HeldStore):
    """A store that counts reads, and stores at once."""

    def __init__(self) -> None:
        super().__init__()
        self.is_holding = False
        self.loads = 0

    def read(
        self,
        log: LogId,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """Count, and read."""
        self.loads += 1
        return super().read(log, after, limit_bytes, backward, limit)


class Library:
    """A store with records of 100 bytes in it, and its pages."""

    def __init__(self, records: int, page_bytes: int = 40_000) -> None:
        self.clock = Clock()
        self.store = CountingStore()
        self.pages = Pages(self.store, page_bytes, self.clock.seconds)
        for log in (LOG, OTHER):
            self.add(records, log)

    def add(self, count: int, log: LogId = LOG) -> None:
        """Store more records."""
        tail = fired(self.store.head(log)).seq
        fired(self.store.commit(Commit(0, [record(log, tail + 1 + it) for it in range(count)])))

    def erase(self, *seqs: int) -> None:
        """Erase records, without telling anybody."""
        tail = fired(self.store.head(LOG)).seq
        fired(
            self.store.commit(
                Commit(0, [record(LOG, tail + it, seq) for it, seq in enumerate(seqs, 1)])
            )
        )

    def trim(self, keep: int) -> None:
        """Remove all but the last records, without telling anybody."""
        fired(self.store.commit(Commit(0, trims=[Trim(LOG, None, keep)])))

    def ask(self, after: int = 0, log: LogId = LOG, tail: int = 10_000) -> Deferred[LogPage]:
        """Request a page."""
        return Deferred.fromCoroutine(self.pages.get(log, after, tail))

    def get(self, after: int = 0, log: LogId = LOG, tail: int = 10_000) -> LogPage:
        """Return a page that is available at once."""
        return fired(self.ask(after, log, tail))


def record(log: LogId, seq: int, erases: int = 0) -> Record:
    """Return the record for a sequence number."""
    data = seq.to_bytes(20, "big").ljust(100, b"x")
    identity = RecordId(seq.to_bytes(16, "big"))
    return Record(log, identity, NOBODY, RecordKind.TEXT, 0, 0, data, erases=erases)


def seqs(page: LogPage) -> list[int]:
    """Return the sequence numbers in a page; check that its runs have the same."""
    found = [item.seq for item in page.stored]
    data = b"".join([part for run in page.runs for part, _ in run.parts])
    assert [int(line.split()[2]) for line in data.splitlines()] == found
    assert max([run.last for run in page.runs], default=0) == max(found, default=0)
    return found


class SharingTests(ServerCase):
    """Readers that request the same page."""

    def test_two_who_ask_at_the_same_time_share_one_load(self) -> None:
        library = Library(600)
        library.store.is_holding_reads = True
        asked = [library.ask(), library.ask(), library.ask()]
        assert library.store.loads == 1
        library.store.answer()
        first, *others = map(fired, asked)
        assert all(page is first for page in others)
        assert library.store.loads == 1
        assert seqs(first) == list(range(1, PAGE + 1))

    def test_the_last_page_is_shared_by_all_who_wait_for_it(self) -> None:
        # The page is not cached, so each reader would load it again.
        library = Library(300)
        library.store.is_holding_reads = True
        asked = [library.ask(PAGE) for _ in range(100)]
        library.store.answer()
        first, *others = map(fired, asked)
        assert all(page is first for page in others)
        assert seqs(first) == list(range(PAGE + 1, 301))
        assert library.store.loads == 1

    def test_who_waits_with_a_later_tail_goes_on_from_where_the_page_ends(self) -> None:
        library = Library(300)
        library.store.is_holding_reads = True
        asked = [library.ask(PAGE, tail=280), library.ask(PAGE, tail=300)]
        library.store.answer()
        early, late = map(fired, asked)
        assert late is early
        follows = library.ask(late.end, tail=300)
        library.store.answer()
        assert seqs(early) + seqs(fired(follows)) == list(range(PAGE + 1, 301))

    def test_one_who_asks_later_shares_it_too(self) -> None:
        library = Library(600)
        page = library.get()
        library.clock.advance(0.99)
        assert library.get() is page
        assert library.store.loads == 1

    def test_other_places_and_other_logs_have_pages_of_their_own(self) -> None:
        library = Library(600)
        pages = [library.get(), library.get(PAGE), library.get(log=OTHER), library.get(7)]
        assert library.store.loads == 4
        assert len({id(page) for page in pages}) == 4
        assert library.get(log=OTHER) is pages[2]
        assert library.get(7) is pages[3]

    def test_who_began_elsewhere_comes_for_the_same_pages_soon(self) -> None:
        library = Library(1_200)
        assert seqs(library.get(7)) == list(range(8, PAGE + 1))
        assert seqs(library.get(200)) == list(range(201, 2 * PAGE + 1))
        assert seqs(library.get(PAGE)) == list(range(PAGE + 1, 2 * PAGE + 1))
        assert library.store.loads == 3

    def test_a_page_ends_as_far_on_as_it_can(self) -> None:
        library = Library(1_200, page_bytes=100_000)
        assert seqs(library.get()) == list(range(1, 3 * PAGE + 1))

    def test_a_page_that_reaches_no_such_place_is_given_whole(self) -> None:
        library = Library(600, page_bytes=1_000)
        assert seqs(library.get(0)) == list(range(1, 11))
        assert seqs(library.get(10)) == list(range(11, 21))

    def test_the_last_page_is_given_whole_and_read_again(self) -> None:
        library = Library(300)
        assert seqs(library.get(PAGE)) == list(range(PAGE + 1, 301))
        library.add(1)
        assert seqs(library.get(PAGE)) == list(range(PAGE + 1, 302))

    def test_what_is_behind_the_tail_is_not_in_it(self) -> None:
        library = Library(300)
        assert seqs(library.get(tail=10)) == list(range(1, 11))
        assert seqs(library.get(290, tail=290)) == []
        assert seqs(library.get(tail=300)) == list(range(1, PAGE + 1))

    def test_the_pages_that_are_kept_are_few(self) -> None:
        library = Library(18 * PAGE)
        starts = [number * PAGE for number in range(17)]
        pages = [library.get(after) for after in starts]
        assert library.store.loads == 17
        assert all(library.get(it) is page for it, page in zip(starts[1:], pages[1:], strict=True))
        assert library.store.loads == 17
        assert seqs(library.get(0)) == seqs(pages[0])
        assert library.store.loads == 18

    def test_a_page_that_is_loaded_again_is_the_latest(self) -> None:
        library = Library(18 * PAGE)
        library.get(0)
        library.get(PAGE)
        library.clock.advance(2)
        page = library.get(0)
        for number in range(2, 17):  # With these, the second page is one too many.
            library.get(number * PAGE)
        loads = library.store.loads
        assert library.get(0) is page
        assert library.store.loads == loads


class AgeTests(ServerCase):
    """Removed records do not stay visible for long."""

    def test_a_page_of_more_than_a_second_is_loaded_again(self) -> None:
        library = Library(600)
        library.get()
        library.clock.advance(1)
        library.trim(keep=400)
        assert seqs(library.get())[0] == 201
        assert library.store.loads == 2

    def test_use_does_not_make_a_page_younger(self) -> None:
        library = Library(600)
        for _ in range(4):
            library.get()
            library.clock.advance(0.3)
        library.get()
        assert library.store.loads == 2

    def test_after_a_removal_the_next_reader_does_not_see_what_is_gone(self) -> None:
        library = Library(600)
        pages = [library.get(), library.get(log=OTHER)]
        library.erase(5)
        library.pages.forget(LOG)
        assert 5 not in seqs(library.get())
        assert library.get(log=OTHER) is pages[1]
        assert library.store.loads == 3

    def test_a_page_that_was_being_loaded_during_a_removal_is_not_kept(self) -> None:
        library = Library(600)
        library.store.is_holding_reads = True
        asked = library.ask()
        waits = library.ask()
        library.erase(5)
        library.pages.forget(LOG)
        library.store.answer()  # With the records from before.
        assert 5 in seqs(fired(asked))
        # Readers that asked meanwhile do not get it, and neither do later ones.
        library.store.answer()
        page = fired(waits)
        assert 5 not in seqs(page)
        assert library.get() is page
        assert library.store.loads == 2

    def test_a_deletion_reaches_the_pages(self) -> None:
        store = CountingStore()
        room = Room(store)
        author, slow, late = room.enter(1, 2, 3)
        for reader in (slow, late):
            reader.is_full = True
        for number in range(300):
            room.say(author, f"{number}")
        room.settle()
        slow.is_full = False
        room.readers.catch_up(2)
        room.settle()
        loads = store.loads
        assert "17" in texts(slow)
        [seq] = [seq for seq, body in slow.heard if getattr(body, "text", "") == "17"]
        room.add(Deleted(LOG, author.account, seq), author)
        room.settle()
        late.is_full = False
        room.readers.catch_up(3)
        room.settle()
        assert texts(late) == [str(number) for number in range(300) if number != 17]
        assert store.loads > loads
        bodies = [body for _, body in late.heard if isinstance(body, DeleteBody)]
        assert [body.seq for body in bodies] == [seq]


class GapTests(ServerCase):
    """Any number of records may be missing anywhere; a page never skips an existing one."""

    def read_on(self, library: Library, after: int = 0) -> list[int]:
        """Return the records that a reader gets who reads to the end."""
        found: list[int] = []
        tail = fired(library.store.head(LOG)).seq
        while after < tail:
            page = library.get(after, tail=tail)
            assert page.end > after
            assert all(after < seq <= page.end for seq in seqs(page))
            found += seqs(page)
            after = page.end
        return found

    def check(self, library: Library, after: int) -> None:
        """Check that a reader gets all records that exist after a cursor."""
        kept = fired(library.store.read(LOG, after, 2**30))
        assert self.read_on(library, after) == [it.seq for it in kept]

    def test_after_a_gap_of_a_whole_page_of_numbers_the_few_that_are_left_are_given(self) -> None:
        # 276 posts, the last 20 of which are kept: none of those may be skipped.
        library = Library(276)
        library.trim(keep=20)
        page = library.get()
        assert seqs(page) == list(range(257, 277))
        assert page.end == 276

    def test_where_edits_were_erased_with_their_text_what_follows_is_given(self) -> None:
        library = Library(301)
        library.erase(*range(1, 302))
        library.add(5)
        library.trim(keep=6)
        assert seqs(library.get()) == list(range(602, 608))
        self.check(library, 0)

    def test_gaps_of_any_size_before_and_behind_any_cursor(self) -> None:
        for gone in (1, 2, 254, 255, 256, 257, 258, 511, 512, 513, 1_000):
            for left in (1, 2, 20, 255, 256, 257, 600):
                library = Library(gone + left, page_bytes=10_000)
                library.trim(keep=left)
                for after in (0, 1, gone - 1, gone, gone + 1, gone + left - 1):
                    self.check(library, after)

    def test_gaps_between_records(self) -> None:
        for start, size in ((2, 300), (250, 10), (256, 1), (257, 256), (100, 700), (1, 256)):
            library = Library(1_000, page_bytes=30_000)
            library.erase(*range(start, start + size))
            for after in (0, 1, start - 1, start, start + size - 1, start + size, 999):
                self.check(library, after)

    def test_a_gap_at_the_end_is_the_end(self) -> None:
        library = Library(600)
        library.trim(keep=0)
        page = library.get(10, tail=600)
        assert (seqs(page), page.end) == ([], 600)


class FailureTests(ServerCase):
    """Failing reads."""

    def fail_one(self, library: Library) -> None:
        """Make the oldest read fail."""
        held, _ = library.store.reads.pop(0)
        held.errback(StoreError("a broken disk"))

    def test_everybody_who_waits_for_it_is_told(self) -> None:
        library = Library(600)
        library.store.is_holding_reads = True
        asked = [library.ask() for _ in range(3)]
        while library.store.reads:
            self.fail_one(library)
        for waiting in asked:
            with pytest.raises(StoreError):
                fired(waiting)

    def test_a_failure_is_not_kept(self) -> None:
        library = Library(600)
        library.store.is_broken = True
        with pytest.raises(StoreError):
            fired(library.ask())
        library.store.is_broken = False
        page = library.get()
        assert seqs(page) == list(range(1, PAGE + 1))
        assert library.get() is page

    def test_who_waited_may_have_more_luck(self) -> None:
        library = Library(600)
        library.store.is_holding_reads = True
        unlucky, *others = [library.ask() for _ in range(3)]
        self.fail_one(library)
        with pytest.raises(StoreError):
            fired(unlucky)
        library.store.answer()
        one, other = map(fired, others)
        assert one is other
        assert seqs(one) == list(range(1, PAGE + 1))
