"""What can go wrong on the wire, and the close code each of it has (docs/protocol.md section 10).

`RemoteProtocolError`: the peer broke the rules. The connection ends with the error's code.
`LocalProtocolError`: we did, which is a bug.
"""

from enum import IntEnum, unique
from typing import ClassVar

__all__ = [
    "AuthenticationError",
    "CloseCode",
    "HandshakeError",
    "LocalProtocolError",
    "MalformedLineError",
    "MessageError",
    "PeerTimeoutError",
    "ProtocolError",
    "RemoteProtocolError",
    "UnexpectedInputError",
    "VersionError",
]


@unique
class CloseCode(IntEnum):
    """Why a connection ends; docs/protocol.md section 10 says what each means."""

    NORMAL = 0
    SHUTDOWN = 1
    VERSION = 2
    MALFORMED = 3
    UNEXPECTED = 4
    HANDSHAKE = 5
    AUTHENTICATION = 6
    MESSAGE = 7
    TIMEOUT = 8
    BUSY = 9
    SLOW_CONSUMER = 10
    INTERNAL = 11
    REMOVED = 12


class ProtocolError(Exception):
    """Base of everything that ends a connection."""

    code: ClassVar[CloseCode] = CloseCode.INTERNAL


class LocalProtocolError(ProtocolError):
    """This side was asked for something the protocol does not allow: a bug here."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol."""


class VersionError(RemoteProtocolError):
    """The peer does not speak this version."""

    code = CloseCode.VERSION


class MalformedLineError(RemoteProtocolError):
    """A line that is none of docs/protocol.md section 2."""

    code = CloseCode.MALFORMED


class UnexpectedInputError(RemoteProtocolError):
    """Something legal, at a time when it is not."""

    code = CloseCode.UNEXPECTED


class HandshakeError(RemoteProtocolError):
    """A public key that no honest peer sends."""

    code = CloseCode.HANDSHAKE


class AuthenticationError(RemoteProtocolError):
    """A tag, MAC or signature that does not verify. One text: no detail helps an attacker."""

    code = CloseCode.AUTHENTICATION

    def __init__(self) -> None:
        super().__init__("authentication failed")


class MessageError(RemoteProtocolError):
    """A message that is not one of docs/protocol.md section 6."""

    code = CloseCode.MESSAGE


class PeerTimeoutError(RemoteProtocolError):
    """The peer missed a deadline."""

    code = CloseCode.TIMEOUT
