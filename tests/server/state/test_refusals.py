"""A refusal that is because of somebody else's change is told when that change is durable."""

from chat.testing import Server
from chat.wire.messages import Join, Joined, Refused
from tests.server.cases import COMMITS, HeldStore, ServerCase


class RefusalTests(ServerCase):
    """Two make a room of the same name, in one commit."""

    def setUp(self) -> None:
        super().setUp()
        self.store = HeldStore()
        self.server = Server(self.store)
        self.one, self.other = self.server.enter("one", "other")
        self.store.holds = COMMITS
        self.made = []
        for client in (self.one, self.other):
            self.made.append(client.next_id())
            client.send(Join(self.made[-1], "den", "public", new=True))
        self.server.pump()

    def test_it_waits_for_the_commit_and_then_the_room_is_there(self) -> None:
        for client, number in zip((self.one, self.other), self.made, strict=True):
            assert not [it for it in client.received if getattr(it, "id", None) == number]
        self.store.holds = ()
        self.store.release()
        self.server.pump()
        assert isinstance(self.one.answer(self.made[0]), Joined)
        refused = self.other.answer(self.made[1])
        assert isinstance(refused, Refused) and refused.code == "room_taken"
        assert isinstance(self.other.ask(Join(self.other.next_id(), "den")), Joined)

    def test_if_that_fails_neither_has_it_and_the_name_is_free(self) -> None:
        self.store.refuse()
        self.server.pump()
        for client, number in zip((self.one, self.other), self.made, strict=True):
            answer = client.answer(number)
            assert isinstance(answer, Refused) and answer.code == "not_stored"
        self.store.holds = ()
        again = Join(self.other.next_id(), "den", "public", new=True)
        assert isinstance(self.other.ask(again), Joined)
