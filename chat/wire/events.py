"""What a connection can be in, and what it tells the layer above."""

from dataclasses import dataclass
from enum import Enum, auto

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


class State(Enum):
    """Where a connection is. Which of them a role can be in, its table shows."""

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
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Transmit:
    """Bytes to write."""

    data: bytes


@dataclass(frozen=True, slots=True)
class HostKeyOffered:
    """Client: the server has proved to hold this key. Answer with `ClientConnection.login`."""

    host_key: bytes
    successions: bytes = b""
    """What the server says led to it, unchecked: see `chat.wire.hostkey.predecessors`."""


@dataclass(frozen=True, slots=True)
class Established:
    """Both sides have confirmed their keys; `binding` names the connection."""

    binding: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A message for the layer above."""

    message: ClientMessage | ServerMessage | Unknown


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The peer ends the connection. `code` may be a number this version does not know."""

    code: int
    retry_after: int | None = None


Event = Transmit | HostKeyOffered | Established | Received | Delivered | PeerClosed
