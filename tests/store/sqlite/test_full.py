"""A disk without space, told apart from everything else that can fail."""

import errno
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from chat.store.interface import DiskFullError, StoreError
from chat.store.sqlite import SqliteStore, connection, errors, writer
from chat.store.sqlite.connection import WritingConnection
from chat.store.sqlite.errors import store_error
from chat.store.sqlite.filing import FILE_SECONDS
from chat.store.sqlite.schema import prepare
from tests.store.commits import append, fired, record
from tests.store.sqlite.support import SqliteCase


def sqlite_error(code: int) -> sqlite3.Error:
    """Return an error as SQLite raises it."""
    error = sqlite3.OperationalError("no")
    error.sqlite_errorcode = code
    return error


class TellingApartTests(SqliteCase):
    """Which errors mean that there is no space."""

    def fail_to_write(self, number: int | None) -> None:
        """Make every new temporary file fail with an error of the system."""

        def make(dir: Path, buffering: int) -> IO[bytes]:
            if number is None:
                return tempfile.TemporaryFile()
            raise OSError(number, os.strerror(number))

        self.replace(errors, "TemporaryFile", make)

    def test_a_full_disk_whatever_is_written(self) -> None:
        self.fail_to_write(errno.EACCES)
        assert isinstance(store_error(sqlite_error(sqlite3.SQLITE_FULL), self.path), DiskFullError)
        for number in (errno.ENOSPC, errno.EDQUOT):
            self.fail_to_write(number)
            for code in (
                sqlite3.SQLITE_IOERR_WRITE,
                sqlite3.SQLITE_IOERR_SHMSIZE,
                sqlite3.SQLITE_CANTOPEN,
                sqlite3.SQLITE_FULL,
            ):
                error = store_error(sqlite_error(code), self.path)
                assert isinstance(error, DiskFullError)
                assert str(error).endswith(f" bytes are free in {self.path.parent}")

    def test_anything_else(self) -> None:
        for number in (None, errno.EIO, errno.EACCES, errno.EROFS):
            self.fail_to_write(number)
            for code in (
                sqlite3.SQLITE_IOERR_WRITE,
                sqlite3.SQLITE_CANTOPEN,
                sqlite3.SQLITE_BUSY,
                sqlite3.SQLITE_CORRUPT,
                sqlite3.SQLITE_READONLY,
            ):
                error = store_error(sqlite_error(code), self.path)
                assert type(error) is StoreError and str(error) == "no"
        self.fail_to_write(errno.ENOSPC)
        for code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY):
            assert type(store_error(sqlite_error(code), self.path)) is StoreError
        without_code = sqlite3.OperationalError("database or disk is full")
        assert type(store_error(without_code, self.path)) is StoreError

    def test_a_real_error_of_sqlite_and_the_same_commit_with_space(self) -> None:
        real, pages = connection.connect_as, [10**6]

        def connect(kind: type[WritingConnection], path: Path) -> WritingConnection:
            limited = real(kind, path)
            limited.execute(f"PRAGMA max_page_count = {pages[0]}")
            return limited

        self.replace(writer, "connect_as", connect)
        prepare(self.path, True)
        store = SqliteStore(self.path, self.threads, self.clock, True)
        append(store, record(1))
        big = [record(number, words="word " * 100) for number in range(2, 200)]
        pages[0] = 1  # SQLite takes this for the present size.
        store._writer._drop()
        for _ in range(3):
            with pytest.raises(DiskFullError):
                append(store, *big)
        self.clock.advance(FILE_SECONDS)  # Filing fails too; commits have said so.
        assert self.flush() == []
        pages[0] = 10**6
        store._writer._drop()
        append(store, *big)
        fired(store.close())


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs to mount a disk")
class RealDiskTests(SqliteCase):
    """A file system of half a MiB."""

    def setUp(self) -> None:
        """Mount it."""
        super().setUp()
        disk = self.path.parent / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed")
        self.addCleanup(subprocess.run, ["umount", str(disk)], check=True)
        self.path = disk / "encchat.db"

    def fill(self) -> Callable[[], None]:
        """Take all space that is left; return the callable that frees it."""
        path = self.path.with_name("other")
        with path.open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(4_096))
        return path.unlink

    def test_a_start(self) -> None:
        free = self.fill()
        with pytest.raises(StoreError, match=r"the disk is full: [0-9,]+ bytes are free in "):
            prepare(self.path, True)
        free()
        prepare(self.path, True)

    def test_commits_and_closing(self) -> None:
        prepare(self.path, True)
        store = SqliteStore(self.path, self.threads, self.clock, True)
        append(store, record(1))
        free = self.fill()
        with pytest.raises(DiskFullError):
            for number in range(2, 1_000):
                append(store, record(number, words="word " * 100))
        stored = number - 1
        head = fired(store.head(record(1).log))
        assert head.seq == stored  # It can be read, and has no holes.
        free()
        append(store, record(number))
        self.fill()
        fired(store.close())
        assert all("could not be closed cleanly" in line for line in self.flush())
