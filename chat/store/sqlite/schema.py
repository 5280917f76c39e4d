"""The database file: creating, checking and preparing it."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from chat.store.interface import StoreError
from chat.store.sqlite.connection import connect
from chat.store.sqlite.errors import store_error
from chat.store.words import indexed

__all__ = ["VERSION", "check_copy", "has_search", "prepare"]

_log = Logger()

_APPLICATION_ID: Final = 0x656E6363
"""``encc``, in the file's header, so that we do not mistake another program's file for ours."""

VERSION: Final = 7
"""Version of the schema. Earlier ones were never released."""

_SCHEMA: Final = f"""
    CREATE TABLE state (
        clean INTEGER NOT NULL,
        tidy INTEGER NOT NULL,
        merges INTEGER NOT NULL,
        base INTEGER NOT NULL,
        fence INTEGER NOT NULL
    );
    INSERT INTO state VALUES (1, 1, 0, 0, 0);
    CREATE TABLE logs (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        seq INTEGER NOT NULL DEFAULT 0,
        time INTEGER NOT NULL DEFAULT 0,
        epoch INTEGER NOT NULL DEFAULT 0,
        fence INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE records (
        log INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id BLOB NOT NULL,
        author BLOB NOT NULL,
        kind INTEGER NOT NULL,
        time INTEGER NOT NULL,
        replaces INTEGER NOT NULL,
        data BLOB,
        PRIMARY KEY (log, seq)
    ) WITHOUT ROWID;
    CREATE INDEX replacing ON records (log, replaces) WHERE replaces > 0;
    CREATE TABLE ids (
        log INTEGER NOT NULL,
        id BLOB NOT NULL,
        seq INTEGER NOT NULL,
        time INTEGER NOT NULL,
        PRIMARY KEY (log, id)
    ) WITHOUT ROWID;
    CREATE TABLE journal (
        place INTEGER PRIMARY KEY,
        log INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id BLOB NOT NULL,
        author BLOB NOT NULL,
        kind INTEGER NOT NULL,
        time INTEGER NOT NULL,
        replaces INTEGER NOT NULL,
        data BLOB NOT NULL,
        words TEXT NOT NULL
    );
    CREATE TABLE epochs (
        log INTEGER NOT NULL,
        number INTEGER NOT NULL,
        begins INTEGER NOT NULL,
        ends INTEGER,
        wrapped BLOB NOT NULL,
        PRIMARY KEY (log, number)
    ) WITHOUT ROWID;
    CREATE INDEX ended ON epochs (log, ends) WHERE ends IS NOT NULL;
    CREATE TABLE seen (
        log INTEGER NOT NULL,
        account BLOB NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (log, account)
    ) WITHOUT ROWID;
    CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = {VERSION};
"""
"""Appended records wait in `journal` until records, ids and words are filed together: see
`chat.store.sqlite.journal`. `logs` says where the filed part of a log ends. `epochs` says with
which record an epoch begins and ends; the latest one has no end."""

_ACTIVE: Final = "CREATE INDEX IF NOT EXISTS active ON logs (time, id)"
"""Logs by their latest record, for searches. It exists as long as `words` does."""

_WORDS: Final = """
    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text, tokenize = 'ascii')
"""
"""Splits at ASCII characters other than letters and digits. `chat.store.words.indexed` has already
separated all other words."""


def has_search(path: Path) -> bool:
    """Return whether the file has a search index; False if there is no file. Raises StoreError."""
    if not path.exists():
        return False  # Connecting would create it.
    try:
        connection = connect(path)
        try:
            return _has_table(connection, "words")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be used: {error}") from None


def prepare(path: Path, has_search: bool) -> None:
    """Create the file, or check an existing one. Raises StoreError."""
    try:
        # Created here, because SQLite would let others read it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = connect(path)
        try:
            _check_ours(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            if _version(connection) == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            else:
                _check_whole(connection, path)
            _set_search(connection, has_search)
            connection.execute("UPDATE state SET clean = 0")
        finally:
            connection.close()
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}") from None
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be used: {store_error(error, path)}") from None


def check_copy(connection: sqlite3.Connection, path: Path) -> None:
    """Check that this is one of our files, complete and of this version. Raises StoreError."""
    if _version(connection) == 0:
        raise StoreError(f"{path} is not a database of encchat")
    _check_ours(connection, path)
    [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreError(f"{path} is damaged: {found}")


def _version(connection: sqlite3.Connection) -> int:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    [application] = connection.execute("PRAGMA application_id").fetchone()
    if version == 0:
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise StoreError(f"{path} is another program's database")
        # Both take effect only in an empty file.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    elif application != _APPLICATION_ID:
        raise StoreError(f"{path} is another program's database")
    elif version > VERSION:
        raise StoreError(
            f"{path} was written by a newer encchat (its schema is {version}, this one knows "
            f"{VERSION}); install that one, or use another state directory"
        )
    elif version < VERSION:
        raise StoreError(
            f"{path} was written by an encchat from before the first release, and cannot be read "
            "any more; use another state directory"
        )


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """After an unclean stop, check that the file is intact."""
    if connection.execute("SELECT clean FROM state").fetchone() == (1,):
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != ("ok",):
        raise StoreError(f"{path} is damaged: {found[0]}")


def _set_search(connection: sqlite3.Connection, has_search: bool) -> None:
    """Create the search index if it is wanted, or remove it with all its words."""
    if has_search:
        connection.execute(_WORDS)
        connection.execute(_ACTIVE)
        _mend_search(connection)
        _renew_search(connection)
    elif _has_table(connection, "words"):
        connection.executescript(
            "BEGIN IMMEDIATE; DROP TABLE words; DROP INDEX IF EXISTS active;"
            "UPDATE state SET tidy = 0; COMMIT;"
        )


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,))
    return found.fetchone() is not None


def _renew_search(connection: sqlite3.Connection) -> None:
    """Rebuild the index if an earlier version split the texts into other words."""
    [made] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'words'").fetchone()
    if "unicode61" not in made:
        return
    _log.info("Indexing all messages again, because this version finds more in them")
    connection.create_function("indexed", 1, indexed, deterministic=True)
    connection.executescript(
        "BEGIN IMMEDIATE; ALTER TABLE words RENAME TO earlier_words;"
        f"{_WORDS}; INSERT INTO words (rowid, text) SELECT rowid, indexed(text) FROM earlier_words;"
        "DROP TABLE earlier_words; UPDATE journal SET words = indexed(words) WHERE words > '';"
        "UPDATE state SET tidy = 0; COMMIT;"
    )


def _mend_search(connection: sqlite3.Connection) -> None:
    """Rebuild the search index from its own texts if it is damaged."""
    try:
        connection.execute("SELECT rowid FROM words WHERE words MATCH 'a' LIMIT 1").fetchall()
    except sqlite3.DatabaseError:
        _log.warn("The search index is damaged; rebuilding it")
        # This marks the index as empty; without it, every statement on the table fails.
        connection.execute("UPDATE words_data SET block = x'00000000000000' WHERE id = 10")
        connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
