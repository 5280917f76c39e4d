"""The file: what can be opened, and what is refused."""

import os
from unittest.mock import patch

import pytest

from chat.store.interface import StoreError
from chat.store.sqlite import journal, schema
from chat.store.sqlite.schema import VERSION, has_search, prepare
from tests.store.commits import LOGS, append, fired, record
from tests.store.sqlite.support import SqliteCase

EARLIER = """
    CREATE VIRTUAL TABLE IF NOT EXISTS words
    USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')
"""


class FileTests(SqliteCase):
    """Files that can be opened, and files that are refused."""

    def test_the_file_is_nobody_else_s(self) -> None:
        append(self.open(), record(1))
        for path in self.path.parent.iterdir():
            assert path.stat().st_mode & 0o077 == 0

    def test_every_commit_reaches_the_disk(self) -> None:
        store = self.open()
        append(store, record(1))
        writing = store._writer._connection
        assert writing is not None
        for pragma, value in (("synchronous", 2), ("secure_delete", 1), ("journal_mode", "wal")):
            assert writing.execute(f"PRAGMA {pragma}").fetchone() == (value,)
        fired(store.close())

    def test_an_index_of_an_earlier_version_is_made_again(self) -> None:
        texts = ["我家在上海东边。", "검색을", "\ufb01le", "plain words", "\U0001f600", "- !"]
        with patch.object(journal, "indexed", str), patch.object(schema, "_WORDS", EARLIER):
            store = self.open()
            for number, text in enumerate(texts[:3]):
                append(store, record(number, words=text))
            fired(store.search("plain", [LOGS[0]], 1))  # Files these.
            for number, text in enumerate(texts[3:], 3):
                append(store, record(number, words=text))
            assert self.waiting() == 3
            fired(store._threads.write(store._writer._drop))
        for _ in range(2):
            store = self.open()
            for number, typed in enumerate(("上海", "검색", "file", "WORDS", "\U0001f600"), 1):
                found = fired(store.search(typed, [LOGS[0]], 9))
                assert [it.stored.seq for it in found] == [number], typed
            self.clock.advance(1)
            fired(store.close())
        assert self.execute("SELECT name FROM sqlite_master WHERE name LIKE 'earlier%'") == []
        assert "我家".encode() not in self.bytes_on_disk()

    def test_a_newer_schema_is_refused(self) -> None:
        fired(self.open().close())
        self.execute(f"PRAGMA user_version = {VERSION + 1}")
        with pytest.raises(StoreError, match="written by a newer encchat"):
            self.open()

    def test_a_schema_from_before_the_first_release_is_refused(self) -> None:
        fired(self.open().close())
        for version in range(1, VERSION):
            self.execute(f"PRAGMA user_version = {version}")
            with pytest.raises(StoreError, match="from before the first release"):
                self.open()
            assert self.execute("PRAGMA user_version") == [(version,)]

    def test_what_is_something_else_is_refused(self) -> None:
        self.execute("CREATE TABLE recipes (name)")
        with pytest.raises(StoreError, match="another program"):
            self.open()
        self.execute("PRAGMA user_version = 1")
        with pytest.raises(StoreError, match="another program"):
            self.open()
        self.path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
        with pytest.raises(StoreError, match="not a database"):
            self.open()

    def test_what_cannot_be_opened_is_refused(self) -> None:
        with pytest.raises(StoreError, match="cannot be used: No such file or directory"):
            prepare(self.path / "nowhere", True)
        self.path.mkdir()
        with pytest.raises(StoreError, match="cannot be used"):
            prepare(self.path, True)

    def test_a_file_whose_making_failed_is_made_the_next_time(self) -> None:
        with (
            patch.object(schema, "_SCHEMA", schema._SCHEMA + "CREATE TABLE logs (x);"),
            pytest.raises(StoreError, match="already exists"),
        ):
            self.open()
        assert self.execute("SELECT name FROM sqlite_master") == []
        store = self.open()
        append(store, record(1))
        fired(store.close())

    def test_it_is_looked_at_without_being_made(self) -> None:
        assert not has_search(self.path) and not self.path.exists()
        for wanted in (True, False):
            fired(self.open(wanted).close())
            assert has_search(self.path) == wanted
        self.path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
        with pytest.raises(StoreError, match="not a database"):
            has_search(self.path)

    def test_after_an_unclean_stop_a_damaged_file_is_refused(self) -> None:
        store = self.open()
        append(store, *(record(number, data=bytes(2_000)) for number in range(100)))
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.sync()
        content = bytearray(self.path.read_bytes())
        content[8_192:40_960] = os.urandom(32_768)
        self.path.write_bytes(content)
        with pytest.raises(StoreError, match=r"damaged|malformed"):
            self.open()

    def test_a_clean_stop_needs_no_check(self) -> None:
        store = self.open()
        append(store, record(1))
        assert self.execute("SELECT clean FROM state") == [(0,)]
        fired(store.close())
        assert self.execute("SELECT clean FROM state") == [(1,)]
        fired(self.open().close())
