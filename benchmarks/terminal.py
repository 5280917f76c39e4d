"""``python -m benchmarks.terminal``: whether the full screen is as fast as it is meant to be.

It prints each target and the figure, and exits with 1 if one is missed. Times of frames are CPU
times of the client alone, so that what else runs here does not count; the start is measured by the
clock, from the command to a screen on which one can type.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import structs

from chat.client.core.model import Phase
from chat.client.core.rooms import Room
from chat.ids import AccountId, RecordId
from chat.wire import messages as m
from chat.wire.messages import decode_body, encode
from chat.wire.records import Delivered
from tests.client.model import ModelServer
from tests.client.tui.support import Desk
from tests.e2e.programs import Programs
from tests.e2e.terminal import Terminal, Terminals

_ROOMS: Final = 100
_STARTS: Final = 5
_MESSAGES: Final = 100_000
_MILLION: Final = 1_000_000
_MORE: Final = 200_000
"""Messages of a room of a million that are paged through beyond those that are kept."""
_PAGE: Final = 50
_FRAMES: Final = 100
_PER_SECOND: Final = 200
_FRAME_SECONDS: Final = 1 / 60
_IDLE_SECONDS: Final = 10.0
_WORDS: Final = "Something that somebody says in a room, as long as such things are, 你好 👍"


@dataclass(frozen=True)
class Figure:
    """A figure, and the most that it may be."""

    name: str
    value: float
    most: float
    unit: str

    def __str__(self) -> str:
        """Return both in a line."""
        verdict = "met" if self.is_met else "MISSED"
        return f"{self.name:58} {self.value:8.2f} {self.unit:4} at most {self.most:g}: {verdict}"

    @property
    def is_met(self) -> bool:
        """Whether it is small enough."""
        return self.value <= self.most


def _memory() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def _cpu_seconds(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


# --- In a process of its own, at a real terminal ---


def _start(terminals: Terminals, port: str) -> tuple[Terminal, float]:
    """Start the client; return it and the seconds until one can type in a room."""
    began = time.monotonic()
    command = sys.executable, "-m", "chat.client", f"localhost:{port}", "--nick", "ana"
    terminal = terminals.start(*command)
    terminal.type("typed at once")
    terminal.shows("encrypted")
    terminal.shows("typed at once")
    return terminal, time.monotonic() - began


def at_a_terminal() -> list[Figure]:
    """Measure starts, and what an idle client costs."""
    with tempfile.TemporaryDirectory() as name:
        programs, terminals = Programs(Path(name)), Terminals(Path(name))
        try:
            server = programs.start(
                sys.executable, "-m", "tests.client.serve", "--rooms", str(_ROOMS)
            )
            port = server.says("^[0-9]+$")[0]
            seconds = []
            for _ in range(_STARTS + 1):  # The first finds nothing in the cache of files.
                terminal, took = _start(terminals, port)
                seconds.append(took)
                terminal.press("ctrl-q")
                terminal.ends()
            terminal, _ = _start(terminals, port)
            time.sleep(2)
            before = _cpu_seconds(terminal.pid)
            time.sleep(_IDLE_SECONDS)
            idle = (_cpu_seconds(terminal.pid) - before) / _IDLE_SECONDS
        finally:
            terminals.clean_up()
            programs.clean_up()
    start = statistics.median(seconds[1:])
    return [
        Figure(f"usable after the command, {_ROOMS} rooms (median of {_STARTS})", start, 0.5, "s"),
        Figure("idle, share of a core", 100 * idle, 0.5, "%"),
    ]


# --- In this process, without a terminal ---


def _record(room: Room, seq: int) -> Delivered:
    account = AccountId(bytes([seq % 50]) * 16)
    body = m.TextBody(1_795_000_000_000 + seq * 1_000, account, f"user{seq % 50}", _WORDS)
    record = RecordId(seq.to_bytes(16, "big"))
    # Decoded, because that is what a message is made of when it arrives.
    return Delivered(room.log, seq, record, decode_body(encode(body)), 1)


def _page_back(room: Room, count: int) -> None:
    """Let a timeline learn so many older messages, as paging back does."""
    for _ in range(0, count, _PAGE):
        begin = room.timeline.window.begin - _PAGE
        page = [_record(room, seq) for seq in range(begin, begin + _PAGE)]
        room.timeline.extend_back(page, more=True)


async def _frames(desk: Desk, act: Callable[[], None]) -> list[float]:
    """Return the CPU seconds of frames, each after something was done."""
    times = []
    for _ in range(_FRAMES):
        before = time.process_time()
        act()
        await desk.settle()
        times.append(time.process_time() - before)
    return times


def _worst(times: list[float]) -> float:
    """Return the time that one frame in a hundred exceeds, in ms."""
    return 1_000 * sorted(times)[len(times) * 99 // 100 - 1]


async def _measure(desk: Desk) -> list[Figure]:
    await desk.enter()
    assert desk.core.connection.phase is Phase.ONLINE
    [room] = desk.core.rooms
    before = _memory()
    _page_back(room, _MESSAGES)
    kept = _memory() - before
    desk.client.documents.of(room).rebuild()
    await desk.settle()
    whole = _memory() - before
    view = desk.log
    scrolled = await _frames(desk, lambda: view.action_page(-1))
    seq = room.cursor
    desk.log.action_end()
    await desk.settle()

    def say_some() -> None:
        nonlocal seq
        for _ in range(round(_PER_SECOND * _FRAME_SECONDS)):
            seq += 1
            desk.core.delivered(structs.replace(_record(room, seq), page=0))

    busy = await _frames(desk, say_some)
    desk.core.show_end(room)
    _page_back(room, _MESSAGES + _MORE)
    million = _memory() - before
    return [
        Figure("a page up in 100,000 messages (99th of 100 frames)", _worst(scrolled), 16, "ms"),
        Figure("a frame with 200 messages a second (99th of 100)", _worst(busy), 16, "ms"),
        Figure("100,000 messages in memory", kept, 150, "MB"),
        Figure("the same with their rows on the screen", whole, 150, "MB"),
        Figure("a room of a million, as much as is kept", million, max(whole * 1.2, 150), "MB"),
    ]


def without_a_terminal() -> list[Figure]:
    """Measure frames and memory."""
    server = ModelServer()
    lobby = server.room("lobby", "bob")
    lobby.seq = 2 * _MILLION
    with tempfile.TemporaryDirectory() as name:
        desk = Desk(Path(name), server)

        async def play() -> list[Figure]:
            async with desk.app.run_test(size=(80, 24), notifications=True) as pilot:
                desk.pilot = pilot
                return await _measure(desk)

        return asyncio.run(play())


def main() -> None:
    """Measure everything, and print it."""
    figures = without_a_terminal() + at_a_terminal()
    for figure in figures:
        print(figure)
    sys.exit(not all(figure.is_met for figure in figures))


if __name__ == "__main__":
    main()
