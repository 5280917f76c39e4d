"""The states of a connection, and the events it reports to the layer above."""

from enum import IntEnum, auto

from msgspec import Struct

from chat.wire.messages import ClientMessage, ServerMessage, Unknown
from chat.wire.records import Delivered

__all__ = [
    "Delivered",
    "Established",
    "Event",
    "HostKeyOffered",
    "PeerClosed",
    "Received",
    "State",
    "Transmit",
]


class State(IntEnum):
    """The state of a connection. A role's table shows which states it uses.

    An IntEnum, because the table is consulted for every line, and ints hash faster.
    """

    AWAIT_HELLO = auto()
    AWAIT_AUTH = auto()
    """Client: the server has yet to prove who it is."""
    AWAIT_TRUST = auto()
    """Client: our own side has yet to accept the host key."""
    AWAIT_FINISH = auto()
    """Server: the client has yet to prove that it derived the keys."""
    AWAIT_ANSWER = auto()
    """Client: nothing that the server sealed with the session keys has arrived yet."""
    ESTABLISHED = auto()
    FAILED = auto()
    """In this state and the ones below, all input is ignored."""
    CLOSED = auto()


class Transmit(Struct, frozen=True, gc=False):
    """Bytes to write."""

    data: bytes


class HostKeyOffered(Struct, frozen=True, gc=False):
    """Client: the server has proved that it holds this key. Accept it with `login`."""

    host_key: bytes
    successions: bytes = b""
    """The successions that the server sent, unchecked: see `chat.wire.hostkey.predecessors`."""


class Established(Struct, frozen=True, gc=False):
    """Both sides have confirmed their keys; `binding` names the connection."""

    binding: bytes


class Received(Struct, frozen=True):
    """A message for the layer above."""

    message: ClientMessage | ServerMessage | Unknown


class PeerClosed(Struct, frozen=True, gc=False):
    """The peer ends the connection. `code` may be a number this version does not know."""

    code: int
    retry_after: int | None = None


Event = Transmit | HostKeyOffered | Established | Received | Delivered | PeerClosed
