"""What was said and is not acknowledged yet.

A post keeps its request and message ids until it is acknowledged or refused, over as many
connections as that takes. To send it again is safe: the server stores a message once (docs/
protocol.md 6.1). It can also be acknowledged by its own record, which comes back from a log that
was stored while the answer was lost.
"""

from chat.client.core.interfaces import TypedLine
from chat.ids import AccountId, LogId, RecordId
from chat.wire.messages import Delete, Edit, Post, React
from chat.wire.records import record_id

__all__ = ["Outbox", "Posting"]

Posting = Post | Edit | Delete | React
"""What is said."""


class Outbox:
    """Posts, edits, deletions and reactions on their way, in the order they were typed.

    At most as many as the typist's window has places (`Limits.unacknowledged_posts`).
    """

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Posting, TypedLine]] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def add(self, posting: Posting, line: TypedLine) -> None:
        """Keep what is being sent because `line` was typed."""
        self._waiting[posting.id] = posting, line

    def line(self, number: int) -> TypedLine | None:
        """Return what was typed for the one with this request id."""
        waiting = self._waiting.get(number)
        return None if waiting is None else waiting[1]

    def take(self, number: int) -> Posting | None:
        """Return the one with this request id, and keep it no longer; None if it is none."""
        waiting = self._waiting.pop(number, None)
        return None if waiting is None else waiting[0]

    def take_record(self, account: AccountId, identifier: RecordId) -> Posting | None:
        """The same by the id of the record that `account` caused with it."""
        for posting, _ in self._waiting.values():
            if record_id(account, posting.message) == identifier:
                return self.take(posting.id)
        return None

    def of(self, log: LogId) -> list[Posting]:
        """Return what waits for a log."""
        return [posting for posting, _ in self._waiting.values() if posting.log == log]
