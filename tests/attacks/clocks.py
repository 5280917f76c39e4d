"""Time: no act that cannot be taken back, and no sanction, on one reading of a clock."""

import os
import textwrap
import time
from pathlib import Path
from typing import Final

from benchmarks.server import ServerProcess
from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, RawClient, attack
from tests.attacks.ownership import admin

_FAKE: Final = textwrap.dedent("""\
    import os, time
    _time, _time_ns = time.time, time.time_ns
    def _wrong():
        try:
            return float(open(os.environ["WRONG_BY"]).read())
        except (OSError, KeyError, ValueError):
            return 0.0
    time.time = lambda: _time() + _wrong()
    time.time_ns = lambda: _time_ns() + int(1e9 * _wrong())
""")
"""A ``sitecustomize`` that makes the time of day of a process wrong by what a file says."""


class WrongClock:
    """The clock of all servers that are started while it is there."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        (directory / "sitecustomize.py").write_text(_FAKE)
        self._file = directory / "wrong-by"
        self.set(0)
        self._path = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = f"{directory}{os.pathsep}{self._path or Path.cwd()}"
        os.environ["WRONG_BY"] = str(self._file)

    def set(self, seconds: float) -> None:
        """Set the clock."""
        self._file.write_text(str(seconds))

    def end(self) -> None:
        """Leave others alone."""
        os.environ["PYTHONPATH"] = self._path
        del os.environ["WRONG_BY"]


def history(client: RawClient) -> int:
    """Return how many messages there are in the lobby."""
    log = client.join("lobby")
    page = client.ask(m.History(client.next_id(), log, 50))
    if not isinstance(page, m.Page):
        raise Fell(f"the messages cannot be read: {page}")
    return page.count


def restart(server: ServerProcess) -> None:
    """Stop a server as an operator does, and start it again."""
    server._process.terminate()
    server._process.wait()
    server.start()
    time.sleep(0.3)


@attack(
    "a server with --keep-days 30 is started with its clock ahead and behind",
    "one start with the clock 60 days ahead, and every message was gone, with nothing in the log",
)
def trimmed_by_a_jump(arena: Arena) -> str:
    """Start with the clock ahead and behind; then believe it, and start once more."""
    clock = WrongClock(arena.directory / "clock")
    state = arena.directory / "state"
    try:
        with arena.server(options=("--keep-days", "30")) as server:
            ana = arena.client(server, "ana")
            log = ana.join("lobby")
            for number in range(20):
                ana.say(log, f"message {number}")
            kept = []
            for days in (60, 400, -60):
                clock.set(days * 86_400)
                ana.close()
                restart(server)
                ana = arena.client(server, "ana", identity=ana.identity)
                kept.append(history(ana))
            if kept != [20] * 3:
                raise Fell(f"of 20 messages were left {kept}")
            if "nothing is removed for its age" not in server.log():
                raise Fell("the log says nothing of it")
            ana.close()
            clock.set(60 * 86_400)
            admin(state, "clock", "--accept")
            restart(server)
            left = history(arena.client(server, "ana", identity=ana.identity))
            if left or "20 old records of 1 logs were removed" not in server.log():
                raise Fell(f"the operator believes the clock, and {left} messages are left")
    finally:
        clock.end()
    return "20 of 20 messages left after each of 3 starts; 0 once the operator believed the clock"


@attack(
    "the clock is set an hour and a day ahead and back while a mute and slow mode wait, and up to"
    " ten years ahead while a name is held",
    "slow mode of 10 s made a member wait 3,599 s",
)
def waits_in_a_jump(arena: Arena) -> str:
    """Let a member wait one second, whatever the clock says, and a mute hold for five."""
    clock = WrongClock(arena.directory / "clock")
    waited = []
    try:
        with arena.server() as server:
            owner = arena.client(server, "owner")
            log = owner.join("den")
            guest = arena.client(server, "guest")
            guest.join("den")
            owner.ask(m.Slow(owner.next_id(), log, 1))
            for jump in (3_600, -3_600, 86_400, 0):
                if isinstance(guest.say(log, "one"), m.Refused):
                    raise Fell(f"nothing can be said before the jump of {jump} s")
                clock.set(jump)
                since = time.monotonic()
                while isinstance(guest.say(log, "two"), m.Refused):
                    time.sleep(0.05)
                    if time.monotonic() - since > 3:
                        raise Fell(f"still waiting 3 s after a jump of {jump} s")
                waited.append(time.monotonic() - since)
                time.sleep(1.1)
            if min(waited) < 0.8:
                raise Fell(f"the wait was over after {min(waited):.1f} s")
            owner.ask(m.Moderate(owner.next_id(), "mute", "guest", log, 2))
            clock.set(86_400)
            if not isinstance(guest.say(log, "three"), m.Refused):
                raise Fell("a jump ended a mute")
            clock.set(-86_400)
            time.sleep(2.1)
            if isinstance(guest.say(log, "four"), m.Refused):
                raise Fell("a jump made a mute longer")
            guest.ask(m.Nick(guest.next_id(), "another"))
            for days in (31, 60, 4_000):
                clock.set(days * 86_400)
                if isinstance(arena.client(server, "guest").answer, m.Welcome):
                    raise Fell(f"a jump of {days} days freed a name")
    finally:
        clock.end()
    return (
        f"waits of 1 s took {min(waited):.1f} to {max(waited):.1f} s over 4 jumps; 3 more freed no"
        " name"
    )
