"""Bytes to lines: however they are split, with pauses, and never at quadratic cost."""

import os
import socket
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.protocols.basic import LineReceiver
from twisted.trial.unittest import SynchronousTestCase

from chat.limits import HANDSHAKE_LINE_BYTES, KEEP_ALIVE, LINE_BYTES, Limits
from chat.receiver import ConnectionProtocol
from chat.testing import FakeTransport, Server
from chat.wire.connection import Connection, Event, PeerClosed, Received, State, Transmit
from chat.wire.errors import CloseCode, MalformedLineError, RemoteProtocolError
from chat.wire.lines import encode_close
from chat.wire.messages import Unknown

BOUND = 20


class Words(Connection):
    """A connection that turns every line into an event, except for four special words."""

    def __init__(self) -> None:
        super().__init__(Limits(), lambda: 0, os.urandom)
        self.lines: list[bytes] = []
        """The lines it received."""

    @property
    def line_bytes(self) -> int:
        """A small bound."""
        return BOUND

    def receive_line(self, line: bytes) -> list[Event]:
        """Return the events for a line."""
        assert not self.is_over
        self.lines.append(line)
        if line == b"bad" or len(line) > BOUND:
            self._state = State.FAILED
            raise MalformedLineError("a bad line")
        if line == b"bye":
            self._state = State.CLOSED
            return [PeerClosed(0)]
        if line == b"ping":
            return [Transmit(b"pong\r\n")]
        return [Received(Unknown(line.decode("ascii")))]


class Receiver(ConnectionProtocol):
    """Records events; pauses at the word "pause", and resumes at "resume"."""

    def __init__(self) -> None:
        self.connection: Words = Words()
        self.words: list[str] = []
        self.errors: list[RemoteProtocolError] = []

    def received(self, event: Event) -> None:
        """Record an event."""
        match event:
            case Received(message=Unknown(type=word)):
                self.words.append(word)
                if word in ("pause", "resume"):
                    self.pause_reading()
                if word == "resume":
                    self.resume_reading()
            case _:
                self.words.append("(closed)")

    def violated(self, error: RemoteProtocolError) -> None:
        """Record an error, and close as a shell does."""
        self.errors.append(error)
        self.connection.alert(error.code)


