"""``python -m chat.admin``, on a server that runs and on one that does not."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from chat.admin import parse_arguments
from chat.client.core.address import parse_address
from tests.e2e.programs import TCP, Program, Programs, has_entered, link_of


def admin(programs: Programs, *arguments: str, status: int = 0) -> Program:
    """Run the tool to its end."""
    state = str(programs.directory / "state")
    program = programs.start(sys.executable, "-m", "chat.admin", "--state", state, *arguments)
    program.end_input()
    assert program.ends() == status, program.err
    return program


def answer(programs: Programs, *arguments: str) -> Any:
    """Return what it prints as JSON."""
    return json.loads(admin(programs, "--json", *arguments).out)


def test_it_works_on_a_running_and_on_a_stopped_server(programs: Programs) -> None:
    server = programs.server("--registration", "invite")
    link = link_of(server)
    port = parse_address(link).port
    stranger = programs.client(link, "--nick", "ana")
    stranger.notes("This server takes new accounts by invitation only")
    assert stranger.ends() == 1
    [line] = [
        line
        for line in admin(programs, "invite", "--address", f"localhost:{port}").out.splitlines()
        if line.startswith("link: ")
    ]
    ana = programs.client(line.removeprefix("link: "), "--nick", "ana")
    has_entered(ana)
    [user] = answer(programs, "users")
    assert (user["nick"], user["role"], user["connected"]) == ("ana", "member", 1)
    admin(programs, "own", "ana")
    admin(programs, "mute", "ana", "--for", "1h", "--reason", "noise")
    ana.notes('the operator has muted you in this server until .*: "noise"')
    assert "Nobody here is called bob." in admin(programs, "ban", "bob", status=1).err
    ana.end_input()
    assert ana.ends() == 0
    server.signal(signal.SIGTERM)
    assert server.ends() == 0

    [user] = answer(programs, "users")
    assert (user["role"], user["muted"], user["connected"]) == ("owner", True, 0)
    admin(programs, "unmute", "ana")
    table = admin(programs, "audit").out.splitlines()
    assert table[0].split() == ["time", "actor", "action", "target", "room", "detail"]
    assert [line.split()[4] for line in table[1:]] == ["unmute", "mute", "own", "invite"]
    code = answer(programs, "recover", "ana")["code"]

    again = programs.server("--registration", "closed")
    link = link_of(again)
    old = programs.client(link, "--nick", "ana")
    assert old.ends() == 1
    new = programs.start(
        *(sys.executable, "-m", "chat.client", link, "--nick", "ana", "--link", code),
        ENCCHAT_HOME=str(programs.directory / "another home"),
    )
    new.type("hello\n")
    new.end_input()
    assert new.ends() == 0, new.err
    assert answer(programs, "bans") == []


def test_passwords(programs: Programs) -> None:
    file = str(programs.directory / "passwords")

    def passwd(*arguments: str, typed: str = "", status: int = 0) -> Program:
        program = programs.start(
            *(sys.executable, "-m", "chat.admin", "passwd", *arguments, "--file", file)
        )
        program.type(typed)
        program.end_input()
        assert program.ends() == status, program.err
        return program

    passwd("ana", typed="open sesame\n")
    server = programs.server("--auth", f"encchat:{file}")
    link = link_of(server)

    def client(password: str, *options: str) -> Program:
        return programs.start(
            *(sys.executable, "-m", "chat.client", link, "--nick", "ana", *options),
            ENCCHAT_HOME=str(programs.directory / "home"),
            ENCCHAT_PASSWORD=password,
        )

    for wrong in (client("wrong", "--password"), client("open sesame")):
        wrong.notes("Wrong nickname or password")
        assert wrong.ends() == 1
    for password, *options in (("open sesame", "--password"), ("not asked for",)):
        right = client(password, *options)
        right.type("hello\n")
        right.end_input()
        assert right.ends() == 0, right.err
    passwd("ana", "--remove")
    assert "has no password" in passwd("ana", "--remove", status=1).err
    assert passwd("a b", typed="x\n", status=1).err
    assert passwd("bob", typed="\n", status=1).err


def test_another_host_key_and_pinned_clients_follow(programs: Programs) -> None:
    server = programs.server()
    link = link_of(server)
    address, _, fingerprint = link.partition("/#")

    def visit() -> Program:
        client = programs.client(address, "--nick", "ana")
        client.end_input()
        assert client.ends() == 0
        return client

    assert "is new, and pinned" in visit().err
    rotated = answer(programs, "rotate-host-key")
    assert rotated["fingerprint"] != fingerprint and len(rotated["words"].split()) == 24
    assert answer(programs, "host-key") == rotated
    assert "was changed by its operator" in visit().err
    assert rotated["fingerprint"] not in visit().err


def test_a_stopped_server_knows_its_proxies(programs: Programs) -> None:
    def start(*arguments: str) -> None:
        listen = ("haproxy:tcp:0:interface=127.0.0.1",) if arguments else (TCP,)
        server = programs.server(*arguments, listen=listen)
        link_of(server)
        server.signal(signal.SIGTERM)
        assert server.ends() == 0

    named = ("198.51.100.7", "203.0.113.0/24", "2001:db8::1")
    here = ("198.51.100.7", "203.0.113.9", "2001:db8::5")
    start(*(word for it in named for word in ("--proxy", it)))
    for address in here:
        refused = admin(programs, "block", address, status=1)
        assert "where a proxy of this server is" in refused.err
    admin(programs, "block", "192.0.2.7")
    admin(programs, "block", here[0], "--force")
    start()
    for address in here[1:]:
        admin(programs, "block", address)
    (programs.directory / "state" / "proxies").write_text("nonsense\n")
    assert "is damaged" in admin(programs, "status", status=1).err


def test_where_there_is_no_server_it_says_so(programs: Programs) -> None:
    program = admin(programs, "users", status=1)
    assert "There is no server in" in program.err
    assert not (programs.directory / "state").exists()


def test_a_server_without_its_socket_is_not_worked_around(programs: Programs) -> None:
    server = programs.server()
    link_of(server)
    socket = programs.directory / "state" / "admin.sock"
    admin(programs, "users")
    assert socket.stat().st_mode & 0o077 == 0
    socket.unlink()
    assert "another server is using" in admin(programs, "users", status=1).err


@pytest.mark.parametrize(
    "line",
    [
        *("", "explode", "users x", "own", "ban ana --for x", "ban ana --for 7", "audit -n 0"),
        *("invite --uses 0", "invite --uses x", "invite --address a:b:c", "mute"),
    ],
)
def test_wrong_arguments_are_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(line.split())
    assert caught.value.code == 2 and capsys.readouterr().err


def test_times_and_the_state_directory() -> None:
    arguments = parse_arguments(["--state", "x", "ban", "ana", "--for", "2w"])
    assert arguments.state == Path("x") and arguments.seconds == 14 * 86_400
    assert parse_arguments(["invite"]).seconds == 7 * 86_400
