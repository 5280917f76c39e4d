"""What an error of SQLite means for the operator."""

import errno
import sqlite3
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from chat.files import free_bytes
from chat.store.interface import DiskFullError, StoreError

__all__ = ["store_error"]

_PRIMARY: Final = 0xFF
"""The part of an extended result code that says what kind of error it is."""
_UNCLEAR: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
"""What SQLite says of a full disk where it does not look for the cause: when it makes the files
beside the database, and when the user's quota is used up."""
_NEEDED_BYTES: Final = 65_536
"""Two of the steps in which SQLite enlarges the index of its write-ahead log."""
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the StoreError for an error of SQLite with the database `path`."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code == sqlite3.SQLITE_FULL or (code in _UNCLEAR and not _has_space(path.parent)):
        free = free_bytes(path.parent)
        return DiskFullError(f"the disk is full: {free:,} bytes are free in {path.parent}")
    return StoreError(str(error))


def _has_space(directory: Path) -> bool:
    """Try it: what statvfs says does not count quotas."""
    try:
        with TemporaryFile(dir=directory, buffering=0) as file:
            return file.write(bytes(_NEEDED_BYTES)) == _NEEDED_BYTES
    except OSError as error:
        return error.errno not in _NO_SPACE
