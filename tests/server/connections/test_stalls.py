"""Who reads nothing, and who reads slowly."""

import socket
import tempfile
from typing import Any

from chat.limits import Limits
from chat.server.connections.protocol import ChatProtocol
from chat.server.connections.stalls import Stalls, unacknowledged
from chat.testing import Server
from tests.server.support import ServerCase


class StallTests(ServerCase):
    """A minute without anything taken, or half an hour for all of it."""

    def setUp(self) -> None:
        """Let in somebody whose transport is full, with a kernel that holds what we say."""
        self.held = 100_000
        self.server = Server()
        [client] = self.server.enter("ana")
        self.protocol = client.protocol
        self.clock = self.server.clock
        self.stalls = Stalls(Limits(), self.clock.seconds, self.ask)
        self.stalls.begin(self.protocol)

    def ask(self, transport: Any) -> int:
        """Return what the kernel holds."""
        assert transport is self.protocol.transport
        return self.held

    def overdue(self, seconds: float) -> list[tuple[ChatProtocol, str]]:
        """Return whom to drop after some more seconds."""
        self.clock.advance(seconds)
        return list(self.stalls.overdue())

    def test_who_takes_nothing_is_overdue_after_a_minute(self) -> None:
        assert self.overdue(60) == []
        assert self.overdue(1) == [(self.protocol, "it does not read")]

    def test_who_takes_little_is_not(self) -> None:
        for _ in range(30):
            self.held -= 1
            assert self.overdue(59) == []
        assert self.overdue(2) == []

    def test_nor_who_is_given_more_by_the_transport_meanwhile(self) -> None:
        for _ in range(10):
            self.held += 1
            assert self.overdue(59) == []

    def test_the_minute_begins_anew_when_something_is_taken(self) -> None:
        self.held -= 1
        assert self.overdue(50) == []
        assert self.overdue(60) == []
        assert self.overdue(1) == [(self.protocol, "it does not read")]

    def test_who_is_not_done_in_half_an_hour_is_overdue(self) -> None:
        for _ in range(1_800):
            self.held -= 1
            assert self.overdue(1) == []
        self.held -= 1
        assert self.overdue(1) == [(self.protocol, "it reads too slowly")]

    def test_who_is_done_is_never_overdue_and_begins_anew(self) -> None:
        self.clock.advance(59)
        self.stalls.end(self.protocol.number)
        assert self.overdue(1_000) == []
        self.stalls.begin(self.protocol)
        assert self.overdue(60) == []
        self.stalls.end(self.protocol.number)
        self.stalls.end(self.protocol.number)

    def test_somebody_may_be_dropped_at_once(self) -> None:
        self.clock.advance(61)
        for protocol, _ in self.stalls.overdue():
            self.stalls.end(protocol.number)
        assert self.overdue(0) == []


class KernelTests(ServerCase):
    """What the kernel says."""

    def check(self, server: socket.socket, peer: socket.socket) -> None:
        """Check that what the peer takes can be seen."""
        server.setblocking(False)
        assert unacknowledged(server) == 0
        while True:
            try:
                server.send(bytes(65_536))
            except BlockingIOError:
                break
        held = unacknowledged(server)
        assert held > 0
        assert unacknowledged(server) == held
        size = 0
        while unacknowledged(server) == held:
            size += len(peer.recv(4_096))
        assert 0 < unacknowledged(server) < held
        server.close()
        peer.close()

    def test_it_says_what_a_peer_has_not_taken(self) -> None:
        self.check(*socket.socketpair())

    def test_it_does_over_tcp(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        peer.connect(listener.getsockname())
        server, _ = listener.accept()
        listener.close()
        self.check(server, peer)

    def test_where_there_is_no_kernel_nothing_is_known(self) -> None:
        with socket.socket() as closed:
            pass
        with tempfile.TemporaryFile() as file:
            for transport in (file, closed, object()):
                assert unacknowledged(transport) == 0
