"""A core with its network, as every face begins."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.client.core.core import Core
from chat.client.core.events import Ended, Ending, Event, TrustAsked
from chat.client.core.model import Connection, End, Phase
from chat.client.network.assemble import assemble
from chat.limits import ClientLimits
from chat.wire.errors import CloseCode
from tests.client.core.support import FakeKeys, FakePartners, FakePins
from tests.client.network.support import FakeEndpoint
from tests.client.support import ADDRESS, KEY


class AssembleTests(SynchronousTestCase):
    """Core, dialer and protocol together, at an endpoint that does as it is told."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.endpoint = FakeEndpoint()
        self.events: list[Event] = []

    def tearDown(self) -> None:
        assert self.clock.getDelayedCalls() == []

    def assemble(self, *, can_ask: bool = False) -> Core:
        """Return a core that is on its way."""
        core = assemble(
            *(self.clock, self.events.append, ADDRESS),
            keys=FakeKeys(),
            pins=FakePins(),
            partners=FakePartners(),
            can_ask=can_ask,
            endpoint=self.endpoint,
            client_limits=ClientLimits(first_retry=7, last_retry=7),
        )
        core.log_in_as("ana")
        return core

    def end(self, core: Core) -> None:
        """Close the core, and let its connection end."""
        core.close()
        self.endpoint.cut()

    def test_a_connection_says_hello(self) -> None:
        core = self.assemble()
        assert self.endpoint.transports[0].value().startswith(b"encchat/")
        self.end(core)
        assert isinstance(self.events[-1], Ended)

    def test_no_connection_is_a_sentence(self) -> None:
        self.endpoint.is_there = False
        core = self.assemble()
        self.clock.advance(0)
        [ending] = [it for it in self.events if isinstance(it, Ending)]
        assert ending.end is End.CONNECTION
        assert ending.sentences == (
            "Nothing listens at chat.example.org:5555; is the server running?",
        )
        assert core.connection.phase is Phase.OVER

    def test_the_core_says_when_the_next_attempt_is(self) -> None:
        core = self.assemble()
        self.clock.advance(3)
        core.peer_closed(CloseCode.BUSY, None)
        self.endpoint.cut()
        busy = "The server has too many connections; try again in a moment."
        assert core.connection == Connection(Phase.WAITING, busy, 10)
        self.clock.advance(6)
        assert self.endpoint.attempts == 1
        self.clock.advance(1)
        assert self.endpoint.attempts == 2
        self.end(core)

    def test_a_new_host_key_is_asked_about_if_there_is_somebody_to_ask(self) -> None:
        for can_ask, expected in ((True, Phase.ASKING_TRUST), (False, Phase.OVER)):
            core = self.assemble(can_ask=can_ask)
            core.offered(KEY, b"", is_loopback=False)
            assert core.connection.phase is expected
            assert any(isinstance(it, TrustAsked) for it in self.events) is can_ask
            self.end(core)
            self.events.clear()
