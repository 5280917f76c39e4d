"""The interface between a connection and the rest of the server."""

from typing import Protocol

from msgspec import UNSET, Struct

from chat.ids import AccountId, DeviceKey, LogId
from chat.rooms.addresses import Address, AddressGroup
from chat.rooms.errors import AlreadyReadingError, RequestError
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.runs import Run

__all__ = ["Requests", "Session", "refuse"]


class Session(Protocol):
    """A client's connection, as request handling and fan-out see it. Its methods never block or
    raise."""

    number: int
    """Unique among this server's connections."""
    address: Address
    """The client's address, for the log and for counting failed logins."""
    group: AddressGroup
    """The address's group, for bans of networks."""
    binding: bytes
    """Names the connection, for the login to sign (docs/protocol.md 4.4)."""
    account: AccountId
    """The account that is logged in; `NOBODY` before. Set by the login handler."""
    device: DeviceKey
    """The key that is logged in; empty before. Set by the login handler."""
    reading: set[LogId]
    """The logs it reads. Maintained by `chat.server.fanout.readers`."""
    is_gone: bool
    """Closed or closing: nothing reaches the client any more."""
    is_goodbye: bool
    """The client has announced that it leaves."""
    is_full: bool
    """The transport is full: only answers may be written."""

    def send(self, message: Struct) -> None:
        """Send one message."""
        ...

    def tell(self, message: Struct) -> None:
        """Send an event, which the client did not ask for. If a client does not read, only so many
        bytes of events may wait; beyond that, the connection ends."""
        ...

    def deliver(self, run: Run) -> None:
        """Write shared record lines, and this session's vouchers for them."""
        ...

    def admit(self) -> None:
        """Make the connection's place permanent: it has logged in."""
        ...

    def charge(self, cost: int) -> None:
        """Charge `cost` more lines to the client's rate, for a request that costs more than its
        line.

        A client that sends too fast is throttled: the server does not read from it until it is
        within its rate.
        """
        ...

    def hold(self) -> None:
        """Stop reading from this client until `release` has been called as often."""
        ...

    def release(self) -> None:
        """Continue reading, unless something else holds."""
        ...

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """Close the connection; `reason` is for the log."""
        ...


class Requests(Protocol):
    """Handles sessions' requests."""

    def handle(self, session: Session, message: Struct) -> None:
        """Handle a client's request, and answer it."""
        ...

    def catch_up(self, session: Session) -> None:
        """Let a session that can take more continue reading its logs."""
        ...

    def forget(self, session: Session) -> None:
        """Forget a session that has ended."""
        ...


def refuse(session: Session, id: int, error: RequestError) -> None:
    """Answer a request with a refusal."""
    log = error.args[0] if isinstance(error, AlreadyReadingError) else UNSET
    session.send(messages.Refused(id, error.code, str(error), log))
