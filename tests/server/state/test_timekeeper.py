"""A clock that jumps, at a start or during a run, destroys nothing."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from chat.limits import Limits
from chat.rooms import accounts
from chat.server.state import timekeeper as module
from chat.server.state.retention import Retention, RetentionPolicy
from chat.server.state.timekeeper import SECONDS, Timekeeper, read_uptime
from chat.testing import Server
from chat.wire.messages import Moderate, Ok, Post, Refused, Token, TokenIssued, Welcome
from tests.server.support import HeldStore, ServerCase, chat_lines, message_id

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
NOON: Final = 20_000 * DAY
JUMPS: Final = (60 * DAY, 2 * DAY, 6 * MINUTE, -6 * MINUTE, -HOUR, -3 * DAY, -15_000 * DAY)


PATIENT: Final = Limits(ping_seconds=10**9, silence_seconds=2 * 10**9)


class TimeCase(ServerCase):
    """A server, and a clock that the test sets."""

    def setUp(self) -> None:
        """Let alice post a day and a half before noon, and set the clock to noon."""
        self.store = HeldStore()
        self.store.is_holding = False
        self.wrong = 0
        self.boot = "first"
        self.uptime = 1_000.0
        self.replace(module, "read_uptime", self.read)
        self.replace(Server, "milliseconds", self.wall)
        self.now = NOON - 36 * HOUR
        self.server = Server(self.store, PATIENT)
        [self.alice, self.bob] = self.server.enter("alice", "bob")
        self.alice.say("old")
        self.pass_time(36 * HOUR)

    def wall(self) -> int:
        """Return the clock's time."""
        return self.now + self.wrong

    def read(self) -> tuple[str, float]:
        """Return the uptime."""
        return self.boot, self.uptime

    @property
    def time(self) -> Timekeeper:
        """The server's time."""
        return self.server.dispatcher.context.time

    def pass_time(self, milliseconds: int) -> None:
        """Let time pass on every clock."""
        self.now += milliseconds
        self.uptime += milliseconds / 1_000
        self.server.clock.advance(milliseconds / 1_000)
        self.server.pump()

    def restart(self, after: int = 0, is_booted: bool = False) -> Server:
        """Save the time, stop, and start again after so many milliseconds."""
        self.wait(self.time.save())
        self.now += after
        self.uptime += after / 1_000
        if is_booted:
            self.boot, self.uptime = "second", 1.0
        self.server = Server(self.store, PATIENT)
        return self.server

    def wait(self, coroutine: Coroutine[Deferred[object], object, object]) -> None:
        """Let the server do something."""
        done = Deferred.fromCoroutine(coroutine)
        self.server.pump()
        assert done.called
        failures: list[object] = []
        done.addErrback(failures.append)
        assert failures == []

    def own(self) -> None:
        """Make alice the owner of the server."""
        context = self.server.dispatcher.context
        context.commits.change(lambda: accounts.own(context.hub, "alice", "root", 0))
        self.server.pump()

    def trim(self) -> list[str]:
        """Remove what is older than a day, and return the log."""
        context = self.server.dispatcher.context
        policy = RetentionPolicy(days=1)
        retention = Retention(
            *(context.hub, context.commits, policy, self.server.clock, 3_600, context.time)
        )
        with capturedLogs() as events:
            self.wait(retention.trim())
        return chat_lines(events)


