"""Clients of servers that store messages count right, and the archives are verified."""

from collections.abc import Callable

import pytest

from benchmarks.arrivals import posting
from benchmarks.ejabberd import Ejabberd
from benchmarks.jetstream import JetStream, JetStreamClient
from benchmarks.keeping import Keeper, KeepingClient, verified
from benchmarks.load import check, connect_room, run
from benchmarks.peer import PeerError
from benchmarks.prosody import Prosody
from benchmarks.scenarios import Rounds
from benchmarks.texts import text
from benchmarks.xmpp import XmppClient

COUNT = 4


def xmpp(nick: str, said: str) -> bytes:
    """Return a message as a server sends it, and stanzas that are not messages."""
    room = "room@rooms.localhost"
    return (
        f"<presence from='{room}/{nick}2' to='it@localhost/1'><x xmlns='any'/></presence>"
        f"<message from='{room}/{nick}' type='groupchat' to='it@localhost/1' id='1'>"
        f"<body>{said}</body><stanza-id by='{room}' id='7'/></message><presence/>"
    ).encode()


def jetstream(nick: str, said: str) -> bytes:
    """Return a message as the server sends it; for an own one, its acknowledgement."""
    data = f"MSG room.{nick} 2 $JS.ACK.room.{nick}.1.7.7.1.0 {len(said)}\r\n{said}\r\n"
    if nick == "me":
        answer = '{"stream":"room","seq":7}'
        data += f"MSG _INBOX.me 1 {len(answer)}\r\n{answer}\r\n"
    return data.encode()


CLIENTS: dict[str, tuple[Callable[[str, str], KeepingClient], Callable[[str, str], bytes]]] = {
    "xmpp": (XmppClient, xmpp),
    "jetstream": (JetStreamClient, jetstream),
}
SERVERS: dict[str, tuple[Callable[[], Keeper], Callable[[], str | None]]] = {
    "ejabberd": (Ejabberd, Ejabberd.found),
    "prosody": (Prosody, Prosody.found),
    "jetstream": (JetStream, JetStream.found),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_every_cut_gives_the_same_counts_and_ones_own_are_acknowledged(name: str) -> None:
    make, message = CLIENTS[name]
    data = b"".join(
        message("me2", text(number)) + message("me", text(number)) for number in range(COUNT)
    )
    for cut in range(len(data) + 1):
        counting, opening = make("me", "room"), make("me", "room")
        opening.seen = []
        for client in (counting, opening):
            client.take(data[:cut])
            client.take(data[cut:])
            assert (client.delivered, client.acknowledged) == (COUNT, COUNT)
        assert (counting.opened, opening.opened) == (0, COUNT)
        assert [number for number, _ in opening.seen or ()] == list(range(COUNT))


@pytest.mark.parametrize("name", CLIENTS)
def test_another_text_than_was_posted_is_an_error(name: str) -> None:
    make, message = CLIENTS[name]
    client = make("me", "room")
    client.sample(1)
    with pytest.raises(PeerError):
        client.take(message("you", text(1)[:-1] + "!"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("xmpp", b"<message type='error' to='it'><error/></message>"),
        ("xmpp", b"<stream:error/><iq></iq>"),
        ("jetstream", b'MSG _INBOX.me 1 22\r\n{"error":{"code":503}}\r\n'),
        ("jetstream", b"-ERR 'no'\r\n"),
    ],
)
def test_a_server_that_refuses_is_an_error(name: str, said: bytes) -> None:
    with pytest.raises(PeerError):
        CLIENTS[name][0]("me", "room").take(said)


class Forgetful(Keeper):
    """A server that claims to have stored a number of messages, with a given last one."""

    def __init__(self, kept: int, last: str) -> None:
        super().__init__()
        self.answer = kept, last

    def enter(self, nick: str, room: str | None) -> KeepingClient:
        return XmppClient(nick, room)

    def kept(self, room: str) -> tuple[int, str]:
        return self.answer


@pytest.mark.parametrize(
    ("kept", "last"), [(0, ""), (2, text(2)), (4, text(4)), (3, "something"), (3, text(3)[:-1])]
)
def test_what_is_not_kept_as_it_was_said_is_an_error(kept: int, last: str) -> None:
    def play(server: Keeper) -> Rounds:
        client = server.connect("me", "room")
        for number in range(3):
            client.post(text(number))
        yield {"rate": 1.0}

    with pytest.raises(PeerError):
        next(verified(play)(Forgetful(kept, last)))
    assert next(verified(play)(Forgetful(3, text(2)))) == {"rate": 1.0}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_installed_keeps_what_is_said(name: str) -> None:
    make, found = SERVERS[name]
    if found() is None:
        pytest.skip(f"{name} is not installed")
    with make() as server:
        sender, *others = clients = connect_room(server, ["a", "a1", "b"], "room")
        check([sender], others)
        run([sender], others, 30, 4)
        run(clients, clients, 30, 9)
        assert sum(client.acknowledged for client in clients) == 68
        server.verify()
        assert server.kept("room")[0] == 68
        assert next(verified(lambda it: posting(it, 4, 2, 10, 8))(server))["posts"] > 0
        clients[0].post(text(1))
        with pytest.raises(PeerError):
            server.verify()
