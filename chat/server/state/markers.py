"""Read markers: up to where users have seen their logs; in memory, and saved periodically."""

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.ids import AccountId, LogId
from chat.limits import Limits
from chat.server.state.commits import Commits
from chat.store.interface import LogStore

__all__ = ["ReadMarkers"]


class ReadMarkers:
    """The read marker of each account and log. Call `load` first."""

    def __init__(self, commits: Commits, clock: IReactorTime, limits: Limits) -> None:
        self._commits = commits
        self._clock = clock
        self._limits = limits
        self._seen: dict[tuple[LogId, AccountId], int] = {}
        self._unsaved: set[tuple[LogId, AccountId]] = set()
        self._saving: IDelayedCall | None = None

    async def load(self, store: LogStore) -> None:
        """Load the stored markers. Raises StoreError."""
        self._seen = {(it.log, it.account): it.seq for it in await store.seen()}

    def seen(self, log: LogId, account: AccountId) -> int:
        """Return the read marker of an account in a log."""
        return self._seen.get((log, account), 0)

    def mark(self, log: LogId, account: AccountId, seq: int) -> bool:
        """Record that an account has seen a log up to `seq`; return whether that is news."""
        if seq <= self.seen(log, account):
            return False
        self._seen[log, account] = seq
        self._unsaved.add((log, account))
        if self._saving is None:
            self._saving = self._clock.callLater(self._limits.seen_seconds, self.save)
        return True

    def save(self) -> None:
        """Save new markers with the next commit."""
        if self._saving is not None and self._saving.active():
            self._saving.cancel()
        self._saving = None
        unsaved, self._unsaved = self._unsaved, set()
        for log, account in sorted(unsaved):
            self._commits.see(log, account, self._seen[log, account])
