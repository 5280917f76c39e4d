"""Retention: records that are too old, or too many, are removed permanently."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from chat.rooms.hub import Hub
from chat.server.state.commits import TRIMS, Commits
from chat.server.state.timekeeper import Timekeeper
from chat.store.interface import AUDIT, Trim, audit_of

__all__ = ["EVERYTHING", "Retention", "RetentionPolicy", "trim_in_parts"]

_log = Logger()

_DAY_MILLISECONDS: Final = 86_400_000

_TRIMMED: Final = 1_024
"""Most records that one commit removes, which takes it about 20 ms."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """What the operator wants to keep of each log, including audit logs; None for everything."""

    days: int | None = None
    records: int | None = None

    def as_limits(self) -> dict[str, int]:
        """Return the limits that clients are told."""
        return {name: value for name, value in asdict(self).items() if value is not None}


EVERYTHING: Final = RetentionPolicy()


async def trim_in_parts(commits: Commits, trims: Sequence[Trim]) -> Collection[int]:
    """Trim logs; return how many records each trim removed. Raises FirstError.

    Each commit removes a part, so that nobody waits for all of it.
    """
    removed = dict.fromkeys(trims, 0)
    while trims:
        some = trims[:TRIMS]
        most = _TRIMMED // len(some)
        parts = [trim._replace(most=most) for trim in some]
        counts = await gatherResults(map(commits.trim, parts), True)
        for trim, count in zip(some, counts, strict=True):
            removed[trim] += count
        left = [trim for trim, count in zip(some, counts, strict=True) if count == most]
        trims = [*left, *trims[TRIMS:]]
    return removed.values()


class Retention:
    """Trims every log, once at the start and then regularly."""

    def __init__(
        self,
        hub: Hub,
        commits: Commits,
        policy: RetentionPolicy,
        clock: IReactorTime,
        seconds: float,
        time: Timekeeper,
    ) -> None:
        self._hub = hub
        self._commits = commits
        self._policy = policy
        self._seconds = seconds
        self._time = time
        self._looping = LoopingCall(lambda: Deferred.fromCoroutine(self.trim()))
        self._looping.clock = clock

    def start(self) -> None:
        """Start trimming, unless everything is kept."""
        if self._policy.as_limits():
            self._looping.start(self._seconds)

    def stop(self) -> None:
        """Stop trimming."""
        if self._looping.running:
            self._looping.stop()

    async def trim(self) -> None:
        """Remove old records. After a failure, the next run tries again."""
        before = None
        if self._policy.days is not None and not self._time.is_in_doubt:
            before = self._time.milliseconds() - self._policy.days * _DAY_MILLISECONDS
        if before is None and self._policy.records is None:
            return  # Wait until the clock can be trusted: removal cannot be undone.
        logs = [*self._hub.logs(), AUDIT, *(audit_of(it.log) for it in self._hub.shared_rooms())]
        trims = [Trim(log, before, self._policy.records) for log in logs]
        for start in range(0, len(trims), TRIMS):
            try:
                removed = await trim_in_parts(self._commits, trims[start : start + TRIMS])
            except FirstError as error:
                reason = error.subFailure.getErrorMessage()
                _log.warn("Old records could not be removed: {reason}", reason=reason)
                return
            if any(removed):
                _log.info(
                    "{removed} old records of {logs} logs were removed: {why}",
                    removed=sum(removed),
                    logs=sum(map(bool, removed)),
                    why=self._why(before),
                )

    def _why(self, before: int | None) -> str:
        """Return what is removed, in words."""
        words = []
        if before is not None:
            moment = datetime.fromtimestamp(before / 1_000, UTC)
            words.append(f"from before {moment:%Y-%m-%d %H:%M} UTC")
        if self._policy.records is not None:
            words.append(f"beyond the newest {self._policy.records}")
        return ", or ".join(words)
