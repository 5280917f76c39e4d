"""The feeds there are: one for each log that somebody uses, loaded when first needed.

A feed stays until the server stops; it holds numbers, and no records.
"""

import os
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from chat.limits import Limits
from chat.rooms.happenings import Passing
from chat.server.fanout.epochs import Epochs
from chat.server.fanout.feed import Draft, Feed
from chat.server.fanout.pages import Pages
from chat.server.session import Session
from chat.store.interface import LogStore
from chat.wire.records import record_id
from chat.wire.sealing import RandomBytes

__all__ = ["Feeds"]


class Feeds:
    """Makes and finds feeds."""

    def __init__(
        self,
        store: LogStore,
        storage_key: bytes,
        clock: IReactorTime,
        limits: Limits,
        milliseconds: Callable[[], int],
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._store = store
        self._storage_key = storage_key
        self._clock = clock
        self._limits = limits
        self._milliseconds = milliseconds
        self._random_bytes = random_bytes
        self._pages = Pages(store, limits.catch_up_bytes, clock.seconds)
        self._feeds: dict[bytes, Feed] = {}
        self._loading: dict[bytes, list[Deferred[None]]] = {}

    def loaded(self, log: bytes) -> Feed | None:
        """Return the feed of a log, if there is one already."""
        return self._feeds.get(log)

    async def get(self, log: bytes) -> Feed:
        """Return the feed of a log, loaded if need be. Raises StoreError."""
        while log not in self._feeds:
            if log in self._loading:
                loaded: Deferred[None] = Deferred()
                self._loading[log].append(loaded)
                await loaded
            else:
                await self._load(log)
        return self._feeds[log]

    async def _load(self, log: bytes) -> None:
        self._loading[log] = []
        try:
            epochs = Epochs(log, self._store, self._storage_key, self._random_bytes)
            feed = Feed(
                *(log, self._store, epochs, self._pages, self._clock, self._limits),
                *(self._milliseconds, self._random_bytes),
            )
            await feed.load()
            self._feeds[log] = feed
        finally:
            # If it failed, the next of them tries.
            for waiting in self._loading.pop(log):
                waiting.callback(None)

    def announce(self, happening: Passing, author: Session | None = None) -> None:
        """Tell those who read a log, but not the session that did it, of something passing."""
        feed = self._feeds.get(happening.log)
        if feed is not None and feed.has_readers():
            feed.add(Draft(happening, self.new_record_id(happening.account), author, _ignore))

    def new_record_id(self, account: bytes) -> bytes:
        """Return an id for a record that no request chose one for."""
        return record_id(account, self._random_bytes(16))


def _ignore(place: object) -> None:
    """Nobody waits for what is passing."""
