"""Who is writing in a room, as far as they said so in the last seconds."""

from chat.client.core.model import Author
from chat.ids import AccountId

__all__ = ["Writers"]


class Writers:
    """The people who are writing in one room, at most `most`; each for `seconds`, then no more."""

    def __init__(self, seconds: int, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._left: dict[AccountId, tuple[Author, int]] = {}
        """Each with the seconds left."""

    @property
    def authors(self) -> tuple[Author, ...]:
        """Who is writing, in the order in which they began."""
        return tuple(author for author, _ in self._left.values())

    def note(self, author: Author) -> bool:
        """Note that somebody is writing; return whether anything changed to be shown."""
        is_new = author.account not in self._left
        if is_new and len(self._left) >= self._most:
            return False
        self._left[author.account] = author, self._seconds
        return is_new

    def stop(self, account: AccountId) -> bool:
        """Note that somebody has said it, or left; return whether anything changed."""
        return self._left.pop(account, None) is not None

    def clear(self) -> bool:
        """Note that nobody is known to write; return whether anything changed."""
        had = bool(self._left)
        self._left.clear()
        return had

    def tick(self) -> bool:
        """Note that a second has passed; return whether anything changed to be shown."""
        left = {
            account: (author, seconds - 1)
            for account, (author, seconds) in self._left.items()
            if seconds > 1
        }
        is_changed = len(left) < len(self._left)
        self._left = left
        return is_changed
