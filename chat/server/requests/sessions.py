"""The connections that have logged in."""

from chat.ids import AccountId
from chat.server.session import Session

__all__ = ["Sessions"]


class Sessions:
    """Sessions by account."""

    def __init__(self) -> None:
        self._of: dict[AccountId, dict[int, Session]] = {}

    def add(self, session: Session) -> None:
        """Add a session that has logged in to `session.account`."""
        self._of.setdefault(session.account, {})[session.number] = session

    def remove(self, session: Session) -> bool:
        """Remove a session; return whether it had logged in."""
        of = self._of.get(session.account, {})
        if of.pop(session.number, None) is None:
            return False
        if not of:
            del self._of[session.account]
        return True

    def of(self, account: AccountId, but: Session | None = None) -> list[Session]:
        """Return an account's sessions in login order, except one."""
        return [it for it in self._of.get(account, {}).values() if it is not but]

    def count(self, account: AccountId) -> int:
        """Return the number of an account's sessions."""
        return len(self._of.get(account, ()))

    def all(self) -> list[Session]:
        """Return all sessions."""
        return [session for of in self._of.values() for session in of.values()]
