"""Clients of other servers count right, however their input is split; and the servers run."""

from collections.abc import Callable

import pytest

from benchmarks import textbook
from benchmarks.floor import python_send_floor, send_floor
from benchmarks.irc import IrcClient, Ngircd
from benchmarks.load import check, connect_room, paced, run
from benchmarks.mqtt import Mosquitto, MqttClient
from benchmarks.nats import Nats, NatsClient
from benchmarks.peer import PeerError, Server, cpu_seconds, memory_bytes
from benchmarks.textbook import Textbook, TextbookClient
from benchmarks.texts import text
from benchmarks.tls import TlsClient

COUNT = 5


def irc(said: str) -> bytes:
    """Return a message as the server sends it, after a line that is not a message."""
    return f":a!~a@host JOIN :#room\r\n:a!~a@host PRIVMSG #room :{said}\r\n".encode()


def nats(said: str) -> bytes:
    """Return a message as the server sends it."""
    return f"MSG room 1 {len(said)}\r\n{said}\r\n".encode()


def mqtt(said: str) -> bytes:
    """Return a packet as the server sends it."""
    return b"\x30\x6b\x00\x04room\x00" + said.encode()


def plain(said: str) -> bytes:
    """Return an encrypted line."""
    return textbook._sealed(said.encode())


CLIENTS: dict[str, tuple[Callable[[], TlsClient], Callable[[str], bytes]]] = {
    "irc": (lambda: IrcClient("room"), irc),
    "nats": (lambda: NatsClient("room"), nats),
    "mqtt": (lambda: MqttClient("room"), mqtt),
    "textbook": (TextbookClient, plain),
}
SERVERS: dict[str, tuple[Callable[[], Server], Callable[[], str | None]]] = {
    "ngircd": (Ngircd, Ngircd.found),
    "nats": (Nats, Nats.found),
    "mosquitto": (Mosquitto, Mosquitto.found),
    "textbook": (Textbook, Textbook.found),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_every_cut_gives_the_same_counts(name: str) -> None:
    make, message = CLIENTS[name]
    data = b"".join(message(text(number)) for number in range(COUNT))
    for cut in range(len(data) + 1):
        counting, opening = make(), make()
        opening.seen = []
        for client in (counting, opening):
            client.take(data[:cut])
            client.take(data[cut:])
        assert (counting.delivered, counting.opened) == (COUNT, 0)
        assert (opening.delivered, opening.opened) == (COUNT, COUNT)
        assert [number for number, _ in opening.seen or ()] == list(range(COUNT))


@pytest.mark.parametrize("name", CLIENTS)
def test_only_a_sample_is_opened(name: str) -> None:
    make, message = CLIENTS[name]
    client = make()
    client.sample(2)
    for number in range(COUNT):
        client.take(message(text(number)))
    assert (client.delivered, client.opened) == (COUNT, 2)


@pytest.mark.parametrize("name", CLIENTS)
def test_another_text_than_was_posted_is_an_error(name: str) -> None:
    make, message = CLIENTS[name]
    client = make()
    client.sample(1)
    with pytest.raises(PeerError):
        client.take(message(text(1)[:-1] + "!"))


@pytest.mark.parametrize(("name", "said"), [("irc", b"ERROR :bye\r\n"), ("nats", b"-ERR 'no'\r\n")])
def test_a_server_that_ends_it_is_an_error(name: str, said: bytes) -> None:
    with pytest.raises(PeerError):
        CLIENTS[name][0]().take(said)


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_installed_carries_what_is_said(name: str) -> None:
    make, found = SERVERS[name]
    if found() is None:
        pytest.skip(f"{name} is not installed")
    with make() as server:
        sender, *others = clients = connect_room(server, ["a", "b", "c"], "room")
        check([sender], others)
        run([sender], others, 30, 4)
        run(clients, clients, 30, 9)
        times = paced([clients], [(0, 0)] * 10, others[:1], 200, 10)
        assert len(times) == 10 and max(times) < 5_000
        assert cpu_seconds(server) > 0 and memory_bytes(server) > 0
        for client in clients:
            client.close()


def test_one_that_does_not_listen_is_an_error() -> None:
    class Broken(Textbook):
        @property
        def command(self) -> list[str]:
            return ["false"]

    with pytest.raises(PeerError), Broken():
        pass


def test_the_floor_is_measured() -> None:
    assert python_send_floor(5, 400) > 0
    assert (send_floor(5, 400) or 1) > 0
