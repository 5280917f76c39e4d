"""The available engines, and the URLs of stores: ``sqlite:PATH``, ``memory:``.

An engine is a package beside this module, and one line in the table.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chat.store import memory, sqlite
from chat.store.engine import Engine, Reactor
from chat.store.interface import Epoch, LogStore, StoreError

__all__ = [
    "ENGINES",
    "check_copy",
    "copy_store",
    "has_search",
    "open_store",
    "put_temporary_files_in",
]

ENGINES: Final[dict[str, Engine]] = {
    "memory": memory.ENGINE,
    "sqlite": sqlite.ENGINE,
}
"""Engines by URL scheme."""


def open_store(url: str, reactor: Reactor, has_search: bool) -> LogStore:
    """Return the store at a URL, creating it if needed. Raises StoreError."""
    engine, address = _find(url)
    return engine.open(address, reactor, has_search)


def has_search(url: str) -> bool:
    """Return whether the store at a URL has a search index. Raises StoreError."""
    engine, address = _find(url)
    return engine.has_search(address)


def copy_store(url: str, target: Path) -> None:
    """Write a snapshot of the store at a URL to a new file. Raises StoreError.

    A server may be using the store.
    """
    engine, address = _find(url)
    engine.copy(address, target)


def check_copy(url: str, check_epoch: Callable[[Epoch], object]) -> int:
    """Check a whole copy, given its URL, and return its number of records. Raises StoreError.

    Calls `check_epoch` with each epoch; what it raises ends the check.
    """
    engine, address = _find(url)
    return engine.check(address, check_epoch)


def put_temporary_files_in(directory: Path) -> None:
    """Make engines put temporary files into a directory that no other user can read.

    This applies to the whole process, so call it once, before opening a store. SQLITE_TMPDIR in the
    environment takes precedence.
    """
    os.environ.setdefault("SQLITE_TMPDIR", str(directory))


def _find(url: str) -> tuple[Engine, str]:
    """Return the engine of a URL, and the address for that engine."""
    scheme, colon, address = url.partition(":")
    if not colon:
        raise StoreError(f"{url!r} is not the URL of a store: try sqlite:{url or 'PATH'}")
    engine = ENGINES.get(scheme)
    if engine is None:
        known = ", ".join(f"{it}:" for it in sorted(ENGINES))
        raise StoreError(f"unknown kind of store {scheme!r}; the known ones are {known}")
    return engine, address
