"""What is kept no longer is removed."""

from typing import Final

from twisted.logger import capturedLogs

from chat.server.state.retention import EVERYTHING, Keeps, Retention
from chat.store.interface import StoreError
from chat.testing import Server
from chat.wire.messages import History, Page, Read
from tests.server.support import HeldStore, ServerCase, chat_lines
from tests.store.suite import fired

DAY: Final = 86_400


class RetentionTests(ServerCase):
    """A log that is a day old, and somebody who reads it."""

    def setUp(self) -> None:
        """Let alice say five things, the last two a day later."""
        self.store = HeldStore()
        self.store.is_holding = False
        self.server = Server(self.store)
        self.alice, self.bob = self.server.enter("alice", "bob")
        self.bob.bye()
        for number in range(5):
            if number == 3:
                self.server.clock.advance(DAY + 1)
                self.alice = self.server.connect(identity=self.alice.identity)
                self.alice.log_in("")
                self.alice.join()
            self.alice.say(str(number))

    def retention(self, keeps: Keeps) -> Retention:
        """Return what removes all but what is to be kept."""
        server = self.server
        hub = server.factory.desk.context.hub
        return Retention(hub, self.store, keeps, server.clock, 3_600, server.milliseconds)

    def left(self) -> list[int]:
        """Return what is left."""
        return [it.seq for it in fired(self.store.read(self.alice.log(), 0, 10_000))]

    def test_everything_is_kept_unless_somebody_says_otherwise(self) -> None:
        before = len(self.server.clock.getDelayedCalls())
        retention = self.retention(EVERYTHING)
        retention.start()
        assert len(self.server.clock.getDelayedCalls()) == before
        assert self.left() == [1, 2, 3, 4, 5]
        retention.stop()

    def test_what_is_too_old_goes(self) -> None:
        retention = self.retention(Keeps(days=1))
        retention.start()
        assert self.left() == [4, 5]
        retention.stop()

    def test_what_is_too_many_goes_at_the_start_and_every_hour(self) -> None:
        retention = self.retention(Keeps(records=4))
        with capturedLogs() as events:
            retention.start()
        assert chat_lines(events) == ["1 old records were removed"]
        assert self.left() == [2, 3, 4, 5]
        self.alice.say("more")
        self.server.clock.advance(3_600)
        assert self.left() == [3, 4, 5, 6]
        retention.stop()

    def test_a_failure_is_told_and_tried_again(self) -> None:
        retention = self.retention(Keeps(records=1))
        trim = self.store.trim
        self.replace(self.store, "trim", self.fail_to_trim)
        with capturedLogs() as events:
            retention.start()
        assert chat_lines(events) == ["Old records could not be removed: a broken disk"]
        self.replace(self.store, "trim", trim)
        self.server.clock.advance(3_600)
        assert self.left() == [5]
        retention.stop()

    def fail_to_trim(self, *_: object) -> None:
        """Fail."""
        raise StoreError("a broken disk")

    def test_who_comes_back_gets_what_there_is(self) -> None:
        retention = self.retention(Keeps(records=2))
        retention.start()
        back = self.server.connect(identity=self.bob.identity)
        back.log_in("")
        back.ask(Read(99, self.alice.log(), 0))
        assert back.texts == [("alice", "3"), ("alice", "4")]
        assert back.ask(History(98, self.alice.log(), 50)) == Page(98, 2, False)
        self.alice.say("live")
        assert back.texts[-1] == ("alice", "live")
        retention.stop()

    def test_clients_are_told(self) -> None:
        assert EVERYTHING.as_limits() == {}
        assert Keeps(7, 100).as_limits() == {"days": 7, "records": 100}
