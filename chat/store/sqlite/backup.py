"""Copies of the database file, made while a server writes to it, and what is in one."""

import sqlite3
from pathlib import Path

from chat.store.interface import StoreError
from chat.store.sqlite.connection import connect
from chat.store.sqlite.schema import check_copy

__all__ = ["check", "copy"]

_BUSY_MILLISECONDS = 60_000
"""For how long a copy waits for a server that rewrites its file."""


def copy(path: Path, target: Path) -> None:
    """Write what the file holds at this moment, its write-ahead log included, to a new file.

    A server that uses the file goes on meanwhile. Nothing that was removed is in the copy. Raises
    StoreError.
    """
    if not path.exists():
        raise StoreError(f"{path} does not exist")  # Connecting would create it.
    try:
        connection = connect(path)
        try:
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
            connection.execute("VACUUM INTO ?", (str(target),))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be copied: {error}") from None


def check(path: Path) -> int:
    """Check all of a copy, and return how many records it has. Raises StoreError."""
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            check_copy(connection, path)
            [records] = connection.execute(
                "SELECT (SELECT count(*) FROM records) + (SELECT count(*) FROM journal)"
            ).fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path} is damaged: {error}") from None
    return int(records)
