"""Clients that read nothing, and clients that read slowly."""

from collections.abc import Callable

from twisted.internet.task import Clock

from chat.limits import Limits
from chat.server.connections.stalls import Stalls
from chat.wire.errors import CloseCode
from tests.server.cases import ServerCase


class Reader:
    """A connection whose peer leaves a given number of bytes untaken."""

    number = 1
    left = 100_000
    closed: tuple[CloseCode, str] | None = None

    def __init__(self) -> None:
        self.on_close: Callable[[], None] = lambda: None

    def untaken(self) -> int:
        """Return the number of untaken bytes."""
        return self.left

    def close(self, code: CloseCode, reason: str) -> None:
        """Record the reason."""
        self.closed = code, reason
        self.on_close()


class StallTests(ServerCase):
    """A minute with nothing taken, or half an hour for everything."""

    def setUp(self) -> None:
        """Watch a reader whose transport is full."""
        self.clock = Clock()
        self.stalls = Stalls(Limits(), self.clock.seconds)
        self.reader = Reader()
        self.stalls.begin(self.reader)

    def reason(self, seconds: float) -> str | None:
        """Advance the clock, and return why the reader was closed, if it was."""
        self.clock.advance(seconds)
        self.stalls.close_overdue()
        if self.reader.closed is None:
            return None
        code, reason = self.reader.closed
        assert code is CloseCode.SLOW_CONSUMER
        return reason

    def test_who_takes_nothing_is_overdue_after_a_minute(self) -> None:
        assert self.reason(60) is None
        assert self.reason(1) == "it does not read"

    def test_who_takes_little_is_not(self) -> None:
        for _ in range(30):
            self.reader.left -= 1
            assert self.reason(59) is None
        assert self.reason(2) is None

    def test_nor_who_is_given_more_by_the_transport_meanwhile(self) -> None:
        for _ in range(10):
            self.reader.left += 1
            assert self.reason(59) is None

    def test_the_minute_begins_anew_when_something_is_taken(self) -> None:
        self.reader.left -= 1
        assert self.reason(50) is None
        assert self.reason(60) is None
        assert self.reason(1) == "it does not read"

    def test_who_is_not_done_in_half_an_hour_is_overdue(self) -> None:
        for _ in range(1_800):
            self.reader.left -= 1
            assert self.reason(1) is None
        self.reader.left -= 1
        assert self.reason(1) == "it reads too slowly"

    def test_who_is_done_is_never_overdue_and_begins_anew(self) -> None:
        self.clock.advance(59)
        self.stalls.end(self.reader.number)
        assert self.reason(1_000) is None
        self.stalls.begin(self.reader)
        assert self.reason(60) is None
        self.stalls.end(self.reader.number)
        self.stalls.end(self.reader.number)

    def test_somebody_may_be_gone_at_once(self) -> None:
        self.reader.on_close = lambda: self.stalls.end(self.reader.number)
        assert self.reason(61) == "it does not read"
        self.reader.closed = None
        assert self.reason(1_000) is None
