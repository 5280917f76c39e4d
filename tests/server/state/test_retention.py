"""Old records are removed."""

from typing import Final

from twisted.logger import capturedLogs

from chat.server.state import retention as retention_module
from chat.server.state.retention import EVERYTHING, Retention, RetentionPolicy
from chat.testing import Server
from chat.wire.messages import Edit, History, Page, Read
from tests.server.support import HeldStore, ServerCase, chat_lines, message_id
from tests.store.commits import fired

DAY: Final = 86_400


class RetentionTests(ServerCase):
    """A log from a day ago, and a reader."""

    def setUp(self) -> None:
        """Make alice post five times, the last two a day later."""
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

    def start(self, policy: RetentionPolicy) -> Retention:
        """Start the retention, which runs now and every hour."""
        server, context = self.server, self.server.dispatcher.context
        retention = Retention(
            *(context.hub, context.commits, policy, server.clock, 3_600, context.time)
        )
        retention.start()
        server.pump()
        return retention

    def left(self) -> list[int]:
        """Return the records that are left."""
        return [it.seq for it in fired(self.store.read(self.alice.log(), 0, 10_000))]

    def test_everything_is_kept_unless_somebody_says_otherwise(self) -> None:
        before = len(self.server.clock.getDelayedCalls())
        retention = self.start(EVERYTHING)
        assert len(self.server.clock.getDelayedCalls()) == before
        assert self.left() == [1, 2, 3, 4, 5]
        retention.stop()

    def test_some_logs_share_a_commit(self) -> None:
        for number in range(6):
            self.alice.join(f"room{number}")
        commits = self.store.commits
        retention = self.start(RetentionPolicy(days=1))
        assert self.store.commits - commits == 4, "of 7 logs and 8 audit logs, 4 share one"
        retention.stop()

    def test_what_is_much_goes_part_by_part(self) -> None:
        self.replace(retention_module, "_TRIMMED", 6)
        commits = self.store.commits
        retention = self.start(RetentionPolicy(records=1))
        assert self.left() == [5]
        assert self.store.commits - commits == 2, "two, because others may need it, and the rest"
        retention.stop()

    def test_what_is_too_old_goes(self) -> None:
        retention = self.start(RetentionPolicy(days=1))
        assert self.left() == [4, 5]
        retention.stop()

    def test_what_is_too_many_goes_at_the_start_and_every_hour(self) -> None:
        with capturedLogs() as events:
            retention = self.start(RetentionPolicy(records=4))
        assert chat_lines(events) == ["1 old records of 1 logs were removed: beyond the newest 4"]
        assert self.left() == [2, 3, 4, 5]
        self.alice.say("more")
        self.server.clock.advance(3_600)
        self.server.pump()
        assert self.left() == [3, 4, 5, 6]
        retention.stop()

    def test_a_failure_is_told_and_tried_again(self) -> None:
        self.store.is_broken = True
        with capturedLogs() as events:
            retention = self.start(RetentionPolicy(records=1))
        assert chat_lines(events)[-1] == "Old records could not be removed: a broken disk"
        self.store.is_broken = False
        self.server.clock.advance(3_600)
        self.server.pump()
        assert self.left() == [5]
        retention.stop()

    def test_every_log_is_looked_at(self) -> None:
        for number in range(3):
            self.alice.join(f"room{number}")
            for text in ("one", "two"):
                self.alice.say(text, f"room{number}")
        retention = self.start(RetentionPolicy(records=1))
        assert self.left() == [5]
        for number in range(3):
            log = self.alice.log(f"room{number}")
            assert [it.seq for it in fired(self.store.read(log, 0, 10_000))] == [2]
        retention.stop()

    def test_who_comes_back_gets_what_there_is(self) -> None:
        retention = self.start(RetentionPolicy(records=2))
        back = self.server.connect(identity=self.bob.identity)
        back.log_in("")
        back.ask(Read(99, self.alice.log(), 0))
        assert back.texts == [("alice", "3"), ("alice", "4")]
        assert back.ask(History(98, self.alice.log(), 50)) == Page(98, 2, False)
        self.alice.say("live")
        assert back.texts[-1] == ("alice", "live")
        retention.stop()

    def test_an_edit_of_what_was_removed_on_the_way_is_refused(self) -> None:
        retention = self.start(RetentionPolicy(records=1))
        log = self.alice.log()
        refusal = self.alice.ask(Edit(99, log, message_id(1), 1, "too late"))
        assert getattr(refusal, "code", "") == "not_yours"
        retention.stop()

    def test_clients_are_told(self) -> None:
        assert EVERYTHING.as_limits() == {}
        assert RetentionPolicy(7, 100).as_limits() == {"days": 7, "records": 100}