class Counting(Receiver):
    """Counts the bytes that pass through the buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = b""
        self.copied = 0

    @property
    def _buffer(self) -> bytes:
        return self.kept

    @_buffer.setter
    def _buffer(self, data: bytes) -> None:
        self.copied += len(data)
        self.kept = data


def connect(receiver: Receiver) -> FakeTransport:
    """Connect a receiver, and return its transport."""
    transport = FakeTransport(receiver, Clock(), IPv4Address("TCP", "192.0.2.1", 40_000))
    protocol: IProtocol = receiver
    protocol.makeConnection(transport)
    return transport


def received(*chunks: bytes) -> Receiver:
    """Return a receiver that has received these chunks."""
    receiver = Receiver()
    connect(receiver)
    for chunk in chunks:
        receiver.dataReceived(chunk)
    return receiver


def cut(data: bytes, size: int) -> list[bytes]:
    """Return `data` in pieces."""
    return [data[start : start + size] for start in range(0, len(data), size)]


class SocketTests(SynchronousTestCase):
    """The socket options of a connection."""

    def test_tcp_finds_out_whether_a_silent_peer_is_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as handle:
            with patch.object(FakeTransport, "getHandle", lambda _: handle):
                assert connect(Receiver()).keep_alive
            found = {
                name: handle.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
                for name in KEEP_ALIVE
            }
        assert found == dict(KEEP_ALIVE)

    def test_one_that_is_wrapped_is_left_as_it_is(self) -> None:
        transport = connect(Receiver())
        assert transport.no_delay and transport.keep_alive


class CuttingTests(SynchronousTestCase):
    """The same bytes give the same events, however they are split."""

    stream = b"one\r\ntwo\r\n\r\n" + b"x" * BOUND + b"\r\nping\r\na\rb\nc\r\nlast"
    words = ("one", "two", "", "x" * BOUND, "a\rb\nc")

    def check(self, chunks: list[bytes]) -> None:
        """Check the events of `stream`."""
        receiver = Receiver()
        transport = connect(receiver)
        for chunk in chunks:
            receiver.dataReceived(chunk)
        assert receiver.words == list(self.words)
        assert receiver.errors == []
        assert transport.take() == b"pong\r\n"
        receiver.dataReceived(b"\r\n")
        assert receiver.words == [*self.words, "last"]

    def test_whole(self) -> None:
        self.check([self.stream])

    def test_pieces_of_every_size(self) -> None:
        for size in range(1, len(self.stream)):
            self.check(cut(self.stream, size))

    def test_two_parts_cut_anywhere(self) -> None:
        for place in range(len(self.stream)):
            self.check([self.stream[:place], self.stream[place:]])

    @given(st.data())
    def test_any_cuts(self, data: st.DataObject) -> None:
        places = data.draw(st.lists(st.integers(0, len(self.stream))).map(sorted))
        edges = zip([0, *places], [*places, len(self.stream)], strict=True)
        self.check([self.stream[start:end] for start, end in edges])

    @given(st.lists(st.text("ab\r\n", max_size=5)), st.integers(1, 12))
    def test_any_lines(self, texts: list[str], size: int) -> None:
        # Without LF, a line cannot contain CR LF, nor form one with its neighbour.
        lines = [text.replace("\n", "").rstrip("\r") for text in texts]
        stream = "".join(line + "\r\n" for line in lines).encode()
        assert received(*cut(stream, size)).words == received(stream).words == lines

    def test_a_conversation_is_the_same_in_bytes_and_in_chunks(self) -> None:
        heard = []
        for size in (1, 2, 1_000, 2**16):
            server = Server()
            alice, bob = server.connect(), server.connect()
            alice.transport.chunk_bytes = bob.transport.chunk_bytes = size
            for client, nick in ((alice, "alice"), (bob, "bob")):
                client.log_in(nick)
                client.join()
            for text in ("one", "two"):
                alice.post(text)
            bob.say("three")
            heard.append((alice.texts, bob.texts))
        assert heard == 4 * [([("bob", "three")], [("alice", "one"), ("alice", "two")])]


class LinearTests(SynchronousTestCase):
    """The cost of a chunk grows with its size, not with its size times its lines."""

    @staticmethod
    def copied(count: int) -> int:
        """Return how many bytes passed through the buffer for a number of lines in one chunk."""
        receiver = Counting()
        connect(receiver)
        receiver.dataReceived(b"abc\r\n" * count + b"rest")
        assert receiver.connection.lines == [b"abc"] * count
        return receiver.copied

    def test_twenty_thousand_lines_in_a_chunk_copy_only_the_rest(self) -> None:
        assert self.copied(20_000) == self.copied(10) == len(b"rest")

    def test_a_pause_costs_one_copy(self) -> None:
        receiver = Counting()
        connect(receiver)
        chunk = b"pause\r\n" + b"abc\r\n" * 20_000
        receiver.dataReceived(chunk)
        receiver.resume_reading()
        assert len(receiver.words) == 20_001
        assert receiver.copied <= len(chunk)

    def test_the_count_would_show_what_line_receiver_does(self) -> None:
        class Plain(Counting):
            dataReceived = LineReceiver.dataReceived

        receiver = Plain()
        connect(receiver)
        protocol: IProtocol = receiver
        protocol.dataReceived(b"abc\r\n" * 1_000)
        assert len(receiver.words) == 1_000
        assert receiver.copied > 500 * len(b"abc\r\n" * 1_000)


class PauseTests(SynchronousTestCase):
    """Held-back input comes later, once, and in order."""

    def test_a_pause_stops_in_the_middle_of_a_chunk(self) -> None:
        receiver = received(b"one\r\npause\r\ntwo\r\nthr")
        assert receiver.words == ["one", "pause"]
        receiver.resume_reading()
        receiver.dataReceived(b"ee\r\n")
        assert receiver.words == ["one", "pause", "two", "three"]

    def test_the_transport_is_paused_too(self) -> None:
        receiver = Receiver()
        transport = connect(receiver)
        transport.receive(b"pause\r\n")
        assert not transport.is_reading
        assert not transport.receive(b"one\r\n")
        receiver.resume_reading()
        assert transport.is_reading
        assert transport.receive()
        assert receiver.words == ["pause", "one"]

    def test_what_comes_during_a_pause_comes_behind_what_was_held(self) -> None:
        receiver = received(b"pause\r\none\r\ntw", b"o\r\nthree\r\n", b"four")
        assert receiver.words == ["pause"]
        receiver.resume_reading()
        receiver.dataReceived(b"\r\n")
        assert receiver.words == ["pause", "one", "two", "three", "four"]

    def test_pause_after_pause(self) -> None:
        receiver = received(b"pause\r\none\r\npause\r\npause\r\ntwo\r\n")
        words = []
        for _ in range(4):
            words.append(receiver.words[:])
            receiver.resume_reading()
        everything = ["pause", "one", "pause", "pause", "two"]
        assert words == [everything[:1], everything[:3], everything[:4], everything]

    def test_resuming_while_a_line_is_handled_reads_nothing_twice(self) -> None:
        receiver = received(b"one\r\nresume\r\ntwo\r\nthr")
        receiver.dataReceived(b"ee\r\n")
        assert receiver.words == ["one", "resume", "two", "three"]

    def test_data_that_comes_while_a_line_is_handled_comes_behind_the_chunk(self) -> None:
        class Echo(Receiver):
            def received(self, event: Event) -> None:
                super().received(event)
                if self.words[-1] == "again":
                    self.dataReceived(b"o\r\nfo")

        receiver = Echo()
        connect(receiver)
        receiver.dataReceived(b"again\r\none\r\ntw")
        receiver.dataReceived(b"ur\r\n")
        assert receiver.words == ["again", "one", "two", "four"]
        paused = Echo()
        connect(paused)
        paused.dataReceived(b"again\r\npause\r\none\r\ntw")
        paused.resume_reading()
        paused.dataReceived(b"ur\r\n")
        assert paused.words == ["again", "pause", "one", "two", "four"]


class EndTests(SynchronousTestCase):
    """After the end nothing is read, and nothing is buffered."""

    def test_nothing_is_read_after_a_violation(self) -> None:
        receiver = received(b"one\r\nbad\r\ntwo\r\nbad\r\nthree", b"\r\nfour\r\n")
        assert receiver.connection.lines == [b"one", b"bad"]
        assert receiver.words == ["one"]
        assert [error.code for error in receiver.errors] == [CloseCode.MALFORMED]

    def test_nothing_is_read_after_the_peer_s_close(self) -> None:
        receiver = received(b"bye\r\none\r\n", b"two\r\n", b"x" * 2 * BOUND)
        assert receiver.words == ["(closed)"]
        assert receiver.connection.lines == [b"bye"]
        assert receiver.errors == []

    def test_nothing_is_read_after_an_own_close(self) -> None:
        receiver = received(b"pause\r\none\r\n")
        receiver.connection.alert(CloseCode.NORMAL)
        receiver.resume_reading()
        receiver.dataReceived(b"two\r\n")
        assert receiver.words == ["pause"]

    def test_what_comes_after_an_end_is_not_kept(self) -> None:
        receiver = Counting()
        connect(receiver)
        receiver.dataReceived(b"bad\r\none")
        for _ in range(100):
            receiver.dataReceived(b"x" * 1_000)
        assert receiver.kept == b"" and receiver.copied == 0

    def test_a_subclass_has_to_say_what_it_does(self) -> None:
        protocol = ConnectionProtocol()
        with pytest.raises(NotImplementedError):
            protocol.received(PeerClosed(0))
        with pytest.raises(NotImplementedError):
            protocol.violated(MalformedLineError())


class OversizedTests(SynchronousTestCase):
    """Lines beyond the bound end the connection, complete or not."""

    def test_an_unfinished_line_may_be_as_long_as_the_bound(self) -> None:
        # The next byte may be the CR.
        receiver = received(b"x" * BOUND, b"\r", b"\n")
        assert receiver.words == ["x" * BOUND]

    def test_an_unfinished_line_beyond_the_bound_is_a_violation(self) -> None:
        for chunks in (
            [b"x" * (BOUND + 1)],
            [b"x" * BOUND, b"x"],
            [b"x" * BOUND, b"\r", b"x"],
            [b"x" * BOUND + b"\r\r"],
            [b"one\r\n" + b"x" * 10**6],
        ):
            receiver = received(*chunks)
            [error] = receiver.errors
            assert str(error) == "a line that is too long"
            assert receiver.connection.is_over

    def test_a_complete_line_beyond_the_bound_is_a_violation(self) -> None:
        receiver = received(b"x" * (BOUND + 1) + b"\r\none\r\n")
        assert len(receiver.errors) == 1
        assert receiver.words == []

    def test_a_handshake_line_is_bounded_to_the_byte(self) -> None:
        for line, is_gone in (
            (b"x" * 2_048, False),
            (b"x" * 2_048 + b"\r", False),
            (b"x" * 2_049, True),
            (b"x" * 2_049 + b"\r", True),
        ):
            for size in (len(line), 1):
                server = Server()
                client = server.connect()
                for chunk in cut(line, size):
                    client.write(chunk)
                    server.pump()
                assert client.protocol.is_gone is is_gone, (line[-2:], len(line), size)
                assert client.lines == [b"encchat/1 close %d" % CloseCode.MALFORMED] * is_gone

    def check(self, steps: int, bound: int, code: CloseCode | bytes) -> None:
        """Check the bound at a server after a number of handshake steps."""
        for line in (b"F " + b"A" * bound, b"F " + b"A" * bound + b"\r\n"):
            server = Server()
            client = server.connect()
            if steps == 1:
                client.write(client.connection.start())
                server.pump()
            if steps == 2:
                client.log_in("alice")
            client.write(b"F" * bound)
            server.pump()
            assert not client.protocol.is_gone
            client.write(line)
            server.pump()
            assert client.protocol.is_gone and client.transport.is_lost
            if isinstance(code, bytes):
                assert client.lines[-1] + b"\r\n" == code
            else:
                assert client.closed == PeerClosed(code)

    def test_before_the_hello(self) -> None:
        self.check(0, HANDSHAKE_LINE_BYTES, encode_close(CloseCode.MALFORMED))

    def test_before_the_finish(self) -> None:
        self.check(1, HANDSHAKE_LINE_BYTES, encode_close(CloseCode.MALFORMED))

    def test_after_the_handshake(self) -> None:
        self.check(2, LINE_BYTES, CloseCode.MALFORMED)
