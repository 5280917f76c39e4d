"""The model server on a real socket, sealed as a real one: ``python -m tests.client.serve``.

Prints the port it listens on, on the loopback address. Whoever posts ``!cut`` is cut off when that
is stored, without an answer. With ``--rooms N``, everybody who comes is in N rooms with something
in each.
"""

import hashlib
import sys

from msgspec import Struct
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorCore, IReactorTCP
from twisted.internet.protocol import Factory, connectionDone
from twisted.python.failure import Failure

from chat.limits import Limits
from chat.receiver import ConnectionProtocol
from chat.wire.connection import Established, Event, PeerClosed, Received, ServerConnection
from chat.wire.errors import RemoteProtocolError
from chat.wire.hostkey import HostKey
from chat.wire.lines import encode_record
from chat.wire.messages import Keys, Login, Post, Removed, encode
from chat.wire.records import Delivered, seal_record
from chat.wire.sealing import BoxKey
from tests.client.model import ModelServer, Session

KEY = bytes(64)
HOST_KEY = HostKey.from_seed(bytes(32))


class _Crowded(ModelServer):
    """A server with many rooms, in which everybody is."""

    def __init__(self, rooms: int) -> None:
        super().__init__()
        for number in range(rooms):
            log = self.room("lobby" if not number else f"room-{number}", "bob")
            for text in range(20):
                self.says("bob", log, f"This is what was said here before, number {text}.")

    def _login(self, session: Session, login: Login) -> None:
        account = self.accounts.setdefault(login.key, self.account(login.nick))
        for log in self.logs.values():
            log.members.add(account)
        super()._login(session, login)


class Served(ConnectionProtocol):
    """One client."""

    connection: ServerConnection

    def __init__(self, everybody: "Everybody") -> None:
        self.connection = ServerConnection(HOST_KEY, Limits())
        self._everybody = everybody
        self._known: set[bytes] = set()
        self.session: Session | None = None

    def received(self, event: Event) -> None:
        """Answer."""
        if isinstance(event, Established):
            self.session = self._everybody.model.connect()
            self._everybody.served.append(self)
        elif isinstance(event, Received) and self.session is not None:
            self._everybody.model.handle(self.session, event.message)
            if isinstance(event.message, Post) and event.message.text == "!cut":
                self.transport.abortConnection()
            self._everybody.flush()
        elif isinstance(event, PeerClosed):
            self.transport.loseConnection()

    def violated(self, error: RemoteProtocolError) -> None:
        """Say so."""
        self.transport.write(self.connection.alert(error.code))
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget it."""
        if self.session is not None:
            self._everybody.model.sessions.remove(self.session)
            self._everybody.served.remove(self)
            self.session = None

    def flush(self) -> None:
        """Write what the model has for this one."""
        while self.session is not None and self.session.out:
            self._write(self.session.out.pop(0))

    def _write(self, item: list[Struct | Delivered]) -> None:
        records = [piece for piece in item if isinstance(piece, Delivered)]
        for record in records:
            if record.log not in self._known:
                self._known.add(record.log)
                self.transport.write(self.connection.send(Keys(record.log, 1, KEY)))
        for piece in item:
            if not isinstance(piece, Delivered):
                self.transport.write(self.connection.send(piece))
            if isinstance(piece, Removed):
                self._known.discard(piece.log)
        if records:
            run = b"".join(map(_line, records))
            pieces = self.connection.deliver([(run, hashlib.sha512(run).digest())])
            self.transport.write(b"".join(pieces))


def _line(record: Delivered) -> bytes:
    assert isinstance(record.body, Struct)
    sealed = seal_record(BoxKey(KEY), record.log, 1, record.record_id, encode(record.body))
    return encode_record(record.log, record.seq, sealed)


class Everybody(Factory[Served]):
    """All clients, and what they share."""

    noisy = False

    def __init__(self) -> None:
        self.model = ModelServer()
        self.served: list[Served] = []

    def buildProtocol(self, addr: IAddress | None) -> Served:
        """Return the protocol for a client."""
        return Served(self)

    def flush(self) -> None:
        """Write what the model has for anybody."""
        for served in list(self.served):
            served.flush()


class _Reactor(IReactorTCP, IReactorCore):
    """What is needed of the reactor."""


def _say_where(port: IListeningPort) -> None:
    address = port.getHost()
    assert isinstance(address, IPv4Address)
    print(address.port, flush=True)


def serve(reactor: _Reactor, model: ModelServer) -> None:
    """Run until killed; prints the port."""
    endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    everybody = Everybody()
    everybody.model = model
    endpoint.listen(everybody).addCallback(_say_where)
    sys.stdin.close()
    reactor.run()


if __name__ == "__main__":
    from typing import cast

    is_crowded = sys.argv[1:2] == ["--rooms"]
    model = _Crowded(int(sys.argv[2])) if is_crowded else ModelServer()
    serve(cast(_Reactor, reactor), model)
