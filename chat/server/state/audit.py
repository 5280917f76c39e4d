"""The audit logs: who did what to whom. An entry is stored in the transaction of its change.

Actions in a room go to the room's own audit log: anybody can have rooms and do much there, which
must not hide actions on the server.
"""

from typing import Final

import msgspec

from chat.ids import LogId
from chat.limits import SEQ_MAX
from chat.rooms.changes import Event
from chat.store.interface import AUDIT, LogStore

__all__ = ["OPERATOR", "encode_event", "read_events"]

OPERATOR: Final = "the operator"
"""The actor of what chat.admin does. No nickname has a space."""

_PAGE_BYTES: Final = 2**20

_events: Final = msgspec.msgpack.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """Return an event as it is stored."""
    return msgspec.msgpack.encode(event)


async def read_events(store: LogStore, limit: int, log: LogId = AUDIT) -> list[Event]:
    """Return the last `limit` events of an audit log, newest first. Raises StoreError."""
    stored = await store.read(log, SEQ_MAX, _PAGE_BYTES, True, limit)
    return [_events.decode(it.data) for it in stored]
