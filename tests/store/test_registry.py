"""URLs of stores, and adding an engine with one line."""

import os
import tempfile
from pathlib import Path
from typing import cast
from unittest.mock import patch

import pytest
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.store import registry
from chat.store.engine import Engine, Reactor
from chat.store.interface import LogStore, StoreError
from chat.store.memory import MemoryStore
from chat.store.registry import (
    check_copy,
    copy_store,
    has_search,
    open_store,
    put_temporary_files_in,
)
from tests.store.commits import append, fired, record, seqs

REACTOR = cast(Reactor, Clock())


class RegistryTests(SynchronousTestCase):
    """URLs."""

    def setUp(self) -> None:
        """Make a directory."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name)

    def test_memory(self) -> None:
        for wanted in (True, False):
            store = open_store("memory:", REACTOR, wanted)
            assert isinstance(store, MemoryStore) and store.has_search == wanted
        assert not has_search("memory:")

    def test_what_names_no_store_is_refused(self) -> None:
        for url, pattern in (
            ("", "sqlite:PATH"),
            ("/var/lib/encchat.db", "sqlite:/var/lib/encchat.db"),
            (":", "kind of store ''"),
            ("postgres://host/name", "'postgres'; the known ones are memory:, sqlite:"),
            ("SQLITE:x", "kind of store 'SQLITE'"),
            ("sqlite:", "names no file"),
            ("sqlite:a\0b", "names no file"),
            ("memory:somewhere", "no address"),
            (f"sqlite:{self.path}/nowhere/encchat.db", "No such file"),
        ):
            with pytest.raises(StoreError, match=pattern):
                open_store(url, REACTOR, True)
        for url in ("", "x:", "sqlite:", "memory:x"):
            with pytest.raises(StoreError):
                has_search(url)

    def test_has_search_makes_no_file(self) -> None:
        assert not has_search(f"sqlite:{self.path}/encchat.db")
        assert list(self.path.iterdir()) == []

    def test_another_engine_is_one_line(self) -> None:
        opened = []

        def open_toy(address: str, reactor: Reactor, has_search: bool) -> LogStore:
            opened.append((address, has_search))
            return MemoryStore(has_search)

        copied = []
        toy = Engine(
            open_toy,
            lambda address: address == "yes",
            lambda address, target: copied.append((address, target)),
            lambda address, _: len(address),
        )
        with patch.dict(registry.ENGINES, toy=toy):
            copy_store("toy:a", self.path)
            assert copied == [("a", self.path)] and check_copy("toy:abc", print) == 3
            store = open_store("toy:a:b", REACTOR, False)
            assert has_search("toy:yes") and not has_search("toy:no")
            with pytest.raises(StoreError, match="the known ones are memory:, sqlite:, toy:"):
                open_store("none:", REACTOR, True)
        assert opened == [("a:b", False)]
        assert seqs(append(store, record(1))) == [1]
        fired(store.close())

    def test_where_temporary_files_go(self) -> None:
        with patch.dict(os.environ):
            os.environ.pop("SQLITE_TMPDIR", None)
            put_temporary_files_in(self.path)
            assert os.environ["SQLITE_TMPDIR"] == str(self.path)
            put_temporary_files_in(Path("/elsewhere"))
            assert os.environ["SQLITE_TMPDIR"] == str(self.path)

    def test_a_store_in_memory_cannot_be_copied(self) -> None:
        for use in (lambda: copy_store("memory:", self.path), lambda: check_copy("memory:", print)):
            with pytest.raises(StoreError, match="in memory"):
                use()
