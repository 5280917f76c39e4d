"""Fakes for tests of what speaks this protocol: two real ends joined by hand, without sockets.

    pair = Pair()
    pair.log_in(Login(1, "alice"))
    log = FakeLog()
    pair.server_sends(log.keys())
    pair.server_sends(log.joined(2))
    [delivered] = pair.publish(log.line(TextBody(0, bytes(16), "bob", "hello")))

Nothing is replaced but time and randomness: both ends run the whole protocol. Whatever either of
them refuses comes out as the exception that `Connection.receive_line` raises.

And a whole server, with clients that are connected to it through fake transports:

    server = Server()
    alice, bob = server.enter("alice", "bob")
    alice.say("hello")
    assert bob.texts == [("alice", "hello")]
"""

from chat.testing.pair import (
    HOST_KEY,
    FakeClock,
    FakeLog,
    Pair,
    seeded_bytes,
    split_lines,
)
from chat.testing.server import Client, Server
from chat.testing.transport import FakeTransport

__all__ = [
    "HOST_KEY",
    "Client",
    "FakeClock",
    "FakeLog",
    "FakeTransport",
    "Pair",
    "Server",
    "seeded_bytes",
    "split_lines",
]
