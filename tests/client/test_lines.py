"""Standard input, cut into lines."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.lines import INPUT_LINE_BYTES, LineSplitter


def split(*chunks: bytes) -> list[str | None]:
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return lines + splitter.finish()


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\r\n\r\n", ["one", ""]),
        (b"no end", ["no end"]),
        ("Grüße\n".encode(), ["Grüße"]),
        (b"\xff\xfe\nok\n", [None, "ok"]),
        (b"\xed\xa0\x80\n", [None]),
        (b"x" * INPUT_LINE_BYTES + b"\n", ["x" * INPUT_LINE_BYTES]),
        (b"x" * (INPUT_LINE_BYTES + 1) + b"\nok\n", [None, "ok"]),
        (b"x" * (INPUT_LINE_BYTES + 1), [None]),
    ],
)
def test_lines(data: bytes, lines: list[str | None]) -> None:
    assert split(data) == lines


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_how_the_input_arrives_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]
    assert split(*chunks) == split(data)


def test_an_endless_line_is_not_kept() -> None:
    splitter = LineSplitter()
    for _ in range(100):
        assert splitter.feed(b"x" * 65_536) == []
        assert len(splitter._buffer) <= INPUT_LINE_BYTES
    assert splitter.feed(b"\nnext\n") == [None, "next"]
