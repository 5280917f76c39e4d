"""A request is an entry in a table: a toy request works like the others."""

from chat.ids import LogId
from chat.rooms.errors import NotAMemberError, NotLoggedInError, UnknownRequestError
from chat.server.requests.asking import Asking
from chat.server.requests.standing import member
from chat.server.requests.table import ROUTES, Route
from chat.wire import messages as m
from tests.server.cases import ServerCase, refused
from tests.server.requests.worlds import ASKED, settled_world


class Wave(m.Request, frozen=True):
    """Wave at everybody in a log."""

    log: LogId


def wave(asking: Asking[Wave]) -> None:
    """Answer once."""
    waved.append(asking.account.nick)
    asking.session.send(m.Ok(asking.request.id))


waved: list[str] = []


class ToyTests(ServerCase):
    """A request that exists only in this test."""

    def setUp(self) -> None:
        """Add it to the server's table."""
        waved.clear()
        self.world = settled_world(routes=[*ROUTES, Route(Wave, member, wave, cost=7)])

    def test_it_is_answered_once_and_costs_what_it_says(self) -> None:
        bob = self.world.enter("bob")
        self.world.ask(bob, Wave(ASKED, self.world.log()))
        assert bob.answers() == [m.Ok(ASKED)]
        assert (waved, bob.charged) == (["bob"], 6), "its line is counted by the connection"

    def test_who_may_not_ask_does_not_reach_its_handler(self) -> None:
        carol, stranger = self.world.enter("carol"), self.world.connect("nobody")
        for line, error in ((carol, NotAMemberError()), (stranger, NotLoggedInError())):
            self.world.ask(line, Wave(ASKED, self.world.log()))
            assert line.answers() == [refused(ASKED, error)]
        assert waved == []

    def test_a_server_without_it_does_not_know_it(self) -> None:
        world = settled_world()
        bob = world.enter("bob")
        world.ask(bob, m.Unknown("wave", ASKED))
        assert bob.answers() == [refused(ASKED, UnknownRequestError())]
