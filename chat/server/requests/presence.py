"""Who is there: told to the rooms when an account comes with its first connection, and leaves with
its last."""

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.rooms.happenings import Joined, Left
from chat.rooms.people import Account
from chat.rooms.room import Kind
from chat.server.requests.context import Context

__all__ = ["Presence"]


class Presence:
    """Tells, and waits a moment for those whose connection was cut."""

    def __init__(self, context: Context, clock: IReactorTime) -> None:
        self._context = context
        self._clock = clock
        self._leaving: dict[bytes, IDelayedCall] = {}

    def came(self, account: Account) -> None:
        """An account has one more connection."""
        leaving = self._leaving.pop(account.id, None)
        if leaving is not None:
            leaving.cancel()
        elif len(account.sessions) == 1:
            self._tell(account, Joined)

    def went(self, account: Account, is_goodbye: bool) -> None:
        """An account has one connection less."""
        if account.sessions:
            return
        if is_goodbye:
            self._tell_left(account)
        else:
            # Perhaps only its connection was cut, and it is back in a moment.
            self._leaving[account.id] = self._clock.callLater(
                self._context.limits.presence_seconds, self._tell_left, account
            )

    def close(self) -> None:
        """Expect nobody back."""
        for leaving in self._leaving.values():
            leaving.cancel()
        self._leaving.clear()

    def _tell_left(self, account: Account) -> None:
        self._leaving.pop(account.id, None)
        self._tell(account, Left)

    def _tell(self, account: Account, kind: type[Joined] | type[Left]) -> None:
        """Tell everybody in an account's rooms that it is there, or not."""
        for room in self._context.hub.rooms_of(account):
            if room.kind is not Kind.PRIVATE:
                self._context.feeds.announce(kind(room.log, account.id, account.nick))
