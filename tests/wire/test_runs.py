"""Runs: what all readers of a commit get, and what its authors get instead."""

from collections.abc import Sequence
from hashlib import sha256, sha512
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.ids import RecordId
from chat.limits import RUN_BYTES
from chat.testing import FakeLog, Pair, seeded_bytes
from chat.testing.ids import ANY_ACCOUNT
from chat.wire.connection import Delivered
from chat.wire.messages import Keys, TextBody, encode
from chat.wire.records import record_epoch, seal_record
from chat.wire.runs import Delivery, Line, Run, join_runs, line_of, run_of
from chat.wire.sealing import BoxKey
from tests import examples

LOG: Final = FakeLog().log


class Said(NamedTuple):
    """A line and its author."""

    author: int
    line: Line


class Posts(NamedTuple):
    """Consecutive posts of one author, each with a text of `size` characters."""

    author: int
    times: int
    size: int
    is_passing: bool
    is_new_epoch: bool


def key_of(epoch: int) -> bytes:
    """Return an epoch's key."""
    return sha256(b"%d" % epoch).digest() * 2


def said(posts: Sequence[Posts]) -> list[Said]:
    """Return sealed lines, at most 130."""
    random_bytes = seeded_bytes(1)
    result: list[Said] = []
    seq, epoch = 0, 1
    for item in posts:
        epoch += item.is_new_epoch
        for _ in range(item.times):
            seq += not item.is_passing
            text = f"{len(result)}".ljust(item.size)
            body = encode(TextBody(0, ANY_ACCOUNT, f"{item.author}", text))
            key = BoxKey(key_of(epoch))
            identity = RecordId(random_bytes(16))
            record = seal_record(key, LOG, epoch, identity, body, random_bytes)
            line = line_of(LOG, 0 if item.is_passing else seq, record)
            result.append(Said(item.author, line))
    return result[:130]


BATCHES: Final = st.lists(
    st.builds(
        Posts,
        author=st.integers(0, 3),
        times=st.sampled_from([1, 2, 3, 31, 32, 33, 64]),
        size=st.sampled_from([1, 100, 3_000]),
        is_passing=st.booleans(),
        is_new_epoch=st.integers(0, 5).map(lambda it: it == 0),
    ),
    min_size=1,
    max_size=6,
).map(said)


def data_of(run: Run) -> bytes:
    """Return the lines of a run, joined."""
    return b"".join([lines for lines, _ in run.parts])


def check(runs: Sequence[Run], lines: Sequence[Line]) -> None:
    """Check the lines of runs, and their attributes."""
    assert b"".join(map(data_of, runs)) == b"".join([line.data for line in lines])
    left = list(lines)
    for run in runs:
        data, held = data_of(run), b""
        assert 0 < len(data) <= RUN_BYTES
        mine = []
        while len(held) < len(data):
            mine.append(left.pop(0))
            held += mine[-1].data
        assert held == data
        whole = run_of(mine)
        assert (run.epoch, run.last) == (whole.epoch, whole.last)
        assert {record_epoch(line.record) for line in mine} == {run.epoch}
        assert run.last == max(line.seq for line in mine)
        for part, digest in run.parts:
            assert part and digest == sha512(part).digest()


@examples(50)
@given(BATCHES, st.integers(0, 3))
def test_an_author_is_given_all_lines_but_its_own(batch: list[Said], author: int) -> None:
    own = [place for place, item in enumerate(batch) if item.author == author]
    runs = Delivery([item.line for item in batch]).without(own)
    check(runs, [item.line for item in batch if item.author != author])


@examples(50)
@given(BATCHES, st.data())
def test_whatever_is_left_out_the_rest_is_there(batch: list[Said], data: st.DataObject) -> None:
    lines = [item.line for item in batch]
    omitted = sorted(data.draw(st.sets(st.integers(0, len(lines) - 1))))
    shared = Delivery(lines)
    for own in (omitted, omitted[:1], omitted[-1:], omitted):
        check(shared.without(own), [it for at, it in enumerate(lines) if at not in own])
    check(shared.runs, lines)


