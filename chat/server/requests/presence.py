"""Presence: tells an account's rooms when its first connection comes and its last one goes."""

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.ids import AccountId, LogId
from chat.limits import Limits
from chat.rooms.happenings import Arrived, Departed
from chat.rooms.hub import Hub
from chat.rooms.values import Kind
from chat.server.fanout.feeds import Feeds
from chat.server.requests.rounds import Rounds
from chat.server.requests.sessions import Sessions

__all__ = ["Presence"]


class Presence:
    """Announces presence; after a lost connection it first waits for a moment."""

    def __init__(
        self,
        hub: Hub,
        feeds: Feeds,
        rounds: Rounds,
        sessions: Sessions,
        clock: IReactorTime,
        limits: Limits,
    ) -> None:
        self._hub = hub
        self._feeds = feeds
        self._rounds = rounds
        self._sessions = sessions
        self._clock = clock
        self._limits = limits
        self._leaving: dict[AccountId, IDelayedCall] = {}

    def came(self, account: AccountId) -> None:
        """Note that an account has one more connection."""
        leaving = self._leaving.pop(account, None)
        if leaving is not None:
            leaving.cancel()
        elif self._sessions.count(account) == 1:
            self._tell(account, Arrived)

    def went(self, account: AccountId, is_goodbye: bool) -> None:
        """Note that an account has one connection fewer."""
        if self._sessions.count(account):
            return
        if is_goodbye:
            self._tell_left(account)
        else:
            # Perhaps only its connection broke, and it will be back in a moment.
            self._leaving[account] = self._clock.callLater(
                self._limits.presence_seconds, self._tell_left, account
            )

    def close(self) -> None:
        """Stop waiting for lost connections to come back."""
        for leaving in self._leaving.values():
            leaving.cancel()
        self._leaving.clear()

    def _tell_left(self, account: AccountId) -> None:
        self._leaving.pop(account, None)
        self._tell(account, Departed)

    def _tell(self, account_id: AccountId, kind: type[Arrived] | type[Departed]) -> None:
        """Tell everybody in an account's rooms that it is there, or not."""

        def tell(log: LogId) -> None:
            room = self._hub.known_room(log)
            if room is not None and room.kind is not Kind.PRIVATE:
                self._feeds.announce(kind(log, account_id))

        self._rounds.begin(account_id, tell, replaces=True)
