"""The API for bots on a server in the same process, without sockets or time of its own.

server = Server()
[alice] = server.enter("alice")
running = Deferred.fromCoroutine(my_bot(connect(server, nick="echo", home=tmp_path)))
server.pump()
alice.say("hello")
assert alice.texts == [("echo", "hello")]
"""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypedDict, Unpack, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol
from zope.interface import implementer

from chat.client.api import Client
from chat.client.api import connect as connect_over
from chat.limits import ClientLimits, Limits
from chat.testing.server import Server
from chat.testing.transport import FakeTransport

__all__ = ["Options", "ServerEndpoint", "connect"]

_HERE = IPv4Address("TCP", "127.0.0.1", 5555)
_PEER = IPv4Address("TCP", "127.0.0.1", 40_000)


class _Joined:
    """A connection whose two ends are in this process."""

    def __init__(self, server: Server, client: Protocol) -> None:
        protocol = server.factory.buildProtocol(_PEER)
        self.transport = FakeTransport(protocol, server.clock, _PEER)
        """The server's end."""
        self._client = FakeTransport(client, server.clock, _HERE)
        server_end: IProtocol = protocol
        server_end.makeConnection(self.transport)
        client_end: IProtocol = client
        client_end.makeConnection(self._client)

    def read(self) -> bool:
        """Carry what either end wrote to the other. Return whether there was any."""
        down, up = self.transport.take(), self._client.take()
        moved = [self._client.receive(down), self.transport.receive(up)]
        for one, other in ((self.transport, self._client), (self._client, self.transport)):
            if one.is_lost and not other.is_lost:
                other.lose(ConnectionDone())
                moved.append(True)
        return any(moved)


@implementer(IStreamClientEndpoint)
class ServerEndpoint:
    """Connects whoever uses it to a `Server`. Bytes move when that is pumped."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, at once."""
        protocol = factory.buildProtocol(_HERE)
        assert protocol is not None
        self._server.peers.append(_Joined(self._server, cast(Protocol, protocol)))
        return succeed(protocol)


class Options(TypedDict, total=False):
    """What else `chat.client.api.connect` takes."""

    identity: Path | None
    passphrase: str | None
    password: str | None
    link_code: str | None
    trust_new: bool
    limits: Limits | None
    client_limits: ClientLimits | None


def connect(
    server: Server, *, nick: str, home: Path, **options: Unpack[Options]
) -> AbstractAsyncContextManager[Client]:
    """Return what `chat.client.api.connect` returns, for a `Server`.

    Host keys and identities are kept in `home`.
    """
    return connect_over(
        "localhost",
        nick=nick,
        home=home,
        reactor=server.clock,
        endpoint=ServerEndpoint(server),
        **options,
    )
