"""Roles of members: listed by `who`, and told when they change."""

from chat.ids import AccountId
from chat.rooms.changes import changed, put
from chat.rooms.roles import Role
from chat.rooms.values import SERVER, RoleKey
from chat.testing import Client, Server
from chat.wire.messages import Members, Moderate, Ok, Private, RoleBody, Who
from tests.server.cases import ServerCase


class RankTests(ServerCase):
    """A room of alice, an owner, with bob and carol in it; and the lobby, which nobody owns."""

    def setUp(self) -> None:
        super().setUp()
        self.server = Server()
        self.alice, self.bob, self.carol = self.server.enter("alice", "bob", "carol")
        for client in (self.alice, self.bob, self.carol):
            client.join("den")
        self.den, self.lobby = self.alice.log("den"), self.alice.log("lobby")

    def moderate(self, action: str, nick: str) -> None:
        """Let alice do something to somebody in the den."""
        answer = self.alice.ask(Moderate(self.alice.next_id(), action, nick, self.den))
        assert isinstance(answer, Ok)

    def own_the_server(self, client: Client) -> None:
        """Make somebody an owner of the server, as its operator can."""
        change = changed([put(RoleKey(SERVER, client.account), Role.OWNER)])
        self.server.dispatcher.context.commits.change(lambda: change)
        self.server.pump()

    def listed(self, client: Client, room: str = "den") -> dict[str, str]:
        """Return the role of each member of a room, as a client is told."""
        answer = client.ask(Who(client.next_id(), client.log(room)))
        assert isinstance(answer, Members)
        return {nick: role for _, nick, _, role in answer.members}

    def told(self, client: Client, room: str = "den") -> list[tuple[AccountId, str, str]]:
        """Return the changes of roles in a room that a client was told of."""
        self.server.pump()
        return [
            (it.body.account, it.body.nick, it.body.role)
            for it in client.delivered
            if isinstance(it.body, RoleBody) and it.log == client.log(room)
        ]

    def test_who_lists_roles(self) -> None:
        self.moderate("op", "bob")
        roles = {"alice": "owner", "bob": "operator", "carol": "member"}
        assert self.listed(self.alice) == self.listed(self.carol) == roles
        assert set(self.listed(self.carol, "lobby").values()) == {"member"}

    def test_everybody_there_is_told_of_another_role(self) -> None:
        self.moderate("op", "bob")
        self.moderate("op", "bob")
        self.moderate("deop", "bob")
        self.moderate("deop", "bob")
        told = [(self.bob.account, "bob", role) for role in ("operator", "member")]
        for client in (self.alice, self.bob, self.carol):
            assert self.told(client) == told
            assert self.told(client, "lobby") == []

    def test_a_role_on_the_server_is_one_in_all_rooms_but_none_in_conversations(self) -> None:
        self.carol.ask(Private(self.carol.next_id(), "bob"))
        self.own_the_server(self.bob)
        for room in ("den", "lobby"):
            assert self.told(self.carol, room) == [(self.bob.account, "bob", "host")]
        assert self.told(self.carol, "bob") == []
        assert self.listed(self.carol)["bob"] == "host"
        assert set(self.listed(self.carol, "bob").values()) == {"member"}

    def test_who_is_not_there_is_not_told_of(self) -> None:
        dave = self.server.enter("dave")[0]
        self.moderate("deop", "dave")
        self.own_the_server(dave)
        assert self.told(self.bob) == []
        assert self.told(self.bob, "lobby") == [(dave.account, "dave", "host")]
