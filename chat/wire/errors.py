"""Errors on the wire, and their close codes (docs/protocol.md section 10).

`RemoteProtocolError`: the peer broke the rules. The connection ends with the error's code.
`LocalProtocolError`: we broke them, which is a bug.
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
    """This side was asked to do something the protocol does not allow: a bug here."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol."""


class VersionError(RemoteProtocolError):
    """The peer does not speak this version."""

    code = CloseCode.VERSION


class MalformedLineError(RemoteProtocolError):
    """A line that matches no form in docs/protocol.md section 2."""

    code = CloseCode.MALFORMED


class UnexpectedInputError(RemoteProtocolError):
    """Well-formed input at a time when it is not legal."""

    code = CloseCode.UNEXPECTED


class HandshakeError(RemoteProtocolError):
    """A public key that no honest peer sends."""

    code = CloseCode.HANDSHAKE


class AuthenticationError(RemoteProtocolError):
    """A tag, MAC or signature that does not verify. Always the same text, to help no attacker."""

    code = CloseCode.AUTHENTICATION

    def __init__(self) -> None:
        super().__init__("authentication failed")


class MessageError(RemoteProtocolError):
    """A message that is not one of docs/protocol.md section 6."""

    code = CloseCode.MESSAGE


class PeerTimeoutError(RemoteProtocolError):
    """The peer missed a deadline."""

    code = CloseCode.TIMEOUT
