"""All feeds: one for each log in use, loaded on first use.

A feed stays until the server stops; it holds numbers, not records.
"""

from collections.abc import Callable, Collection, Iterable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from chat.ids import LogId
from chat.limits import Limits
from chat.rooms.happenings import Passing
from chat.rooms.hub import Hub
from chat.rooms.pace import Pace
from chat.server.fanout.epochs import Epochs, new_epoch
from chat.server.fanout.feed import Feed
from chat.server.fanout.pages import Pages
from chat.server.session import Session
from chat.server.state.commits import Commits
from chat.store.interface import Epoch, Head, LogStore
from chat.wire.sealing import RandomBytes

__all__ = ["Feeds"]


class Feeds:
    """Loads and finds feeds. A `chat.server.state.sources.Fanout`."""

    def __init__(
        self,
        store: LogStore,
        storage_key: bytes,
        commits: Commits,
        hub: Hub,
        clock: IReactorTime,
        limits: Limits,
        milliseconds: Callable[[], int],
        random_bytes: RandomBytes,
    ) -> None:
        self._store = store
        self._storage_key = storage_key
        self._random_bytes = random_bytes
        self._commits = commits
        pages = Pages(store, limits.catch_up_bytes, clock.seconds)
        self.pace = Pace(hub, clock.seconds)
        """Slow mode, for all rooms."""
        self._shared = pages, commits, hub, self.pace, clock, milliseconds, random_bytes
        """Arguments that all feeds share."""
        self._feeds: dict[LogId, Feed] = {}
        self._loading: dict[LogId, list[Deferred[None]]] = {}
        self._outdated: set[LogId] = set()
        """Logs whose feeds are being loaded and that have changed meanwhile."""

    def loaded(self, log: LogId) -> Feed | None:
        """Return the feed of a log, if it is loaded."""
        return self._feeds.get(log)

    async def get(self, log: LogId) -> Feed:
        """Return the feed of a log, loading it if needed. Raises StoreError."""
        while log not in self._feeds:
            if log in self._loading:
                loaded: Deferred[None] = Deferred()
                self._loading[log].append(loaded)
                await loaded
            else:
                await self._load(log)
        return self._feeds[log]

    async def _load(self, log: LogId) -> None:
        self._loading[log] = []
        try:
            while log not in self._feeds:
                self._outdated.discard(log)
                head = await self._store.head(log)
                epochs = self._epochs(log, head, await self._store.epochs(log, [head.epoch]))
                if log in self._outdated:
                    continue
                if epochs.can_seal():
                    self._add(log, head, epochs)
                else:  # The key is lost. With a new epoch, records from now on can be read.
                    await self._commits.begin(epochs.next())
        finally:
            self._outdated.discard(log)
            # If loading failed, the next waiting caller tries.
            for waiting in self._loading.pop(log):
                waiting.callback(None)

    def _epochs(self, log: LogId, head: Head, known: Collection[Epoch]) -> Epochs:
        return Epochs(*(log, head.epoch, known, self._store, self._storage_key, self._random_bytes))

    def _add(self, log: LogId, head: Head, epochs: Epochs) -> None:
        self._feeds[log] = Feed(log, head, epochs, *self._shared)

    def read_by(self, session: Session) -> list[Feed]:
        """Return the feeds that a session reads."""
        return [self._feeds[log] for log in sorted(session.reading)]

    def announce(self, happening: Passing, author: Session | None = None) -> None:
        """Tell a log's readers, except the session that did it, about a passing happening."""
        feed = self._feeds.get(happening.log)
        if feed is not None:
            feed.announce(happening, author)

    # --- Called by commits ---

    def is_loaded(self, log: LogId) -> bool:
        """As `Fanout.is_loaded`."""
        return log in self._feeds

    async def load(self, logs: Iterable[LogId]) -> None:
        """As `Fanout.load`."""
        for log in logs:
            await self.get(log)

    def source(self, log: LogId) -> Feed:
        """Return the feed of a log, which must be loaded."""
        return self._feeds[log]

    def found(self, log: LogId) -> Epoch:
        """Return the first epoch of a new log."""
        return new_epoch(log, 1, self._storage_key, self._random_bytes)

    def begun(self, epoch: Epoch) -> None:
        """Note that an epoch has begun, perhaps the first of a new log."""
        log = epoch.log
        feed = self._feeds.get(log)
        if feed is not None:
            feed.begin(epoch)
        elif log in self._loading:
            self._outdated.add(log)
        else:
            head = Head(epoch=epoch.number)
            self._add(log, head, self._epochs(log, head, [epoch]))

    def fence(self, log: LogId, base: int) -> None:
        """Somebody has lost the right to post in a log or to read it."""
        feed = self._feeds.get(log)
        if feed is not None:
            feed.fence(base)
        elif log in self._loading:
            self._outdated.add(log)
