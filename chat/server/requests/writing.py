"""How often it is told who is writing: it is worth little, and must not cost much."""

from collections.abc import Callable

from chat.ids import AccountId, LogId
from chat.limits import Limits
from chat.server.requests.buckets import Buckets

__all__ = ["WritingPace"]


class WritingPace:
    """How often accounts are shown as writing, each and in a room. `seconds` is monotonic."""

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._accounts = Buckets[AccountId](
            lambda: limits.typing_seconds,
            lambda: limits.typing_per_account,
            lambda: limits.typing_kept,
            seconds,
        )
        self._logs = Buckets[LogId](
            lambda: limits.typing_seconds / limits.typing_per_room,
            lambda: limits.typing_per_room,
            lambda: limits.typing_kept,
            seconds,
        )

    def take(self, account: AccountId, log: LogId) -> bool:
        """Return whether an account may be shown as writing in a log now, and count it if so."""
        return self._accounts.take(account) and self._logs.take(log)
