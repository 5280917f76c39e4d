"""Ids of records: lookups cover the table and the waiting records, whatever happens between."""

import sqlite3
from typing import cast
from unittest.mock import patch

import pytest

from chat.ids import LogId
from chat.store.interface import Commit, Place, StoreError, Trim
from chat.store.sqlite import SqliteStore, filing
from chat.store.sqlite.state import SqliteState
from tests.store.commits import LOGS, append, fired, record, trim
from tests.store.sqlite.support import SqliteCase

LOG, OTHER_LOG = LOGS


class IdsTests(SqliteCase):
    """Four records, before and after they are filed."""

    def setUp(self) -> None:
        """Open a store."""
        super().setUp()
        self.replace(filing, "FILE_RECORDS", 4)
        self.store = self.open()

    def append(self, *numbers: int, log: LogId = LOG) -> list[tuple[int, bool]]:
        """Append records; return the sequence numbers, and which are new."""
        places = append(self.store, *(record(number, log) for number in numbers))
        return [(it.seq, it.is_new) for it in places if isinstance(it, Place)]

    def reopen(self) -> SqliteStore:
        """Close the store, and open it again."""
        fired(self.store.close())
        return self.open()

    def filed(self) -> int:
        """Return how many ids are in the table."""
        [(count,)] = self.execute("SELECT count(*) FROM ids")
        return cast(int, count)

    def test_they_are_filed_when_they_are_many(self) -> None:
        self.append(1, 2)
        self.append(3, log=OTHER_LOG)
        assert self.filed() == 0
        self.append(4)
        assert self.filed() == 4

    def test_a_repetition_is_known_wherever_the_id_is(self) -> None:
        self.append(1, 2, 3, 4)
        self.append(5, 6)
        assert self.filed() == 4
        assert self.append(1, 5, 7, 6, 4, 7) == [
            *((1, False), (5, False), (7, True)),
            *((6, False), (4, False), (7, False)),
        ]
        assert self.append(1, log=OTHER_LOG) == [(1, True)]

    def test_they_are_looked_up_and_not_all_read(self) -> None:
        self.append(1, 2, 3, 4)
        connection = self.store._writer._connection
        assert connection is not None
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        self.append(1, 2, 5, 6, 7)
        [lookup] = [it for it in statements if " JOIN ids " in it]
        steps = [str(row[-1]) for row in self.execute("EXPLAIN QUERY PLAN " + lookup)]
        assert "SEARCH ids USING PRIMARY KEY (log=? AND id=?)" in steps, steps

    def test_a_repetition_is_known_after_a_restart(self) -> None:
        self.append(1, 2, 3, 4, 5)
        self.append(6, log=OTHER_LOG)
        self.append(7)
        self.store = self.reopen()
        assert self.append(5, 7, 1) == [(5, False), (6, False), (1, False)]
        assert self.append(6, log=OTHER_LOG) == [(1, False)]
        assert self.append(8) == [(7, True)]
        assert self.append(9, log=OTHER_LOG) == [(2, True)]

    def test_they_are_known_with_the_time_that_was_kept(self) -> None:
        times = enumerate((5_000, 4_500, 4_900, 4_000), 1)
        append(self.store, *(record(number)._replace(time=time) for number, time in times))
        assert self.filed() == 4
        for number in (1, 2, 5):
            [place] = append(self.store, record(number)._replace(time=4_700))
            assert place == Place(number, 5_000, number == 5)

    def test_those_of_a_transaction_that_failed_are_forgotten(self) -> None:
        self.append(1)
        with (
            patch.object(SqliteState, "trim", side_effect=sqlite3.OperationalError("no")),
            pytest.raises(StoreError),
        ):
            fired(self.store.commit(Commit(0, [record(2)], trims=[Trim(LOG, keep=0)])))
        assert self.append(3, 2) == [(2, True), (3, True)]

    def test_those_of_removed_records_go_with_them(self) -> None:
        self.append(1, 2, 3, 4)
        self.append(5, 6)
        self.append(1, log=OTHER_LOG)
        assert trim(self.store, keep=1) == 5
        assert self.append(5, 1, 6) == [(7, True), (8, True), (6, False)]
        assert self.append(1, log=OTHER_LOG) == [(1, False)]
