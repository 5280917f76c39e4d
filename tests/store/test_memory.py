"""Logs in memory: what every store does, and how the oldest records go."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.store.interface import Appended, LogStore, RecordsGoneError
from chat.store.memory import MemoryStore
from tests.store.suite import LOGS, LogStoreMachine, entry, fired

LOG, OTHER_LOG = LOGS


class MemoryStoreMachine(LogStoreMachine):
    """A store with more room than the machine needs."""

    def make_store(self) -> LogStore:
        """Return a store with room for a megabyte."""
        return MemoryStore(2**20)


TestMemoryStore = MemoryStoreMachine.TestCase
TestMemoryStore.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)


class TrimmingTests(SynchronousTestCase):
    """A store with room for 100 bytes in a log."""

    def setUp(self) -> None:
        """Fill a log: records 1 to 10 are in it, of 10 bytes each."""
        self.store = MemoryStore(100)
        self.append(*range(1, 11))

    def append(self, *numbers: int, size: int = 10) -> list[Appended]:
        """Append the entries with these numbers."""
        return fired(self.store.append(LOG, [entry(number, size) for number in numbers]))

    def seqs(self, after: int, backward: bool = False) -> list[int]:
        """Return the sequence numbers that a read gives."""
        return [stored.seq for stored in fired(self.store.read(LOG, after, 1_000, backward))]

    def test_what_fits_is_kept(self) -> None:
        assert self.seqs(0) == list(range(1, 11))

    def test_the_oldest_goes_first(self) -> None:
        self.append(11, 12)
        assert self.seqs(2) == list(range(3, 13))
        assert self.seqs(7) == list(range(8, 13))

    def test_a_read_that_would_leave_a_gap_fails(self) -> None:
        self.append(11, 12)
        for after in (0, 1):
            with pytest.raises(RecordsGoneError):
                self.seqs(after)

    def test_reading_back_ends_at_the_oldest(self) -> None:
        self.append(11, 12)
        assert self.seqs(5, backward=True) == [4, 3]
        assert self.seqs(3, backward=True) == []
        assert self.seqs(1, backward=True) == []

    def test_an_id_is_known_as_long_as_its_record(self) -> None:
        assert self.append(1) == [Appended(1, 1_001, False)]
        self.append(11)
        assert self.append(2) == [Appended(2, 1_002, False)]
        assert self.append(1) == [Appended(12, 1_001, True)]

    def test_a_record_larger_than_the_log_leaves_an_empty_log(self) -> None:
        assert self.append(11, size=101) == [Appended(11, 1_011, True)]
        assert self.seqs(11) == []
        with pytest.raises(RecordsGoneError):
            self.seqs(10)
        assert self.append(12) == [Appended(12, 1_012, True)]
        assert self.seqs(11) == [12]

    def test_one_log_s_bound_is_not_another_s(self) -> None:
        fired(self.store.append(OTHER_LOG, [entry(1, 100)]))
        assert self.seqs(0) == list(range(1, 11))

    def test_reading_a_log_that_is_not_there_makes_none(self) -> None:
        assert fired(self.store.read(OTHER_LOG, 0, 100)) == []
        assert fired(self.store.append(OTHER_LOG, [entry(1)]))[0].seq == 1

    def test_a_closed_store_holds_nothing(self) -> None:
        fired(self.store.close())
        assert self.seqs(0) == []


@given(st.lists(st.integers(0, 60)), st.integers(0, 200))
def test_a_log_never_outgrows_its_bound_and_keeps_all_it_can(sizes: list[int], bound: int) -> None:
    store = MemoryStore(bound)
    for number, size in enumerate(sizes, 1):
        fired(store.append(LOG, [entry(number, size)]))
    # Backward reads have no gap to complain of.
    kept = fired(store.read(LOG, len(sizes) + 1, 10_000, backward=True))
    total = sum(len(stored.record) for stored in kept)
    assert total <= bound
    assert [stored.seq for stored in kept] == list(range(len(sizes), len(sizes) - len(kept), -1))
    if len(kept) < len(sizes):
        assert total + sizes[-len(kept) - 1] > bound
