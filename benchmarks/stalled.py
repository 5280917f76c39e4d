"""``python -m benchmarks.stalled``: what a reader that stops reading costs the server and others.

100 MB of distinct messages pass it. Prints how much the server's memory grew, how long messages
took to reach the other readers, before and meanwhile, and whether it got everything afterwards.
"""

from time import monotonic
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred

from benchmarks.clients import BenchClient, connect_all
from benchmarks.server import ServerProcess
from chat.limits import TEXT_BYTES

_BYTES: Final = 100_000_000
_TEXT: Final = TEXT_BYTES - 16
_POSTS: Final = _BYTES // _TEXT + 1
_READERS: Final = 5
_IN_FLIGHT: Final = 8
_PROBES: Final = 300
_PROBE_SECONDS: Final = 0.02
_SECONDS: Final = 50.0
"""Time limit for the flood: less than the server allows a reader to stall."""
_AFTERWARDS: Final = 120.0


async def _latencies(reactor: Any, sender: BenchClient, readers: list[BenchClient]) -> list[float]:
    """Return, for many posts, the milliseconds until the last reader has seen it."""
    times = []
    for _ in range(_PROBES):
        goals = [reader.delivered + 1 for reader in readers]
        seen: Deferred[None] = Deferred()

        def progress(seen: Deferred[None] = seen, goals: list[int] = goals) -> None:
            if not seen.called and all(
                reader.delivered >= goal for reader, goal in zip(readers, goals, strict=True)
            ):
                seen.callback(None)

        for reader in readers:
            reader.on_progress = progress
        before = monotonic()
        sender.post(1, 1, "probe")
        await seen.addTimeout(_SECONDS, reactor)
        times.append((monotonic() - before) * 1_000)
        await task.deferLater(reactor, _PROBE_SECONDS, lambda: None)
    return sorted(times)


def _report(name: str, times: list[float]) -> None:
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"{name:44} p50 {p50:.2f} ms, p99 {p99:.2f} ms")


async def _flood(reactor: Any, sender: BenchClient) -> None:
    """Post 100 MB of distinct messages, and wait until all are durable."""
    goal = sender.acknowledged + _POSTS
    done: Deferred[None] = Deferred()

    def progress() -> None:
        if sender.acknowledged >= goal and not done.called:
            done.callback(None)

    sender.on_progress = progress
    sender.post_random(_POSTS, _IN_FLIGHT, _TEXT)
    await done.addTimeout(_SECONDS, reactor)


async def _main(reactor: Any) -> None:
    with ServerProcess() as server:
        nicks = ["sender", "prober", "stalled", *(f"r{number}" for number in range(_READERS))]
        sender, prober, stalled, *readers = await connect_all(reactor, server.port, nicks)
        for client in (sender, prober, *readers):
            client.count_records()
        await _latencies(reactor, prober, readers)  # Warm up first.
        await _flood(reactor, sender)
        _report("nobody stalls", await _latencies(reactor, prober, readers))
        stalled.transport.pauseProducing()
        before, at_pause = server.memory_bytes(), stalled.delivered
        await _flood(reactor, sender)
        grown = server.memory_bytes() - before
        print(
            f"{'100 MB pass a stalled reader; memory grew by':44} {grown / 2**20:.2f} MiB; bound 5"
        )
        _report("one has stalled", await _latencies(reactor, prober, readers))
        missing = _POSTS + _PROBES
        stalled.transport.resumeProducing()
        deadline = monotonic() + _AFTERWARDS
        while stalled.delivered < at_pause + missing and monotonic() < deadline:
            await task.deferLater(reactor, 0.1, lambda: None)
        await task.deferLater(reactor, 1, lambda: None)
        got = stalled.delivered - at_pause
        print(f"{'it reads again, and got':44} {got:,} of {missing:,}, each opened and verified")
        for client in (sender, prober, stalled, *readers):
            client.transport.abortConnection()
        if got < missing:
            raise SystemExit("something is missing")


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(_main(reactor)))
