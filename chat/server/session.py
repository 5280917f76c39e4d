"""What the rest of the server needs of a connection."""

from typing import Protocol

from msgspec import Struct

from chat.rooms.errors import RequestError
from chat.server.fanout.runs import Run
from chat.wire import messages
from chat.wire.errors import CloseCode

__all__ = ["Session", "refuse"]


class Session(Protocol):
    """A client's connection, as request handling and fan-out see it. Nothing here ever blocks or
    raises."""

    number: int
    """Unique among this server's connections."""
    address: str
    """Where it comes from: an IP address, or something else for a local socket."""
    group: str
    """What that is counted with (`chat.server.connections.addresses`)."""
    binding: bytes
    """What names the connection, for a login to sign (docs/protocol.md 4.4)."""
    device: bytes
    """The key that is logged in here; empty before."""
    is_gone: bool
    """Closed, or about to be: nothing reaches the client any more."""
    is_goodbye: bool
    """The client has said that it leaves."""
    is_full: bool
    """The transport holds more than it wants to: nothing but answers may be written."""

    def send(self, message: Struct) -> None:
        """Send one message."""
        ...

    def deliver(self, run: Run) -> None:
        """Write record lines that other sessions get too, and this session's vouchers for them."""
        ...

    def admit(self) -> None:
        """Somebody has logged in here."""
        ...

    def hold(self) -> None:
        """Stop reading this client until `release` was called as often."""
        ...

    def release(self) -> None:
        """Read on, if nothing else holds."""
        ...

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """End the connection; `reason` is for the log."""
        ...


def refuse(session: Session, id: int, error: RequestError) -> None:
    """Answer a request with a refusal."""
    session.send(messages.Refused(id, error.code, str(error)))
