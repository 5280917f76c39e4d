"""One connection of a server: registry entry, closing, back-pressure, log line."""

import gc
import weakref
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from msgspec import Struct
from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IProtocol
from twisted.logger import LogEvent, capturedLogs, eventAsText

from chat.ids import NOBODY
from chat.limits import Limits
from chat.server.session import Session
from chat.testing import Client, FakeTransport, Server
from chat.wire.connection import HostKeyOffered, PeerClosed
from chat.wire.errors import CloseCode, LocalProtocolError
from chat.wire.messages import Close, LeftBody, Ping, Pong, Refused, Search, Who
from chat.wire.runs import Line, run_of
from tests.server.cases import COMMITS, HeldStore, ServerCase, chat_lines

SECRET: Final = "the secret"


class BrokenRequests:
    """Requests that hit a bug."""

    def handle(self, session: Session, message: Struct) -> None:
        """Fail."""
        raise ZeroDivisionError

    def catch_up(self, session: Session) -> None:
        """Do nothing."""

    def forget(self, session: Session) -> None:
        """Do nothing."""


class RegistryTests(ServerCase):
    """A connection is in the registry from the complete handshake until it is lost."""

    def test_who_has_not_shaken_hands_is_not_in_it(self) -> None:
        server = Server()
        client = server.connect()
        assert server.factory.clients == {}
        client.write(client.connection.start())
        server.pump()
        assert server.factory.clients == {}
        client.vanish()
        assert server.factory.clients == {}

    def test_who_has_is_in_it_even_without_a_name(self) -> None:
        server = Server()
        client = server.connect()
        client.log_in("")
        assert list(server.factory.clients.values()) == [client.protocol]
        assert client.protocol.account == NOBODY and client.protocol.device == b""
        client.log_in("alice")
        assert list(server.factory.clients.values()) == [client.protocol]
        client.vanish()
        assert server.factory.clients == {}

    def test_who_was_closed_is_in_it_until_the_connection_is_lost(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        bob.is_stubborn = True
        bob.write(b"rubbish\r\n")
        server.pump()
        assert bob.protocol.is_gone
        assert bob.protocol in server.factory.clients.values()
        assert [type(each.body) for each in alice.delivered].count(LeftBody) == 0
        bob.vanish()
        assert list(server.factory.clients.values()) == [alice.protocol]
        server.advance(6)
        assert [type(each.body) for each in alice.delivered].count(LeftBody) == 1

    def test_numbers_are_never_used_again(self) -> None:
        server = Server()
        numbers = []
        for _ in range(3):
            client = server.connect()
            numbers.append(client.protocol.number)
            client.vanish()
        assert len(set(numbers)) == 3


class TransportTests(ServerCase):
    """What a protocol requires of its transport."""

    def test_small_writes_go_out_at_once(self) -> None:
        assert Server().connect().transport.no_delay

    def test_a_local_socket_has_no_nagle_to_turn_off(self) -> None:
        server = Server()
        address = UNIXAddress("/run/encchat.sock")
        protocol = server.factory.buildProtocol(address)
        transport = FakeTransport(protocol, server.clock, address)
        made: IProtocol = protocol
        made.makeConnection(transport)
        assert not transport.no_delay
        assert protocol.address == "a local socket"
        transport.lose(ConnectionError())


class EndTests(ServerCase):
    """How connections end."""

    def test_the_peer_s_close_ends_it_from_both_sides(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        bob.is_stubborn = True
        bob.send(Close(0))
        bob.post("after the close")
        server.pump()
        assert bob.protocol.is_gone and bob.transport.is_write_closed
        assert bob.closed is None
        bob.vanish()
        assert alice.texts == []
        assert isinstance(alice.delivered[-1].body, LeftBody)

    def test_a_close_is_half_a_close_first_and_nothing_more_is_read(self) -> None:
        server = Server(limits=Limits(close_seconds=3))
        alice, bob = server.enter("alice", "bob")
        bob.is_stubborn = True
        bob.post("before")
        bob.write(b"rubbish\r\n")
        bob.post("behind")
        server.pump()
        bob.post("later")
        server.pump()
        assert bob.closed == PeerClosed(CloseCode.MALFORMED)
        assert bob.transport.is_write_closed and not bob.transport.is_lost
        assert alice.texts == [("bob", "before")]
        server.advance(2)
        assert not bob.transport.is_aborted
        server.advance(3)
        assert bob.transport.is_aborted and bob.transport.is_lost

    def test_who_does_not_read_is_aborted_at_once(self) -> None:
        server = Server()
        _, bob = server.enter("alice", "bob")
        bob.transport.full = True
        bob.protocol.close(CloseCode.NORMAL, "a test")
        server.pump()
        assert bob.transport.is_aborted and bob.transport.is_lost

    def test_a_second_close_changes_nothing(self) -> None:
        server = Server()
        [alice] = server.enter("alice")
        with capturedLogs() as events:
            alice.protocol.close(CloseCode.NORMAL, "the first")
            alice.protocol.close(CloseCode.INTERNAL, "the second")
            server.pump()
            alice.protocol.close(CloseCode.INTERNAL, "the third")
        assert alice.closed == PeerClosed(CloseCode.NORMAL)
        assert len(chat_lines(events)) == 1

    def test_nothing_is_written_to_who_is_gone(self) -> None:
        server = Server()
        [alice] = server.enter("alice")
        alice.protocol.close(CloseCode.NORMAL, "a test")
        count = len(alice.transport.writes)
        alice.protocol.send(Ping(1))
        alice.protocol.deliver(run_of([Line(1, bytes(32), b"R\r\n")]))
        alice.protocol.hold()
        alice.protocol.release()
        assert len(alice.transport.writes) == count
        assert alice.transport.is_reading

    def test_what_cannot_be_sent_ends_the_connection_and_is_logged_as_a_bug(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        alice.protocol.send(Refused(1, "code", "x" * 20_000))
        self.expect_error(LocalProtocolError)
        server.pump()
        assert alice.closed == PeerClosed(CloseCode.INTERNAL)
        assert alice.transport.is_lost and not bob.transport.is_lost

    def test_what_cannot_be_delivered_does_too(self) -> None:
        server = Server()
        client = server.connect()
        client.protocol.deliver(run_of([Line(1, bytes(32), b"R\r\n")]))
        self.expect_error(LocalProtocolError)
        server.pump()
        assert client.lines == [b"encchat/1 close 11"]

    def test_a_bug_ends_one_connection_with_a_word(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        server.factory.dispatcher = BrokenRequests()
        alice.post("one")
        alice.post("two")
        server.pump()
        server.factory.dispatcher = server.dispatcher
        self.expect_error(ZeroDivisionError)
        assert alice.closed == PeerClosed(CloseCode.INTERNAL)
        bob.say("still here")

    def test_a_bug_in_what_was_held_does_not_keep_others_held(self) -> None:
        store = HeldStore()
        server = Server(store, Limits(batch_bytes=1_000))
        alice, bob, carol = server.enter("alice", "bob", "carol")
        store.holds = COMMITS
        carol.post("a commit begins")
        server.pump()
        for client in (alice, bob):
            client.post("x" * 1_000)
            client.post("behind")
        server.pump()
        assert alice.protocol.is_held and bob.protocol.is_held
        handle = server.dispatcher.handle

        def fail_for_alice(session: Session, message: Struct) -> None:
            if session is alice.protocol:
                raise ZeroDivisionError
            handle(session, message)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(server.dispatcher, "handle", fail_for_alice)
            store.holds = ()
            store.release()
            server.pump()
        self.expect_error(ZeroDivisionError)
        assert alice.closed == PeerClosed(CloseCode.INTERNAL)
        assert [text for _, text in carol.texts] == ["x" * 1_000, "x" * 1_000, "behind"]

    def test_nothing_is_left_of_who_is_gone(self) -> None:
        """Its keys are freed without waiting for the garbage collector."""
        server = Server()
        [alice] = server.enter("alice")
        alice.vanish()
        connection = weakref.ref(alice.protocol)
        gc.disable()
        self.addCleanup(gc.enable)
        del alice.transport.protocol, alice.protocol  # As the reactor's transports do.
        server.advance(server.limits.ping_seconds)
        assert connection() is None

    def test_a_server_knows_no_other_events(self) -> None:
        with pytest.raises(TypeError, match="a server has no HostKeyOffered"):
            Server().connect().protocol.received(HostKeyOffered(bytes(32)))


class PressureTests(ServerCase):
    """I3: the server does not read from a client that does not read its answers."""

    def test_i3_answers_are_bounded_because_requests_are_not_read(self) -> None:
        server = Server(limits=Limits(messages_per_second=0, bytes_per_second=0))
        [alice] = server.enter("alice")
        flood = b"".join(alice.connection.send(Ping(number)) for number in range(5_000))
        sizes = []
        alice.transport.receive(flood)
        while alice.transport.receive():
            sizes.append(alice.transport.size)
        assert not alice.transport.is_reading and alice.protocol.is_full
        assert 0 < max(sizes) < 2 * alice.transport.bufferSize
        server.pump()
        pongs = [each.id for each in alice.received if isinstance(each, Pong)]
        assert pongs == list(range(5_000))

    def test_a_transport_may_say_that_it_is_full_again_and_again(self) -> None:
        server = Server()
        [alice] = server.enter("alice")
        alice.transport.full = True
        server.advance(59)
        alice.transport.full = True
        server.advance(3)
        assert alice.protocol.is_gone

    def test_records_come_before_what_was_asked(self) -> None:
        server = Server()
        alice, bob = server.enter("alice", "bob")
        bob.transport.full = True
        alice.say("hi")
        bob.send(Who(9, bob.log()))
        server.pump()
        count = len(bob.events)
        bob.transport.full = False
        server.pump()
        assert [type(event).__name__ for event in bob.events[count:]] == [
            "Received",
            "Delivered",
            "Received",
        ]  # The record's key, the record, and the answer.

    def test_who_is_full_and_held_reads_when_it_is_neither(self) -> None:
        server = Server()
        [alice] = server.enter("alice")
        alice.protocol.hold()
        alice.transport.full = True
        assert not alice.transport.is_reading
        alice.protocol.release()
        assert not alice.transport.is_reading
        alice.transport.full = False
        server.pump()
        assert alice.transport.is_reading
        alice.protocol.hold()
        alice.transport.full = True
        alice.transport.full = False
        server.pump()
        assert not alice.transport.is_reading
        alice.protocol.release()
        assert alice.transport.is_reading


def flip(line: bytes) -> bytes:
    """Return a frame line with another IV, still valid base64."""
    return line[:10] + (b"B" if line[10:11] == b"A" else b"A") + line[11:]


def garbled(client: Client) -> bytes:
    """Return a post that fails to open."""
    return flip(client.connection.send(Search(1, SECRET)))


VIOLATIONS: Final[dict[str, tuple[Callable[[Client], bytes], CloseCode]]] = {
    "control characters": (lambda client: b"\x1b[31m\x07\x00 \x9b\r\n", CloseCode.MALFORMED),
    "a secret": (lambda client: SECRET.encode() + b"\r\n", CloseCode.MALFORMED),
    "an endless line": (lambda client: SECRET.encode() * 10_000, CloseCode.MALFORMED),
    "no base64": (lambda client: b"F !!!!\r\n", CloseCode.MALFORMED),
    "a voucher": (lambda client: b"V AAAAAAAAAAAAAAAAAAAAAA==\r\n", CloseCode.UNEXPECTED),
    "a broken frame": (garbled, CloseCode.AUTHENTICATION),
}


class LogTests(ServerCase):
    """One log line per connection that broke the protocol; no secrets, no traceback."""

    def check(self, events: Sequence[LogEvent], number: int, code: CloseCode) -> None:
        """Check that one line was logged, with this code and without secrets."""
        [line] = chat_lines(events)
        start = f"closed session={number} address=192.0.2.1 "
        assert line.startswith(start) and f" cause={code.name} reason=" in line
        for event in events:
            assert "log_failure" not in event
            text = eventAsText(event)
            assert SECRET not in text and text.isprintable()

    def test_a_violation_of_a_member_is_one_line(self) -> None:
        for make, code in VIOLATIONS.values():
            server = Server()
            [alice] = server.enter("alice")
            with capturedLogs() as events:
                alice.write(make(alice))
                server.pump()
            assert alice.closed == PeerClosed(code)
            self.check(events, 1, code)

    def test_a_violation_before_the_handshake_is_one_line(self) -> None:
        for data, code in (
            (b"GET / HTTP/1.1\r\nCookie: the secret\r\n\r\n", CloseCode.VERSION),
            (b"\x16\x03\x01\x02\x00\x01\x00" + b"\xff" * 3_000, CloseCode.MALFORMED),
            (b"encchat/1 the secret\r\n", CloseCode.MALFORMED),
            (b"encchat/1 AAAA\r\n", CloseCode.MALFORMED),
            (b"F AAAA\r\n", CloseCode.UNEXPECTED),
        ):
            server = Server()
            client = server.connect()
            with capturedLogs() as events:
                client.write(data)
                server.pump()
            assert client.lines == [b"encchat/1 close %d" % code]
            self.check(events, 1, code)

    def test_a_finish_that_does_not_verify_is_one_line(self) -> None:
        server = Server()
        client = server.connect()
        with capturedLogs() as events:
            client.write(client.connection.start())
            server.pump()
            client.write(b"F " + b"A" * 200 + b"\r\n")
            server.pump()
        assert client.lines[-1].startswith(b"encchat/1 close ")
        assert len(chat_lines(events)) == 1

    def test_who_just_goes_is_one_line_too(self) -> None:
        server = Server()
        [alice] = server.enter("alice")
        fresh = server.connect()
        with capturedLogs() as events:
            alice.vanish()
            fresh.vanish()
        account = server.dispatcher.context.hub.people.named("alice").id.hex()
        assert chat_lines(events) == [
            f"gone session=1 address=192.0.2.1 account={account}",
            "gone session=2 address=192.0.2.1",
        ]
