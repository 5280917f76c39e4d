"""Connections, one after the other: Twisted's `ClientService`, as the conversation wants it."""

from collections.abc import Callable

from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IAddress, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

__all__ = ["Dialer"]


class _Factory(Factory[Protocol]):
    noisy = False

    def __init__(self, make: Callable[[], Protocol]) -> None:
        self._make = make

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """Return the protocol for the next connection."""
        return self._make()


class Dialer:
    """A `chat.client.interfaces.Network`.

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
