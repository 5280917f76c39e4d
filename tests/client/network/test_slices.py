"""What arrives is processed a slice at a time: a face draws in between, and nothing is lost."""

from collections.abc import Callable
from hashlib import sha512

from chat.testing import FakeLog
from chat.testing.ids import ANY_ACCOUNT
from chat.wire.connection import Delivered, PeerClosed
from chat.wire.errors import CloseCode
from chat.wire.messages import Joined, Notice, TextBody
from tests.client.network.test_protocol import LIMITS, FakeCore, ProtocolCase


class SlowCore(FakeCore):
    """Takes time for everything, as its clock shows."""

    def __init__(self) -> None:
        super().__init__()
        self.take_time: Callable[[], None] = lambda: None

    def received(self, message: object) -> None:
        self.happened.append(message)
        self.take_time()

    def delivered(self, delivered: Delivered) -> None:
        self.happened.append(delivered)
        self.take_time()


class SliceTests(ProtocolCase):
    """A protocol whose core takes 2 ms for each event, so that three fit a slice."""

    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        slow = SlowCore()
        self.core = self.protocol._core = slow
        slow.link = self.protocol
        self.protocol._seconds = lambda: self.clock.seconds() + self.now
        self.establish()
        self.log = FakeLog()
        self.say(self.log.keys(), Joined(self.log.log, "public", "lobby", 0, 0, 1, "", 2))
        self.happened()
        slow.take_time = self.pass_time
        self.slow = slow

    def pass_time(self) -> None:
        self.now += 0.002

    def run_of(self, *texts: str) -> bytes:
        """Return a run of records, with its voucher."""
        lines = b"".join(self.log.line(TextBody(0, ANY_ACCOUNT, "bob", text)) for text in texts)
        return lines + b"".join(self.server.deliver([(b"", sha512(lines).digest())]))

    def texts(self) -> list[str]:
        """Return what the core was told since the last question."""
        return [
            it.body.text
            for it in self.happened()
            if isinstance(it, Delivered) and isinstance(it.body, TextBody)
        ]

    def turn(self) -> list[str]:
        """Let one turn of the reactor pass; what the core was told in it."""
        for call in [it for it in self.clock.calls if it.getTime() <= self.clock.seconds()]:
            # Not `advance`, which makes the calls of the next turns as well.
            self.clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)
        self.transport.receive()
        return self.texts()

    def test_a_run_is_taken_in_slices_within_it(self) -> None:
        self.transport.receive(self.run_of(*"0123456789"))
        assert self.texts() == ["0", "1", "2"]
        assert [self.turn() for _ in range(4)] == [
            *(["3", "4", "5"], ["6", "7", "8"], ["9"], []),
        ]
        assert self.transport.is_reading

    def test_lines_are_taken_in_slices_and_in_order(self) -> None:
        self.transport.receive(
            self.run_of(*"0123") + self.server.send(Notice("n")) + self.run_of(*"4567")
        )
        assert not self.transport.is_reading
        seen = [str(getattr(it, "body", it)) for it in self.happened()]
        for _ in range(6):
            self.clock.advance(0)
            seen += [str(getattr(it, "body", it)) for it in self.happened()]
        order = [mark for text in seen for mark in "0123n4567" if f"'{mark}'" in text]
        assert order == [*"0123n4567"]

    def test_what_arrives_meanwhile_comes_after_it(self) -> None:
        self.transport.receive(self.run_of(*"0123456"))
        self.transport.receive(self.run_of(*"789"))
        told = self.texts()
        for _ in range(8):
            told += self.turn()
        assert told == [*"0123456789"]

    def test_a_fast_core_takes_everything_at_once(self) -> None:
        self.slow.take_time = lambda: None
        self.transport.receive(self.run_of(*"0123456789"))
        assert self.texts() == [*"0123456789"] and self.clock.getDelayedCalls()[1:] == []

    def test_a_record_that_breaks_the_protocol_ends_it_when_its_turn_comes(self) -> None:
        good = [self.log.line(TextBody(0, ANY_ACCOUNT, "bob", text)) for text in "0123"]
        run = b"".join([*good, good[0]])  # Out of order.
        self.transport.receive(run + b"".join(self.server.deliver([(b"", sha512(run).digest())])))
        told = self.texts()
        assert told == ["0", "1", "2"] and self.turn() == ["3"]
        assert self.protocol.connection.is_over
        assert PeerClosed(CloseCode.UNEXPECTED) in self.pump()

    def test_a_connection_that_is_lost_in_between_ends_quietly(self) -> None:
        self.transport.receive(self.run_of(*"0123456789"))
        # tearDown loses it, and checks that no call is left.

    def test_a_slice_lasts_as_long_as_the_limits_say(self) -> None:
        assert LIMITS.slice_seconds == 0.005
