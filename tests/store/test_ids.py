"""Ids of records: those in the table and those that wait are one, whatever happens in between."""

import sqlite3
from typing import cast

import pytest

from chat.store import filing
from chat.store.interface import Appended, StoreError
from chat.store.journal import WritingConnection
from chat.store.schema import MIGRATIONS, prepare
from chat.store.sqlite import COMMIT_SECONDS, SqliteStore
from tests.store.suite import LOGS, entry, fired
from tests.store.support import SqliteCase

LOG, OTHER_LOG = LOGS


class IdsTests(SqliteCase):
    """Four records, and they are filed."""

    def setUp(self) -> None:
        """Open a store."""
        super().setUp()
        self.replace(filing, "FILE_RECORDS", 5)  # One may be left of what was before.
        self.store = self.open()

    def append(self, *numbers: int, log: bytes = LOG) -> list[tuple[int, bool]]:
        """Append entries; return the sequence numbers, and which are new."""
        places = fired(self.store.append(log, [entry(number) for number in numbers]))
        return [(place.seq, place.is_new) for place in places]

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

    def test_all_are_found(self) -> None:
        self.append(1, 2, 3, 4)
        self.append(5)
        for number in range(1, 6):
            found = fired(self.store.find(LOG, entry(number).record_id))
            assert found == Appended(number, entry(number).time, False)
        assert fired(self.store.find(LOG, entry(6).record_id)) is None
        assert fired(self.store.find(OTHER_LOG, entry(1).record_id)) is None

    def test_those_of_a_transaction_that_failed_are_forgotten(self) -> None:
        def fail(connection: WritingConnection) -> list[Appended]:
            raise sqlite3.OperationalError("no")

        self.append(1)
        self.threads.is_holding = True
        first = self.store.append(LOG, [entry(2)])  # Under way, so that the next two share one.
        both = [self.store.append(LOG, [entry(3)])]
        both.append(self.store._change(fail))
        self.threads.go_on()
        self.clock.advance(COMMIT_SECONDS)
        self.threads.go_on()
        self.threads.is_holding = False
        assert fired(first)[0].seq == 2
        for failed in both:
            with pytest.raises(StoreError):
                fired(failed)
        assert self.append(3, 2) == [(3, True), (2, False)]

    def test_those_of_removed_records_go_with_them(self) -> None:
        self.append(1, 2, 3, 4)
        self.append(5, 6)
        self.append(1, log=OTHER_LOG)
        assert fired(self.store.trim(LOG, keep=1)) == 5
        assert self.append(5, 1, 6) == [(7, True), (8, True), (6, False)]
        assert self.append(1, log=OTHER_LOG) == [(1, False)]

    def test_those_of_an_older_file_are_all_filed(self) -> None:
        fired(self.store.close())
        self.path.unlink()
        prepare(self.path, True, MIGRATIONS[:3])
        self.execute(
            "INSERT INTO logs (id, seq, time) VALUES (x'" + LOG.hex() + "', 2, 0)",
            *(
                f"INSERT INTO records VALUES (1, {number}, x'{entry(number).record_id.hex()}',"
                f" {number}, 0, x'00')"
                for number in (1, 2)
            ),
        )
        self.store = self.open()
        assert self.filed() == 2
        assert self.append(2, 3, 1) == [(2, False), (3, True), (1, False)]
