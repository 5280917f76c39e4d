"""Connections, one after the other: Twisted's `ClientService`, as the core wants it, and
why there is none, in a sentence of ours."""

import errno
import os
from collections.abc import Callable
from typing import Final

from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError
from twisted.internet.error import (
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
    TCPTimedOutError,
    TimeoutError,
)
from twisted.internet.interfaces import IAddress, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from chat.client.core.address import Address

__all__ = ["Dialer", "explain_failure"]

_NO_WAY: Final = frozenset(
    {errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}
)


def explain_failure(address: Address, error: BaseException | None) -> str:
    """Return the sentence for what kept an endpoint from connecting to `address`."""
    match error:
        case ConnectionRefusedError():
            return f"Nothing listens at {address}; is the server running?"
        case DNSLookupError():
            # The resolver does not say which of the two it is.
            return f"There is no host {address.host}, or its address cannot be found out just now."
        case ValueError():
            return f"{address.host} is not the name of a host."
        case TimeoutError() | TCPTimedOutError():
            return f"There was no answer from {address} in time."
    number = getattr(error, "osError", None)
    if isinstance(error, NoRouteError) or number in _NO_WAY:
        return f"There is no way to {address}; is the network there?"
    why = f": {os.strerror(number).lower()}" if isinstance(number, int) else ""
    return f"No connection to {address} could be made{why}."


class _Factory(Factory[Protocol]):
    noisy = False

    def __init__(self, make: Callable[[], Protocol]) -> None:
        self._make = make

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """Return the protocol for the next connection."""
        return self._make()


class Dialer:
    """A `chat.client.core.interfaces.Network`.

    `make` returns the protocol for each connection, `delay` how many seconds to wait before the
    next; `failed` is told if the first after a `connect` cannot be made.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        make: Callable[[], Protocol],
        clock: IReactorTime,
        delay: Callable[[], float],
        failed: Callable[[Failure], None],
    ) -> None:
        self._endpoint = endpoint
        self._factory = _Factory(make)
        self._clock = clock
        self._delay = delay
        self._failed = failed
        self._service: ClientService | None = None

    def connect(self) -> None:
        """Make a connection, and another whenever one was lost, until `stop`."""
        # A new service each time: one that was stopped may still be ending its last connection.
        self._service = service = ClientService(
            self._endpoint, self._factory, retryPolicy=lambda _: self._delay(), clock=self._clock
        )
        service.whenConnected(failAfterFailures=1).addErrback(self._not_connected)
        service.startService()

    def stop(self) -> None:
        """Make no more connections, and end the one there is."""
        service, self._service = self._service, None
        if service is not None:
            service.stopService()

    def _not_connected(self, failure: Failure) -> None:
        if not failure.check(CancelledError):  # That was `stop`.
            # Not from here: what follows may be `stop`, and the service is still busy with this.
            self._clock.callLater(0, self._failed, failure)
