"""Disks that fill up, and logs: what an operator is told, and what nobody can make the log say."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from benchmarks.server import ServerProcess
from chat.ids import LogId
from chat.wire import messages as m
from tests.attacks.arena import PATIENCE, Arena, Fell, RawClient, attack
from tests.attacks.ownership import admin

_SIZE: Final = "4m"
_POSTS: Final = 1_000
_LINES: Final = 300


@contextmanager
def _small_disk(arena: Arena) -> Iterator[Path]:
    """Make the server's state directory a small disk of its own; yield a file that can fill it."""
    state = arena.directory / "state"
    state.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=700", "tmpfs", str(state)]
    subprocess.run(mount, check=True)
    try:
        yield state / "filling.log"
    finally:
        subprocess.run(["umount", str(state)], check=True)


def _can_mount(directory: Path) -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "tmpfs", str(directory)], capture_output=True, check=False
    )
    if tried.returncode:
        return False
    subprocess.run(["umount", str(directory)], check=True)
    return True


def _fill(path: Path) -> None:
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4_096))


def _said(client: RawClient) -> list[int]:
    """Return the requests of a client that are stored, in the order of their places."""
    acks = [ack for posted in client.all(m.Posted) for ack in posted.acks]
    return [request for request, *_ in sorted(acks, key=lambda ack: ack[1])]


@attack(
    f"the disk of a running server fills up: {_POSTS} posts, {_LINES} lines of a script, readers,"
    " logins; then a stop and a start",
    "547 lines of tracebacks, posts refused in the middle of a script and later ones stored",
)
def disk_full(arena: Arena) -> str:
    """Fill the disk, go on posting, and make space; then stop and start on a full disk."""
    if not _can_mount(arena.directory):
        return "skipped: only root can mount a small disk"
    with _small_disk(arena) as filling:
        with arena.server() as server:
            told, lines = _go_on(arena, server, filling)
            _fill(filling)
            began = time.monotonic()
            os.kill(server.pid, signal.SIGTERM)
            os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
            stopped = time.monotonic() - began
        _start_full(arena, filling)
        filling.unlink()
        with arena.server():
            pass
    return (
        f"{told}; {lines} lines in the log, no traceback; a stop in {stopped:.1f} s; a start says"
        " why it fails"
    )


def _go_on(arena: Arena, server: ServerProcess, filling: Path) -> tuple[str, int]:
    """Post while the disk is full, then make space; return what people were told, and how many
    lines the log has of it."""
    ana, bob = arena.client(server, "ana"), arena.client(server, "bob")
    lobby = ana.join("lobby")
    bob.join("lobby")
    ana.say(lobby, "before")
    script = _script(arena, server)
    assert script.stdin is not None
    print("line 0", file=script.stdin, flush=True)
    bob.wait(lambda: _texts(bob, "line") == ["line 0"])
    _fill(filling)
    for number in range(1, _LINES):
        print(f"line {number}", file=script.stdin)
    script.stdin.close()
    posts = [ana.post(lobby, f"ana {number}").id for number in range(_POSTS)]
    ana.wait(lambda: bool(ana.all(m.Notice)))
    told = [it.text for it in ana.all(m.Notice)]
    if len(told) != 1 or "disk is full" not in told[0]:
        raise Fell(f"people were told {told}")
    new = arena.client(server).log_in("carol")
    if not isinstance(new, m.Refused) or new.code != "disk_full":
        raise Fell(f"a newcomer is told {new}")
    known = arena.client(server, "bob", identity=bob.identity)
    if not isinstance(known.answer, m.Welcome) or not isinstance(
        known.ask(m.Join(known.next_id(), "lobby", "public")), m.Joined
    ):
        raise Fell("somebody known cannot log in and read")
    ana.wait(lambda: False, 12)  # Some more attempts.
    if ana.all(m.Refused) or len(_said(ana)) != 1 or script.poll() is not None:
        raise Fell(f"{len(ana.all(m.Refused))} refusals, {len(_said(ana)) - 1} posts stored")
    filling.unlink()
    ana.wait(lambda: len(_said(ana)) > _POSTS)
    if _said(ana)[1:] != posts:
        raise Fell(f"{len(_said(ana)) - 1} of {_POSTS} posts are stored, or out of order")
    lines = [f"line {number}" for number in range(_LINES)]
    bob.wait(lambda: len(_texts(bob, "line")) >= _LINES)
    assert script.stdout is not None
    output = script.stdout.read()
    script.wait(PATIENCE)
    if _texts(bob, "line") != lines or script.returncode or "disk is full" not in output:
        raise Fell(f"a script: status {script.returncode}, {len(_texts(bob, 'line'))}, {output}")
    log = server.log()
    of_it = [line for line in log.splitlines() if "Nothing can be" in line or "works again" in line]
    if "Traceback" in log or not 2 <= len(of_it) <= 3 or "getting full" not in log:
        raise Fell("the log has\n" + log)
    return (
        f"0 of {_POSTS} posts and {_LINES} lines refused, their authors told once, all stored in"
        " order when there was space"
    ), len(of_it)


