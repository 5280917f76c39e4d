"""Running it: what happens to an operator who makes no mistake, or an ordinary one."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.server import ServerProcess, free_port
from chat.wire import messages as m
from chat.wire.errors import CloseCode
from tests.attacks.arena import PATIENCE, Arena, Fell, RawClient, attack, until

TWISTD = str(Path(sys.executable).with_name("twistd"))


def _twistd(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run twistd in a directory, and return what became of it. Raises Fell if it does not end."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    try:
        return subprocess.run(
            [TWISTD, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Fell(f"twistd {' '.join(arguments)} did not return in {PATIENCE:g} s") from None


@attack(
    "a start on a busy port, and on a state in use, as a daemon and in the foreground",
    "a daemon never returned and said nothing; twistd.pid stayed",
)
def busy_start(arena: Arena) -> str:
    """Start where a server is already, four ways."""
    with arena.server() as server, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        unused = f"tcp:{free.getsockname()[1]}:interface=127.0.0.1"
        free.close()
        busy = f"tcp:{server.port}:interface=127.0.0.1"
        slowest = 0.0
        for number, (mode, listen, state, reason) in enumerate(
            (mode, *case)
            for mode in ((), ("-n",), ("-n", "-l", "log"))
            for case in (
                (busy, "other", f"cannot listen on {busy}: Address already in use"),
                (unused, "state", "another server is using the state directory"),
            )
        ):
            directory = arena.directory / f"start{number}"
            directory.mkdir()
            options = ("encchat", "--listen", listen, "--state", str(arena.directory / state))
            began = time.monotonic()
            result = _twistd(*mode, *options, cwd=directory)
            slowest = max(slowest, time.monotonic() - began)
            if result.returncode != 1 or f"encchat: {reason}" not in result.stderr:
                raise Fell(f"{mode}: status {result.returncode}, {result.stderr!r}")
            if list(directory.glob("*.pid")):
                raise Fell(f"{mode}: a pid file is left")
    return f"6 of 6 said why and ended with 1, no pid file, {slowest:.1f} s at most"


def _start(cwd: Path, state: Path) -> str:
    """Start in the foreground and stop again; return what is wrong with that, if anything."""
    process = subprocess.Popen(
        [
            *(TWISTD, "-n", "encchat", "--listen", "tcp:0:interface=127.0.0.1"),
            *("--state", str(state / "state")),
        ],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "Connect with" in line:
            process.terminate()
            seen = ""
            break
    process.stdout.read()
    return seen[-300:] or ("" if process.wait(PATIENCE) == 0 else f"status {process.returncode}")


@attack(
    "twistd -n encchat where a twistd.pid is left over, and where nothing can be written",
    '"Another twistd server is running", and a traceback',
)
def stale_pid_file(arena: Arena) -> str:
    """Start beside pid files of every kind, and in a directory that nobody can write to."""
    contents = (str(os.getpid()), "", "rubbish")
    places = [arena.directory / str(number) for number in range(len(contents))]
    for place, content in zip(places, contents, strict=True):
        place.mkdir()
        (place / "twistd.pid").write_text(content)
    with ThreadPoolExecutor() as threads:
        results = [*threads.map(_start, [*places, Path("/proc")], [*places, arena.directory])]
    if any(results):
        raise Fell(f"{results}")
    if any(
        (place / "twistd.pid").read_text() != it for place, it in zip(places, contents, strict=True)
    ):
        raise Fell("it touched a pid file that is not its own")
    return f"{len(places)} of {len(places)} pid files, and /proc: it started, and ended with 0"


@attack(
    "SIGHUP after the log was moved and limits were changed; then SIGTERM while 5 people post",
    "SIGHUP killed the server without a word",
)
def hangup(arena: Arena) -> str:
    """Send SIGHUP to a server that is used, then SIGTERM."""
    state = arena.directory / "state"
    state.mkdir(mode=0o700)
    with arena.server() as server:
        [log_name] = re.findall(r"--logfile=(\S+)", _command(server.pid))
        log_file = Path(log_name)
        people = [arena.client(server, f"user{number}") for number in range(5)]
        lobbies = [person.join("lobby") for person in people]
        moved = log_file.with_name("moved")
        log_file.rename(moved)
        for limits, said in (
            ("rooms_per_account=1", "Limits were reloaded"),
            ("rooms_per_account=none", "The limits stay as they were"),
            ("rooms_per_account=1\nbogus=1", "The limits stay as they were"),
        ):
            (state / "limits").write_text(limits)
            before = server.log().count(said)
            os.kill(server.pid, signal.SIGHUP)
            if not until(partial(_says, server, said, before + 1)):
                raise Fell(f"{limits}: the log does not say {said!r}")
        people[0].join("one")
        if isinstance(people[0].ask(m.Join(people[0].next_id(), "two", "public")), m.Joined):
            raise Fell("the new limit does not hold")
        posts = [
            (person, person.post(lobby, f"{number}").id)
            for number in range(100)
            for person, lobby in zip(people, lobbies, strict=True)
        ]
        people[0].answer_to(posts[0][1])
        os.kill(server.pid, signal.SIGTERM)
        for person in people:
            person.ends()
        acked = {
            (id(person), number)
            for person in people
            for posted in person.all(m.Posted)
            for number, *_ in posted.acks
        }
        stored = max(record.seq for person in people for record in person.records)
        told = sum(person.closed is not None for person in people)
        if told < len(people):
            raise Fell(f"{told} of {len(people)} were told that the server stops")
        if len(acked) < stored:
            raise Fell(f"{stored} posts were stored, {len(acked)} acknowledged")
    return f"the limits hold; 5 of 5 were told, and {len(acked)} of {stored} stored posts answered"


@attack(
    "a backup of a running server, plain and encrypted, damaged, and restored",
    "a copy of the files that --help named had none of 480 messages",
)
def backups(arena: Arena) -> str:
    """Back up a server with 480 messages while somebody goes on, restore that, and look."""
    messages = 480
    with arena.server() as server:
        ana = arena.client(server, "ana")
        lobby = ana.join("lobby")
        posts = [ana.post(lobby, f"message {number}") for number in range(messages)]
        ana.answer_to(posts[-1].id)
        state = str(arena.directory / "state")
        for name, options in (("plain", ()), ("sealed", ("--encrypt",))):
            ana.post(lobby, "meanwhile")
            _admin("--state", state, "backup", *options, str(arena.directory / name))
        ana.say(lobby, "afterwards")
    damaged = arena.directory / "damaged"
    for name in ("plain", "sealed"):
        content = bytearray((arena.directory / name).read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
        _admin("verify", str(damaged), status=1)
    _admin("verify", str(arena.directory / "sealed"), typed="wrong", status=1)
    (arena.directory / "state").rename(arena.directory / "lost")
    _admin("--state", state, "restore", str(arena.directory / "sealed"))
    with arena.server() as server:
        again = arena.client(server, "ana", identity=ana.identity)
        page = again.ask(m.Join(again.next_id(), "lobby", "public"))
        if not isinstance(page, m.Joined) or page.tail < messages:
            raise Fell(f"{page}")
        return (
            f"{min(page.tail, messages)} of {messages} messages are back, damage was found 2 of 2"
        )


@attack(
    "chat.admin as root on somebody else's stopped server; keys that others can read; times, bans",
    "files of root's were left, which the server could not read; keys of mode 0644 were taken",
)
def administration(arena: Arena) -> str:
    """Use the tool on a stopped server as root, and look at what it leaves."""
    state = arena.directory / "state"
    with arena.server() as server:
        ana, bob = arena.client(server, "ana"), arena.client(server, "bob")
        den = ana.join("den")
        bob.join("den")
        bob.say(den, "hello")
        ana.ask(m.Moderate(ana.next_id(), "mute", "bob", den, 60, "noise"))
        done = [_admin("ban", "bob", "--for", "1h", "--state", str(state))]
    nobody = 65_534 if os.geteuid() == 0 else os.geteuid()
    arena.directory.chmod(0o755)
    for path in (*state.iterdir(), state):
        os.chown(path, nobody, -1)
    (state / "lock").unlink()
    for words in (("own", "ana"), ("rotate-host-key",), ("invite", "--address", "x.example:1")):
        done.append(_admin(*words, "--state", str(state)))
    wrong = [path.name for path in state.iterdir() if path.stat().st_uid != nobody]
    if wrong:
        raise Fell(f"{wrong} belong to root")
    if "x.example:1" not in _admin("invite", "--state", str(state)):
        raise Fell("the address is forgotten")
    listed = json.loads(_admin("bans", "--json", "--state", str(state)))
    if [(it["whom"], it["where"], it["until"][-1]) for it in listed] != [
        ("bob", "server", "Z"),
        ("bob", "den", "Z"),
    ]:
        raise Fell(f"bans lists {listed}")
    if not all(done):
        raise Fell(f"a command did not say what it did: {done}")
    (state / "storage_key").chmod(0o644)
    _admin("status", "--state", str(state), status=1)
    (state / "storage_key").chmod(0o440)
    _admin("accounts", "delete", "bob", "--state", str(state))
    _admin("rooms", "delete", "den", "--state", str(state))
    return f"all {len(list(state.iterdir()))} files are the owner's, 0644 refused, 0440 taken"


@attack(
    "a client behind a proxy is banned by address; a stranger says to be a proxy, for any address",
    "every client was 127.0.0.1, and whoever reached the port could name any address",
)
def proxied(arena: Arena) -> str:
    """Come through the proxy, past a ban through it, and without it."""
    port = free_port()
    listen = f"haproxy:tcp:{port}:interface=127.0.0.1"
    with arena.server(options=("--listen", listen, "--proxy", "127.0.0.9")) as server:

        def come(address: str, source: str) -> RawClient | None:
            header = f"PROXY TCP4 {address} 127.0.0.1 40000 {port}\r\n".encode()
            client = RawClient(port, source=source, greeting=header)
            return None if client.is_over else client

        first = come("198.51.100.7", "127.0.0.9")
        if first is None or not isinstance(first.log_in("ana"), m.Welcome):
            raise Fell("a client does not get in through the proxy")
        _admin("block", "198.51.100.7", "--state", str(arena.directory / "state"))
        if not first.ends():
            raise Fell("a banned client stays")
        banned, other = come("198.51.100.7", "127.0.0.9"), come("198.51.100.8", "127.0.0.9")
        if banned is None or isinstance(banned.log_in("bob"), m.Welcome):
            raise Fell("a banned address gets in")
        if other is None or not isinstance(other.log_in("eve"), m.Welcome):
            raise Fell("the ban is the proxy's")
        forged = [come("203.0.113.1", source) for source in ("127.0.0.1", "127.0.0.8", "127.1.1.1")]
        if any(forged):
            raise Fell(f"{sum(map(bool, forged))} of 3 strangers were taken for a proxy")
        if not re.search("closed .*address=198.51.100.7 ", server.log()):
            raise Fell("the log does not have the client's address")
    return "the ban hits the client and nobody else; 0 of 3 strangers were taken for a proxy"


@attack(
    "no HOME, no passwd entry; more connections than open files; nicknames of 27 and more letters",
    'a directory ~ was made; newcomers were dropped without a word; "File name too long"',
)
def poor_place(arena: Arena) -> str:
    """Start where there is no home, then with few files, and call oneself by long names."""
    poor = {key: value for key, value in os.environ.items() if key not in ("HOME", "ENCCHAT_HOME")}
    nobody = ("unshare", "--user", "--map-user=12345", "--map-group=12345")
    for command, said in (
        ((TWISTD, "-n", "encchat"), "there is no home directory; set $ENCCHAT_STATE"),
        ((sys.executable, "-m", "chat.admin", "status"), "set $ENCCHAT_STATE"),
        ((sys.executable, "-m", "chat.client"), "there is no home directory; set $ENCCHAT_HOME"),
    ):
        result = subprocess.run(
            [*nobody, *command],
            cwd=arena.directory,
            env={**poor, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=False,
        )
        output = result.stdout + result.stderr
        if said not in output or "Traceback" in output or not result.returncode:
            raise Fell(f"{command}: {result.returncode}, {output[-300:]}")
    if list(arena.directory.iterdir()):
        raise Fell("something was made in the current directory")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:  # The server begins with our soft limit.
        with arena.server() as server:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            raised = Path(f"/proc/{server.pid}/limits").read_text()
            if not re.search(rf"Max open files\s+{hard}\s+{hard}\s", raised):
                raise Fell("the soft limit is not raised to the hard one")
            _long_names(arena, server)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    told = _few_files(arena)
    return f"3 of 3 programs say what to set, {told} of {told} newcomers are told, 3 names work"


def _long_names(arena: Arena, server: ServerProcess) -> None:
    """Enter with long names twice each, and once more after a change of name."""
    for nick in ("\u4e2d" * 27, "\u4e2d" * 32):
        for _ in range(2):
            result = arena.script(server, "--nick", nick, "--trust-new", lines="hello\n")
            if result.returncode:
                raise Fell(f"{nick}: {result.stderr[-200:]}")
    nick = "\ud55c" * 30
    arena.script(server, "--nick", "ana", "--trust-new", lines=f"/nick {nick}\n")
    result = arena.script(server, "--nick", nick, "--trust-new", lines="hello\n")
    if result.returncode:
        raise Fell(f"after /nick: {result.stderr[-200:]}")


def _few_files(arena: Arena) -> int:
    """Fill a server that can have 120 open files, and return how many more were told so."""
    state = arena.directory / "few"
    program = ["sh", "-c", 'ulimit -n 120; exec "$0" "$@"', TWISTD]
    with ServerProcess(state, free_port(), has_own_core=False, program=program) as server:
        members = [arena.client(server, f"user{number}") for number in range(18)]
        told = 0
        for _ in range(12):
            newcomer = arena.client(server)
            newcomer.ends()
            told += newcomer.closed is not None and newcomer.closed.code == CloseCode.BUSY
            newcomer.close()
        if told < 12 or any(member.is_over for member in members):
            raise Fell(f"{told} of 12 newcomers were told that the server is full")
    return told


def _admin(*arguments: str, typed: str = "pass phrase", status: int = 0) -> str:
    """Run the tool, and return what it prints. Raises Fell if it ends otherwise."""
    result = subprocess.run(
        [sys.executable, "-m", "chat.admin", *arguments],
        input=f"{typed}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != status or "Traceback" in result.stderr:
        raise Fell(f"{' '.join(arguments)}: status {result.returncode}, {result.stderr!r}")
    return result.stdout


def _says(server: ServerProcess, said: str, times: int) -> bool:
    return server.log().count(said) >= times


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
