"""What users type: the server under twistd and twist, and real clients, each in its own process."""

import re
import socket
import stat
from collections.abc import Sequence
from contextlib import closing
from signal import SIGINT, SIGKILL, SIGTERM
from typing import Final

import pytest

from chat.limits import Limits
from chat.wire.connection import ClientConnection, HostKeyOffered, Received
from chat.wire.messages import Welcome
from tests.e2e.programs import TCP, TWIST, TWISTD, Program, Programs, has_entered, link_of
from tests.e2e.support import PATIENCE, login_of

every_runner = pytest.mark.parametrize("runner", [TWISTD, TWIST], ids=["twistd", "twist"])

BAD: Final = re.compile(r"Traceback|Unhandled|Error|critical", re.IGNORECASE)
"""What is in no log of a server that is well."""


def port_of(link: str) -> str:
    """Return the port in a link."""
    found = re.search(r":(\d+)/#", link)
    assert found
    return found[1]


def without_words(log: str) -> str:
    """Return a log without the fingerprint in words, which may be any: hello, error, hundred."""
    return re.sub(r"(?<=The same in words: ).*", "", log)


def fingerprint_of(link: str) -> str:
    """Return the fingerprint in a link."""
    return link.partition("#")[2]


def welcome(family: int, address: str | tuple[str, int], nick: str) -> Welcome:
    """Log in with nothing but a socket and the wire protocol."""
    connection = ClientConnection(Limits())
    with closing(socket.socket(family)) as plug:
        plug.settimeout(PATIENCE)
        plug.connect(address)
        plug.sendall(connection.start())
        for line in plug.makefile("rb"):
            for event in connection.receive_line(line.removesuffix(b"\r\n")):
                match event:
                    case HostKeyOffered():
                        plug.sendall(connection.login(login_of(connection, nick)))
                    case Received(Welcome() as message):
                        return message
    raise AssertionError("the server hung up")


@every_runner
def test_two_users_talk(programs: Programs, runner: Sequence[str]) -> None:
    server = programs.server(runner=runner)
    link = link_of(server)
    alice = programs.client(link, "--nick", "alice")
    has_entered(alice)
    bob = programs.client(link)
    eve = programs.client(link, "--nick", "eve\x1b[2J")
    bob.type("bob\n")
    alice.says(r"^\* bob joined$")
    alice.type("Grüße, Bob!\n")
    bob.says(r"^alice: Grüße, Bob!$")
    bob.type("hello yourself\n//not a command\n")
    alice.says(r"^bob: hello yourself\nbob: /not a command$")
    alice.type("\x1b[31mred\x07\x1b]0;owned\x07 \u202egnol\n")
    bob.says(r"^alice: \\x1b\[31mred\\x07\\x1b\]0;owned\\x07 \\u202egnol$")
    bob.type("/nick robert\n")
    alice.says(r"^\* bob is now known as robert$")
    alice.type("/who\n")
    alice.says(r"^\* 2 here: alice, robert$")
    bob.type("/nick bob\x1b[2J\nthis is for bob's friends\n")
    bob.notes(r'^Line 5 \("/nick bob\\x1b\[2J"\): A nickname is made of letters')
    assert bob.ends() == 1  # A script ends with the first command that fails.
    alice.says(r"^\* robert left$")
    alice.end_input()
    assert alice.ends() == 0
    assert eve.ends() == 1
    assert eve.err.splitlines()[-1].startswith("A nickname is made of letters")
    for program in (alice, bob, eve, server):
        assert (program.out + program.err).replace("\n", "").isprintable()
    assert "friends" not in alice.out
    for word in ("hello", "red"):
        assert word not in without_words(server.out + server.err)


@pytest.mark.parametrize(
    ("runner", "signal"),
    [(TWISTD, SIGINT), (TWISTD, SIGTERM), (TWIST, SIGINT), (TWIST, SIGTERM), (TWISTD, SIGKILL)],
    ids=["twistd-INT", "twistd-TERM", "twist-INT", "twist-TERM", "twistd-KILL"],
)
def test_a_server_stops_and_starts_again_at_once(
    programs: Programs, runner: Sequence[str], signal: int
) -> None:
    server = programs.server("--limit", "retry_seconds=1", runner=runner)
    link = link_of(server)
    client = programs.client(link, "--nick", "alice")
    has_entered(client)
    state = programs.directory / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()}
    assert set(files) >= {"host_key.pem", "storage_key", "lock", "encchat.db"}
    assert set(files.values()) == {0o600}
    server.signal(signal)
    again = f"tcp:{port_of(link)}:interface=127.0.0.1"
    assert server.ends() == (-SIGKILL if signal == SIGKILL else 0)
    client.type("said meanwhile\n")
    restarted = programs.server(runner=runner, listen=[again])
    client.end_input()
    assert client.ends() == 0
    assert len(client.err.splitlines()) == 1  # That the key is pinned.
    assert fingerprint_of(link_of(restarted)) == fingerprint_of(link)
    there = ("127.0.0.1", int(port_of(link)))
    assert welcome(socket.AF_INET, there, "bob").nick == "bob"
    reader = programs.client(link, "--nick", "carol")
    reader.says(r"^alice: said meanwhile$")
    reader.end_input()
    assert reader.ends() == 0
    restarted.signal(SIGTERM)
    assert restarted.ends() == 0
    for program in (server, restarted):
        assert not BAD.search(without_words(program.out)) and program.err == ""
    assert {path.name for path in programs.directory.iterdir()} == {"state", "home"}


