"""Puts a core, its files and its network together: what every face begins with."""

from collections.abc import Callable

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from chat.client.core.address import Address
from chat.client.core.core import Core
from chat.client.core.events import Event
from chat.client.core.interfaces import KeyRing, Partners, Pins
from chat.client.core.login import NO_CREDENTIALS, Credentials
from chat.client.core.resync import LOBBY
from chat.client.core.trust import HostKeyCheck
from chat.client.network.dialer import Dialer, explain_failure
from chat.client.network.protocol import ChatClientProtocol
from chat.limits import ClientLimits, Limits

__all__ = ["assemble"]


def assemble(
    reactor: IReactorTime,
    listener: Callable[[Event], None],
    address: Address,
    *,
    keys: KeyRing,
    pins: Pins,
    partners: Partners,
    can_ask: bool = False,
    trust_new: bool = False,
    credentials: Credentials = NO_CREDENTIALS,
    home: str | None = LOBBY,
    catch_up: int | None = None,
    endpoint: IStreamClientEndpoint | None = None,
    make: Callable[[Core], Protocol] | None = None,
    limits: Limits | None = None,
    client_limits: ClientLimits | None = None,
) -> Core:
    """Return a core for the server at `address`, over TCP or the given endpoint.

    `make` returns the protocol of each connection, where that is not a `ChatClientProtocol`.

    `catch_up` is how many of the records that were missed in a room are fetched; all, if None.

    With `can_ask`, its face answers `TrustAsked`; without, a new host key is refused unless
    `trust_new`, or the address is loopback or a link with the fingerprint.
    """
    limits = limits or Limits()
    if endpoint is None:
        endpoint = HostnameEndpoint(
            reactor, address.host, address.port, timeout=limits.connect_seconds
        )

    def not_connected(failure: Failure) -> None:
        core.disconnected(None, explain_failure(address, failure.value))

    core = Core(
        listener,
        check=HostKeyCheck(address, pins, can_ask=can_ask, trust_new=trust_new),
        keys=keys,
        partners=partners,
        network=Dialer(
            endpoint,
            lambda: ChatClientProtocol(core, reactor, limits) if make is None else make(core),
            reactor,
            lambda: core.retry_delay(reactor.seconds()),
            not_connected,
        ),
        credentials=credentials,
        home=home,
        catch_up=catch_up,
        limits=client_limits or ClientLimits(),
    )
    return core
