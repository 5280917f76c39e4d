"""``python -m benchmarks.store``: the costs of durability and of history.

The file is in the current directory's file system, because the one for temporary files may be in
memory.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final, TypeVar

from twisted.internet import task
from twisted.internet.defer import Deferred

from chat.ids import AccountId, LogId, RecordId
from chat.limits import HISTORY_PAGE, Limits
from chat.store.interface import Commit, Record, RecordKind
from chat.store.sqlite import SqliteStore, open_store
from chat.store.sqlite.writer import Tidied, Writer

T = TypeVar("T")

_SYNCS: Final = 200
_SINGLES: Final = 200
_POSTS: Final = 60_000
_IN_FLIGHT: Final = 20
"""Concurrent commits, of `_BATCH` records in `_ROOMS` logs each, as in busy rooms."""
_BATCH: Final = 32
_ROOMS: Final = 4
_RECORD: Final = 250
_WORDS: Final = "some eighty characters that people say to each other on an ordinary day here"
_LONG: Final = 1_000_000
_SHORT: Final = 100
_PAGES: Final = 500


_AUTHOR: Final = AccountId(b"an author's name")
_QUIET: Final = LogId(b"a quiet log here")


def _record(log: LogId, number: int) -> Record:
    return Record(
        log,
        RecordId(number.to_bytes(16, "big")),
        _AUTHOR,
        RecordKind.TEXT,
        epoch=0,
        time=number,
        data=os.urandom(_RECORD),
        words=f"{_WORDS} {number}",
    )


def _records(log: LogId, first: int, count: int) -> Commit:
    return Commit(0, [_record(log, number) for number in range(first, first + count)])


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def _sync_milliseconds(directory: Path) -> list[float]:
    """Return the milliseconds of writing 4 KiB and fdatasync, many times in sequence."""
    times = []
    with open(directory / "raw", "wb", buffering=0) as file:
        for _ in range(_SYNCS):
            before = perf_counter()
            file.write(os.urandom(4_096))
            os.fdatasync(file.fileno())
            times.append((perf_counter() - before) * 1_000)
    return times


async def _single_milliseconds(store: SqliteStore) -> list[float]:
    """Return the milliseconds until a single post is durable, many times in sequence."""
    times = []
    for number in range(_SINGLES):
        before = perf_counter()
        await store.commit(_records(_QUIET, number, 1))
        times.append((perf_counter() - before) * 1_000)
    return times


async def _many(store: SqliteStore, posts: int) -> tuple[float, float, float]:
    """Return posts per second, per CPU second, and per commit, with many at a time."""
    commits, cpu, before = store.commits, process_time(), perf_counter()
    next_id = [0]

    async def post(logs: list[LogId]) -> None:
        while next_id[0] < posts:
            first, next_id[0] = next_id[0], next_id[0] + _BATCH
            each = _BATCH // _ROOMS
            await store.commit(
                Commit(0, [_record(logs[it // each], first + it) for it in range(_BATCH)])
            )

    rooms = [LogId(bytes([number]) * 16) for number in range(_IN_FLIGHT * _ROOMS)]
    in_turn = [rooms[at::_IN_FLIGHT] for at in range(_IN_FLIGHT)]
    for posting in [Deferred.fromCoroutine(post(logs)) for logs in in_turn]:
        await posting
    seconds = perf_counter() - before
    return posts / seconds, posts / (process_time() - cpu), posts / (store.commits - commits)


async def _page_milliseconds(store: SqliteStore, log: LogId, last: int) -> list[float]:
    """Return the CPU milliseconds, both threads, of reading pages from all over a log."""
    times = []
    for number in range(_PAGES):
        before_seq = max(last * (number + 1) // _PAGES, HISTORY_PAGE + 1)
        before = process_time()
        page = await store.read(
            log, before_seq, Limits().catch_up_bytes, backward=True, limit=HISTORY_PAGE + 1
        )
        times.append((process_time() - before) * 1_000)
        assert len(page) >= HISTORY_PAGE
    return times


def _tidy(path: Path) -> None:
    """Print the steps of tidying up after a deletion, and how long each makes posts wait."""
    writer = Writer(path, has_search=True)
    size = path.stat().st_size / 2**20
    erasing = _record(LogId(bytes(16)), _POSTS)._replace(erases=1)
    writer.commit(Commit(0, [erasing]))
    times: list[float] = []
    tidied = Tidied.PARTLY
    while tidied is Tidied.PARTLY:
        before = perf_counter()
        tidied = writer.tidy()
        times.append((perf_counter() - before) * 1_000)
    *merges, rewriting = times
    print(
        f"{f'tidying {size:.0f} MiB after a deletion':52} {sum(times):>10,.0f} ms:"
        f" {len(merges)} steps of up to {max(merges):.0f} ms, rewriting {rewriting:.0f} ms"
        f" ({rewriting / size:.1f} per MiB)"
    )
    writer.close()


def _report(name: str, times: list[float], unit: str, bound: str = "") -> None:
    ordered = sorted(times)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(f"{name:52} {median(times):>10,.3f} {unit}, p99 {p99:,.3f}{bound}")


async def _main(reactor: Any) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        directory = Path(name)
        await _measure(reactor, directory, _with_store(reactor, directory))


def _with_store(reactor: Any, directory: Path) -> Callable[[str, bool], SqliteStore]:
    return lambda name, has_search: open_store(directory / name, reactor, has_search)


async def _measure(
    reactor: Any, directory: Path, opened: Callable[[str, bool], SqliteStore]
) -> None:
    _report("write 4 KiB and fdatasync, this disk", _sync_milliseconds(directory), "ms")
    store = opened("one.db", True)
    _report("a post, durable, alone", await _single_milliseconds(store), "ms")
    await store.close()
    for has_search in (True, False):
        store = opened(f"many-{has_search}.db", has_search)
        rate, cpu_rate, per_commit = await _many(store, _POSTS)
        index = "with the index" if has_search else "without it"
        print(
            f"{f'posts, {_IN_FLIGHT} commits of {_BATCH} at a time, {index}':52} {rate:>10,.0f} per"
            f" second, {cpu_rate:,.0f} per CPU second, {per_commit:,.0f} per commit"
        )
        await store.close()
    _tidy(directory / "many-True.db")
    store = opened("long.db", False)
    short, long = LogId(b"a short log here"), LogId(b"a long log here.")
    await store.commit(_records(short, 0, _SHORT))
    resident = _resident()
    for first in range(0, _LONG, 10_000):
        await store.commit(_records(long, first, 10_000))
    grown = _resident() - resident
    for log, last, words in ((short, _SHORT, "a hundred"), (long, _LONG, "a million")):
        times = await _page_milliseconds(store, log, last)
        _report(f"CPU of a page of {HISTORY_PAGE} out of {words} records", times, "ms", "; bound 1")
    size = (directory / "long.db").stat().st_size
    print(f"{'a record on disk':52} {size / _LONG:>10,.0f} bytes, {_RECORD} of them its data")
    print(f"{'process memory for a million records':52} {grown / 2**20:>10,.1f} MiB")
    await store.close()


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(_main(reactor)))
