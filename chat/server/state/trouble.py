"""While the store fails: what the log and the users are told, and when to try again.

A disk that is full is expected to have space again some time. Until then what people say waits, so
that it is stored in order and without holes; the store is tried again at intervals. Any other
failure is answered with a refusal at once.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from chat.seldom import Seldom
from chat.server.session import Session
from chat.store.interface import DiskFullError, StoreError
from chat.wire.messages import Notice

__all__ = ["RETRY_SECONDS", "Trouble"]

_log = Logger()

RETRY_SECONDS: Final = 5
"""Seconds between two attempts to store what waits for space."""

_WAITS: Final = (
    "The server's disk is full. What you say waits, in order, until there is space; the server"
    f" tries again every {RETRY_SECONDS} seconds."
)
_GOES_ON: Final = "The server's disk has space again."


class Trouble:
    """Calls `retry` when what waits for space is to be tried again."""

    def __init__(self, clock: IReactorTime, retry: Callable[[], None]) -> None:
        self.is_on = False
        """Whether the store has failed since it last worked."""
        self.full: DiskFullError | None = None
        """Why nothing is tried at the moment; None if it can be."""
        self._clock = clock
        self._retry = retry
        self._later: IDelayedCall | None = None
        self._lines = Seldom(clock.seconds)
        self._told: dict[int, Session] = {}
        """Those who know that the disk is full."""

    def failed(self, error: StoreError) -> None:
        """Log a failure, at most one in a minute."""
        self.is_on = True
        if self._lines.take() is not None:
            _log.warn("The store fails: {reason}", reason=str(error))

    def begin(self, error: DiskFullError) -> None:
        """The disk is full: let everything wait for a while."""
        self.is_on, self.full = True, error
        self._told = {number: it for number, it in self._told.items() if not it.is_gone}
        if self._lines.take() is not None:
            _log.error("Nothing can be stored: {reason}", reason=str(error))
        self._later = self._clock.callLater(RETRY_SECONDS, self._try_again)

    def tell(self, session: Session) -> None:
        """Tell somebody whose words wait, once."""
        if session.number not in self._told:
            self._told[session.number] = session
            session.tell(Notice(_WAITS))

    def _try_again(self) -> None:
        self.full = self._later = None
        self._retry()

    def end(self) -> None:
        """The store works."""
        if not self.is_on:
            return
        self.is_on = False
        self._lines.forget()
        _log.info("The store works again; whatever waited is being stored")
        told, self._told = self._told, {}
        for session in told.values():
            session.tell(Notice(_GOES_ON))

    def stop(self) -> None:
        """Try nothing again."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
