"""The client's end of a connection: deadlines, ends, and what it hands on."""

from collections.abc import Sequence
from hashlib import sha512

import pytest
from msgspec import Struct
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IProtocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.client.core.core import Core
from chat.client.core.interfaces import Link
from chat.client.network.protocol import UNREAD_BYTES, ChatClientProtocol
from chat.limits import Limits
from chat.testing import HOST_KEY, FakeLog, FakeTransport, split_lines
from chat.testing.ids import ANY_ACCOUNT, ANY_DEVICE, ANY_LOG
from chat.wire.connection import (
    Delivered,
    Established,
    Event,
    PeerClosed,
    Received,
    ServerConnection,
    Transmit,
)
from chat.wire.errors import CloseCode
from chat.wire.hostkey import SUCCESSION_BYTES, HostKey
from chat.wire.messages import Joined, Login, Ok, Ping, Pong, TextBody
from chat.wire.requests import Who

LIMITS = Limits()
LOGIN = Login(1, "ana", ANY_DEVICE, bytes(64))
LOOPBACK = IPv4Address("TCP", "127.0.0.1", 5555)


class FakeCore(Core):
    """Keeps what the protocol hands on, and logs in when a host key is offered."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.happened: list[object] = []
        self.latencies: list[float] = []
        self.successions = b""
        self.is_loopback: bool | None = None
        self.is_final: bool | None = None

    def connected(self, link: Link) -> None:
        self.link = link

    def offered(self, host_key: bytes, successions: bytes, *, is_loopback: bool) -> None:
        assert self.link is not None
        assert host_key == HOST_KEY.public
        self.successions = successions
        self.is_loopback = is_loopback
        self.link.login(LOGIN)

    def received(self, message: Struct) -> None:
        self.happened.append(message)

    def delivered(self, delivered: Delivered) -> None:
        self.happened.append(delivered)

    def measured(self, seconds: float) -> None:
        self.latencies.append(seconds)

    def peer_closed(self, code: int, retry_after: int | None) -> None:
        self.happened.append(PeerClosed(code, retry_after))

    def disconnected(self, link: Link | None, reason: str, *, is_final: bool = False) -> None:
        assert link is self.link
        self.happened.append(reason)
        self.is_final = is_final


class ProtocolCase(SynchronousTestCase):
    """A client protocol, with a real server connection played by hand."""

    address: IAddress = LOOPBACK

    def setUp(self) -> None:
        self.clock = Clock()
        self.core = FakeCore()
        self.protocol = ChatClientProtocol(self.core, self.clock, LIMITS, self.clock.seconds)
        self.transport = FakeTransport(self.protocol, self.clock, self.address)
        made: IProtocol = self.protocol
        made.makeConnection(self.transport)
        self.server = ServerConnection(HOST_KEY, LIMITS, self.clock.seconds)

    def tearDown(self) -> None:
        self.transport.lose(ConnectionDone())
        assert self.clock.getDelayedCalls() == []

    def pump(self) -> list[Event]:
        """Carry everything both ways; what the server made of it."""
        events: list[Event] = []
        while data := self.transport.take():
            for line in split_lines(data):
                for event in self.server.receive_line(line):
                    if isinstance(event, Transmit):
                        self.transport.receive(event.data)
                    else:
                        events.append(event)
        return events

    def establish(self) -> None:
        """Come as far as a login that was answered."""
        self.pump()
        self.say(Ok(1))

    def say(self, *messages: Struct) -> None:
        """Let the server send something."""
        self.transport.receive(b"".join(map(self.server.send, messages)))

    def advance(self, *steps: float) -> None:
        """Let time pass, a second at a time."""
        for _ in range(int(sum(steps))):
            self.clock.advance(1)

    def happened(self) -> Sequence[object]:
        """Return what the core was told since the last question."""
        happened, self.core.happened = self.core.happened, []
        return happened


class ProtocolTests(ProtocolCase):
    """Deadlines, ends, and what is handed on."""

    def test_it_shakes_hands_and_logs_in(self) -> None:
        assert self.transport.no_delay
        assert Received(LOGIN) in self.pump()
        self.say(Ok(1))
        assert self.happened() == [Ok(1)]
        assert self.core.is_loopback

    def test_the_successions_are_handed_on_with_the_host_key(self) -> None:
        rotated = HostKey.from_pem(HOST_KEY.to_pem())
        rotated.successions = bytes(SUCCESSION_BYTES)
        self.server = ServerConnection(rotated, LIMITS, self.clock.seconds)
        self.pump()
        assert self.core.successions == bytes(SUCCESSION_BYTES)

    def test_a_server_that_asks_without_end_and_reads_nothing_is_left(self) -> None:
        self.establish()
        self.transport.full = True
        for number in range(2_000):
            self.say(Ping(number))
            if self.protocol.connection.is_over:
                break
        assert 500 < number < 1_500
        assert self.transport.size < UNREAD_BYTES + 1_000
        self.advance(5)
        assert self.transport.is_lost and self.core.is_final
        assert self.happened()[-1] == "The server asks, and does not read the answers."

    def test_a_server_that_reads_again_may_ask_again(self) -> None:
        self.establish()
        for _ in range(4):
            self.transport.full = True
            for number in range(400):
                self.say(Ping(number))
            self.transport.full = False
            self.pump()
        assert not self.protocol.connection.is_over

    def test_messages_go_out_sealed(self) -> None:
        self.establish()
        self.protocol.send(Pong(7))
        assert self.pump() == [Received(Pong(7))]

    def test_records_are_handed_on_when_they_are_vouched_for(self) -> None:
        self.establish()
        log = FakeLog()
        self.say(log.keys(), Joined(log.log, "public", "lobby", 0, 0, 1, "", 2))
        self.happened()
        body = TextBody(0, ANY_ACCOUNT, "bob", "hi")
        line = log.line(body)
        self.transport.receive(line)
        assert self.happened() == []
        self.transport.receive(b"".join(self.server.deliver([(b"", sha512(line).digest())])))
        [delivered] = self.happened()
        assert isinstance(delivered, Delivered)
        assert delivered.body == body

    def test_a_ping_is_answered(self) -> None:
        self.establish()
        self.say(Ping(3))
        assert self.pump() == [Received(Pong(3))]

    def test_the_latency_is_measured_along_with_what_is_sent_anyway(self) -> None:
        self.establish()
        assert self.core.latencies == [] and self.pump() == []
        self.protocol.send(Who(1, ANY_LOG))
        self.clock.advance(0.25)
        self.pump()
        assert self.core.latencies == [0.25]
        for number in range(2, 30):
            self.protocol.send(Who(number, ANY_LOG))
        assert len(self.pump()) == 28 and len(self.core.latencies) == 1
        self.say(Ok(29))
        self.advance(LIMITS.latency_seconds + 1)
        assert self.transport.take() == b""
        self.protocol.send(Who(30, ANY_LOG))
        self.clock.advance(0.5)
        self.pump()
        assert self.core.latencies == [0.25, 0.5]

    def test_a_ping_that_asks_for_a_sign_of_life_measures_too(self) -> None:
        self.establish()
        self.advance(LIMITS.ping_seconds + 2)
        self.pump()
        assert len(self.core.latencies) == 1
        assert self.core.latencies[0] <= 2

    def test_a_pong_that_answers_nothing_measures_nothing(self) -> None:
        self.establish()
        self.say(Pong(0), Pong(1), Pong(7))
        assert self.core.latencies == []
        self.protocol.send(Who(1, ANY_LOG))
        self.pump()
        self.say(Pong(1), Pong(1))
        assert len(self.core.latencies) == 1

    def test_a_server_that_says_nothing_is_given_up(self) -> None:
        self.advance(LIMITS.connect_seconds)
        assert self.happened() == []
        self.advance(2)
        self.transport.take()
        assert self.happened() == ["The server did not answer in time."]

    def test_a_server_that_dribbles_is_given_up_as_well(self) -> None:
        for byte in b"encchat/1 " + b"A" * int(LIMITS.connect_seconds):
            self.transport.receive(bytes([byte]))
            self.advance(1)
        self.transport.take()
        assert self.happened() == ["The server did not answer in time."]

    def test_after_five_minutes_of_silence_it_asks_once(self) -> None:
        self.establish()
        self.advance(LIMITS.ping_seconds)
        assert self.pump() == []
        self.advance(20)
        data = self.transport.take()
        assert len(split_lines(data)) == 1
        for event in self.server.receive_line(split_lines(data)[0]):
            assert isinstance(event, Transmit)
            self.transport.receive(event.data)
        self.happened()
        self.advance(LIMITS.ping_seconds)
        assert self.happened() == []

    def test_who_waits_for_an_answer_asks_soon(self) -> None:
        self.establish()
        self.protocol.send(Who(1, ANY_LOG))
        lines = split_lines(self.transport.take())  # Its first ping is lost.
        assert [type(it) for line in lines for it in self.server.receive_line(line)] == [
            *(Transmit, Received)
        ]
        self.advance(LIMITS.answer_seconds)
        assert self.transport.take() == b""
        self.advance(2)
        [ping] = split_lines(self.transport.take())
        [answer] = self.server.receive_line(ping)
        assert isinstance(answer, Transmit)
        self.advance(LIMITS.silence_seconds - LIMITS.ping_seconds - 1)
        self.transport.receive(answer.data)
        self.advance(LIMITS.silence_seconds - LIMITS.ping_seconds)
        assert "The server has fallen silent." not in self.happened()

    def test_who_gets_no_answer_to_that_gives_up(self) -> None:
        self.establish()
        self.happened()
        self.protocol.send(Who(1, ANY_LOG))
        self.advance(LIMITS.answer_seconds + 1, LIMITS.silence_seconds - LIMITS.ping_seconds)
        assert self.happened() == []
        self.advance(2)
        self.transport.take()
        assert self.happened() == ["The server has fallen silent."]

    def test_after_six_minutes_it_is_over(self) -> None:
        self.establish()
        self.happened()
        self.advance(LIMITS.silence_seconds + 2)
        assert self.pump()[-1] == PeerClosed(CloseCode.TIMEOUT)
        assert self.happened() == ["The server has fallen silent."]
        assert self.core.is_final is False

    def test_a_server_that_breaks_the_protocol_is_told_and_left(self) -> None:
        self.establish()
        self.happened()
        self.transport.receive(b"nonsense\r\n")
        assert self.pump() == [PeerClosed(CloseCode.MALFORMED)]
        [reason] = self.happened()
        assert isinstance(reason, str)
        assert "broke the protocol" in reason
        assert self.core.is_final

    def test_what_is_no_server_of_ours_is_left_without_a_word(self) -> None:
        self.transport.take()
        self.transport.receive(b"SSH-2.0-OpenSSH_9.2\r\n")
        assert self.transport.take() == b""
        assert self.happened() == ["The server does not speak encchat's protocol."]
        assert self.core.is_final

    def test_neither_is_what_answers_without_an_end_of_line(self) -> None:
        for answer in (
            b"<!DOCTYPE HTML>\n<title>Error response</title>\n",
            b"\x15\x03\x01\x00\x02\x02\x46",
        ):
            self.transport.receive(answer)
            self.transport.lose(ConnectionDone())
            assert self.happened() == ["The server does not speak encchat's protocol."]
            self.setUp()

    def test_neither_is_what_answers_without_end(self) -> None:
        self.transport.receive(b"x" * 3_000)
        self.transport.take()
        assert self.happened() == ["The server does not speak encchat's protocol."]

    def test_neither_is_what_greets_without_an_end_of_line_and_waits(self) -> None:
        self.transport.receive(b"220 welcome\n")
        self.advance(LIMITS.connect_seconds + 2)
        self.transport.take()
        assert self.happened() == ["The server does not speak encchat's protocol."]

    def test_half_a_line_of_ours_is_a_lost_connection(self) -> None:
        for answer in (b"enc", b"encchat/1 AAAA", b"encchat/1 close 9\r"):
            self.transport.receive(answer)
            self.transport.lose(ConnectionDone())
            assert self.happened() == ["The connection to the server was lost."]
            self.setUp()

    def test_what_hangs_up_without_a_word_may_be_none_of_ours(self) -> None:
        self.transport.lose(ConnectionDone())
        assert self.happened() == [
            "The server hung up without a word; it may not speak encchat's protocol."
        ]

    def test_a_server_of_another_version_is_told_apart(self) -> None:
        self.transport.receive(b"encchat/2 AAAA\r\n")
        self.transport.take()
        assert self.happened() == ["The server speaks another version of the protocol."]

    def test_what_is_wrong_in_a_hello_is_said(self) -> None:
        self.transport.receive(b"encchat/1 ?\r\n")
        self.transport.take()
        assert self.happened() == ["The server broke the protocol: a part that is not base64."]

    def test_a_refusal_in_clear_is_handed_on(self) -> None:
        self.transport.receive(b"encchat/1 close 9\r\n")
        self.transport.take()
        assert self.happened() == [
            PeerClosed(CloseCode.BUSY),
            "The connection to the server was lost.",
        ]

    def test_a_sealed_close_is_handed_on_with_its_time(self) -> None:
        self.establish()
        self.happened()
        self.transport.receive(self.server.alert(CloseCode.SHUTDOWN, 5))
        assert self.happened() == [PeerClosed(CloseCode.SHUTDOWN, 5)]

    def test_a_closing_line_that_nobody_takes_does_not_keep_it(self) -> None:
        self.establish()
        self.happened()
        self.transport.full = True
        self.protocol.close(CloseCode.NORMAL)
        self.advance(LIMITS.close_seconds)
        assert not self.transport.is_aborted
        self.advance(2)
        assert self.transport.is_aborted

    def test_what_no_client_gets_is_a_bug(self) -> None:
        with pytest.raises(TypeError):
            self.protocol.received(Established(bytes(32)))

    def test_nothing_is_sent_after_the_end(self) -> None:
        self.establish()
        self.protocol.close(CloseCode.NORMAL)
        self.protocol.send(Pong(1))
        assert self.pump() == [PeerClosed(CloseCode.NORMAL)]


class LoopbackTests(SynchronousTestCase):
    """Which peers are on this machine."""

    def test_by_the_peers_address_and_not_by_its_name(self) -> None:
        for address, is_loopback in [
            (LOOPBACK, True),
            (IPv4Address("TCP", "127.9.9.9", 1), True),
            (IPv6Address("TCP", "::1", 1), True),
            (UNIXAddress(b"/run/encchat.sock"), True),
            (IPv4Address("TCP", "192.0.2.1", 1), False),
            (IPv6Address("TCP", "2001:db8::1", 1), False),
            (IPv6Address("TCP", "fe80::1%eth0", 1), False),
        ]:
            clock = Clock()
            core = FakeCore()
            protocol = ChatClientProtocol(core, clock, LIMITS, clock.seconds)
            transport = FakeTransport(protocol, clock, address)
            made: IProtocol = protocol
            made.makeConnection(transport)
            server = ServerConnection(HOST_KEY, LIMITS, clock.seconds)
            [hello] = split_lines(transport.take())
            [event] = server.receive_line(hello)
            assert isinstance(event, Transmit)
            transport.receive(event.data)
            assert core.is_loopback is is_loopback, address
            assert transport.no_delay == (not isinstance(address, UNIXAddress))
            transport.lose(ConnectionDone())
