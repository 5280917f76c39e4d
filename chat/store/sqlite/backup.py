"""Copies of the database file, made while a server writes to it, and their checks."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from chat.store.interface import Epoch, StoreError
from chat.store.sqlite.connection import connect
from chat.store.sqlite.schema import check_copy

__all__ = ["check", "copy"]

_BUSY_MILLISECONDS = 60_000
"""How long a copy waits for a server that is rewriting its file."""


def copy(path: Path, target: Path) -> None:
    """Write a snapshot of the file, including its write-ahead log, to a new file.

    A server that uses the file keeps running. The copy contains nothing that was removed. Raises
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


def check(path: Path, check_epoch: Callable[[Epoch], object]) -> int:
    """Check a whole copy and each of its epochs, and return its number of records. Raises
    StoreError."""
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            check_copy(connection, path)
            [records] = connection.execute(
                "SELECT (SELECT count(*) FROM records) + (SELECT count(*) FROM journal)"
            ).fetchone()
            for row in connection.execute(
                "SELECT id, epochs.number, wrapped FROM epochs JOIN logs ON log = logs.number"
            ):
                check_epoch(Epoch._make(row))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path} is damaged: {error}") from None
    return int(records)
