"""What the rest of the server needs of a connection, and a connection of the rest."""

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
    """A client's connection, as request handling and fan-out see it. Nothing here ever blocks or
    raises."""

    number: int
    """Unique among this server's connections."""
    address: Address
    """Where it comes from, for the log and for counting failed logins."""
    group: AddressGroup
    """What that is counted with, for bans of networks."""
    binding: bytes
    """What names the connection, for a login to sign (docs/protocol.md 4.4)."""
    account: AccountId
    """Who is logged in here; `NOBODY` before. Set by the handler of logins."""
    device: DeviceKey
    """The key that is logged in here; empty before. Set by the handler of logins."""
    reading: set[LogId]
    """The logs whose records it is given. Kept by those (`chat.server.fanout.readers`)."""
    is_gone: bool
    """Closed, or about to be: nothing reaches the client any more."""
    is_goodbye: bool
    """The client has said that it leaves."""
    is_full: bool
    """The transport holds more than it wants to: nothing but answers may be written."""

    def send(self, message: Struct) -> None:
        """Send one message."""
        ...

    def tell(self, message: Struct) -> None:
        """Send an event, which the client did not ask for. Somebody who does not read can be told
        only so much; then the connection ends."""
        ...

    def deliver(self, run: Run) -> None:
        """Write record lines that other sessions get too, and this session's vouchers for them."""
        ...

    def admit(self) -> None:
        """Let the connection keep its place: somebody has logged in."""
        ...

    def charge(self, cost: int) -> None:
        """Take `cost` lines more from the client's rate: a request costs more than its line.

        A client that sends too fast is throttled: it is not read until it is within its rate.
        """
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


class Requests(Protocol):
    """Where a session's requests go."""

    def handle(self, session: Session, message: Struct) -> None:
        """Do what a client asked, and answer it."""
        ...

    def catch_up(self, session: Session) -> None:
        """Let a session that can take more read on."""
        ...

    def forget(self, session: Session) -> None:
        """Drop a session that has ended."""
        ...


def refuse(session: Session, id: int, error: RequestError) -> None:
    """Answer a request with a refusal."""
    log = error.args[0] if isinstance(error, AlreadyReadingError) else UNSET
    session.send(messages.Refused(id, error.code, str(error), log))
