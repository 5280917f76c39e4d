"""What a connection can be in, and what it tells the layer above."""

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
    """Where a connection is. Which of them a role can be in, its table shows.

    Numbers, because a table is looked at for every line, and they are found faster.
    """

    AWAIT_HELLO = auto()
    AWAIT_AUTH = auto()
    """Client: the server has yet to prove who it is."""
    AWAIT_TRUST = auto()
    """Client: our own side has yet to accept the host key."""
    AWAIT_FINISH = auto()
    """Server: the client has yet to prove that it derived the keys."""
    AWAIT_ANSWER = auto()
    """Client: nothing the server sealed with the session's keys has come yet."""
    ESTABLISHED = auto()
    FAILED = auto()
    """This and what follows: nothing is read any more."""
    CLOSED = auto()


class Transmit(Struct, frozen=True, gc=False):
    """Bytes to write."""

    data: bytes


class HostKeyOffered(Struct, frozen=True, gc=False):
    """Client: the server has proved to hold this key. Answer with `ClientConnection.login`."""

    host_key: bytes
    successions: bytes = b""
    """What the server says led to it, unchecked: see `chat.wire.hostkey.predecessors`."""


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
