"""Rounds through the logs of accounts, a few in each turn."""

from twisted.internet.task import Clock

from chat.ids import AccountId, LogId
from chat.limits import Limits
from chat.rooms.hub import Hub
from chat.rooms.values import AccountKey, Kind, Membership, MembershipKey, Profile, RoomKey
from chat.rooms.values import RoomProfile as Room
from chat.server.requests.rounds import STEP, Rounds
from chat.testing import Server
from chat.wire import messages as m
from tests.server.cases import ServerCase


class _Turns(Clock):
    """A clock that makes one call per turn."""

    def turn(self) -> None:
        """Make the first due call."""
        if self.calls:
            call = self.calls.pop(0)
            call.called = 1
            call.func(*call.args)


class RoundTests(ServerCase):
    """The logs of all accounts are told, in turns."""

    def setUp(self) -> None:
        self.hub, self.clock = Hub(), _Turns()
        self.rounds = Rounds(self.hub, self.clock)
        self.told: list[tuple[str, LogId]] = []

    def account(self, name: str, logs: int) -> AccountId:
        """Return an account that is in this many logs."""
        account = AccountId(name.encode().ljust(16, b"."))
        self.hub.put(AccountKey(account), Profile(name))
        for number in range(logs):
            log = LogId(f"{name}{number:05}".encode().ljust(16, b"."))
            self.hub.put(RoomKey(log), Room(Kind.PUBLIC, f"{name}{number}", account))
            self.hub.put(MembershipKey(log, account), Membership())
        return account

    def begin(self, account: AccountId, what: str, replaces: bool = False) -> None:
        """Begin a round that records the logs told."""
        self.rounds.begin(account, lambda log: self.told.append((what, log)), replaces)

    def turns(self, count: int) -> None:
        """Let this many turns pass."""
        for _ in range(count):
            self.clock.turn()

    def test_few_logs_are_told_at_once(self) -> None:
        ana = self.account("ana", STEP - 1)
        self.begin(ana, "x")
        assert len(self.told) == STEP - 1
        assert not self.rounds.is_on(ana)
        assert self.clock.getDelayedCalls() == []

    def test_many_are_told_once_each_so_many_a_turn(self) -> None:
        ana = self.account("ana", 5 * STEP)
        self.begin(ana, "x")
        for turn in range(1, 6):
            assert len(self.told) == turn * STEP
            self.turns(1)
        assert [log for _, log in self.told] == self.hub.logs()
        assert not self.rounds.is_on(ana)

    def test_accounts_take_turns_and_one_s_rounds_are_in_order(self) -> None:
        ana, bob = self.account("ana", 9 * STEP), self.account("bob", 2 * STEP + 1)
        self.begin(ana, "a")
        self.begin(ana, "b")
        self.begin(bob, "c")
        of_bob, of_ana = self.rounds.over(bob), self.rounds.over(ana)
        self.turns(4)
        assert of_bob.called and not of_ana.called
        self.turns(20)
        assert of_ana.called
        whats = [what for what, _ in self.told if what != "c"]
        assert whats == ["a"] * 9 * STEP + ["b"] * 9 * STEP

    def test_comings_and_goings_do_not_pile_up(self) -> None:
        ana = self.account("ana", 2 * STEP)
        for number in range(100):
            self.begin(ana, str(number), replaces=True)
        self.turns(9)
        assert {what for what, _ in self.told} == {"0", "99"}

    def test_logs_that_are_left_and_bugs_are_nobody_else_s(self) -> None:
        ana = self.account("ana", 2 * STEP)
        last = max(self.hub.logs())

        def tell(log: LogId) -> None:
            self.told.append(("x", log))
            if len(self.told) == 1:
                self.hub.put(MembershipKey(last, ana), None)
                raise ValueError

        self.rounds.begin(ana, tell)
        self.turns(3)
        assert len(self.told) == 2 * STEP - 1
        self.expect_error(ValueError)

    def test_a_server_that_stops_tells_nobody_more(self) -> None:
        self.begin(self.account("ana", 2 * STEP), "x")
        self.rounds.close()
        self.rounds.close()
        assert self.clock.getDelayedCalls() == []


class RenameTests(ServerCase):
    """A rename of somebody who is in many logs."""

    def test_all_are_told_one_name_after_the_other(self) -> None:
        server = Server(limits=Limits(rooms_per_account=1_000))
        ana, bob = server.enter("ana", "bob")
        for number in range(2 * STEP):
            ana.join(f"r{number}")
            bob.join(f"r{number}")
        other = server.connect(identity=ana.identity)
        other.log_in("ana")
        first, second = m.Nick(ana.next_id(), "eva"), m.Nick(other.next_id(), "eve")
        ana.send(first)
        other.send(second)
        server.pump()
        assert isinstance(ana.answer(first.id), m.Ok)
        assert isinstance(other.answer(second.id), m.Ok)
        renamed = [it.body for it in bob.delivered if isinstance(it.body, m.RenamedBody)]
        half = 2 * STEP + 1
        assert len(renamed) == 2 * half
        assert sum(it.nick == "eva" for it in renamed) == half
        assert isinstance(ana.join("another"), m.Joined)
