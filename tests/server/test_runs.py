"""Runs: each reader gets the lines that are for it, under digests that are right, shared by all."""

from hashlib import sha512

from hypothesis import given
from hypothesis import strategies as st

from chat.server.runs import Batch, Line, Run, join_runs, line_of

LOG = b"L" * 16


def line(seq: int, epoch: int = 1, size: int = 40) -> Line:
    """Return a record line."""
    return line_of(LOG, seq, epoch.to_bytes(4, "big") + seq.to_bytes(8, "big") * (size // 8))


def content(runs: list[Run]) -> bytes:
    """Return the lines of runs; check what each part says of itself."""
    for run in runs:
        assert run.parts
        for data, digest in run.parts:
            assert data and sha512(data).digest() == digest
    return b"".join(bytes(data) for run in runs for data, _ in run.parts)


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=150).map(sorted),
    st.sets(st.integers(0, 149)),
    st.sampled_from([40, 8_000]),
)
def test_everybody_gets_all_but_the_own_lines(epochs: list[int], own: set[int], size: int) -> None:
    lines = [line(seq, epoch, size) for seq, epoch in enumerate(epochs, 1)]
    places = sorted(place for place in own if place < len(lines))
    batch = Batch(lines)
    assert content(batch.runs) == b"".join(each.data for each in lines)
    left = [each for place, each in enumerate(lines) if place not in own]
    runs = batch.without(places)
    assert content(runs) == b"".join(each.data for each in left)
    by_epoch = [run.epoch for run in runs]
    assert by_epoch == sorted(by_epoch)
    assert [run.last for run in runs] == sorted(run.last for run in runs)
    assert (runs[-1].last if runs else 0) == (left[-1].seq if left else 0)
    by_data = {it.data: it.record[:4] for it in left}
    for run in runs:
        got = content([run]).splitlines(keepends=True)
        assert {by_data[each] for each in got} == {run.epoch.to_bytes(4, "big")}


def test_in_a_crowd_little_is_joined_and_digested_for_one_author_alone() -> None:
    lines = [line(seq) for seq in range(1, 1_001)]
    batch = Batch(lines)
    whole, _ = batch.runs[0].parts[0]
    alone = 0
    digests: dict[bytes, int] = {}
    for place in range(1_000):
        [run] = batch.without([place])
        assert len(run.parts) <= 3
        for data, digest in run.parts:
            if not isinstance(data, memoryview):
                alone += len(data)
            elif data.obj is whole:
                digests[digest] = digests.get(digest, 0) + 1
    assert alone < 1_000 * 32 * len(lines[0].data)
    # What comes behind one's own line begins with a block, of which there are few.
    assert sum(count > 1 for count in digests.values()) == 1_000 // 32


def test_who_said_everything_gets_nothing() -> None:
    batch = Batch([line(1), line(2)])
    assert batch.without([0, 1]) == []
    assert batch.without([]) == batch.runs


def test_passing_records_are_last_at_nothing() -> None:
    assert [run.last for run in join_runs([line(0), line(0)])] == [0]
    assert join_runs([]) == []
