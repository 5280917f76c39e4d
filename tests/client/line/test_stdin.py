"""Standard input, cut into lines."""

import os
import sys
from collections.abc import Callable
from itertools import pairwise
from queue import Queue
from threading import Event, Semaphore

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from chat.client.line.interfaces import BadLine
from chat.client.line.stdin import (
    INPUT_LINE_BYTES,
    TERMINAL_LINE_BYTES,
    LineSplitter,
    start_reading,
)


def split(*chunks: bytes) -> list[str | BadLine]:
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
        (b"\xff\xfe\nok\n", [BadLine.NOT_UTF8, "ok"]),
        (b"\xed\xa0\x80\n", [BadLine.NOT_UTF8]),
        (b"x" * INPUT_LINE_BYTES + b"\n", ["x" * INPUT_LINE_BYTES]),
        (b"x" * (INPUT_LINE_BYTES + 1) + b"\nok\n", [BadLine.TOO_LONG, "ok"]),
        (b"x" * (INPUT_LINE_BYTES + 1), [BadLine.TOO_LONG]),
    ],
)
def test_lines(data: bytes, lines: list[str | BadLine]) -> None:
    assert split(data) == lines


def test_a_byte_order_mark_is_part_of_no_line() -> None:
    assert split(b"\xef\xbb\xbfbob\n\xef\xbb\xbfhi\n") == ["bob", "\ufeffhi"]
    assert split(b"\xef\xbb", b"\xbf") == [""]


@pytest.mark.parametrize("character", ["x", "\u4f60"])
def test_what_a_terminal_may_have_cut_is_not_taken_for_whole(character: str) -> None:
    cut = (character.encode() * TERMINAL_LINE_BYTES)[: TERMINAL_LINE_BYTES - 1]
    splitter = LineSplitter(is_terminal=True)
    assert splitter.feed(cut + b"\n") == [BadLine.CUT]
    assert splitter.feed(b"x" * (TERMINAL_LINE_BYTES - 2) + b"\n") == [
        "x" * (TERMINAL_LINE_BYTES - 2)
    ]


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("more", [0, 1])
def test_a_line_may_be_as_long_as_that_however_it_arrives(is_terminal: bool, more: int) -> None:
    bad = BadLine.CUT if is_terminal else BadLine.TOO_LONG
    size = more + (TERMINAL_LINE_BYTES - 2 if is_terminal else INPUT_LINE_BYTES)
    for at in (0, 1, size - 1, size):
        splitter = LineSplitter(is_terminal=is_terminal)
        assert splitter.feed(b"x" * at) == []
        assert splitter.feed(b"x" * (size - at) + b"\n") == [bad if more else "x" * size]


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux's terminals keep of a line")
def test_a_terminal_of_this_system_keeps_as_much_of_a_line() -> None:
    ours, theirs = os.openpty()
    try:
        os.write(ours, b"x" * 5_000 + b"\n")
        assert len(os.read(theirs, 10_000)) == TERMINAL_LINE_BYTES
    finally:
        os.close(ours)
        os.close(theirs)


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
    assert splitter.feed(b"\nnext\n") == [BadLine.TOO_LONG, "next"]


@implementer(IReactorFromThreads)
class DirectReactor:
    """Calls at once, whoever asks."""

    def callInThread(self, callable: Callable[..., object], *args: object, **kw: object) -> None:
        """Be in no thread."""
        raise NotImplementedError

    def callFromThread(self, callable: Callable[..., object], *args: object, **kw: object) -> None:
        """Call it here and now."""
        callable(*args, **kw)


def test_the_reader_takes_a_place_for_each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    out, into = os.pipe()
    os.write(into, b"one\ntwo\nthree")
    os.close(into)
    window = Semaphore(1)
    taken: Queue[str | BadLine] = Queue()
    ended = Event()
    with open(out, encoding="utf-8") as source:
        monkeypatch.setattr("sys.stdin", source)
        start_reading(DirectReactor(), window, taken.put, ended.set)
        for line in ("one", "two", "three"):
            assert taken.get(timeout=10) == line
            assert taken.empty()
            window.release()
        assert ended.wait(10)


def test_an_input_that_is_closed_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Event()
    monkeypatch.setattr("sys.stdin", None)
    lines: list[str | BadLine] = []
    start_reading(DirectReactor(), Semaphore(1), lines.append, ended.set)
    assert ended.wait(10)
    assert lines == []
