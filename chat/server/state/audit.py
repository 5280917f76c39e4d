"""The audit log: who did what to whom, kept like everything that is said, and read by operators."""

from typing import Final, NamedTuple

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.limits import SEQ_MAX
from chat.store.interface import Entry, LogStore, StoreError
from chat.wire.sealing import RandomBytes

__all__ = ["Audit", "Event"]

_LOG: Final = b"encchat's audits"
_PAGE_BYTES: Final = 2**20

_logger = Logger()


class Event(NamedTuple):
    """Something that was done. Names are as they were then."""

    time: int
    """Milliseconds of UTC."""
    actor: str
    action: str
    target: str
    room: str
    """Empty for the whole server."""
    detail: str


_events: Final = msgspec.msgpack.Decoder(Event)


class Audit:
    """Appends and reads events."""

    def __init__(self, store: LogStore, random_bytes: RandomBytes) -> None:
        self._store = store
        self._random_bytes = random_bytes

    def note(self, event: Event) -> Deferred[None]:
        """Keep an event. What was done has been done: a store that fails is only logged."""
        entry = Entry(self._random_bytes(16), event.time, msgspec.msgpack.encode(event))
        noted = self._store.append(_LOG, [entry])
        return noted.addCallbacks(lambda _: None, _not_noted)

    async def read(self, limit: int) -> list[Event]:
        """Return the last `limit` events, the last first. Raises StoreError."""
        stored = await self._store.read(_LOG, SEQ_MAX, _PAGE_BYTES, True, limit)
        return [_events.decode(it.record) for it in stored]


def _not_noted(failure: Failure) -> None:
    failure.trap(StoreError)
    _logger.error("The audit log could not be written: {reason}", reason=failure.value)