class StartTests(TimeCase):
    """Which clocks a start trusts."""

    def test_a_jump_across_a_start_removes_nothing(self) -> None:
        for is_booted in (False, True):
            for jump in JUMPS:
                if is_booted and 0 < jump <= DAY:
                    continue  # A pause of a day is accepted.
                self.setUp()
                was = self.now
                self.wrong = jump
                with capturedLogs() as events:
                    self.restart(0, is_booted)
                assert self.time.is_in_doubt
                [line] = [it for it in chat_lines(events) if it.startswith("The clock says")]
                assert "chat.admin clock --accept" in line
                assert abs(self.time.milliseconds() - was) < MINUTE
                assert self.trim() == []

    def test_a_pause_is_believed(self) -> None:
        for after, is_booted in ((23 * HOUR, True), (0, True), (90 * DAY, False)):
            self.setUp()
            self.restart(after, is_booted)
            assert not self.time.is_in_doubt
            [line] = self.trim()
            assert line.startswith("1 old records of 1 logs were removed: from before 202")

    def test_a_long_pause_of_the_machine_takes_the_operator_s_word(self) -> None:
        self.restart(40 * DAY, True)
        assert self.time.is_in_doubt and self.trim() == []
        assert self.time.compare()["in doubt"] == "yes"
        self.wait(self.time.accept("root"))
        assert not self.time.is_in_doubt and len(self.trim()) == 1
        # It stays so.
        self.restart()
        assert not self.time.is_in_doubt

    def test_records_of_an_earlier_version_are_looked_at(self) -> None:
        for days, is_believed in ((1, True), (2, False), (60, False), (-60, True)):
            self.setUp()
            self.now += days * DAY - 36 * HOUR
            self.server = Server(self.store, PATIENT)
            assert self.server.dispatcher.context.hub.moment is None
            assert self.time.is_in_doubt is not is_believed, days

    def test_without_an_uptime_a_pause_of_a_day_is_believed(self) -> None:
        self.boot = ""
        self.restart(23 * HOUR)
        assert not self.time.is_in_doubt
        self.restart(25 * HOUR)
        assert self.time.is_in_doubt

    def test_the_uptime_of_this_machine(self) -> None:
        boot, seconds = read_uptime()
        assert bool(boot) == (seconds > 0)
        self.replace(module, "Path", lambda path: Path("/nowhere"))
        assert read_uptime() == ("", 0.0)


class RunTests(TimeCase):
    """Which clocks a run trusts."""

    def test_a_jump_in_a_run_removes_nothing(self) -> None:
        for jump in JUMPS:
            self.setUp()
            self.wrong = jump
            assert self.time.is_in_doubt and self.trim() == []
            self.wrong = 0
            assert not self.time.is_in_doubt and len(self.trim()) == 1

    def test_sanctions_survive_jumps(self) -> None:
        self.own()
        for jump in JUMPS:
            self.wrong = 0
            mute = Moderate(self.alice.next_id(), "mute", "bob", seconds=1_800)
            assert self.alice.ask(mute) == Ok(mute.id)
            self.wrong = jump
            self.pass_time(29 * MINUTE)
            assert self.is_muted()
            self.pass_time(MINUTE)
            assert not self.is_muted()

    def is_muted(self) -> bool:
        """Return whether bob is muted."""
        post = Post(self.bob.next_id(), self.bob.log(), message_id(self.bob.next_id()), "hi")
        answer = self.bob.ask(post)
        assert not isinstance(answer, Refused) or answer.code == "muted"
        return isinstance(answer, Refused)

    def test_invitations_survive_jumps(self) -> None:
        self.own()
        for number, jump in enumerate(JUMPS):
            self.wrong = 0
            issued = self.alice.ask(Token(self.alice.next_id(), 9, 1_800))
            assert isinstance(issued, TokenIssued)
            self.wrong = jump
            for minutes, kind in ((29, Welcome), (1, Refused)):
                self.pass_time(minutes * MINUTE)
                guest = self.server.connect()
                guest.log_in(f"guest{number}{minutes}", token=issued.token)
                [answer] = [it for it in guest.received if isinstance(it, Welcome | Refused)]
                assert isinstance(answer, kind)

    def test_small_differences_are_followed_slowly(self) -> None:
        self.wrong = 2 * MINUTE
        self.time.start()
        self.server.pump()
        before = self.time.milliseconds()
        self.pass_time(round(1_000 * SECONDS))
        assert self.time.milliseconds() - before == 1_000 * SECONDS + 1_000
        self.time.stop()
        self.time.stop()

    def test_the_log_says_once_that_the_clock_is_in_doubt_and_once_that_it_is_right(self) -> None:
        self.time.start()
        self.server.pump()
        with capturedLogs() as events:
            for wrong in (DAY, DAY, 0, 0):
                self.wrong = wrong
                self.pass_time(round(1_000 * SECONDS))
        lines = [line for line in chat_lines(events) if line.startswith("The clock")]
        assert [line[:12] for line in lines] == ["The clock sa", "The clock is"]
        self.store.is_broken = True
        with capturedLogs() as events:
            self.pass_time(round(1_000 * SECONDS))
        assert chat_lines(events) == ["The store fails: a broken disk"]
        self.time.stop()
