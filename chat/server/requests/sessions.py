"""The connections on which somebody is logged in."""

from chat.ids import AccountId
from chat.server.session import Session

__all__ = ["Sessions"]


class Sessions:
    """Sessions by the accounts whose they are."""

    def __init__(self) -> None:
        self._of: dict[AccountId, dict[int, Session]] = {}

    def add(self, session: Session) -> None:
        """Somebody has logged in: `session.account` says who."""
        self._of.setdefault(session.account, {})[session.number] = session

    def remove(self, session: Session) -> bool:
        """Forget a session; return whether somebody was logged in on it."""
        of = self._of.get(session.account, {})
        if of.pop(session.number, None) is None:
            return False
        if not of:
            del self._of[session.account]
        return True

    def of(self, account: AccountId, but: Session | None = None) -> list[Session]:
        """Return an account's sessions in the order of their logins, without one of them."""
        return [it for it in self._of.get(account, {}).values() if it is not but]

    def count(self, account: AccountId) -> int:
        """Return how many sessions an account has."""
        return len(self._of.get(account, ()))

    def all(self) -> list[Session]:
        """Return all sessions."""
        return [session for of in self._of.values() for session in of.values()]