def refusal(server: Program) -> str:
    """Return why a server refused to start. It said so once, and once in its log if that began."""
    assert server.ends() == 1
    assert not re.search(r"Traceback|Unhandled", server.out + server.err)
    begin, sentence = server.err.split("encchat: ")
    assert begin == "" and sentence == sentence.strip() + "\n"
    assert server.out.count(f"encchat cannot start: {sentence}") == ("#error" in server.out)
    return sentence.strip()


@every_runner
def test_a_second_server_says_what_is_in_its_way(programs: Programs, runner: Sequence[str]) -> None:
    running = programs.server(runner=runner)
    taken = f"tcp:{port_of(link_of(running))}:interface=127.0.0.1"
    elsewhere = programs.directory / "elsewhere"
    same_state = programs.server(runner=runner)
    same_port = programs.server(runner=runner, listen=[taken], state=elsewhere)
    state = programs.directory / "state"
    assert refusal(same_state) == f"another server is using the state directory {state}"
    sentence = refusal(same_port)
    assert sentence == f"cannot listen on {taken}: Address already in use"
    assert not elsewhere.exists()
    running.signal(SIGTERM)
    assert running.ends() == 0


def test_what_hinders_a_start_is_said_in_a_sentence(programs: Programs) -> None:
    file = programs.directory / "file"
    file.write_text("not a directory")
    damaged = programs.directory / "damaged"
    damaged.mkdir()
    (damaged / "host_key.pem").write_text("not a key")
    (damaged / "host_key.pem").chmod(0o600)
    starts = {
        f"the state directory {file} cannot be used: File exists": programs.server(state=file),
        f"the state directory {file}/below cannot be used: Not a directory": (
            programs.server(state=file / "below")
        ),
        f"{damaged}/host_key.pem is not an Ed25519 private key in PEM": (
            programs.server(state=damaged)
        ),
        "'nonsense:1' is not an endpoint to listen on: Unknown endpoint type: 'nonsense'": (
            programs.server(listen=["nonsense:1"])
        ),
    }
    for sentence, server in starts.items():
        assert refusal(server) == sentence


@every_runner
def test_help_names_the_options(programs: Programs, runner: Sequence[str]) -> None:
    helped = programs.server("--help", runner=runner, listen=[])
    assert helped.ends() == 0
    for word in ("--listen", "--state", "host_key.pem", "tcp:5555:interface=127.0.0.1"):
        assert word in helped.out
    assert not (programs.directory / "state").exists()


@pytest.mark.parametrize("signal", [SIGTERM, SIGKILL], ids=["TERM", "KILL"])
def test_a_server_listens_in_several_places(programs: Programs, signal: int) -> None:
    path = programs.directory / "socket"
    places = [TCP, r"tcp:0:interface=\:\:1", f"unix:{path}"]
    server = programs.server(listen=places)
    link = link_of(server)
    six = server.says(r'"(encchat://\S+/#\S+)"[^"]*"(encchat://\S+/#\S+)"')[2]
    server.says(rf"Listening on unix:{path}\n")
    assert welcome(socket.AF_UNIX, str(path), "local").nick == "local"
    assert welcome(socket.AF_INET, ("127.0.0.1", int(port_of(link))), "four").nick == "four"
    assert welcome(socket.AF_INET6, ("::1", int(port_of(six))), "six").nick == "six"
    client = programs.client(six, "--nick", "alice")
    has_entered(client)
    client.end_input()
    assert client.ends() == 0
    server.signal(signal)
    server.ends()
    assert path.exists() == (signal == SIGKILL)
    again = programs.server(listen=places)
    again.says(rf"Listening on unix:{path}\n")
    assert welcome(socket.AF_UNIX, str(path), "local").nick == "local"
    again.signal(SIGTERM)
    assert again.ends() == 0
    assert not BAD.search(without_words(again.out))


def test_a_script_arrives_whole_and_in_order(programs: Programs) -> None:
    link = link_of(programs.server())
    reader = programs.client(link, "--nick", "reader")
    has_entered(reader)
    writer = programs.client(link, "--nick", "writer")
    lines = [f"line {number} of the script" for number in range(200)]
    writer.type("".join(f"{line}\n" for line in lines))
    writer.end_input()
    assert writer.ends() == 0
    assert writer.out == ""
    reader.says(r"^\* writer left$")
    heard = [f"writer: {line}" for line in lines]
    assert reader.out.splitlines()[1:] == ["* writer joined", *heard, "* writer left"]
    reader.end_input()
    assert reader.ends() == 0
