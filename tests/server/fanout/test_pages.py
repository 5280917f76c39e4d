"""Pages: what readers that are behind share, for how long, and what they never see."""

from typing import Final

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.rooms.happenings import Deleted
from chat.server.fanout.pages import Page, Pages
from chat.store.interface import Entry, Stored, StoreError
from chat.wire.messages import DeleteBody
from tests.server.support import LOG, HeldStore, Room, ServerCase, account, texts
from tests.store.suite import fired

OTHER: Final = b"the other log..."

PAGE: Final = 256
"""Where pages end: at multiples of this."""


class CountingStore(HeldStore):
    """A store that counts what is read from it, and stores at once."""

    def __init__(self) -> None:
        super().__init__()
        self.is_holding = False
        self.loads = 0

    def read(
        self,
        log: bytes,
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

    def add(self, count: int, log: bytes = LOG) -> None:
        """Store more records."""
        tail = fired(self.store.tail(log)).seq
        entries = [
            Entry(number.to_bytes(16, "big"), 0, number.to_bytes(20, "big").ljust(100, b"x"))
            for number in range(tail + 1, tail + 1 + count)
        ]
        fired(self.store.append(log, entries))

    def erase(self, seq: int, log: bytes = LOG) -> None:
        """Store something that erases a record; nobody is told."""
        fired(self.store.append(log, [Entry(b"erases".ljust(16), 0, bytes(100), erases=seq)]))

    def ask(self, after: int = 0, log: bytes = LOG, tail: int = 10_000) -> Deferred[Page]:
        """Ask for a page."""
        return Deferred.fromCoroutine(self.pages.get(log, after, tail))

    def get(self, after: int = 0, log: bytes = LOG, tail: int = 10_000) -> Page:
        """Return a page that is there at once."""
        return fired(self.ask(after, log, tail))


def seqs(page: Page) -> list[int]:
    """Return the sequence numbers in a page, which are the ones of its runs."""
    found = [item.seq for item in page.stored]
    data = b"".join([part for run in page.runs for part, _ in run.parts])
    assert [int(line.split()[2]) for line in data.splitlines()] == found
    assert max([run.last for run in page.runs], default=0) == max(found, default=0)
    return found


class SharingTests(ServerCase):
    """Who comes for the same page."""

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
    """What is removed is not seen for long."""

    def test_a_page_of_more_than_a_second_is_loaded_again(self) -> None:
        library = Library(600)
        library.get()
        library.clock.advance(1)
        fired(library.store.trim(LOG, keep=400))
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
        library.store.answer()  # With what was there before.
        assert 5 in seqs(fired(asked))
        # Who asked meanwhile is not given it, nor is who comes later.
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
        room.feed.catch_up(2)
        room.settle()
        loads = store.loads
        assert "17" in texts(slow)
        [seq] = [seq for seq, body in slow.heard if getattr(body, "text", "") == "17"]
        room.add(Deleted(LOG, account(1), "1", seq), author)
        room.settle()
        late.is_full = False
        room.feed.catch_up(3)
        room.settle()
        assert texts(late) == [str(number) for number in range(300) if number != 17]
        assert store.loads > loads
        bodies = [body for _, body in late.heard if isinstance(body, DeleteBody)]
        assert [body.seq for body in bodies] == [seq]


class FailureTests(ServerCase):
    """What cannot be read."""

    def fail_one(self, library: Library) -> None:
        """Let the read that waits longest fail."""
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
