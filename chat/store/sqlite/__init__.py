"""Logs in one SQLite file: durable when acknowledged, searchable, gone when erased."""

from collections.abc import Callable
from pathlib import Path

from chat.store.engine import Engine, Reactor
from chat.store.interface import Epoch, LogStore, StoreError
from chat.store.sqlite import backup
from chat.store.sqlite.schema import has_search
from chat.store.sqlite.store import SqliteStore, open_store

__all__ = ["ENGINE", "SqliteStore", "open_store"]


def _open(address: str, reactor: Reactor, has_search: bool) -> LogStore:
    return open_store(_path(address), reactor, has_search)


def _has_search(address: str) -> bool:
    return has_search(_path(address))


def _path(address: str) -> Path:
    if not address or "\0" in address:
        raise StoreError(f"'sqlite:{address}' names no file: use sqlite:PATH")
    # Absolute, so that no name is special to SQLite, as ":memory:" is.
    return Path(address).absolute()


def _copy(address: str, target: Path) -> None:
    backup.copy(_path(address), target)


def _check(address: str, check_epoch: Callable[[Epoch], object]) -> int:
    return backup.check(_path(address), check_epoch)


ENGINE = Engine(_open, _has_search, _copy, _check)
