"""The database file: how it is opened, checked, and brought to this version's schema."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

from twisted.logger import Logger

from chat.store.interface import StoreError

__all__ = ["MIGRATIONS", "connect", "connect_as", "has_search", "prepare"]

_log = Logger()

_APPLICATION_ID: Final = 0x656E6363
"""``encc``: what is in the file's header, so that no other program's file is taken for ours."""

_BUSY_MILLISECONDS: Final = 1_000

_CACHE_KIB: Final = 8_192
"""Of pages, for each connection. What records have at random, their ids, is 30 bytes each."""

_WAITING_WORDS: Final = ("texts", "arrived")
"""Tables where words waited to be indexed, in earlier versions."""

MIGRATIONS: Final[Sequence[str]] = (
    """
    CREATE TABLE state (clean INTEGER NOT NULL);
    INSERT INTO state VALUES (1);
    CREATE TABLE logs (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        seq INTEGER NOT NULL,
        time INTEGER NOT NULL
    );
    CREATE TABLE records (
        log INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id BLOB NOT NULL,
        time INTEGER NOT NULL,
        replaces INTEGER NOT NULL,
        record BLOB,
        PRIMARY KEY (log, seq)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX record_ids ON records (log, id);
    CREATE INDEX replacing ON records (log, replaces) WHERE replaces > 0;
    CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE blobs (id BLOB PRIMARY KEY, content BLOB NOT NULL);
    """,
    # What was removed before this was noted may have left something.
    "ALTER TABLE state ADD COLUMN tidy INTEGER NOT NULL DEFAULT 0",
    # How often the index of words was merged was not counted before, and may have been often. An
    # empty file has nothing to be removed.
    """
    ALTER TABLE state ADD COLUMN merges INTEGER NOT NULL DEFAULT 1000000;
    UPDATE state SET tidy = 1, merges = 0 WHERE NOT EXISTS (SELECT 1 FROM logs);
    """,
    # Ids have a table of their own, into which they go many at a time.
    """
    CREATE TABLE ids (
        log INTEGER NOT NULL,
        id BLOB NOT NULL,
        seq INTEGER NOT NULL,
        time INTEGER NOT NULL,
        PRIMARY KEY (log, id)
    ) WITHOUT ROWID;
    INSERT INTO ids SELECT log, id, seq, time FROM records ORDER BY log, id;
    DROP INDEX record_ids;
    ALTER TABLE logs ADD COLUMN filed INTEGER NOT NULL DEFAULT 0;
    UPDATE logs SET filed = seq;
    """,
    # What was appended waits until many records, their ids and words are filed together: see
    # `chat.store.journal`.
    """
    CREATE TABLE journal (
        place INTEGER PRIMARY KEY,
        log INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id BLOB NOT NULL,
        time INTEGER NOT NULL,
        replaces INTEGER NOT NULL,
        record BLOB NOT NULL,
        words TEXT NOT NULL
    );
    INSERT INTO ids SELECT log, records.id, records.seq, records.time FROM logs CROSS JOIN records
        ON log = number AND records.seq > filed WHERE logs.seq > filed;
    ALTER TABLE logs RENAME TO old_logs;
    CREATE TABLE logs (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        seq INTEGER NOT NULL,
        time INTEGER NOT NULL
    );
    INSERT INTO logs SELECT number, id, seq, time FROM old_logs;
    DROP TABLE old_logs;
    """,
)
"""What brings a file from each version to the next; the first makes a new one."""


_Connection = TypeVar("_Connection", bound=sqlite3.Connection)


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that commits only when told to. Raises sqlite3.Error."""
    return connect_as(sqlite3.Connection, path)


def connect_as(kind: type[_Connection], path: Path) -> _Connection:
    """Return such a connection of a class of its own."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=kind)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def has_search(path: Path) -> bool:
    """Tell whether the file has an index of words. Raises StoreError."""
    try:
        connection = connect(path)
        try:
            return _has_table(connection, "words")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be used: {error}") from None


def prepare(path: Path, has_search: bool, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Make the file, or check it and bring it up to date. Raises StoreError."""
    # Where SQLite puts what it copies: nothing of it is for other users, or other disks.
    os.environ.setdefault("SQLITE_TMPDIR", str(path.parent))
    try:
        # Made here, because SQLite would let others read it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = connect(path)
        try:
            _check_ours(connection, path, len(migrations))
            _check_whole(connection, path)
            _migrate(connection, migrations)
            _set_search(connection, has_search)
            connection.execute("UPDATE state SET clean = 0")
        finally:
            connection.close()
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}") from None
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be used: {error}") from None


def _check_ours(connection: sqlite3.Connection, path: Path, newest: int) -> None:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [application] = connection.execute("PRAGMA application_id").fetchone()
    if version > newest and application == _APPLICATION_ID:
        raise StoreError(
            f"{path} was written by a newer encchat (its schema is {version}, this one knows "
            f"{newest}); install that one, or use another state directory"
        )
    if version == 0:
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise StoreError(f"{path} is a database of something else")
        # Both take effect only in an empty file.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    elif application != _APPLICATION_ID:
        raise StoreError(f"{path} is a database of something else")
    connection.execute("PRAGMA journal_mode = WAL")


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """After an unclean stop, check that the file is whole."""
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version == 0 or connection.execute("SELECT clean FROM state").fetchone() == (1,):
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != ("ok",):
        raise StoreError(f"{path} is damaged: {found[0]}")


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    for number, script in enumerate(migrations[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;"
        )


def _set_search(connection: sqlite3.Connection, has_search: bool) -> None:
    """Make the index of words if it is wanted, or remove it with all words in it."""
    if has_search:
        connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text)")
        _mend_search(connection)
        for table in _WAITING_WORDS:
            if _has_table(connection, table):
                connection.executescript(
                    "BEGIN IMMEDIATE;"
                    f"INSERT INTO words (rowid, text) SELECT number, text FROM {table}"
                    f" ORDER BY number; DROP TABLE {table}; COMMIT;"
                )
    elif _has_table(connection, "words"):
        tables = ("words", *_WAITING_WORDS)
        dropping = " ".join(f"DROP TABLE IF EXISTS {table};" for table in tables)
        connection.executescript(f"BEGIN IMMEDIATE; {dropping} UPDATE state SET tidy = 0; COMMIT;")


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,))
    return found.fetchone() is not None


def _mend_search(connection: sqlite3.Connection) -> None:
    """Make the index of words anew, from the words, if it is damaged."""
    try:
        connection.execute("SELECT rowid FROM words WHERE words MATCH 'a' LIMIT 1").fetchall()
    except sqlite3.DatabaseError:
        _log.warn("The index of words was damaged, and is made anew from the words")
        # No word is indexed, says this, without which nothing can be done with the table.
        connection.execute("UPDATE words_data SET block = x'00000000000000' WHERE id = 10")
        connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
