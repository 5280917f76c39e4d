"""Which engines there are, and how an operator names what they keep: ``sqlite:PATH``, ``memory:``.

An engine is a package beside this module, and one line of the table.
"""

import os
from pathlib import Path
from typing import Final

from chat.store import memory, sqlite
from chat.store.engine import Engine, Reactor
from chat.store.interface import LogStore, StoreError

__all__ = ["ENGINES", "has_search", "open_store", "put_temporary_files_in"]

ENGINES: Final[dict[str, Engine]] = {
    "memory": memory.ENGINE,
    "sqlite": sqlite.ENGINE,
}
"""By the scheme of their URLs."""


def open_store(url: str, reactor: Reactor, has_search: bool) -> LogStore:
    """Return the store that a URL names, made if need be. Raises StoreError."""
    engine, address = _find(url)
    return engine.open(address, reactor, has_search)


def has_search(url: str) -> bool:
    """Tell whether the store that a URL names has an index of words. Raises StoreError."""
    engine, address = _find(url)
    return engine.has_search(address)


def put_temporary_files_in(directory: Path) -> None:
    """Have engines put what they copy into a directory that no other user can read.

    This holds for the whole process, so whoever runs it says so, once, before a store is opened.
    What the operator has set in the environment (SQLITE_TMPDIR) goes before.
    """
    os.environ.setdefault("SQLITE_TMPDIR", str(directory))


def _find(url: str) -> tuple[Engine, str]:
    """Return the engine of a URL, and the address that it has to understand."""
    scheme, colon, address = url.partition(":")
    if not colon:
        raise StoreError(f"{url!r} names no store: write, for example, sqlite:{url or 'PATH'}")
    engine = ENGINES.get(scheme)
    if engine is None:
        known = ", ".join(f"{it}:" for it in sorted(ENGINES))
        raise StoreError(f"no kind of store is called {scheme!r}; there are {known}")
    return engine, address
