"""Shared by tests of a whole server: failing on logged errors, and a store on demand."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.logger import LogEvent, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chat.ids import LogId
from chat.rooms.addresses import AddressGroup
from chat.rooms.errors import AlreadyReadingError, RequestError
from chat.store.interface import (
    Commit,
    Epoch,
    Found,
    Head,
    Outcome,
    SlowSearchError,
    Stored,
    StoreError,
)
from chat.store.memory import MemoryStore
from chat.wire.messages import Refused

__all__ = [
    "COMMITS",
    "EVERYTHING",
    "READS",
    "HeldStore",
    "ServerCase",
    "SlowPasswords",
    "Waiting",
    "chat_lines",
    "refused",
]

T = TypeVar("T")

COMMITS = frozenset({"commit"})
READS = frozenset({"head", "epochs", "read", "seek", "search"})
EVERYTHING = COMMITS | READS


def refused(request: int, error: RequestError) -> Refused:
    """Return the answer for a refusal."""
    if isinstance(error, AlreadyReadingError):
        return Refused(request, error.code, str(error), error.args[0])
    return Refused(request, error.code, str(error))


class SlowPasswords:
    """Accepts any password, on demand."""

    def __init__(self) -> None:
        self.checks: list[Deferred[None]] = []
        """Pending checks: fire one to accept its password."""

    async def check(
        self, nick: str, password: str, network: AddressGroup, is_gone: Callable[[], bool]
    ) -> None:
        """Start a check."""
        check: Deferred[None] = Deferred()
        self.checks.append(check)
        await check


class ServerCase(SynchronousTestCase):
    """A test that fails if an error was logged, unless it expects that error."""

    def replace(self, target: object, name: str, value: object) -> None:
        """Replace an attribute until the end of the test."""
        patch: Callable[[object, str, object], None] = self.patch
        patch(target, name, value)

    def expect_error(self, kind: type[Exception], count: int = 1) -> None:
        """Check that this many errors of this kind have been logged."""
        flush: Callable[..., list[Failure]] = self.flushLoggedErrors
        assert len(flush(kind)) == count

    def expect_errors(self, kind: type[Exception]) -> None:
        """Check that any number of errors of this kind have been logged."""
        flush: Callable[..., list[Failure]] = self.flushLoggedErrors
        assert flush(kind)

    def forget_errors(self, kind: type[Exception]) -> None:
        """Ignore logged errors of this kind."""
        flush: Callable[..., list[Failure]] = self.flushLoggedErrors
        flush(kind)


def _chain(act: Callable[[], Deferred[T]], done: Deferred[T]) -> None:
    act().chainDeferred(done)


def _fail(done: Deferred[T]) -> None:
    done.errback(StoreError("the disk is full"))


def chat_lines(events: Sequence[LogEvent]) -> list[str]:
    """Return the lines that encchat logged."""
    return [
        str(formatEvent(event)) for event in events if event["log_namespace"].startswith("chat.")
    ]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call to a store that it has not carried out."""

    name: str
    release: Callable[[], None]
    """Carry it out now."""
    refuse: Callable[[], None]
    """Make it fail now."""


class HeldStore(MemoryStore):
    """A store that holds some calls until the test releases or refuses them."""

    def __init__(self) -> None:
        super().__init__()
        self.holds: Collection[str] = ()
        """Names of the methods to hold."""
        self.waiting: list[Waiting] = []
        """Held calls, in order."""
        self.is_broken = False
        """Whether all further calls fail."""
        self.is_slow = False
        """Whether a search takes longer than it may."""
        self.is_closed = False

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """Hold it until `release` or `refuse`."""
        return self._hold("commit", lambda: super(HeldStore, self).commit(commit))

    def head(self, log: LogId) -> Deferred[Head]:
        """As `LogStore.head`; if held, the answer is that of the time of the call."""
        return self._answer_late("head", super().head(log))

    def epochs(self, log: LogId, numbers: Collection[int]) -> Deferred[list[Epoch]]:
        """As `LogStore.epochs`; if held, the answer is that of the time of the call."""
        return self._answer_late("epochs", super().epochs(log, numbers))

    def read(
        self,
        log: LogId,
        after: int,
        limit_bytes: int,
        backward: bool = False,
        limit: int | None = None,
    ) -> Deferred[list[Stored]]:
        """As `LogStore.read`; if held, the answer is that of the time of the call."""
        return self._answer_late("read", super().read(log, after, limit_bytes, backward, limit))

    def seek(self, log: LogId, time: int) -> Deferred[int]:
        """As `LogStore.seek`; if held, the answer is that of the time of the call."""
        return self._answer_late("seek", super().seek(log, time))

    def search(
        self, words: str, logs: Collection[LogId], limit: int, seconds: float = inf
    ) -> Deferred[list[Found]]:
        """As `LogStore.search`; if held, the answer is that of the time of the call."""
        if self.is_slow:
            return fail(SlowSearchError())
        return self._answer_late("search", super().search(words, logs, limit, seconds))

    def _answer_late(self, name: str, answer: Deferred[T]) -> Deferred[T]:
        return self._hold(name, lambda: answer)

    def _hold(self, name: str, act: Callable[[], Deferred[T]]) -> Deferred[T]:
        if self.is_broken:
            return fail(StoreError("a broken disk"))
        if name not in self.holds:
            return act()
        done: Deferred[T] = Deferred()
        self.waiting.append(
            Waiting(
                name,
                partial(_chain, act, done),
                partial(_fail, done),
            )
        )
        return done

    def release(self) -> None:
        """Carry out the oldest held call."""
        self.waiting.pop(0).release()

    def refuse(self) -> None:
        """Make the oldest held call fail."""
        self.waiting.pop(0).refuse()

    def close(self) -> Deferred[None]:
        """Record the call, and stay open: another server may use the store."""
        self.is_closed = True
        return super().scan(b"").addCallback(lambda _: None)
