"""Rounds through an account's logs, of which there may be many: a few in each turn of the reactor.

So nobody waits for an account that is in a hundred thousand logs. Accounts take turns.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from chat.ids import AccountId, LogId
from chat.rooms.hub import Hub

__all__ = ["STEP", "Rounds"]

_log = Logger()

STEP: Final = 32
"""Logs in one turn of the reactor: about a millisecond if each of them has a reader."""


@dataclass(slots=True, eq=False)
class _Round:
    tell: Callable[[LogId], None]
    is_replaceable: bool
    last: LogId | None = None
    """The last log that was told."""


@dataclass(slots=True)
class _Rounds:
    """The rounds of one account, in order."""

    rounds: list[_Round] = field(default_factory=list)
    waiting: list[Deferred[None]] = field(default_factory=list)


class Rounds:
    """Runs the rounds of all accounts."""

    def __init__(self, hub: Hub, clock: IReactorTime) -> None:
        self._hub = hub
        self._clock = clock
        self._of: dict[AccountId, _Rounds] = {}
        self._turn: IDelayedCall | None = None

    def begin(
        self, account: AccountId, tell: Callable[[LogId], None], replaces: bool = False
    ) -> None:
        """Call `tell` with each of an account's logs, the first of them now.

        The account's earlier rounds end first. If `replaces` is set, this one replaces an earlier
        such round that has not begun, so that they cannot pile up.
        """
        of = self._of.setdefault(account, _Rounds())
        last = of.rounds[-1] if len(of.rounds) > 1 else None
        if replaces and last is not None and last.is_replaceable:
            of.rounds.pop()
        of.rounds.append(_Round(tell, replaces))
        if len(of.rounds) == 1:
            self._step(account)
        self._schedule()

    def is_on(self, account: AccountId) -> bool:
        """Return whether some of an account's logs have yet to be told of something."""
        return account in self._of

    def over(self, account: AccountId) -> Deferred[None]:
        """Return a Deferred that fires when the rounds of an account are over; it must be on
        one."""
        over: Deferred[None] = Deferred()
        self._of[account].waiting.append(over)
        return over

    def close(self) -> None:
        """End all rounds."""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self._of.clear()

    def _schedule(self) -> None:
        if self._of and self._turn is None:
            self._turn = self._clock.callLater(0, self._next)

    def _next(self) -> None:
        self._turn = None
        account = next(iter(self._of))
        self._step(account)
        if account in self._of:
            self._of[account] = self._of.pop(account)  # After the others.
        self._schedule()

    def _step(self, account_id: AccountId) -> None:
        """Continue the first round of an account."""
        of = self._of[account_id]
        first = of.rounds[0]
        account = self._hub.people.get(account_id)
        logs = [] if account is None else account.logs_after(first.last, STEP)
        for log in logs:
            first.last = log
            try:
                first.tell(log)
            except Exception:
                _log.failure("A bug in what a log is told")
        if len(logs) == STEP:
            return
        del of.rounds[0]
        if not of.rounds:
            del self._of[account_id]
            for waiting in of.waiting:
                waiting.callback(None)
