"""A failing store changes nothing; the audit log has each action once, or not at all."""

from collections.abc import Callable
from typing import Final

import msgspec
import pytest
from msgspec import Struct

from chat.ids import MessageId
from chat.rooms.errors import NickTakenError, NoSuchRoomError, NotStoredError
from chat.rooms.roles import Action
from chat.server.administration import requests as c
from chat.wire import messages as m
from tests.server.cases import COMMITS, ServerCase, refused
from tests.server.requests.worlds import ASKED, Line, World, settled_world, snapshot
from tests.store.commits import fired

OPERATORS: Final[dict[str, c.Request]] = {
    **{
        action.value: c.Do(action, "bob", 0, "why")
        for action in Action
        if action is not Action.KICK
    },
    "own": c.Own("bob"),
    "recover": c.Recover("bob"),
    "block": c.Block("198.51.100.7"),
    "unblock": c.Unblock("198.51.100.7"),
    "invite": c.Invite(1, 60, "den"),
}

BEFORE: Final = {"unban": "ban", "unmute": "mute", "deop": "op", "unblock": "block"}
"""The action that must come before another one."""


def moderating(action: Action, *, here: bool) -> Callable[[World], Struct]:
    """Return the request that acts on bob, in the den or on the server."""
    if here:
        return lambda world: m.Moderate(ASKED, action.value, "bob", world.log())
    return lambda _: m.Moderate(ASKED, action.value, "bob")


MODERATORS: Final[dict[str, Callable[[World], Struct]]] = {
    **{f"{it.value} here": moderating(it, here=True) for it in Action},
    **{it.value: moderating(it, here=False) for it in Action if it is not Action.KICK},
    "slow": lambda world: m.Slow(ASKED, world.log(), 5),
    "token": lambda _: m.Token(ASKED, 1, 60),
}


class FailingCase(ServerCase):
    """A world with olga, who owns the server, and alice."""

    def setUp(self) -> None:
        """Log them in."""
        self.world = settled_world()
        self.olga, self.alice = self.world.enter("olga"), self.world.enter("alice")

    def ask(self, line: Line, message: Struct) -> Struct:
        """Return the one answer to a request."""
        line.sent.clear()
        self.world.ask(line, message)
        [answer] = line.answers()
        return answer


class AuditTests(FailingCase):
    """Exactly one entry per privileged request, in the commit that carries it out."""

    def test_whatever_moderators_ask(self) -> None:
        for name, make in MODERATORS.items():
            self.setUp()
            action, *where = name.split()
            if action in BEFORE:
                self.ask(self.olga, MODERATORS[" ".join([BEFORE[action], *where])](self.world))
                self.world.settle()
            store, before = self.world.store, self.world.audit()
            hub = snapshot(self.world.hub)
            store.is_broken = True
            answer = self.ask(self.olga, make(self.world))
            assert answer == refused(ASKED, NotStoredError()), name
            assert snapshot(self.world.hub) == hub
            store.is_broken = False
            assert self.world.audit() == before, name
            commits = self.world.store.commits
            assert not isinstance(self.ask(self.olga, make(self.world)), m.Refused), name
            self.world.settle()
            assert self.world.audit() == before + 1, name
            assert self.world.store.commits == commits + 1, name
            self.world.check_kept()

    def test_what_is_refused_leaves_none(self) -> None:
        before = self.world.audit()
        bob = self.world.enter("bob")
        for make in MODERATORS.values():
            assert isinstance(self.ask(bob, make(self.world)), m.Refused)
        assert self.world.audit() == before

    def test_whatever_the_operator_asks(self) -> None:
        for name, request in OPERATORS.items():
            self.setUp()
            world = self.world
            if name in BEFORE:
                world.operate(OPERATORS[BEFORE[name]])
                world.turn()
            before, hub = world.audit(), snapshot(world.hub)
            world.store.is_broken = True
            failed = world.operate(request)
            world.turn()
            with pytest.raises(c.ControlError):
                fired(failed)
            assert snapshot(world.hub) == hub
            world.store.is_broken = False
            assert world.audit() == before, name
            done = world.operate(request)
            world.turn()
            self.successResultOf(done)
            assert world.audit() == before + 1, name
            world.check_kept()


class TwoChangesTests(FailingCase):
    """Failure: two changes of one room in flight, and both fail."""

    def test_later_changes_work_at_once_and_the_refused_topic_is_nowhere(self) -> None:
        world, log = self.world, self.world.log()
        world.ask(self.olga, m.Read(2, log, 0))
        world.store.holds = COMMITS
        world.ask(self.olga, m.Topic(ASKED, log, "refused"))
        world.ask(self.alice, m.Slow(ASKED, log, 5))
        for line in (self.olga, self.alice):
            world.store.refuse()
            world.turn()
            assert line.answers() == [refused(ASKED, NotStoredError())]
        room = world.hub.named_room("den")
        assert (room.topic, room.slow) == ("", 0)
        world.store.holds = ()
        assert self.ask(self.olga, m.Topic(ASKED, log, "kept")) == m.Ok(ASKED)
        assert self.ask(self.alice, m.Slow(ASKED, log, 7)) == m.Ok(ASKED)
        assert (room.topic, room.slow) == ("kept", 7)
        again = World(world.store.copy()).hub.named_room("den")
        assert (again.topic, again.slow) == ("kept", 7)

    def test_the_same_once_more_is_not_answered_before_the_first_is_durable(self) -> None:
        world, log = self.world, self.world.log()
        world.store.holds = COMMITS
        for line in (self.olga, self.alice):
            world.ask(line, m.Topic(ASKED, log, "news"))
        assert self.olga.answers() == self.alice.answers() == []
        world.settle()
        assert self.olga.answers() == self.alice.answers() == [m.Ok(ASKED)]


class RetryTests(FailingCase):
    """A failed login lets nobody in, and blocks nobody."""

    def test_an_account_that_came_to_nothing_needs_its_code_again(self) -> None:
        world = self.world
        issued = self.ask(self.alice, m.Code(ASKED))
        assert isinstance(issued, m.CodeIssued)
        new = world.connect("new")
        world.store.is_broken = True
        login = world.login(new, "alice", ASKED, code=issued.code)
        assert self.ask(new, login) == refused(ASKED, NotStoredError())
        world.store.is_broken = False
        bare = msgspec.structs.replace(login, code=msgspec.UNSET)
        taken = refused(ASKED, NickTakenError("alice"))
        assert self.ask(new, bare) == taken
        restarted = World(world.store.copy())
        line = restarted.connect("new")
        restarted.ask(line, restarted.login(line, "alice", ASKED))
        assert line.answers() == [taken]
        assert isinstance(self.ask(new, login), m.Welcome)

    def test_who_joins_a_room_whose_making_fails_makes_it_or_hears_that_there_is_none(self) -> None:
        world = self.world
        world.store.holds = COMMITS
        bob, carol = world.enter("bob"), world.enter("carol")
        world.ask(self.alice, m.Join(ASKED, "cellar", "public"))
        world.ask(bob, m.Join(ASKED, "cellar"))
        world.ask(carol, m.Join(ASKED, "cellar", "public"))
        world.store.refuse()
        world.settle()
        assert self.alice.answers() == [refused(ASKED, NotStoredError())]
        assert bob.answers() == [refused(ASKED, NoSuchRoomError())]
        assert isinstance(carol.answers()[0], m.Joined)
        world.store.holds = ()
        assert world.hub.named_room("cellar").owner == carol.account
        world.ask(carol, m.Post(98, world.log("cellar"), MessageId(bytes(16)), "hello"))
        assert len(carol.answers(98)) == 1
        world.check_kept()
