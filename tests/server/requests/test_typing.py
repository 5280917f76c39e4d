"""Who is writing: shown to others, kept nowhere, bounded, and only where one may write."""

from chat.limits import Limits
from chat.testing import Client, Server
from chat.wire.messages import (
    Accept,
    Block,
    Leave,
    Moderate,
    Ok,
    Private,
    Slow,
    Typing,
    TypingBody,
)
from tests.server.cases import ServerCase
from tests.server.support import HeldStore


class TypingTests(ServerCase):
    """Alice, who owns the den, bob and carol."""

    def setUp(self) -> None:
        super().setUp()
        self.store = HeldStore()
        self.store.is_holding = False
        self.server = Server(self.store)
        self.alice, self.bob, self.carol = self.server.enter("alice", "bob", "carol")
        for client in (self.alice, self.bob, self.carol):
            client.join("den")
        self.den = self.alice.log("den")

    def type(self, client: Client, room: str = "den") -> None:
        """Let somebody write something."""
        client.send(Typing(client.log(room)))
        self.server.pump()

    def shown(self, client: Client, room: str = "den") -> list[str]:
        """Return who was shown as writing in a room."""
        self.server.pump()
        return [
            it.body.nick
            for it in client.delivered
            if isinstance(it.body, TypingBody) and it.log == client.log(room)
        ]

    def test_others_are_told_and_oneself_is_not(self) -> None:
        self.type(self.bob)
        assert self.shown(self.alice) == self.shown(self.carol) == ["bob"]
        assert self.shown(self.bob) == []
        assert self.shown(self.alice, "lobby") == []
        [passing] = [it for it in self.alice.delivered if isinstance(it.body, TypingBody)]
        assert (passing.seq, passing.body) == (
            0,
            TypingBody(self.server.milliseconds(), self.bob.account, "bob"),
        )

    def test_it_is_kept_nowhere_and_costs_no_commit(self) -> None:
        commits, ever = self.store.commits, dict(self.store.ever)
        self.type(self.bob)
        assert self.shown(self.alice) == ["bob"]
        assert (self.store.commits, self.store.ever) == (commits, ever)
        late = self.server.connect()
        late.log_in("late")
        late.join("den")
        assert self.shown(late) == []

    def test_where_one_may_not_write_nobody_is_told(self) -> None:
        for action, nick in (("mute", "bob"), ("kick", "carol")):
            answer = self.alice.ask(Moderate(self.alice.next_id(), action, nick, self.den))
            assert isinstance(answer, Ok)
        dave = self.server.connect()
        dave.log_in("")  # Refused, so there is a session without an account.
        dave.send(Typing(self.den))
        self.server.pump()
        dave.log_in("dave")
        dave.send(Typing(self.den))
        self.type(self.bob)
        self.type(self.carol)
        assert self.shown(self.alice) == []
        assert dave.closed is None

    def test_who_is_muted_in_the_same_moment_is_not_shown(self) -> None:
        self.bob.send(Typing(self.den))
        number = self.alice.next_id()
        self.alice.send(Moderate(number, "mute", "bob", self.den))
        self.server.pump()
        assert isinstance(self.alice.answer(number), Ok)
        before = self.shown(self.alice)
        self.store.is_holding = True
        self.alice.send(Moderate(self.alice.next_id(), "mute", "carol", self.den))
        self.server.pump()
        self.carol.send(Typing(self.den))  # While her mute is on its way to the disk.
        self.server.pump()
        while self.store.held:
            self.store.release()
            self.server.pump()
        assert self.shown(self.alice) == before

    def test_a_blocked_account_and_one_that_was_not_accepted_show_nothing(self) -> None:
        self.bob.ask(Private(self.bob.next_id(), "alice"))
        log = self.bob.log("alice")
        self.type(self.bob, "alice")
        assert log not in {it.log for it in self.alice.delivered}
        self.alice.ask(Accept(self.alice.next_id(), log))
        self.type(self.bob, "alice")
        assert self.shown(self.alice, "bob") == ["bob"]
        self.server.advance(60)
        self.alice.ask(Block(self.alice.next_id(), "bob"))
        self.type(self.bob, "alice")
        self.type(self.alice, "bob")
        assert self.shown(self.alice, "bob") == ["bob"]
        assert self.shown(self.bob, "alice") == []

    def test_after_leaving_nothing_is_shown(self) -> None:
        self.bob.ask(Leave(self.bob.next_id(), self.den))
        self.type(self.bob)
        assert self.shown(self.alice) == []

    def test_slow_mode_does_not_count_it(self) -> None:
        self.alice.ask(Slow(self.alice.next_id(), self.den, 60))
        self.type(self.bob)
        self.bob.say("hello", "den")
        self.type(self.bob)
        assert self.shown(self.alice) == ["bob", "bob"]

    def test_an_account_is_shown_only_so_often_whatever_it_sends(self) -> None:
        limits = Limits()
        phone = self.server.connect(identity=self.bob.identity)
        phone.log_in("bob")
        for _ in range(100):
            self.type(self.bob, "lobby")
            phone.send(Typing(self.den))
        assert len(self.shown(self.alice, "lobby") + self.shown(self.alice)) == (
            limits.typing_per_account
        )
        self.server.advance(limits.typing_seconds)
        for _ in range(3):
            self.type(self.bob)
        assert len(self.shown(self.alice, "lobby") + self.shown(self.alice)) == (
            limits.typing_per_account + 1
        )
        assert self.bob.closed is None

    def test_a_room_shows_only_so_many(self) -> None:
        limits = Limits()
        crowd = self.server.enter(*(f"u{number}" for number in range(20)))
        for each in crowd:
            each.join("den")
        for each in crowd:
            self.type(each)
        assert len(self.shown(self.alice)) == limits.typing_per_room
        self.type(self.bob, "lobby")
        assert self.shown(self.alice, "lobby") == ["bob"]
        self.server.advance(limits.typing_seconds)
        for each in crowd:
            self.type(each)
        assert len(self.shown(self.alice)) <= 2 * limits.typing_per_room
