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
    """Why a connection ends; `meaning` is the sentence of docs/protocol.md section 10."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "CloseCode":
        """Attach the meaning to the number."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    NORMAL = 0, "done; the user left"
    SHUTDOWN = (
        1,
        "the server stops; come back after `retry_after` seconds, give or take a random half of it",
    )
    VERSION = 2, "the first token was not `encchat/1`"
    MALFORMED = (
        3,
        "a line too long, not ASCII, not base64, of unknown kind, or of wrong length",
    )
    UNEXPECTED = 4, "not legal in this state"
    HANDSHAKE = 5, "an invalid public key"
    AUTHENTICATION = 6, "something did not verify; no detail is ever given"
    MESSAGE = 7, "a message broke section 6"
    TIMEOUT = 8, "a deadline passed, or no sign of life"
    BUSY = 9, "too many connections that have not logged in; come back later"
    SLOW_CONSUMER = 10, "records were not read for too long"
    INTERNAL = 11, "a fault of the sender of this code"


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