def _script(arena: Arena, server: ServerProcess) -> "subprocess.Popen[str]":
    """Start the real client as a script does."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "chat.client", f"localhost:{server.port}"),
            *("--nick", "script", "--room", "lobby", "--literal", "--quiet"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "ENCCHAT_HOME": str(arena.directory / "home")},
        text=True,
    )


def _texts(client: RawClient, start: str) -> list[str]:
    """Return the texts with this start that a client has read."""
    texts = [getattr(record.body, "text", "") for record in client.records]
    return [text for text in texts if text.startswith(start)]


def _start_full(arena: Arena, filling: Path) -> None:
    """Start on a full disk: it must say why it does not."""
    _fill(filling)
    begun = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile="),
            *("encchat", "--listen", "tcp:0:interface=127.0.0.1"),
            *("--state", str(arena.directory / "state")),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    output = begun.stdout + begun.stderr
    if begun.returncode != 1 or "disk is full" not in output or "Traceback" in output:
        raise Fell(f"a start on a full disk: status {begun.returncode}, {output[-500:]}")


_FORGED: Final = "ana\n2026-01-01T00:00:00+0000 [chat.server.oplog#info] login session=1 nick=root"
_SECRET: Final = "the door code is 4711"


@attack(
    "forged lines and fields in nicknames, rooms and reasons; 20,000 refused requests; then who"
    " did what, by --log-addresses full, network and none",
    "no logins, refusals, moderation or administration in the log; one line for each connection",
)
def forged_log(arena: Arena) -> str:
    """Try to forge lines, to fill the log, and to find words and addresses in it."""
    sizes = []
    for number, (which, shown) in enumerate(
        (("full", "127.0.0.1"), ("network", "127.0.0.0/24"), ("none", "hidden"))
    ):
        place = Arena(arena.directory / str(number))
        place.directory.mkdir()
        options = ("--log-addresses", which)
        with place.server("messages_per_second=0", options=options) as server:
            sizes.append(_misuse(place, server))
            os.kill(server.pid, signal.SIGTERM)
            os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
            _check_log(server.log(), shown)
    return (
        f"0 lines forged, 0 words in the log, {max(sizes) / 1_024:.0f} KiB for 20,000 refusals; all"
        " addresses as chosen"
    )


def _misuse(arena: Arena, server: ServerProcess) -> int:
    """Do what can be done to a log; return by how many bytes it has grown for the refusals."""
    for nick in (_FORGED, "ana account=00", 'ana" nick="root', "\x1b[2J\u202e\u2028root"):
        arena.client(server).log_in(nick)
    ana, bob = arena.client(server, "ana"), arena.client(server, "bob")
    den = ana.join("den")
    bob.join("den")
    ana.ask(m.Join(ana.next_id(), _FORGED, "public"))
    ana.ask(m.Moderate(ana.next_id(), "mute", "bob", den, 60, f"{_SECRET}\n{_FORGED}"))
    ana.ask(m.Topic(ana.next_id(), den, _SECRET))
    ana.say(den, f"{_SECRET}\n{_FORGED}")
    state = arena.directory / "state"
    for words in (("block", "198.51.100.7"), ("ban", "bob", "--reason", _SECRET), ("status",)):
        admin(state, *words)
    arena.client(server).socket.sendall(b"rubbish\r\n")
    before = len(server.log())
    for _ in range(20):
        last = [m.Leave(ana.next_id(), LogId(os.urandom(16))) for _ in range(1_000)]
        for request in last:
            ana.send(request)
        ana.answer_to(last[-1].id)
    return len(server.log()) - before


def _check_log(log: str, shown: str) -> None:
    """Check that the log has what happened, and nothing else."""
    expected = {
        "start version=": 1,
        "login session=": 2,
        "login-refused session=": 4,
        "renamed": 0,
        "moderation session=": 1,
        "administration command=": 3,
        "refused more=": 1,
        "Stopping because of SIGTERM": 1,
        "stop connections=": 1,
    }
    lines = log.splitlines()
    said = [line.partition("] ")[2] for line in lines]
    for start, count in expected.items():
        found = [line for line in said if line.startswith(start)]
        if len(found) != count:
            raise Fell(f"{len(found)} lines {start!r}, not {count}:\n" + "\n".join(found))
    if _SECRET in log or not all(line.isprintable() for line in lines):
        raise Fell("words or control characters are in the log")
    if any(not re.match(r"\d{4}-\d\d-\d\dT[0-9:+]+ \[", line) for line in lines):
        raise Fell("a line does not begin with its time")
    addresses = set(re.findall(r" address=(\S+)", log))
    if addresses != {shown} or ("198.51.100.7" in log) != (shown == "127.0.0.1"):
        raise Fell(f"addresses are shown as {addresses}")
    if len([line for line in said if line.startswith("refused ")]) > 100:
        raise Fell("the log grows with the refusals")