@examples(25)
@given(BATCHES, st.integers(0, 3))
def test_a_client_accepts_what_an_author_is_given(batch: list[Said], author: int) -> None:
    own = [place for place, item in enumerate(batch) if item.author == author]
    pair = Pair()
    pair.log_in()
    pair.server_sends(FakeLog().opened())
    heard: list[Delivered] = []
    for run in Delivery([item.line for item in batch]).without(own):
        pair.server_sends(Keys(LOG, run.epoch, key_of(run.epoch)))
        written = b"".join(pair.server.deliver(run.parts))
        heard += [it for it in pair.to_client(written) if isinstance(it, Delivered)]
    expected = [(at, it.line.seq) for at, it in enumerate(batch) if it.author != author]
    got = [(it.body.text, it.seq) for it in heard if isinstance(it.body, TextBody)]
    assert [(int(text), seq) for text, seq in got] == expected


@examples(50)
@given(BATCHES)
def test_who_wrote_nothing_is_given_what_all_are_given(batch: list[Said]) -> None:
    shared = Delivery([item.line for item in batch])
    runs = shared.without([])
    assert len(runs) == len(shared.runs)
    assert all(one is other for one, other in zip(runs, shared.runs, strict=True))


@examples(50)
@given(BATCHES)
def test_who_wrote_everything_is_given_nothing(batch: list[Said]) -> None:
    lines = [item.line for item in batch]
    assert Delivery(lines).without(range(len(lines))) == []


def test_nothing_makes_no_run() -> None:
    assert Delivery([]).runs == Delivery([]).without([]) == join_runs([]) == []


def test_only_the_run_that_has_own_lines_in_it_is_another_one() -> None:
    posts = [Posts(number, 3, 1, False, True) for number in range(3)]
    batch = Delivery([item.line for item in said(posts)])
    first, middle, last = batch.runs
    one, other, another = batch.without([4])
    assert one is first and another is last
    assert other is not middle
    assert batch.without([3, 4, 5]) == [first, last]


def test_a_run_is_as_long_as_it_may_be_and_no_longer() -> None:
    # 16 lines of exactly a sixteenth of the bound, and then the shortest possible line.
    lines = [Line(seq, bytes(60), b"x" * (RUN_BYTES // 16)) for seq in range(1, 17)]
    assert [run.last for run in join_runs(lines)] == [16]
    assert [run.last for run in join_runs([*lines, Line(17, bytes(60), b"x")])] == [16, 17]


# --- A crowd ---


def crowd(count: int) -> list[Line]:
    """Return one line each from a number of authors, sorted as by a feed."""
    return [line_of(LOG, seq, bytes(100)) for seq in range(1, count + 1)]


def test_authors_in_a_crowd_share_most_of_the_bytes_and_of_the_parts() -> None:
    count = 640
    lines = crowd(count)
    batch = Delivery(lines)
    [everything] = batch.runs
    [(whole, _)] = everything.parts
    size = len(whole) // count + 1
    behind = set()
    alone = 0
    for place in range(count):
        [run] = batch.without([place])
        assert 1 <= len(run.parts) <= 3
        for part in run.parts:
            if isinstance(part[0], memoryview):
                assert part[0].obj is whole  # No copy.
            else:
                alone += len(part[0])
                assert len(part[0]) < 32 * size
        if place < count - 32:
            behind.add(id(run.parts[-1]))
            assert batch.without([place])[0].parts[-1] is run.parts[-1]
    # Authors whose lines are in the same block share the same objects, digests included.
    assert len(behind) == count // 32 - 1
    assert alone < count * 16 * size


class CountedHash:
    """A SHA-512 that counts its input."""

    total = 0

    def __init__(self, data: bytes | memoryview = b"") -> None:
        self._hash = sha512()
        self.update(data)

    def update(self, data: bytes | memoryview) -> None:
        """Hash and count more input."""
        CountedHash.total += len(data)
        self._hash.update(data)

    def copy(self) -> "CountedHash":
        """Return a copy with the same input."""
        other = CountedHash()
        other._hash = self._hash.copy()
        return other

    def digest(self) -> bytes:
        """Return the digest."""
        return self._hash.digest()


def test_a_crowd_is_not_digested_once_for_each_of_its_authors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CountedHash, "total", 0)
    count = 640
    lines = crowd(count)
    size = len(lines[-1].data)
    with monkeypatch.context() as patch:
        patch.setattr("chat.wire.runs.hashlib.sha512", CountedHash)
        batch = Delivery(lines)
        runs = [run for place in range(count) for run in batch.without([place])]
    check(runs[:1], lines[1:])
    check(runs[-1:], lines[:-1])
    # A block before and a block after for each, everything once for all, and each end once.
    ends = sum(range(0, count, 32))
    assert CountedHash.total < (count * 32 + 3 * count + ends) * size
    assert CountedHash.total < count * count * size / 10
